//! Changes of a job that is there.

use serde_json::{Value, json};

use super::office::{CARRIER_ACCOUNT, Office, VERSION, at, job, order, parcel};

fn details(details: Value) -> Value {
    json!({ "properties": { "details": details } })
}

#[test]
fn a_change_is_an_operation_and_touches_what_it_names() {
    let office = Office::with_order();
    let before = office.whole("seed");
    let address = json!({
        "streetAddress1": "2 Way", "country": "DE", "addressType": "Commercial",
    });
    let change = details(json!({
        "contactDetails": {"contactName": "Night", "phone": "2", "emailList": ["n@contoso.com"]},
        "shippingAddress": address,
        "returnToCustomerPackageDetails": {"carrierName": "DHL", "carrierAccountNumber": "77"},
        "keyEncryptionKey": {
            "kekType": "CustomerManaged", "kekUrl": "https://vault/keys/a",
            "kekVaultResourceID": "/subscriptions/s",
        },
        "preferences": {"encryptionPreferences": {"doubleEncryption": "Enabled"}},
        "reverseShippingDetails": {"contactDetails": {"contactName": "Back"}},
    }));
    let told = office.patch("seed", &change);
    assert_eq!((told.status, told.text.as_str()), (202, ""));
    let second = office.send("GET", &told.location(), "", None).location();
    let own = office.send("GET", &second, "", None).location();
    assert!(own.ends_with(&format!("{}?api-version={VERSION}", job("seed"))), "{own}");
    let after = office.whole("seed");
    let (old, new) = (&before["details"], &after["details"]);
    assert_eq!(new["contactDetails"]["contactName"], "Night");
    assert_eq!(new["shippingAddress"], address);
    assert_eq!(new["returnToCustomerPackageDetails"], json!({"carrierName": "DHL"}));
    assert_eq!(new["keyEncryptionKey"]["kekUrl"], "https://vault/keys/a");
    assert_eq!(new["preferences"]["encryptionPreferences"]["doubleEncryption"], "Enabled");
    assert_eq!(new["reverseShippingDetails"]["contactDetails"]["contactName"], "Back");
    for name in ["importDiskDetailsCollection", "dataImportDetails", "jobStages"] {
        assert_eq!(new[name], old[name], "{name}");
    }
    let secrets = office.act("seed", "listCredentials", &json!({})).text;
    assert!(secrets.contains("\"77\"") && !secrets.contains(CARRIER_ACCOUNT), "{secrets}");
}

#[test]
fn a_change_that_changes_nothing_is_answered_at_once() {
    let office = Office::with_order();
    let tags = json!({"tags": {"a": "b"}});
    assert_eq!(office.patch("seed", &tags).status, 202);
    let told = office.patch("seed", &tags);
    assert_eq!((told.status, told.json()["tags"].take()), (200, json!({"a": "b"})));
}

#[test]
fn a_change_on_condition_is_made_only_to_the_state_that_was_seen() {
    let office = Office::with_order();
    let seen = office.get(&job("seed")).header("etag").unwrap().to_owned();
    let patch = |etag: &str, tag: &str| {
        let body = json!({"tags": {"a": tag}});
        let head = format!("if-match: {etag}\r\n");
        office.send("PATCH", &at(&job("seed")), &head, Some(&body))
    };
    assert_eq!(patch(&seen, "1").status, 202);
    patch(&seen, "2").refused(412, "PreconditionFailed");
    assert_eq!(office.get(&job("seed")).json()["tags"], json!({"a": "1"}));
    assert_eq!(patch("*", "3").status, 202);
    let now = office.get(&job("seed")).header("etag").unwrap().to_owned();
    assert_eq!(patch(&now, "4").status, 202);
}

#[test]
fn the_drives_of_a_job_cannot_be_changed() {
    let office = Office::with_order();
    let disks = json!({"S2": super::office::disk()});
    let change = details(json!({
        "importDiskDetailsCollection": disks, "preferences": {"a": "b"},
    }));
    let error = office.patch("seed", &change).refused(400, "InvalidInput");
    assert_eq!(error["target"], "details.importDiskDetailsCollection");
    let job = office.whole("seed");
    assert!(job["details"]["importDiskDetailsCollection"].get("S1").is_some(), "{job}");
    assert_eq!(job["details"]["preferences"].get("a"), None, "nothing of it was made");
}

#[test]
fn a_change_with_a_fault_leaves_the_job_as_it_was() {
    let office = Office::with_order();
    let before = office.get(&format!("{}?$expand=details", job("seed"))).text;
    for (change, target) in [
        (
            json!({"contactDetails": {"contactName": "Night", "phone": "2"}}),
            "details.contactDetails.emailList",
        ),
        (
            json!({"shippingAddress": {"streetAddress1": "2 Way"}}),
            "details.shippingAddress.country",
        ),
        (json!({"keyEncryptionKey": {"kekType": "Mine"}}), "details.keyEncryptionKey.kekType"),
        (
            json!({"keyEncryptionKey": {"kekType": "CustomerManaged", "kekUrl": "u"}}),
            "details.keyEncryptionKey.kekVaultResourceID",
        ),
        (
            json!({"preferences": {"encryptionPreferences": {"doubleEncryption": "Perhaps"}}}),
            "details.preferences.encryptionPreferences.doubleEncryption",
        ),
        (json!({"reverseShippingDetails": 7}), "details.reverseShippingDetails"),
    ] {
        let error = office.patch("seed", &details(change)).refused(400, "InvalidInput");
        assert_eq!(error["target"], target, "{error}");
    }
    assert_eq!(office.get(&format!("{}?$expand=details", job("seed"))).text, before);
    office.patch("none", &json!({"tags": {}})).refused(404, "ResourceNotFound");
}

#[test]
fn what_is_over_is_changed_in_its_tags_only() {
    let office = Office::with_order();
    assert_eq!(office.act("seed", "cancel", &json!({"reason": "x"})).status, 204);
    let address = json!({"streetAddress1": "2 Way", "country": "DE"});
    let contact = json!({"contactName": "N", "phone": "2", "emailList": ["n@contoso.com"]});
    for change in [json!({"shippingAddress": address}), json!({"contactDetails": contact})] {
        office.patch("seed", &details(change)).refused(409, "JobNotEditable");
    }
    assert_eq!(office.patch("seed", &json!({"tags": {"a": "b"}})).status, 202);
}

#[test]
fn a_parcel_is_reported_once() {
    let office = Office::with_parcel();
    for number in ["1Z1", "1Z2"] {
        let again = office.act("seed", "markDevicesShipped", &parcel(number));
        again.refused(409, "ShipmentAlreadyReported");
    }
    let parcel_now = office.whole("seed")["details"]["deliverToDcPackageDetails"].take();
    assert_eq!(parcel_now["trackingId"], "1Z1");
}

#[test]
fn a_parcel_has_a_carrier_and_a_number_that_no_other_job_has() {
    let office = Office::with_parcel();
    office.made("other", &order(&["S2"]));
    let ship = |body: &Value| office.act("other", "markDevicesShipped", body);
    ship(&parcel("1Z1")).refused(409, "TrackingIdInUse");
    for (body, target) in [
        (json!({}), "deliverToDcPackageDetails.carrierName"),
        (
            json!({"deliverToDcPackageDetails": {"carrierName": "UPS", "trackingId": ""}}),
            "deliverToDcPackageDetails.trackingId",
        ),
    ] {
        assert_eq!(ship(&body).refused(400, "InvalidInput")["target"], target);
    }
    assert_eq!(office.status("other"), "AwaitingShipmentDetails");
    assert_eq!(ship(&parcel("1Z2")).status, 204);
    let none = office.act("none", "markDevicesShipped", &parcel("1Z3"));
    none.refused(404, "ResourceNotFound");
}

#[test]
fn nothing_is_mitigated_that_does_not_wait() {
    let office = Office::with_order();
    let say = |body: &Value| office.act("seed", "mitigate", body);
    say(&json!({"customerResolutionCode": "Resume"})).refused(409, "MitigationNotAwaited");
    let map =
        |serial: &str, code: &str| json!({ "serialNumberCustomerResolutionMap": { serial: code } });
    say(&map("S1", "Restart")).refused(409, "MitigationNotAwaited");
    for bad in [json!({}), json!({"customerResolutionCode": "Hope"}), map("S9", "Resume")] {
        say(&bad).refused(400, "InvalidInput");
    }
}
