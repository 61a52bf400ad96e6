//! What the service does not take, each with its code, and that nothing is made of it.

use serde_json::{Value, json};

use super::office::{Office, VERSION, at, disk, job, order, order_with};

const DETAILS: &str = "/properties/details";

#[test]
fn a_job_that_lacks_a_property_is_not_made_and_the_property_is_named() {
    let office = Office::open();
    for (pointer, target) in [
        ("/location", "location"),
        ("/sku/name", "sku.name"),
        ("/properties/transferType", "transferType"),
        ("/properties/details/jobDetailsType", "details.jobDetailsType"),
        ("/properties/details/contactDetails/contactName", "details.contactDetails.contactName"),
        ("/properties/details/contactDetails/phone", "details.contactDetails.phone"),
        ("/properties/details/contactDetails/emailList", "details.contactDetails.emailList"),
        (
            "/properties/details/shippingAddress/streetAddress1",
            "details.shippingAddress.streetAddress1",
        ),
        ("/properties/details/shippingAddress/country", "details.shippingAddress.country"),
        (
            "/properties/details/returnToCustomerPackageDetails",
            "details.returnToCustomerPackageDetails",
        ),
        ("/properties/details/importDiskDetailsCollection", "details.importDiskDetailsCollection"),
        (
            "/properties/details/dataImportDetails",
            "details.dataImportDetails.accountDetails.storageAccountId",
        ),
        (
            "/properties/details/importDiskDetailsCollection/S1/manifestFile",
            "details.importDiskDetailsCollection.S1.manifestFile",
        ),
        (
            "/properties/details/importDiskDetailsCollection/S1/manifestHash",
            "details.importDiskDetailsCollection.S1.manifestHash",
        ),
        (
            "/properties/details/importDiskDetailsCollection/S1/bitLockerKey",
            "details.importDiskDetailsCollection.S1.bitLockerKey",
        ),
    ] {
        let error = office.put("seed", &order_with(pointer, None)).refused(400, "InvalidInput");
        assert_eq!((&error["target"], &error["details"]), (&target.into(), &json!([])), "{error}");
    }
    assert!(office.names().is_empty());
}

#[test]
fn a_job_with_a_word_that_is_unknown_or_not_of_the_emulator_is_not_made() {
    let office = Office::open();
    let at = |name: &str| format!("{DETAILS}/{name}");
    let import = |more: Value| {
        let mut one = order(&[])["properties"]["details"]["dataImportDetails"].take();
        for (name, value) in more.as_object().unwrap() {
            one[0][name] = value.clone();
        }
        one
    };
    let tape =
        json!({"dataAccountType": "Tape", "storageAccountId": super::office::account("account1")});
    let tape = import(json!({ "accountDetails": tape }));
    let chatty = import(json!({"logCollectionLevel": "Chatty"}));
    let lunch = json!([{"stageName": "Lunch", "sendNotification": true}]);
    for (pointer, value, target) in [
        ("/sku/name".to_owned(), json!("DataBoxHeavy"), "sku.name"),
        ("/sku/name".to_owned(), json!("Suitcase"), "sku.name"),
        ("/properties/transferType".to_owned(), json!("ExportFromAzure"), "transferType"),
        ("/properties/transferType".to_owned(), json!("Teleport"), "transferType"),
        ("/properties/deliveryType".to_owned(), json!("Soon"), "deliveryType"),
        (at("jobDetailsType"), json!("DataBoxDisk"), "details.jobDetailsType"),
        (at("shippingAddress/addressType"), json!("Moon"), "details.shippingAddress.addressType"),
        (at("keyEncryptionKey"), json!({"kekType": "Mine"}), "details.keyEncryptionKey.kekType"),
        ("/identity".to_owned(), json!("me"), "identity"),
        (at("keyEncryptionKey"), json!(7), "details.keyEncryptionKey"),
        (at("preferences"), json!("x"), "details.preferences"),
        (at("dataImportDetails"), chatty, "details.dataImportDetails.logCollectionLevel"),
        (at("dataImportDetails"), tape, "details.dataImportDetails.accountDetails.dataAccountType"),
        (
            at("contactDetails/notificationPreference"),
            lunch,
            "details.contactDetails.notificationPreference.stageName",
        ),
    ] {
        let told = office.put("seed", &order_with(&pointer, Some(value)));
        let error = told.refused(400, "InvalidInput");
        assert_eq!((&error["target"], &error["details"]), (&target.into(), &json!([])), "{error}");
    }
    assert!(office.names().is_empty());
}

#[test]
fn a_job_has_one_to_ten_drives_and_one_storage_account() {
    let office = Office::open();
    let serials: Vec<String> = (0..11).map(|own| format!("S{own}")).collect();
    let serials: Vec<&str> = serials.iter().map(String::as_str).collect();
    office.made("ten", &order(&serials[..10]));
    for order in [
        order(&serials),
        order(&[]),
        order_with(
            "/properties/details/importDiskDetailsCollection",
            Some(json!({"no serial": disk()})),
        ),
    ] {
        office.put("seed", &order).refused(400, "InvalidInput");
    }
    let list = order(&["S1"])["properties"]["details"]["dataImportDetails"][0].take();
    let two = order_with("/properties/details/dataImportDetails", Some(json!([list, list])));
    office.put("seed", &two).refused(400, "InvalidInput");
    for id in ["account1", "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Web/sites/a"] {
        let one = json!([{"accountDetails": {"storageAccountId": id}}]);
        let order = order_with("/properties/details/dataImportDetails", Some(one));
        let error = office.put("seed", &order).refused(400, "InvalidInput");
        assert_eq!(error["target"], "details.dataImportDetails.accountDetails.storageAccountId");
    }
    assert_eq!(office.names(), ["ten"]);
}

#[test]
fn all_that_is_wrong_with_an_order_is_said_at_once() {
    let office = Office::open();
    let contact = json!({"contactName": " ", "emailList": []});
    let order = order_with("/properties/details/contactDetails", Some(contact));
    let error = office.put("seed", &order).refused(400, "InvalidInput");
    let targets: Vec<&str> = error["details"]
        .as_array()
        .unwrap()
        .iter()
        .map(|own| own["target"].as_str().unwrap().rsplit('.').next().unwrap())
        .collect();
    assert_eq!(targets, ["emailList", "contactName", "phone"]);
    assert_eq!(error["target"], "details.contactDetails.emailList");
}

#[test]
fn a_body_that_is_no_order_and_a_region_that_is_not_there_are_refused() {
    let office = Office::open();
    for body in [json!("order"), json!({"properties": {"details": 7}}), json!([])] {
        office.put("seed", &body).refused(400, "InvalidRequestContent");
    }
    let code = "LocationNotAvailableForResourceType";
    let nowhere = order_with("/location", Some("atlantis".into()));
    assert_eq!(office.put("seed", &nowhere).refused(400, code)["target"], "location");
    assert!(office.names().is_empty());
}

#[test]
fn a_name_outside_of_the_rule_is_refused() {
    let office = Office::open();
    for name in ["ab", "a_b", "-abc", "abc-", "a.bc", "aaaaaaaaaaaaaaaaaaaaaaaaa"] {
        office.put(name, &order(&["S1"])).refused(400, "InvalidResourceName");
        office.get(&job(name)).refused(400, "InvalidResourceName");
    }
    assert!(office.names().is_empty());
    office.made("Seed-2026", &order(&["S1"]));
    assert_eq!(office.get(&job("sEED-2026")).json()["name"], "Seed-2026");
}

#[test]
fn an_order_cannot_change_a_job() {
    let office = Office::with_order();
    let again = office.put("seed", &order(&["S1"]));
    again.refused(409, "JobAlreadyExists");
    office.put("SEED", &order(&["S2"])).refused(409, "JobAlreadyExists");
    let disks = office.whole("seed")["details"]["importDiskDetailsCollection"].take();
    assert_eq!(disks.as_object().unwrap().keys().collect::<Vec<_>>(), ["S1"]);
    assert_eq!(office.act("seed", "cancel", &json!({"reason": "x"})).status, 204);
    office.put("seed", &order(&["S1"])).refused(409, "JobAlreadyExists");
}

#[test]
fn a_job_that_lives_is_not_deleted() {
    for office in [Office::with_order(), Office::with_parcel()] {
        office.delete("seed").refused(409, "JobNotDeletable");
        assert_eq!(office.names(), ["seed"]);
    }
}

#[test]
fn a_cancellation_has_a_reason_and_a_job() {
    let office = Office::with_order();
    let cancel = |body: &Value| office.act("seed", "cancel", body);
    assert_eq!(cancel(&json!({})).refused(400, "InvalidInput")["target"], "reason");
    cancel(&json!({"reason": ""})).refused(400, "InvalidInput");
    assert_eq!(office.status("seed"), "AwaitingShipmentDetails");
    let none = office.act("none", "cancel", &json!({"reason": "x"}));
    none.refused(404, "ResourceNotFound");
    office.act("none", "listCredentials", &json!({})).refused(404, "ResourceNotFound");
}

#[test]
fn nobody_comes_in_without_a_token_a_version_and_the_right_subscription() {
    let office = Office::with_order();
    let code = |told: &super::office::Heard| (told.status, told.json()["error"]["code"].take());
    let path = job("seed");
    let bare = office.send_bare("GET", &at(&path), "", None);
    assert_eq!(code(&bare), (401, "AuthenticationFailed".into()));
    for version in ["2022-12-01", "2025-02-01", VERSION] {
        let address = format!("{path}?api-version={version}");
        assert_eq!(office.send("GET", &address, "", None).status, 200, "{version}");
    }
    let told = office.send("GET", &format!("{path}?api-version=2020-08-01"), "", None);
    assert_eq!(code(&told), (400, "InvalidApiVersionParameter".into()));
    let told = office.send("GET", &path, "", None);
    assert_eq!(code(&told), (400, "MissingApiVersionParameter".into()));
    let other = path.replace("11111111", "99999999");
    assert_eq!(code(&office.get(&other)), (404, "SubscriptionNotFound".into()));
}

#[test]
fn what_is_not_there_and_methods_that_are_not_taken_have_this_services_form() {
    let office = Office::with_order();
    office.get(&job("none")).refused(404, "ResourceNotFound");
    office.act("seed", "explode", &json!({})).refused(404, "ResourceNotFound");
    office.get(&format!("{}/cancel", job("seed"))).refused(405, "MethodNotAllowed");
    office.post(&job("seed"), &json!({})).refused(405, "MethodNotAllowed");
    office.post(&super::office::jobs(), &json!({})).refused(405, "MethodNotAllowed");
}
