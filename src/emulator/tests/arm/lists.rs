//! Lists: jobs page by page, the regions, the operations.

use serde_json::Value;

use super::office::{Office, body};
use crate::support::arm::{self, SUBSCRIPTION, VERSION};

/// Names on a page, and the address of the next one.
fn page(office: &Office, address: &str) -> (Vec<String>, Option<String>) {
    let told = office.arm.send(office.arm.with_token(reqwest::Method::GET, address));
    assert_eq!(told.status, 200, "{}", told.text);
    let body = told.json();
    let names = body["value"].as_array().unwrap().iter();
    let names = names.map(|job| job["name"].as_str().unwrap().to_owned()).collect();
    (names, body["nextLink"].as_str().map(str::to_owned))
}

#[test]
fn jobs_come_page_by_page_each_exactly_once() {
    let office = Office::open();
    for name in ["job4", "job2", "job5", "job1", "job3"] {
        assert_eq!(office.put(name, &body("S1")).status, 201);
    }
    let of_all = format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.ImportExport/jobs");
    for list in [arm::jobs(), of_all] {
        let (mut names, mut pages) = (Vec::new(), 0);
        let mut next = Some(format!("{list}?api-version={VERSION}&$top=2"));
        while let Some(address) = next {
            let (more, link) = page(&office, &address);
            names.extend(more);
            next = link;
            pages += 1;
        }
        assert_eq!((pages, names.join(" ").as_str()), (3, "job1 job2 job3 job4 job5"));
        let (names, next) = page(&office, &format!("{list}?api-version={VERSION}&$top=5"));
        assert_eq!((names.len(), next), (5, None), "a full last page is the last one");
        let (names, next) = page(&office, &format!("{list}?api-version={VERSION}"));
        assert_eq!((names.len(), next), (5, None));
    }
    for top in ["0", "101", "x", "-1"] {
        let address = format!("{}?api-version={VERSION}&$top={top}", arm::jobs());
        let told = office.arm.send(office.arm.with_token(reqwest::Method::GET, &address));
        assert_eq!(told.refusal(), (400, "InvalidInput".to_owned()), "{top}");
    }
}

#[test]
fn a_job_that_is_deleted_between_two_pages_takes_no_other_along() {
    let office = Office::open();
    for name in ["job1", "job2", "job3"] {
        assert_eq!(office.put(name, &body("S1")).status, 201);
    }
    let (names, next) = page(&office, &format!("{}?api-version={VERSION}&$top=1", arm::jobs()));
    assert_eq!(names, ["job1"]);
    assert_eq!(office.arm.delete(&arm::job("job1")).status, 200);
    assert_eq!(page(&office, &next.unwrap()).0, ["job2"]);
}

#[test]
fn a_group_lists_its_own_jobs_and_the_subscription_all() {
    let office = Office::with_job();
    let other = arm::job("job2").replace("/rg/", "/other/");
    assert_eq!(office.arm.put(&other, &body("S2")).status, 201);
    let count = |path: &str| office.arm.get(path).json()["value"].as_array().unwrap().len();
    assert_eq!(count(&arm::jobs()), 1);
    assert_eq!(count(&arm::jobs().replace("/rg/", "/OTHER/")), 1);
    assert_eq!(count(&arm::jobs().replace("/rg/", "/empty/")), 0);
    let all = format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.ImportExport/jobs");
    assert_eq!(count(&all), 2);
}

const LOCATIONS: &str = "/providers/Microsoft.ImportExport/locations";

#[test]
fn every_region_takes_drives_or_names_one_that_does() {
    let office = Office::open();
    let all = office.arm.get(LOCATIONS).json()["value"].take();
    let all = all.as_array().unwrap();
    let mut elsewhere = 0;
    for location in all {
        let id = location["id"].as_str().unwrap();
        assert_eq!(office.arm.get(id).json(), *location);
        let by_name = format!("{LOCATIONS}/{}", location["name"].as_str().unwrap());
        assert_eq!(office.arm.get(&by_name.replace(' ', "%20")).json(), *location);
        assert_eq!(location["type"], "Microsoft.ImportExport/locations");
        let properties = &location["properties"];
        for field in ["recipientName", "streetAddress1", "city", "postalCode", "countryOrRegion"] {
            assert!(!properties[field].as_str().unwrap().is_empty(), "{field} of {id}");
        }
        assert!(!properties["supportedCarriers"].as_array().unwrap().is_empty(), "{id}");
        let taker = properties["alternateLocations"][0].as_str().unwrap();
        let there = office.arm.get(taker).properties();
        assert_eq!(there["alternateLocations"], Value::from(vec![taker]));
        elsewhere += usize::from(taker != id);
    }
    assert!(elsewhere > 0 && elsewhere < all.len());
    let none = office.arm.get(&format!("{LOCATIONS}/atlantis"));
    assert_eq!(none.refusal(), (404, "ResourceNotFound".to_owned()));
}

#[test]
fn a_job_of_a_region_that_takes_no_drives_says_where_they_go() {
    let office = Office::open();
    let mut north = body("S1");
    north["location"] = "northeurope".into();
    let job = office.put("job1", &north).properties();
    let west = office.arm.get(&format!("{LOCATIONS}/westeurope")).properties();
    assert_eq!(job["shippingInformation"]["streetAddress1"], west["streetAddress1"]);
    assert_eq!(office.get("job1").json()["location"], "North Europe");
}

#[test]
fn the_operations_are_those_of_the_service() {
    let office = Office::open();
    let told = office.arm.get("/providers/Microsoft.ImportExport/operations").json();
    let mut names: Vec<_> = told["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|own| own["name"].as_str().unwrap().trim_start_matches("Microsoft.ImportExport/"))
        .collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "jobs/delete",
            "jobs/listBitLockerKeys/action",
            "jobs/read",
            "jobs/write",
            "locations/read",
            "register/action"
        ]
    );
    assert_eq!(told["value"][0]["display"]["provider"], "Microsoft Import/Export");
}
