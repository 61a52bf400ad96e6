//! What the passing of time does to jobs.

use serde_json::json;

use super::office::Office;

#[test]
fn a_job_that_is_not_shipped_is_gone_two_weeks_after_its_last_change() {
    let office = Office::with_job();
    office.forward("+13d");
    assert_eq!(office.set(json!({"logLevel": "Verbose"})).status, 200);
    office.forward("+13d");
    assert_eq!(office.state("job1"), "Creating", "the change began the two weeks anew");
    office.forward("+1d");
    assert_eq!(office.get("job1").refusal(), (404, "ResourceNotFound".to_owned()));
}

#[test]
fn a_parcel_that_never_comes_closes_its_job_when_thirty_days_pass_without_answer() {
    let office = Office::with_parcel();
    let drive = || office.get("job1").properties()["driveList"][0]["state"].take();
    office.forward("+13d");
    assert_eq!(drive(), "Specified");
    office.forward("+1d");
    assert_eq!((drive(), office.state("job1")), ("NeverReceived".into(), "Shipping".into()));
    office.forward("+29d");
    assert_eq!(office.state("job1"), "Shipping");
    office.forward("+1d");
    assert_eq!(office.state("job1"), "Closed");
    office.forward("+89d");
    assert_eq!(office.state("job1"), "Closed");
    office.forward("+1d");
    assert_eq!(office.get("job1").status, 404);
}

#[test]
fn a_tracking_number_is_free_again_when_its_job_is_gone() {
    let office = Office::with_parcel();
    office.close_job1();
    office.forward("+90d");
    assert_eq!(office.put("job2", &super::office::body("S2")).status, 201);
    assert_eq!(office.patch("job2", &crate::support::arm::parcel("1Z1")).status, 200);
}
