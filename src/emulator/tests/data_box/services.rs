//! Two services side by side: names, lists, parcels and records of their own.

use serde_json::{Value, json};

use super::office::{KEY, Office, SUBSCRIPTION, account, classic, job, order, parcel};

const OLD_VERSION: &str = "2020-08-01";

/// A job of the older service.
fn old_order(serial: &str) -> Value {
    json!({
        "location": "westus",
        "properties": {
            "storageAccountId": account("account1"), "jobType": "Import",
            "returnAddress": {
                "recipientName": "Test", "streetAddress1": "Street1", "city": "Redmond",
                "postalCode": "98007", "countryOrRegion": "USA", "phone": "1", "email": "a@b",
            },
            "returnShipping": {"carrierName": "FedEx", "carrierAccountNumber": "1"},
            "driveList": [{
                "driveId": serial, "bitLockerKey": KEY, "manifestFile": "\\m.xml",
                "manifestHash": "109B21108597EF36D5785F08303F3638",
            }],
        },
    })
}

impl Office {
    fn old(&self, method: &str, path: &str, body: Option<&Value>) -> super::office::Heard {
        self.send(method, &format!("{path}?api-version={OLD_VERSION}"), "", body)
    }
}

#[test]
fn one_name_at_both_services_is_two_jobs() {
    let office = Office::open();
    assert_eq!(office.old("PUT", &classic("seed"), Some(&old_order("S1"))).status, 201);
    office.made("seed", &order(&["S2"]));
    let old = office.old("GET", &classic("seed"), None).properties();
    assert_eq!(
        (&old["state"], &old["driveList"][0]["driveId"]),
        (&"Creating".into(), &"S1".into())
    );
    assert_eq!(office.status("seed"), "AwaitingShipmentDetails");
    let list = format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.ImportExport/jobs");
    let listed = office.old("GET", &list, None).json();
    assert_eq!(listed["value"].as_array().unwrap().len(), 1);
    assert_eq!(listed["value"][0]["type"], "Microsoft.ImportExport/jobs");
    assert_eq!(office.names(), ["seed"]);
    assert_eq!(office.old("DELETE", &classic("seed"), None).status, 200);
    let office = office.restart();
    assert_eq!(office.status("seed"), "AwaitingShipmentDetails");
    assert_eq!(office.old("GET", &classic("seed"), None).status, 404);
}

#[test]
fn a_tracking_number_is_that_of_one_job_whichever_the_service() {
    let office = Office::open();
    assert_eq!(office.old("PUT", &classic("seed"), Some(&old_order("S1"))).status, 201);
    office.made("seed", &order(&["S2"]));
    let package = json!({"carrierName": "UPS", "trackingNumber": "1Z1"});
    let change = json!({"properties": {"state": "Shipping", "deliveryPackage": package}});
    assert_eq!(office.old("PATCH", &classic("seed"), Some(&change)).status, 200);
    let told = office.act("seed", "markDevicesShipped", &parcel("1Z1"));
    told.refused(409, "TrackingIdInUse");
    assert_eq!(office.act("seed", "markDevicesShipped", &parcel("1Z2")).status, 204);
}

#[test]
fn the_dock_gives_a_drive_to_the_job_that_waits_for_it_whichever_the_service() {
    let office = Office::open();
    assert_eq!(office.old("PUT", &classic("old"), Some(&old_order("S1"))).status, 201);
    let mut elsewhere = order(&["S1"]);
    elsewhere["properties"]["details"]["dataImportDetails"][0]["accountDetails"]["storageAccountId"] =
        account("other").into();
    office.made("new", &elsewhere);
    assert_eq!(office.act("new", "markDevicesShipped", &parcel("1Z1")).status, 204);
    assert_eq!(office.dock("S1"), (Some("new".to_owned()), "BlobRequestForbidden".to_owned()));
    let old = office.old("GET", &classic("old"), None).properties();
    assert_eq!(
        (&old["state"], &old["driveList"][0]["state"]),
        (&"Creating".into(), &"Specified".into())
    );
}

#[test]
fn a_drive_that_was_lost_with_an_old_parcel_goes_to_the_job_that_is_on_its_way() {
    let office = Office::open();
    let ordered = old_order("S1");
    assert_eq!(office.old("PUT", &classic("lost"), Some(&ordered)).status, 201);
    let package = json!({"carrierName": "UPS", "trackingNumber": "1Z1"});
    let change = json!({"properties": {"state": "Shipping", "deliveryPackage": package}});
    assert_eq!(office.old("PATCH", &classic("lost"), Some(&change)).status, 200);
    office.forward_days(44);
    let lost = office.old("GET", &classic("lost"), None).properties();
    assert_eq!(lost["state"], "Closed");
    let mut elsewhere = order(&["S1"]);
    elsewhere["properties"]["details"]["dataImportDetails"][0]["accountDetails"]["storageAccountId"] =
        account("other").into();
    office.made("new", &elsewhere);
    assert_eq!(office.act("new", "markDevicesShipped", &parcel("1Z2")).status, 204);
    assert_eq!(office.dock("S1").0.as_deref(), Some("new"));
    assert_eq!(office.old("GET", &classic("lost"), None).properties(), lost);
}

#[test]
fn a_record_from_before_there_were_two_services_is_a_job_of_the_older_one() {
    let office = Office::open();
    assert_eq!(office.old("PUT", &classic("seed"), Some(&old_order("S1"))).status, 201);
    let path = office.data().join(format!("meta/jobs/{SUBSCRIPTION}.rg.seed.json"));
    let mut record: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(record["version"], 1);
    assert_eq!((record["key"].get("service"), record.get("order")), (None, None));
    record["drives"][0].as_object_mut().unwrap().remove("files").unwrap();
    std::fs::write(&path, record.to_string()).unwrap();
    let office = office.restart();
    let old = office.old("GET", &classic("seed"), None).properties();
    assert_eq!(old["driveList"][0]["driveId"], "S1");
    office.get(&job("seed")).refused(404, "ResourceNotFound");
    assert!(office.names().is_empty());
    office.made("seed", &order(&["S2"]));
    assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 2);
}

#[test]
fn the_account_is_not_locked_for_a_job_of_the_older_service() {
    let office = Office::open();
    assert_eq!(office.old("PUT", &classic("seed"), Some(&old_order("S1"))).status, 201);
    let path = format!("{}/providers/Microsoft.Authorization/locks", account("account1"));
    let told = office.send("GET", &format!("{path}?api-version=2016-09-01"), "", None);
    assert_eq!((told.status, told.json()), (200, json!({"value": []})));
}
