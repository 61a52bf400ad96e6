//! What a region answers before an order: the address, the devices, the validation.

use serde_json::{Value, json};

use super::office::{Office, SUBSCRIPTION, account, order_with};

fn path(location: &str, question: &str) -> String {
    format!(
        "/subscriptions/{SUBSCRIPTION}/providers/Microsoft.DataBox/locations/{location}/{question}"
    )
}

fn address(office: &Office, location: &str) -> Value {
    let request = json!({"storageLocation": location, "skuName": "DataBoxCustomerDisk"});
    let body = json!({ "datacenterAddressRequest": request });
    let told = office.post(&path(location, "regionConfiguration"), &body);
    assert_eq!(told.status, 200, "{}", told.text);
    let in_group = path(location, "regionConfiguration")
        .replace("/providers/", "/resourceGroups/rg/providers/");
    assert_eq!(office.post(&in_group, &body).json(), told.json());
    told.json()["datacenterAddressResponse"].take()
}

#[test]
fn every_region_of_the_older_service_has_an_address_and_one_tells_it_to_who_writes() {
    let office = Office::open();
    let list = "/providers/Microsoft.ImportExport/locations?api-version=2020-08-01";
    let regions = office.send("GET", list, "", None).json();
    let mut by_letter = 0;
    for region in regions["value"].as_array().unwrap() {
        let id = region["id"].as_str().unwrap().rsplit('/').next().unwrap();
        let taker = region["properties"]["alternateLocations"][0].as_str().unwrap();
        let own = address(&office, id);
        assert!(taker.ends_with(own["dataCenterAzureLocation"].as_str().unwrap()), "{own}");
        assert!(!own["supportedCarriersForReturnShipment"].as_array().unwrap().is_empty(), "{own}");
        match own["datacenterAddressType"].as_str().unwrap() {
            "DatacenterAddressLocation" => {
                for field in ["contactPersonName", "company", "street1", "city", "zip", "country"] {
                    assert!(!own[field].as_str().unwrap().is_empty(), "{field}: {own}");
                }
            }
            "DatacenterAddressInstruction" => {
                by_letter += 1;
                assert!(!own["communicationInstruction"].as_str().unwrap().is_empty(), "{own}");
                assert_eq!(own.get("street1"), None, "{own}");
            }
            other => panic!("{other}"),
        }
    }
    // UK South, and UK West, whose drives it takes.
    assert_eq!(by_letter, 2);
    let ireland = order_with("/location", Some("North Europe".into()));
    office.made("seed", &ireland);
    let job = office.whole("seed");
    assert_eq!(job["details"]["datacenterAddress"], address(&office, "westeurope"));
}

#[test]
fn a_region_or_a_device_that_is_not_there_has_no_address() {
    let office = Office::open();
    let ask =
        |location: &str, body: &Value| office.post(&path(location, "regionConfiguration"), body);
    let request = |place: &str, sku: &str| json!({"datacenterAddressRequest": {"storageLocation": place, "skuName": sku}});
    let code = "LocationNotAvailableForResourceType";
    let own = "DataBoxCustomerDisk";
    ask("atlantis", &request("westus", own)).refused(400, code);
    let error = ask("westus", &request("atlantis", own)).refused(400, code);
    assert_eq!(error["target"], "datacenterAddressRequest.storageLocation");
    ask("westus", &request("westus", "Suitcase")).refused(400, "InvalidInput");
    ask("westus", &request("westus", "")).refused(400, "InvalidInput");
}

#[test]
fn the_one_device_is_for_imports() {
    let office = Office::open();
    let ask = |transfer: &str, names: Value| {
        let body = json!({
            "transferType": transfer, "country": "US", "location": "westus", "skuNames": names,
        });
        office.post(&path("westus", "availableSkus"), &body)
    };
    let told = ask("ImportToAzure", json!(null)).json();
    assert_eq!(told["value"][0]["sku"]["name"], "DataBoxCustomerDisk");
    assert_eq!(told["value"][0]["enabled"], true);
    assert_eq!(ask("ImportToAzure", json!(["DataBox"])).json(), json!({"value": []}));
    assert_eq!(ask("ExportFromAzure", json!(null)).json(), json!({"value": []}));
    ask("Teleport", json!(null)).refused(400, "InvalidInput");
    let body = json!({"transferType": "ImportToAzure"});
    let error = office.post(&path("westus", "availableSkus"), &body).refused(400, "InvalidInput");
    assert_eq!(error["details"].as_array().unwrap().len(), 2, "{error}");
}

#[test]
fn inputs_are_judged_one_by_one() {
    let office = Office::open();
    let ask = |list: Value| {
        let body = json!({"validationCategory": "JobCreationValidation", "individualRequestDetails": list});
        office.post(&path("westus", "validateInputs"), &body)
    };
    let sku = |location: &str| {
        json!({
            "validationType": "ValidateSkuAvailability", "deviceType": "DataBoxCustomerDisk",
            "transferType": "ImportToAzure", "country": "US", "location": location,
        })
    };
    let data = |id: String| {
        json!({
            "validationType": "ValidateDataTransferDetails", "deviceType": "DataBoxCustomerDisk",
            "dataImportDetails": [{"accountDetails": {"storageAccountId": id}}],
        })
    };
    let told = ask(json!([sku("westus"), data(account("account1"))])).properties();
    assert_eq!(told["status"], "AllValidToProceed");
    let told = ask(json!([sku("westus"), sku("atlantis"), data("x".to_owned())])).properties();
    assert_eq!(told["status"], "InputsRevisitRequired");
    let statuses: Vec<&str> = told["individualResponseDetails"]
        .as_array()
        .unwrap()
        .iter()
        .map(|own| own["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["Valid", "Invalid", "Invalid"]);
    assert_eq!(
        told["individualResponseDetails"][1]["error"]["code"],
        "LocationNotAvailableForResourceType"
    );
    ask(json!([])).refused(400, "InvalidInput");
    ask(json!([{"validationType": "ValidateMood"}])).refused(400, "InvalidInput");
}
