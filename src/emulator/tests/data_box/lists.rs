//! Lists: jobs page by page, and the operations.

use serde_json::{Value, json};

use super::office::{Office, SUBSCRIPTION, at, jobs, order};

/// Names on a page, and the address of the next one.
fn page(office: &Office, address: &str) -> (Vec<String>, Option<String>) {
    let told = office.send("GET", address, "", None);
    assert_eq!(told.status, 200, "{}", told.text);
    let body = told.json();
    let names = body["value"].as_array().unwrap().iter();
    assert!(names.clone().all(|job| job["properties"].get("details").is_none()));
    let names = names.map(|job| job["name"].as_str().unwrap().to_owned()).collect();
    (names, body["nextLink"].as_str().map(str::to_owned))
}

#[test]
fn jobs_come_page_by_page_each_exactly_once() {
    let office = Office::open();
    let mut all: Vec<String> = (0..41).map(|own| format!("seed{own:02}")).collect();
    for name in all.iter().rev() {
        office.made(name, &order(&["S1"]));
    }
    let of_all = format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.DataBox/jobs");
    for list in [jobs(), of_all] {
        let (mut names, mut pages) = (Vec::new(), 0);
        let mut next = Some(at(&list));
        while let Some(address) = next {
            let (more, link) = page(&office, &address);
            names.extend(more);
            next = link;
            pages += 1;
        }
        assert_eq!((pages, &names), (3, &all));
    }
    // A job that goes between two pages takes no other along.
    let (first, next) = page(&office, &at(&jobs()));
    let last = first.last().unwrap();
    assert_eq!(office.act(last, "cancel", &json!({"reason": "x"})).status, 204);
    assert_eq!(office.delete(last).status, 202);
    assert_eq!(page(&office, &next.unwrap()).0[0], all[first.len()]);
    all.clear();
    let forged = office.get(&format!("{}?$skipToken=x", jobs()));
    assert_eq!(forged.refused(400, "InvalidInput")["target"], "$skipToken");
}

#[test]
fn a_group_lists_its_own_jobs_and_the_subscription_all() {
    let office = Office::with_order();
    let other = jobs().replace("/rg/", "/other/");
    let told = office.send("PUT", &at(&format!("{other}/seed")), "", Some(&order(&["S2"])));
    assert_eq!(told.status, 202);
    let count = |list: &str| page(&office, &at(list)).0.len();
    assert_eq!((count(&jobs()), count(&other), count(&jobs().replace("/rg/", "/no/"))), (1, 1, 0));
    assert_eq!(office.names(), ["seed", "seed"]);
}

#[test]
fn the_operations_are_those_that_are_served() {
    let office = Office::open();
    let told = office.get("/providers/Microsoft.DataBox/operations").json();
    let names: Vec<&str> =
        told["value"].as_array().unwrap().iter().map(|own| own["name"].as_str().unwrap()).collect();
    for name in ["jobs/write", "jobs/cancel/action", "jobs/markDevicesShipped/action"] {
        assert!(names.contains(&format!("Microsoft.DataBox/{name}").as_str()), "{names:?}");
    }
    let has_text = |own: &Value| own["display"]["operation"].is_string();
    assert!(told["value"].as_array().unwrap().iter().all(has_text));
}
