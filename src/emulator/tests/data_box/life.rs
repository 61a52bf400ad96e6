//! The life of a job, from the order to its end.

use serde_json::{Value, json};

use super::office::{CARRIER_ACCOUNT, KEY, Office, account, job, order, order_with, parcel};

/// Name and status of each stage that was reached.
fn reached(properties: &Value) -> Vec<String> {
    let stages = properties["details"]["jobStages"].as_array().unwrap().iter();
    let stages = stages.filter(|stage| stage.get("stageTime").is_some());
    let word = |stage: &Value, name: &str| stage[name].as_str().unwrap().to_owned();
    stages.map(|own| word(own, "stageName") + " " + &word(own, "stageStatus")).collect()
}

#[test]
fn nothing_of_the_drives_is_checked_and_the_job_awaits_its_shipment_at_once() {
    let office = Office::with_order();
    let body = office.get(&format!("{}?$expand=details", job("seed"))).json();
    assert_eq!(body["id"], job("seed"));
    assert_eq!(
        (&body["name"], &body["type"], &body["location"]),
        (&"seed".into(), &"Microsoft.DataBox/jobs".into(), &"westus".into())
    );
    let sku = json!({"name": "DataBoxCustomerDisk", "model": "DataBoxCustomerDisk"});
    assert_eq!((&body["sku"], &body["identity"]), (&sku, &json!({"type": "None"})));
    assert!(body["systemData"]["createdAt"].is_string());
    let properties = &body["properties"];
    for (name, value) in [
        ("status", json!("AwaitingShipmentDetails")),
        ("isCancellable", json!(true)),
        ("isDeletable", json!(false)),
        ("isShippingAddressEditable", json!(true)),
        ("isPrepareToShipEnabled", json!(false)),
        ("reverseShippingDetailsUpdate", json!("NotSupported")),
        ("reverseTransportPreferenceUpdate", json!("NotSupported")),
        ("deliveryType", json!("NonScheduled")),
        ("isCancellableWithoutFee", json!(true)),
        ("allDevicesLost", json!(false)),
        ("startTime", body["systemData"]["createdAt"].clone()),
    ] {
        assert_eq!(properties[name], value, "{name}");
    }
    let details = &properties["details"];
    let disks = json!({"S1": {"manifestFile": "SampleManifest.xml", "manifestHash": "xxxx"}});
    assert_eq!(details["importDiskDetailsCollection"], disks);
    assert_eq!(details["returnToCustomerPackageDetails"], json!({"carrierName": "FedEx"}));
    assert_eq!(details["enableManifestBackup"], false);
    assert_eq!(details["shippingAddress"]["addressType"], "None");
    assert_eq!(details["dataImportDetails"][0]["logCollectionLevel"], "Error");
    assert_eq!(
        details["dataImportDetails"][0]["accountDetails"]["storageAccountId"],
        account("account1")
    );
    assert_eq!(details["preferences"]["encryptionPreferences"]["doubleEncryption"], "Disabled");
    assert_eq!(details["keyEncryptionKey"], json!({"kekType": "MicrosoftManaged"}));
    assert_eq!(
        (&details["reverseShippingDetails"], &details["dataExportDetails"]),
        (&json!({}), &json!([]))
    );
    let told: Vec<&str> = details["contactDetails"]["notificationPreference"]
        .as_array()
        .unwrap()
        .iter()
        .map(|own| own["stageName"].as_str().unwrap())
        .collect();
    assert_eq!(told, ["AtAzureDC", "DataCopy", "Created", "ShippedToCustomer"]);
    assert_eq!(details.get("deliverToDcPackageDetails"), None);
    assert_eq!(details["copyProgress"][0]["copyStatus"], "NotStarted");
    assert_eq!(details["copyLogDetails"], json!([]));
    assert_eq!(details["datacenterAddress"]["dataCenterAzureLocation"], "westus");
    assert_eq!(reached(properties), ["AwaitingShipmentDetails InProgress"]);
    assert_eq!(details["jobStages"].as_array().unwrap().len(), 7);
}

#[test]
fn details_are_shown_only_to_who_expands_them() {
    let office = Office::with_order();
    let short = office.get(&job("seed")).properties();
    assert_eq!((short.get("details"), &short["isCancellable"]), (None, &json!(true)));
    assert!(office.whole("seed")["details"].is_object());
}

#[test]
fn secrets_are_shown_only_to_who_asks_for_credentials() {
    let office = Office::with_order();
    let whole = office.get(&format!("{}?$expand=details", job("seed"))).text;
    assert!(!whole.contains(KEY) && !whole.contains(CARRIER_ACCOUNT), "{whole}");
    let told = office.act("seed", "listCredentials", &json!({}));
    assert_eq!(told.status, 200);
    let secrets = json!({
        "jobSecretsType": "DataBoxCustomerDisk",
        "diskSecrets": [{"diskSerialNumber": "S1", "bitLockerKey": KEY}],
        "carrierAccountNumber": CARRIER_ACCOUNT, "dcAccessSecurityCode": {},
    });
    assert_eq!(told.json(), json!({"value": [{"jobName": "seed", "jobSecrets": secrets}]}));
}

#[test]
fn a_job_is_shipped_read_sent_back_and_deleted() {
    let office = Office::open();
    let pointer = "/properties/details/dataImportDetails";
    let elsewhere = json!([{"accountDetails": {"storageAccountId": account("other")}}]);
    office.made("seed", &order_with(pointer, Some(elsewhere)));
    assert_eq!(office.dock("S1").1, "not read: the job is AwaitingShipmentDetails");
    assert_eq!(office.act("seed", "markDevicesShipped", &parcel("1Z1")).status, 204);
    let shipped = office.whole("seed");
    assert_eq!(
        (&shipped["status"], &shipped["isCancellable"], &shipped["isDeletable"]),
        (&"ShippedToAzureDC".into(), &false.into(), &false.into())
    );
    assert_eq!(
        shipped["details"]["deliverToDcPackageDetails"],
        json!({"carrierName": "UPS", "trackingId": "1Z1"})
    );
    // The account is not there, so no drive is read, and every other step is taken.
    assert_eq!(office.dock("S1"), (Some("seed".to_owned()), "BlobRequestForbidden".to_owned()));
    let ended = office.whole("seed");
    assert_eq!(
        (&ended["status"], &ended["isDeletable"], &ended["isShippingAddressEditable"]),
        (&"CompletedWithErrors".into(), &true.into(), &false.into())
    );
    assert_eq!(
        reached(&ended),
        [
            "AwaitingShipmentDetails Succeeded",
            "ShippedToAzureDC Succeeded",
            "AtAzureDC Succeeded",
            "DataCopy Failed",
            "PreparingToShipFromAzureDC Succeeded",
            "ShippedToCustomer Succeeded",
            "CompletedWithErrors SucceededWithErrors",
        ]
    );
    let copy = &ended["details"]["copyProgress"][0];
    assert_eq!(
        (&copy["serialNumber"], &copy["copyStatus"], &copy["error"]["code"]),
        (&"S1".into(), &"StorageAccountNotAccessible".into(), &"BlobRequestForbidden".into())
    );
    let back = &ended["details"]["returnToCustomerPackageDetails"];
    assert_eq!((&back["carrierName"], back["trackingId"].is_string()), (&"FedEx".into(), true));
    assert_eq!(office.delete("seed").status, 202);
    office.get(&job("seed")).refused(404, "ResourceNotFound");
}

#[test]
fn a_job_is_cancelled_until_it_is_shipped() {
    let office = Office::with_order();
    let reason = json!({"reason": "CancelTest"});
    let told = office.act("seed", "cancel", &reason);
    assert_eq!((told.status, told.text.as_str()), (204, ""));
    let job = office.whole("seed");
    assert_eq!(
        (&job["status"], &job["cancellationReason"], &job["isDeletable"], &job["isCancellable"]),
        (&"Cancelled".into(), &"CancelTest".into(), &true.into(), &false.into())
    );
    assert_eq!(reached(&job), ["AwaitingShipmentDetails Cancelled", "Cancelled Succeeded"]);
    office.act("seed", "cancel", &reason).refused(409, "JobNotCancellable");
    office.act("seed", "markDevicesShipped", &parcel("1Z1")).refused(409, "JobNotShippable");
    assert_eq!(office.dock("S1").1, "not read: the job is Cancelled");
    let shipped = Office::with_parcel();
    shipped.act("seed", "cancel", &reason).refused(409, "JobNotCancellable");
    assert_eq!(shipped.status("seed"), "ShippedToAzureDC");
}

#[test]
fn a_job_that_is_not_shipped_is_gone_two_weeks_after_its_last_change() {
    let office = Office::with_order();
    office.forward_days(13);
    assert_eq!(office.patch("seed", &json!({"tags": {"a": "b"}})).status, 202);
    office.forward_days(13);
    assert_eq!(office.status("seed"), "AwaitingShipmentDetails");
    office.forward_days(1);
    office.get(&job("seed")).refused(404, "ResourceNotFound");
}

#[test]
fn a_parcel_that_never_comes_ends_its_job_and_ninety_days_later_it_is_gone() {
    let office = Office::with_parcel();
    office.forward_days(14);
    let lost = office.whole("seed");
    assert_eq!(
        (&lost["status"], &lost["allDevicesLost"]),
        (&"ShippedToAzureDC".into(), &true.into())
    );
    assert_eq!(lost["details"]["copyProgress"][0]["copyStatus"], "DriveNotReceived");
    office.forward_days(30);
    assert_eq!(office.status("seed"), "CompletedWithErrors");
    office.forward_days(89);
    assert_eq!(office.status("seed"), "CompletedWithErrors");
    office.forward_days(1);
    office.get(&job("seed")).refused(404, "ResourceNotFound");
}

#[test]
fn the_account_is_locked_while_a_job_lives_and_no_longer() {
    let office = Office::open();
    let locks = |name: &str| {
        let path = format!("{}/providers/Microsoft.Authorization/locks", account(name));
        let told = office.send("GET", &format!("{path}?api-version=2016-09-01"), "", None);
        assert_eq!(told.status, 200, "{}", told.text);
        told.json()["value"].take()
    };
    assert_eq!(locks("account1"), json!([]));
    office.made("one", &order(&["S1"]));
    office.made("two", &order(&["S2"]));
    let all = locks("account1");
    assert_eq!(all.as_array().unwrap().len(), 1, "{all}");
    assert_eq!(
        (&all[0]["name"], &all[0]["properties"]["level"], &all[0]["type"]),
        (
            &"DATABOX_SERVICE".into(),
            &"CanNotDelete".into(),
            &"Microsoft.Authorization/locks".into()
        )
    );
    let id = all[0]["id"].as_str().unwrap();
    let by_name = || office.send("GET", &format!("{id}?api-version=2020-05-01"), "", None);
    assert_eq!(by_name().json(), all[0]);
    assert_eq!(locks("other"), json!([]));
    for (name, left) in [("one", 1), ("two", 0)] {
        assert_eq!(office.act(name, "cancel", &json!({"reason": "x"})).status, 204);
        assert_eq!(locks("account1").as_array().unwrap().len(), left, "{name}");
    }
    let gone = by_name();
    assert_eq!((gone.status, &gone.json()["error"]["code"]), (404, &"ResourceNotFound".into()));
}
