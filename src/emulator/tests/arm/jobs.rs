//! What becomes of a job that is asked for in the right way.

use serde_json::json;

use super::office::{KEY, Office, body};
use crate::support::arm;

#[test]
fn a_job_is_made_once_and_changed_after_that() {
    let office = Office::open();
    let made = office.put("job1", &body("S1"));
    assert_eq!(made.status, 201);
    let made = made.json();
    assert_eq!(made["id"], arm::job("job1"));
    assert_eq!(
        (&made["name"], &made["type"]),
        (&"job1".into(), &"Microsoft.ImportExport/jobs".into())
    );
    assert_eq!(made["identity"], json!({"type": "None"}));
    let properties = &made["properties"];
    assert_eq!(properties["state"], "Creating");
    assert_eq!(properties["cancelRequested"], false);
    assert_eq!(properties["percentComplete"], 0);
    assert_eq!(properties["provisioningState"], "Succeeded");
    assert_eq!(properties["encryptionKey"], json!({"kekType": "MicrosoftManaged"}));
    assert_eq!(properties["diagnosticsPath"], "waimportexport");
    assert_eq!(
        (&properties["logLevel"], &properties["backupDriveManifest"]),
        (&"Error".into(), &false.into())
    );
    assert_eq!(properties["driveList"][0]["state"], "Specified");
    assert_eq!(properties.get("returnPackage"), None);
    let mut other = body("S2");
    other["tags"] = json!({"kept": "by us"});
    let changed = office.put("job1", &other);
    assert_eq!(changed.status, 200);
    let job = office.get("job1").json();
    assert_eq!(job["tags"], json!({"kept": "by us"}));
    assert_eq!(job["properties"]["driveList"][0]["driveId"], "S2");
    assert_eq!(job["systemData"]["createdAt"], made["systemData"]["createdAt"]);
}

#[test]
fn the_answer_to_put_has_the_location_as_sent_and_later_ones_have_its_name() {
    let office = Office::open();
    for sent in ["westus", "West US", "WESTUS"] {
        let mut body = body("S1");
        body["location"] = sent.into();
        assert_eq!(office.put("job1", &body).json()["location"], sent);
        assert_eq!(office.get("job1").json()["location"], "West US");
        let patched = office.patch("job1", &json!({"tags": {}}));
        assert_eq!(patched.json()["location"], "West US");
    }
}

#[test]
fn the_service_says_where_drives_go_whatever_the_caller_sends() {
    let office = Office::open();
    let mut sent = body("S1");
    sent["properties"]["shippingInformation"] = json!({"city": "Elsewhere"});
    let job = office.put("job1", &sent).properties();
    let west = office.arm.get("/providers/Microsoft.ImportExport/locations/westus").properties();
    for field in ["recipientName", "streetAddress1", "city", "postalCode", "countryOrRegion"] {
        assert_eq!(job["shippingInformation"][field], west[field], "{field}");
    }
    assert_eq!(job["returnAddress"]["streetAddress2"], "", "a missing line is an empty one");
}

#[test]
fn a_recovery_password_is_shown_only_to_who_asks_for_keys() {
    let office = Office::open();
    let jobs = arm::jobs();
    let all = [
        office.put("job1", &body("S1")),
        office.get("job1"),
        office.patch("job1", &json!({"tags": {}})),
        office.arm.get(&jobs),
    ];
    for told in all {
        assert!(told.status < 300);
        assert!(!told.text.contains(KEY) && !told.text.contains("bitLockerKey"), "{}", told.text);
    }
    let keys = office.arm.post(&format!("{}/listBitLockerKeys", arm::job("job1")));
    assert_eq!(keys.status, 200);
    assert_eq!(keys.json(), json!({"value": [{"driveId": "S1", "bitLockerKey": KEY}]}));
}

#[test]
fn what_a_job_says_of_a_drive_is_given_back_letter_by_letter() {
    let office = Office::open();
    let mut sent = body("S1");
    let drive = &mut sent["properties"]["driveList"][0];
    drive["manifestFile"] = "\\\\DriveManifest.xml".into();
    let job = office.put("job1", &sent).properties();
    assert_eq!(job["driveList"][0]["manifestFile"], "\\\\DriveManifest.xml");
    assert_eq!(job["driveList"][0].get("driveHeaderHash"), None);
    sent["properties"]["driveList"][0]["driveHeaderHash"] = "".into();
    let job = office.put("job1", &sent).properties();
    assert_eq!(job["driveList"][0]["driveHeaderHash"], "");
}

#[test]
fn a_parcel_without_a_state_leaves_the_job_in_creating() {
    let office = Office::with_job();
    let mut parcel = arm::parcel("1Z1");
    for state in [json!(""), json!(null)] {
        parcel["properties"]["state"] = state;
        let job = office.patch("job1", &parcel).properties();
        assert_eq!(job["state"], "Creating");
        assert_eq!(job["deliveryPackage"]["trackingNumber"], "1Z1");
    }
    assert_eq!(office.set(json!({"state": "Shipping"})).properties()["state"], "Shipping");
}

#[test]
fn a_parcel_that_is_told_twice_is_the_same_parcel() {
    let office = Office::with_parcel();
    let again = office.patch("job1", &arm::parcel("1Z1"));
    assert_eq!(again.properties()["state"], "Shipping");
    let other = office.patch("job1", &arm::parcel("1Z2")).properties();
    assert_eq!(other["deliveryPackage"]["trackingNumber"], "1Z2");
}

#[test]
fn a_change_touches_what_it_names_and_nothing_else() {
    let office = Office::with_job();
    let before = office.get("job1").properties();
    let change = json!({"logLevel": "Verbose", "backupDriveManifest": true});
    let after = office.set(change).properties();
    assert_eq!(
        (&after["logLevel"], &after["backupDriveManifest"]),
        (&"Verbose".into(), &true.into())
    );
    for property in ["returnAddress", "returnShipping", "driveList", "storageAccountId", "state"] {
        assert_eq!(after[property], before[property], "{property}");
    }
    let mut address = before["returnAddress"].clone();
    address["city"] = "Seattle".into();
    let after = office.set(json!({"returnAddress": address})).properties();
    assert_eq!(after["returnAddress"]["city"], "Seattle");
    let after = office.set(json!({"driveList": [super::office::drive("S7")]})).properties();
    assert_eq!(after["driveList"][0]["driveId"], "S7");
    let untouched = json!({"storageAccountId": "other", "jobType": "Export"});
    let after = office.set(untouched).properties();
    assert_eq!(after["storageAccountId"], before["storageAccountId"]);
    assert_eq!(after["jobType"], "Import");
}

#[test]
fn a_job_that_is_cancelled_before_it_is_shipped_stays_in_creating_and_can_be_deleted() {
    let office = Office::with_job();
    let job = office.set(json!({"cancelRequested": true})).properties();
    assert_eq!((&job["cancelRequested"], &job["state"]), (&true.into(), &"Creating".into()));
    let deleted = office.arm.delete(&arm::job("job1"));
    assert_eq!((deleted.status, deleted.text.as_str()), (200, ""));
    assert_eq!(deleted.headers["content-length"], "0");
    assert_eq!(office.get("job1").refusal(), (404, "ResourceNotFound".to_owned()));
    assert_eq!(office.arm.delete(&arm::job("job1")).status, 404);
}

#[test]
fn a_job_that_is_over_can_be_deleted() {
    let office = Office::with_parcel();
    office.close_job1();
    assert_eq!(office.arm.delete(&arm::job("job1")).status, 200);
}

#[test]
fn fixed_words_of_an_address_are_read_in_any_case() {
    let office = Office::with_job();
    let path = arm::job("job1").replace("resourceGroups/rg", "RESOURCEGROUPS/RG");
    assert_eq!(office.arm.get(&path.replace("Import", "import")).json()["name"], "job1");
}
