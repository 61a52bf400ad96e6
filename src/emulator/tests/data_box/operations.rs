//! Long-running operations, step by step, and what becomes of addresses that were tampered with.

use serde_json::json;

use super::office::{Office, SUBSCRIPTION, VERSION, at, job, order};

#[test]
fn an_order_is_followed_from_address_to_address_to_the_job() {
    let office = Office::open();
    let told = office.put("seed", &order(&["S1"]));
    assert_eq!((told.status, told.text.as_str(), told.header("retry-after")), (202, "", None));
    assert_eq!(told.header("azure-asyncoperation"), None);
    let first = told.location();
    let start = format!(
        "{}/subscriptions/{SUBSCRIPTION}/providers/Microsoft.DataBox/locations/westus/\
         operationResults/",
        office.origin()
    );
    assert!(first.starts_with(&start), "{first}");
    assert!(first.contains(&format!("?api-version={VERSION}&t=")), "{first}");
    assert!(first.len() > 2_000, "the query is as long as the real one: {}", first.len());
    let next = office.send("GET", &first, "", None);
    assert_eq!((next.status, next.text.as_str()), (202, ""));
    let second = next.location();
    assert!(second != first && second.starts_with(first.split('?').next().unwrap()), "{second}");
    let last = office.send("GET", &second, "", None);
    assert_eq!(last.status, 202);
    let own = format!("{}{}?api-version={VERSION}", office.origin(), job("seed"));
    assert_eq!(last.location(), own);
    let found = office.send("GET", &last.location(), "", None);
    assert_eq!((found.status, found.json()["name"].take()), (200, "seed".into()));
}

#[test]
fn an_order_in_a_group_with_foreign_letters_is_followed_too() {
    let office = Office::open();
    let path = at(&job("seed").replace("/rg/", "/B%C3%BCro/"));
    let mut told = office.send("PUT", &path, "", Some(&order(&["S1"])));
    for _ in 0..3 {
        assert_eq!(told.status, 202);
        told = office.send("GET", &told.location(), "", None);
    }
    assert_eq!((told.status, told.json()["name"].take()), (200, "seed".into()));
}

#[test]
fn an_address_that_is_cut_changed_or_put_together_anew_is_refused() {
    let office = Office::open();
    let address = office.put("seed", &order(&["S1"])).location();
    let (path, query) = address.split_once('?').unwrap();
    let pairs: Vec<&str> = query.split('&').collect();
    let [version, ticks, content, signature, hash] = pairs[..] else { panic!("{query}") };
    let short = &content[..content.len() - 1];
    let last = if content.ends_with('A') { 'B' } else { 'A' };
    for (what, bad) in [
        ("without a query", format!("{path}?{version}")),
        ("cut", address[..address.len() / 2].to_owned()),
        ("without its end", format!("{path}?{version}&{ticks}&{content}&{signature}")),
        ("in another order", format!("{path}?{ticks}&{version}&{content}&{signature}&{hash}")),
        ("with one letter less", format!("{path}?{version}&{ticks}&{short}&{signature}&{hash}")),
        (
            "with another letter",
            format!("{path}?{version}&{ticks}&{short}{last}&{signature}&{hash}"),
        ),
        (
            "with another version",
            address.replace(&format!("api-version={VERSION}"), "api-version=2022-12-01"),
        ),
        ("of another operation", address.replacen('?', "-deleteorder?", 1)),
        ("with more behind it", format!("{address}&x=1")),
        ("of another region", address.replace("/westus/", "/eastus/")),
    ] {
        let told = office.send("GET", &bad, "", None);
        assert_eq!(told.status, 403, "{what}");
        told.refused(403, "OperationAddressNotSigned");
    }
    assert_eq!(office.send("GET", &address, "", None).status, 202);
    let nobody = office.send_bare("GET", &address, "", None);
    assert_eq!(nobody.status, 401);
    office.send("POST", &address, "", None).refused(405, "MethodNotAllowed");
}

#[test]
fn the_address_of_one_emulator_is_nothing_to_another() {
    let (one, other) = (Office::open(), Office::open());
    let address = one.put("seed", &order(&["S1"])).location();
    other.send("GET", &address, "", None).refused(403, "OperationAddressNotSigned");
}

#[test]
fn an_operation_goes_on_after_a_restart_in_its_midst() {
    let office = Office::open();
    let first = office.put("seed", &order(&["S1"])).location();
    let office = office.restart();
    let second = office.send("GET", &first, "", None);
    assert_eq!(second.status, 202);
    let office = office.restart();
    let last = office.send("GET", &second.location(), "", None);
    assert_eq!(last.status, 202);
    let own = last.location();
    assert!(own.starts_with(office.origin()) && own.contains(&job("seed")), "{own}");
    assert_eq!(office.send("GET", &own, "", None).status, 200);
    office.put("seed", &order(&["S1"])).refused(409, "JobAlreadyExists");
}

#[test]
fn a_deletion_is_followed_to_its_end_after_a_restart_too() {
    let office = Office::with_order();
    assert_eq!(office.act("seed", "cancel", &json!({"reason": "x"})).status, 204);
    let told = office.delete("seed");
    assert_eq!((told.status, told.text.as_str()), (202, ""));
    let first = told.location();
    assert!(first.split('?').next().unwrap().ends_with("-deleteorder"), "{first}");
    let second = office.send("GET", &first, "", None);
    assert_eq!(second.status, 202);
    let office = office.restart();
    let last = office.send("GET", &second.location(), "", None);
    assert_eq!((last.status, last.text.as_str()), (204, ""));
    assert!(office.names().is_empty());
    assert_eq!(office.delete("seed").status, 204, "what is not there is deleted");
    office.made("seed", &order(&["S1"]));
}
