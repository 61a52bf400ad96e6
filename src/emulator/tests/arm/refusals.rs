//! What the resource manager does not take, each with its status and in its form.

use serde_json::{Value, json};

use super::office::{Office, body, drive};
use crate::support::arm::{self, Told};

#[track_caller]
fn expect(told: &Told, status: u16, code: &str) {
    assert_eq!(told.refusal(), (status, code.to_owned()), "{}", told.text);
}

/// A job body without, or with another, property.
fn with(property: &str, value: Value) -> Value {
    let mut body = body("S1");
    body["properties"][property] = value;
    body
}

#[test]
fn a_job_takes_ten_drives_and_no_more() {
    let office = Office::open();
    let drives = |count: usize| (0..count).map(|own| drive(&format!("S{own}"))).collect::<Value>();
    assert_eq!(office.put("ten", &arm::body(drives(10))).status, 201);
    expect(&office.put("eleven", &arm::body(drives(11))), 400, "InvalidInput");
    assert_eq!(office.get("eleven").status, 404);
    let change = json!({"properties": {"driveList": drives(11)}});
    expect(&office.patch("ten", &change), 400, "InvalidInput");
    assert_eq!(office.get("ten").properties()["driveList"].as_array().unwrap().len(), 10);
}

#[test]
fn a_job_has_at_least_one_drive_and_none_twice() {
    let office = Office::with_job();
    expect(&office.put("none", &arm::body(json!([]))), 400, "InvalidInput");
    expect(&office.set(json!({"driveList": []})), 400, "InvalidInput");
    let twice = json!([drive("S1"), drive("S1")]);
    expect(&office.put("twice", &arm::body(twice)), 400, "InvalidInput");
}

#[test]
fn a_job_that_lacks_or_mistakes_a_property_is_not_made() {
    let office = Office::open();
    let bodies = [
        with("jobType", json!("Move")),
        with("jobType", json!("Export")),
        with("storageAccountId", json!("account1")),
        with("storageAccountId", json!(null)),
        with("logLevel", json!("Chatty")),
        with("diagnosticsPath", json!("No Container")),
        with("driveList", json!([drive("no serial")])),
        json!({"location": "westus"}),
        json!({"properties": body("S1")["properties"]}),
    ];
    for body in bodies {
        expect(&office.put("job1", &body), 400, "InvalidInput");
    }
    let mut nowhere = body("S1");
    nowhere["location"] = "atlantis".into();
    expect(&office.put("job1", &nowhere), 400, "LocationNotAvailableForResourceType");
    let missing = with("returnAddress", json!({"city": "Redmond"}));
    expect(&office.put("job1", &missing), 400, "InvalidRequestContent");
    let path = format!("{}?api-version={}", arm::job("job1"), arm::VERSION);
    let torn = office.arm.with_token(reqwest::Method::PUT, &path).body("{");
    expect(&office.arm.send(torn), 400, "InvalidRequestContent");
    expect(&office.put("Job_1", &body("S1")), 400, "InvalidResourceName");
    assert_eq!(office.arm.get(&arm::jobs()).json()["value"], json!([]));
}

#[test]
fn a_tracking_number_is_that_of_one_job() {
    let office = Office::with_parcel();
    let mut second = body("S2");
    second["properties"]["deliveryPackage"] =
        json!({"carrierName": "UPS", "trackingNumber": "1Z1"});
    expect(&office.put("job2", &second), 409, "Conflict");
    assert_eq!(office.put("job2", &body("S2")).status, 201);
    expect(&office.patch("job2", &arm::parcel("1Z1")), 409, "Conflict");
    let job = office.get("job2").properties();
    assert_eq!((&job["state"], job.get("deliveryPackage")), (&"Creating".into(), None));
    assert_eq!(office.patch("job2", &arm::parcel("1Z2")).status, 200);
}

#[test]
fn nothing_is_shipped_without_a_parcel() {
    let office = Office::with_job();
    expect(&office.set(json!({"state": "Shipping"})), 400, "InvalidInput");
    assert_eq!(office.state("job1"), "Creating");
}

#[test]
fn nothing_is_shipped_without_an_address_to_send_it_back_to() {
    let office = Office::open();
    assert_eq!(office.put("job1", &with("returnAddress", json!(null))).status, 201);
    expect(&office.patch("job1", &arm::parcel("1Z1")), 400, "InvalidInput");
    let job = office.get("job1").properties();
    assert_eq!((&job["state"], job.get("deliveryPackage")), (&"Creating".into(), None));
    let mut both = arm::parcel("1Z1");
    both["properties"]["returnAddress"] = body("S1")["properties"]["returnAddress"].clone();
    assert_eq!(office.patch("job1", &both).properties()["state"], "Shipping");
}

#[test]
fn a_job_cannot_be_uncancelled_or_put_into_a_state_of_ones_choice() {
    let office = Office::with_job();
    expect(&office.set(json!({"cancelRequested": false})), 400, "InvalidInput");
    for state in ["Creating", "Received", "Completed", "shipping", "Lost"] {
        expect(&office.set(json!({"state": state})), 400, "InvalidInput");
    }
    assert_eq!(office.state("job1"), "Creating");
}

#[test]
fn a_job_that_is_on_its_way_is_neither_replaced_nor_deleted() {
    let office = Office::with_parcel();
    expect(&office.put("job1", &body("S2")), 409, "Conflict");
    expect(&office.arm.delete(&arm::job("job1")), 409, "Conflict");
    assert_eq!(office.get("job1").properties()["driveList"][0]["driveId"], "S1");
}

#[test]
fn a_job_that_is_over_is_not_cancelled_shipped_or_given_other_drives() {
    let office = Office::with_parcel();
    office.close_job1();
    for change in [
        json!({"cancelRequested": true}),
        json!({"driveList": [drive("S2")]}),
        json!({"state": "Shipping"}),
        arm::parcel("1Z9")["properties"].clone(),
    ] {
        expect(&office.set(change), 409, "Conflict");
    }
    let job = office.get("job1").properties();
    assert_eq!((&job["state"], &job["cancelRequested"]), (&"Closed".into(), &false.into()));
}

#[test]
fn a_job_that_is_not_there_is_not_found() {
    let office = Office::with_job();
    let code = "ResourceNotFound";
    expect(&office.get("job2"), 404, code);
    expect(&office.patch("job2", &json!({"tags": {}})), 404, code);
    expect(&office.arm.delete(&arm::job("job2")), 404, code);
    expect(&office.arm.post(&format!("{}/listBitLockerKeys", arm::job("job2"))), 404, code);
    expect(&office.arm.get(&arm::job("job1").replace("/rg/", "/other/")), 404, code);
    expect(&office.arm.get("/providers/Microsoft.Other/locations"), 404, code);
    expect(&office.arm.post(&arm::job("job1")), 405, "MethodNotAllowed");
}
