//! The resource manager: the calls about import jobs, in the service's own form
//! (`azure-import-export` 1A). Knows jobs, not drives.

mod locations;
mod requests;
mod wire;

use disk_prep::noun::{JobName, ResourceGroup, SubscriptionId};
use hyper::Method;
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::account::Account;
use super::http::{Answer, Call};
use super::jobs::{BookError, Job, JobBook, JobKey};

const VERSIONS: [&str; 3] = ["2016-11-01", "2020-08-01", "2021-01-01"];
const LARGEST_PAGE: usize = 100;

/// A refusal.
#[derive(Debug)]
struct Fault {
    status: u16,
    code: &'static str,
    message: String,
}

impl Fault {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Fault { status, code, message: message.into() }
    }

    fn input(message: impl Into<String>) -> Self {
        Fault::new(400, "InvalidInput", message)
    }

    fn conflict(message: impl Into<String>) -> Self {
        Fault::new(409, "Conflict", message)
    }

    fn no_job(key: &JobKey) -> Self {
        Fault::no_resource(&format!("The job {}", key.name))
    }

    fn no_resource(what: &str) -> Self {
        Fault::new(404, "ResourceNotFound", format!("{what} was not found."))
    }
}

impl From<BookError> for Fault {
    fn from(error: BookError) -> Self {
        Fault::new(500, "InternalServerError", error.to_string())
    }
}

/// Answers a call to the resource manager.
pub(super) fn answer(
    account: &Account,
    book: &JobBook,
    now: Timestamp,
    origin: &str,
    call: &Call,
) -> Answer {
    let answered = route(account, book, now, origin, call);
    let answer = answered.unwrap_or_else(|Fault { status, code, message }| {
        let body = json!({"error": {"code": code, "message": message, "details": []}});
        Answer::json(status, &body)
    });
    answer
        .with("cache-control", "no-cache")
        .with("x-ms-correlation-request-id", uuid::Uuid::new_v4().to_string())
        .with("strict-transport-security", "max-age=31536000; includeSubDomains")
        .with("x-content-type-options", "nosniff")
}

/// Whether a call is for the resource manager.
pub(super) fn is_arm(path: &str) -> bool {
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    first.eq_ignore_ascii_case("subscriptions") || first.eq_ignore_ascii_case("providers")
}

fn route(
    account: &Account,
    book: &JobBook,
    now: Timestamp,
    origin: &str,
    call: &Call,
) -> Result<Answer, Fault> {
    let token = call.header("authorization").and_then(|header| header.strip_prefix("Bearer "));
    if !token.is_some_and(|token| account.takes(token)) {
        let message = "The token is missing, wrong or over.";
        return Err(Fault::new(401, "AuthenticationFailed", message));
    }
    match call.parameter("api-version") {
        Some(version) if VERSIONS.contains(&version) => {}
        Some(version) => {
            let message = format!("The api-version {version} is not known.");
            return Err(Fault::new(400, "InvalidApiVersionParameter", message));
        }
        None => {
            let message = "The api-version is missing.";
            return Err(Fault::new(400, "MissingApiVersionParameter", message));
        }
    }
    let parts: Vec<String> = call
        .path
        .trim_matches('/')
        .split('/')
        .map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())
        .collect();
    // The service compares fixed words without regard to case.
    let words: Vec<String> = parts.iter().map(|part| part.to_lowercase()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match (&call.method, words.as_slice()) {
        (&Method::GET, ["providers", PROVIDER, "operations"]) => Ok(operations()),
        (&Method::GET, ["providers", PROVIDER, "locations"]) => {
            let all: Vec<Value> = locations::all().collect();
            Ok(Answer::json(200, &json!({ "value": all })))
        }
        (&Method::GET, ["providers", PROVIDER, "locations", _]) => {
            let location = locations::find(&parts[3]).map(locations::body);
            location
                .map(|body| Answer::json(200, &body))
                .ok_or_else(|| Fault::no_resource("The location"))
        }
        (method, ["subscriptions", _, rest @ ..]) => {
            let subscription = subscription(account, &parts[1])?;
            match rest {
                ["providers", PROVIDER, "jobs"] if *method == Method::GET => {
                    list(book, call, origin, |key| key.in_subscription(&subscription))
                }
                ["resourcegroups", _, "providers", PROVIDER, "jobs", rest @ ..] => {
                    let group = ResourceGroup::new(&parts[3])
                        .map_err(|_| Fault::no_resource("The resource group"))?;
                    match rest {
                        [] if *method == Method::GET => {
                            list(book, call, origin, |key| key.in_group(&subscription, &group))
                        }
                        [_] | [_, "listbitlockerkeys"] => {
                            let name = JobName::new(&parts[7]).map_err(|error| {
                                Fault::new(400, "InvalidResourceName", error.to_string())
                            })?;
                            let key = JobKey { subscription, group, name };
                            one(book, now, call, &key, rest.len() == 2)
                        }
                        _ => Err(Fault::no_resource("The resource")),
                    }
                }
                _ => Err(Fault::no_resource("The resource")),
            }
        }
        _ => Err(Fault::no_resource("The resource")),
    }
}

const PROVIDER: &str = "microsoft.importexport";

fn subscription(account: &Account, text: &str) -> Result<SubscriptionId, Fault> {
    let message = || format!("The subscription {text} was not found.");
    SubscriptionId::new(text)
        .ok()
        .filter(|own| own.as_str().eq_ignore_ascii_case(account.subscription.as_str()))
        .ok_or_else(|| Fault::new(404, "SubscriptionNotFound", message()))
}

fn operations() -> Answer {
    let words = [
        ("register/action", "Registers the subscription"),
        ("locations/read", "Gets the locations"),
        ("jobs/write", "Creates or changes a job"),
        ("jobs/read", "Gets a job"),
        ("jobs/delete", "Deletes a job"),
        ("jobs/listBitLockerKeys/action", "Gets the keys of a job's drives"),
    ];
    let value: Vec<Value> = words
        .iter()
        .map(|(name, text)| {
            json!({
                "name": format!("Microsoft.ImportExport/{name}"),
                "display": {"provider": "Microsoft Import/Export", "resource": "Job",
                            "operation": text, "description": text},
            })
        })
        .collect();
    Answer::json(200, &json!({ "value": value }))
}

/// A page of jobs; the next one begins behind the last name of this one.
fn list(
    book: &JobBook,
    call: &Call,
    origin: &str,
    is_meant: impl Fn(&JobKey) -> bool,
) -> Result<Answer, Fault> {
    let most = match call.parameter("$top") {
        None => LARGEST_PAGE,
        Some(top) => top
            .parse()
            .ok()
            .filter(|top| (1..=LARGEST_PAGE).contains(top))
            .ok_or_else(|| Fault::input("$top is a number from 1 to 100."))?,
    };
    let place = |job: &Job| (job.key.group.to_string(), job.key.name.to_string());
    let mut jobs = book.all();
    jobs.retain(|job| is_meant(&job.key));
    jobs.sort_by_key(place);
    if let Some((group, name)) =
        call.parameter("$skiptoken").and_then(|token| token.split_once('/'))
    {
        jobs.retain(|job| place(job) > (group.to_owned(), name.to_owned()));
    }
    let page: Vec<Value> = jobs.iter().take(most).map(wire::body).collect();
    let last = (jobs.len() > most).then(|| place(&jobs[most - 1]));
    let next = last.map(|(group, name)| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("api-version", call.parameter("api-version").unwrap_or_default());
        query.append_pair("$top", &most.to_string());
        query.append_pair("$skiptoken", &format!("{group}/{name}"));
        format!("{origin}{}?{}", call.path, query.finish())
    });
    Ok(Answer::json(200, &json!({"value": page, "nextLink": next})))
}

fn one(
    book: &JobBook,
    now: Timestamp,
    call: &Call,
    key: &JobKey,
    is_about_keys: bool,
) -> Result<Answer, Fault> {
    let absent = || Fault::no_job(key);
    match (&call.method, is_about_keys) {
        (&Method::POST, true) => {
            let job = book.find(key).ok_or_else(absent)?;
            Ok(Answer::json(200, &wire::keys(&job)))
        }
        (&Method::GET, false) => {
            Ok(Answer::json(200, &wire::body(&book.find(key).ok_or_else(absent)?)))
        }
        (&Method::PUT, false) => requests::put(book, now, key, &call.body),
        (&Method::PATCH, false) => {
            let job = requests::patch(book, now, key, &call.body)?;
            Ok(Answer::json(200, &wire::body(&job)))
        }
        (&Method::DELETE, false) => {
            requests::delete(book, key)?.ok_or_else(absent)?;
            Ok(Answer::empty(200))
        }
        _ => Err(Fault::new(405, "MethodNotAllowed", "The resource does not take this method.")),
    }
}
