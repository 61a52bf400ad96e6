//! Parcels: with a drive too many or too few, too early, twice, or of a job that was cancelled.

use serde_json::json;

use super::datacenter::Datacenter;
use super::drive::Drive;
use crate::support::arm;

#[test]
fn a_drive_of_no_job_is_not_read_and_harms_nobody() {
    let (own, extra) = (Drive::seal("S1"), Drive::seal("S2"));
    let datacenter = Datacenter::open();
    datacenter.shipped("job1", &[&own]);
    let said = datacenter.dock(&[&own, &extra]);
    assert_eq!(said[0]["status"], "Completed");
    assert_eq!(said[1]["status"], "not read: no job has it");
    assert_eq!(said[1]["job"], json!(null));
    assert_eq!(datacenter.job("job1")["state"], "Completed");
    assert!(datacenter.has_all_of(&own) && datacenter.has_none_of(&extra));
}

#[test]
fn a_drive_whose_job_is_not_shipped_is_not_read() {
    let drive = Drive::seal("S1");
    let datacenter = Datacenter::open();
    datacenter.make("job1", &[&drive]);
    let said = datacenter.dock(&[&drive]);
    assert_eq!(said[0]["status"], "not read: the job is Creating");
    assert_eq!(said[0]["job"], "job1");
    let job = datacenter.job("job1");
    assert_eq!(
        (&job["state"], &job["driveList"][0]["state"]),
        (&"Creating".into(), &"Specified".into())
    );
    assert!(datacenter.has_none_of(&drive));
}

#[test]
fn a_drive_that_is_missing_in_the_parcel_is_never_received_and_closes_the_job() {
    let (first, second) = (Drive::seal("S1"), Drive::seal("S2"));
    let datacenter = Datacenter::open();
    datacenter.shipped("job1", &[&first, &second]);
    assert_eq!(datacenter.dock(&[&first])[0]["status"], "Completed");
    let job = datacenter.job("job1");
    assert_eq!(job["state"], "Closed");
    assert_eq!(job["driveList"][0]["state"], "Completed");
    assert_eq!(job["driveList"][1]["state"], "NeverReceived");
    assert_eq!(job["returnPackage"]["driveCount"], 1);
    assert!(job["percentComplete"].as_u64().unwrap() < 100, "{job}");
    assert!(datacenter.has_none_of(&second));
}

#[test]
fn a_drive_that_was_found_later_is_read_though_the_other_comes_again_with_it() {
    let (first, second) = (Drive::seal("S1"), Drive::seal("S2"));
    let datacenter = Datacenter::open();
    datacenter.shipped("job1", &[&first, &second]);
    datacenter.dock(&[&first]);
    let said = datacenter.dock(&[&first, &second]);
    assert_eq!(said[0]["status"], "Completed");
    assert_eq!((&said[0]["is_known"], &said[1]["is_known"]), (&true.into(), &false.into()));
    assert_eq!(said[1]["status"], "Completed");
    let job = datacenter.job("job1");
    assert_eq!((&job["state"], &job["percentComplete"]), (&"Completed".into(), &100.into()));
    assert!(datacenter.has_all_of(&first) && datacenter.has_all_of(&second));
}

#[test]
fn a_drive_that_was_read_is_not_read_again() {
    let drive = Drive::seal("S1");
    let datacenter = Datacenter::open();
    datacenter.shipped("job1", &[&drive]);
    let first = datacenter.dock(&[&drive]);
    assert_eq!((&first[0]["status"], &first[0]["is_known"]), (&"Completed".into(), &false.into()));
    let before = datacenter.job("job1");
    let again = datacenter.dock(&[&drive]);
    assert_eq!((&again[0]["status"], &again[0]["is_known"]), (&"Completed".into(), &true.into()));
    assert_eq!(again[0]["bytes_succeeded"], first[0]["bytes_succeeded"]);
    assert_eq!(datacenter.job("job1"), before);
}

#[test]
fn a_drive_may_serve_another_job_when_its_first_one_is_over() {
    let mut drive = Drive::seal("S1");
    let datacenter = Datacenter::open();
    drive.entry["manifestFile"] = "\\nothing.xml".into();
    datacenter.shipped("job1", &[&drive]);
    assert_eq!(datacenter.dock(&[&drive])[0]["status"], "ManifestNotFound");
    drive.entry["manifestFile"] = "\\DriveManifest.xml".into();
    datacenter.shipped("job2", &[&drive]);
    let said = datacenter.dock(&[&drive]);
    assert_eq!((&said[0]["job"], &said[0]["status"]), (&"job2".into(), &"Completed".into()));
}

#[test]
fn of_a_cancelled_job_nothing_is_copied_and_it_is_completed() {
    let drive = Drive::seal("S1");
    let datacenter = Datacenter::open();
    datacenter.shipped("job1", &[&drive]);
    let cancel = json!({"properties": {"cancelRequested": true}});
    assert_eq!(datacenter.arm.patch(&arm::job("job1"), &cancel).status, 200);
    let said = datacenter.dock(&[&drive]);
    assert_eq!((&said[0]["status"], &said[0]["bytes_succeeded"]), (&"Completed".into(), &0.into()));
    let job = datacenter.job("job1");
    assert_eq!((&job["state"], &job["cancelRequested"]), (&"Completed".into(), &true.into()));
    assert_eq!(job["driveList"][0]["state"], "Completed");
    assert!(datacenter.has_none_of(&drive));
}

#[test]
fn doubled_backslashes_in_a_manifests_place_are_kept_and_understood() {
    let mut drive = Drive::seal("S1");
    drive.entry["manifestFile"] = "\\\\DriveManifest.xml".into();
    let datacenter = Datacenter::open();
    datacenter.shipped("job1", &[&drive]);
    assert_eq!(datacenter.dock(&[&drive])[0]["status"], "Completed");
    let job = datacenter.job("job1");
    assert_eq!(job["driveList"][0]["manifestFile"], "\\\\DriveManifest.xml");
}

#[test]
fn drives_go_back_with_a_parcel_and_leave_the_datacenter_a_day_later() {
    let drive = Drive::seal("S1");
    let datacenter = Datacenter::open();
    datacenter.shipped("job1", &[&drive]);
    datacenter.dock(&[&drive]);
    let back = datacenter.job("job1")["returnPackage"].take();
    assert_eq!((&back["carrierName"], &back["driveCount"]), (&"FedEx".into(), &1.into()));
    assert!(back["trackingNumber"].is_string() && back["shipDate"].is_string(), "{back}");
    datacenter.emulator.forward(&datacenter.machine, "+1d");
    assert_eq!(datacenter.job("job1")["driveList"][0]["state"], "ShippedBack");
}

#[test]
fn a_job_whose_drives_were_read_is_kept_for_ninety_days() {
    let drive = Drive::seal("S1");
    let datacenter = Datacenter::open();
    datacenter.shipped("job1", &[&drive]);
    datacenter.dock(&[&drive]);
    datacenter.emulator.forward(&datacenter.machine, "+89d");
    assert_eq!(datacenter.job("job1")["state"], "Completed");
    datacenter.emulator.forward(&datacenter.machine, "+1d");
    assert_eq!(datacenter.arm.get(&arm::job("job1")).status, 404);
}
