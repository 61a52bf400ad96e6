//! Who is let in: tokens, versions, subscriptions, sign-in.

use reqwest::Method;

use super::office::Office;
use crate::support::arm::{self, SUBSCRIPTION, Told, VERSION};

#[track_caller]
fn expect(told: &Told, status: u16, code: &str) {
    assert_eq!(told.refusal(), (status, code.to_owned()), "{}", told.text);
}

#[test]
fn nobody_comes_in_without_the_right_token() {
    let office = Office::with_job();
    let path = format!("{}?api-version={VERSION}", arm::job("job1"));
    for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE, Method::POST] {
        let bare = || office.arm.bare(method.clone(), &path);
        let code = "AuthenticationFailed";
        expect(&office.arm.send(bare()), 401, code);
        expect(&office.arm.send(bare().bearer_auth("wrong")), 401, code);
        let token = office.emulator.fact("token");
        expect(&office.arm.send(bare().header("authorization", token)), 401, code);
        let basic = bare().basic_auth("somebody", Some(token));
        expect(&office.arm.send(basic), 401, code);
    }
    assert_eq!(office.get("job1").status, 200);
}

#[test]
fn every_call_names_a_version_that_exists() {
    let office = Office::with_job();
    let call = |query: &str| {
        let path = format!("{}{query}", arm::job("job1"));
        office.arm.send(office.arm.with_token(Method::GET, &path))
    };
    for version in ["2016-11-01", "2020-08-01", "2021-01-01"] {
        assert_eq!(call(&format!("?api-version={version}")).status, 200, "{version}");
    }
    assert_eq!(call("?API-Version=2020-08-01").status, 200);
    expect(&call("?api-version=2030-01-01"), 400, "InvalidApiVersionParameter");
    expect(&call("?api-version="), 400, "InvalidApiVersionParameter");
    expect(&call(""), 400, "MissingApiVersionParameter");
}

#[test]
fn another_subscription_is_not_there() {
    let office = Office::with_job();
    for other in ["99999999-2222-4333-8444-555555555555", "nonsense"] {
        for path in [arm::job("job1"), arm::jobs()] {
            let path = path.replace(SUBSCRIPTION, other);
            expect(&office.arm.get(&path), 404, "SubscriptionNotFound");
        }
    }
}

#[test]
fn answers_have_the_headers_of_the_service() {
    let office = Office::with_job();
    for told in [office.get("job1"), office.get("job2")] {
        assert_eq!(told.headers["content-type"], "application/json; charset=utf-8");
        assert_eq!(told.headers["cache-control"], "no-cache");
        assert_eq!(told.headers["x-content-type-options"], "nosniff");
        assert!(told.headers.contains_key("x-ms-request-id"));
        assert!(told.headers.contains_key("x-ms-correlation-request-id"));
    }
}

const FORM: &str = "grant_type=client_credentials&client_id=me&client_secret=s&\
                    scope=https%3A%2F%2Fmanagement.azure.com%2F.default";

fn sign_in(office: &Office, form: &str) -> Told {
    let request = office.arm.bare(Method::POST, "/tenant/oauth2/v2.0/token");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    office.arm.send(request.body(form.to_owned()))
}

#[test]
fn who_signs_in_with_an_id_and_a_secret_gets_a_token_that_opens_the_door() {
    let office = Office::with_job();
    let told = sign_in(&office, FORM);
    assert_eq!(told.status, 200);
    let told = told.json();
    assert_eq!((&told["token_type"], &told["expires_in"]), (&"Bearer".into(), &3600.into()));
    let token = told["access_token"].as_str().unwrap();
    assert_ne!(token, office.emulator.fact("token"));
    let path = format!("{}?api-version={VERSION}", arm::job("job1"));
    let call = office.arm.bare(Method::GET, &path).bearer_auth(token);
    assert_eq!(office.arm.send(call).status, 200);
}

#[test]
fn a_sign_in_of_another_kind_or_with_a_part_missing_is_refused() {
    let office = Office::open();
    let refused = |form: &str| {
        let told = sign_in(&office, form);
        let body = told.json();
        assert_eq!(body.get("access_token"), None);
        assert!(body["error_description"].is_string(), "{body}");
        (told.status, body["error"].as_str().unwrap().to_owned())
    };
    let grant = (400, "unsupported_grant_type".to_owned());
    assert_eq!(refused(&FORM.replace("client_credentials", "password")), grant);
    assert_eq!(refused(""), grant);
    let client = (401, "invalid_client".to_owned());
    assert_eq!(refused(&FORM.replace("client_id=me&", "")), client);
    assert_eq!(refused(&FORM.replace("client_secret=s", "client_secret=")), client);
    assert_eq!(refused(FORM.split_once("&scope").unwrap().0), client);
    let get = office.arm.send(office.arm.bare(Method::GET, "/tenant/oauth2/v2.0/token"));
    assert_eq!(get.status, 405);
}
