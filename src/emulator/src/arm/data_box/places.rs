//! Where drives are sent, which devices a region has, and whether an order would be taken.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::call::Context;
use super::super::fault::Fault;
use super::super::locations::{self, Location};
use super::create::{is_storage_account, no_location};
use super::findings::{self, Findings, parse};
use super::names::{SKU, VERSIONS};
use crate::http::Answer;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RegionBody {
    datacenter_address_request: Option<Device>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Device {
    storage_location: Option<String>,
    sku_name: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SkusBody {
    transfer_type: Option<String>,
    country: Option<String>,
    location: Option<String>,
    sku_names: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ValidationBody {
    validation_category: Option<String>,
    #[serde(default)]
    individual_request_details: Vec<Value>,
}

/// Where the drives for a region go; one region tells only who writes to it.
pub(super) fn address(location: &str) -> Value {
    let Some(own) = locations::find(location) else { return Value::Null };
    let at = locations::find(own.takes_at).unwrap_or(own);
    let mut body = json!({
        "datacenterAddressType": "DatacenterAddressLocation",
        "supportedCarriersForReturnShipment": at.carriers,
        "dataCenterAzureLocation": at.id,
    });
    match at.instruction {
        Some(instruction) => {
            body["datacenterAddressType"] = json!("DatacenterAddressInstruction");
            body["communicationInstruction"] = json!(instruction);
        }
        None => add_address(&mut body, at),
    }
    body
}

fn add_address(body: &mut Value, at: &Location) {
    let fields = [
        ("contactPersonName", "Emulated Data Box operations"),
        ("company", "Emulated datacenter"),
        ("street1", at.street),
        ("street2", ""),
        ("street3", ""),
        ("city", at.city),
        ("state", at.state),
        ("zip", at.postal_code),
        ("country", at.country),
        ("phone", "000 000 0000"),
        ("phoneExtension", ""),
        ("addressType", "Commercial"),
        ("additionalShippingInformation", ""),
    ];
    for (name, value) in fields {
        body[name] = json!(value);
    }
}

/// What a region wants to be known before an order.
pub(super) fn region(context: Context<'_>, location: &str) -> Result<Answer, Fault> {
    locations::find(location).ok_or_else(|| no_location(location))?;
    let body: RegionBody = parse(&context.call.body)?;
    let Some(request) = body.datacenter_address_request else {
        return Ok(Answer::json(200, &json!({})));
    };
    let at = |name: &str| format!("datacenterAddressRequest.{name}");
    let mut findings = Findings::default();
    let place = findings.text(&at("storageLocation"), request.storage_location);
    let sku = findings.text(&at("skuName"), request.sku_name);
    if !sku.is_empty() {
        findings.word(&at("skuName"), Some(&sku), &[SKU]);
    }
    findings.end()?;
    locations::find(&place).ok_or_else(|| no_location(&place).at(at("storageLocation")))?;
    Ok(Answer::json(200, &json!({ "datacenterAddressResponse": address(&place) })))
}

/// The devices that can be ordered.
pub(super) fn skus(context: Context<'_>, location: &str) -> Result<Answer, Fault> {
    locations::find(location).ok_or_else(|| no_location(location))?;
    let body: SkusBody = parse(&context.call.body)?;
    let mut findings = Findings::default();
    let transfer = findings.text("transferType", body.transfer_type);
    if !transfer.is_empty() {
        let known = ["ImportToAzure", "ExportFromAzure"];
        findings.word("transferType", Some(&transfer), &known);
    }
    let country = findings.text("country", body.country);
    let place = findings.text("location", body.location);
    findings.end()?;
    locations::find(&place).ok_or_else(|| no_location(&place).at("location"))?;
    let is_wanted = transfer == "ImportToAzure"
        && body.sku_names.is_none_or(|names| names.iter().any(|name| name == SKU));
    let sku = json!({
        "sku": {"name": SKU, "displayName": "Drives of your own", "family": "DataBox"},
        "enabled": true,
        "properties": {
            "apiVersions": VERSIONS, "costs": [], "countriesWithinCommerceBoundary": [country],
            "capacity": {"usable": "0", "maximum": "0", "individualSkuUsable": "0"},
        },
    });
    let value = if is_wanted { vec![sku] } else { Vec::new() };
    Ok(Answer::json(200, &json!({ "value": value })))
}

/// Whether an order would be taken, question by question.
pub(super) fn validate(context: Context<'_>, location: &str) -> Result<Answer, Fault> {
    locations::find(location).ok_or_else(|| no_location(location))?;
    let body: ValidationBody = parse(&context.call.body)?;
    let mut findings = Findings::default();
    let category = findings.text("validationCategory", body.validation_category);
    if !category.is_empty() {
        findings.word("validationCategory", Some(&category), &["JobCreationValidation"]);
    }
    if body.individual_request_details.is_empty() {
        findings.add("individualRequestDetails", "There is nothing to be validated.");
    }
    findings.end()?;
    let mut is_valid = true;
    let mut responses = Vec::new();
    for request in &body.individual_request_details {
        let found = judge(request)?;
        is_valid &= found.is_none();
        let mut response = json!({
            "validationType": request["validationType"],
            "status": if found.is_none() { "Valid" } else { "Invalid" },
        });
        if let Some(fault) = found {
            response["error"] = findings::body(&fault);
        }
        responses.push(response);
    }
    let status = if is_valid { "AllValidToProceed" } else { "InputsRevisitRequired" };
    let answer = json!({"status": status, "individualResponseDetails": responses});
    Ok(Answer::json(200, &json!({ "properties": answer })))
}

/// What is wrong with one question's inputs; an error if the question is unknown.
fn judge(request: &Value) -> Result<Option<Fault>, Fault> {
    let text = |name: &str| request[name].as_str().unwrap_or_default();
    let mut findings = Findings::default();
    match text("validationType") {
        "ValidateAddress" => {
            for name in ["streetAddress1", "country"] {
                let value = request["shippingAddress"][name].as_str().map(str::to_owned);
                findings.text(&format!("shippingAddress.{name}"), value);
            }
        }
        "ValidateSkuAvailability" => {
            if locations::find(text("location")).is_none() {
                return Ok(Some(no_location(text("location")).at("location")));
            }
        }
        "ValidateDataTransferDetails" => {
            let list = request["dataImportDetails"].as_array().cloned().unwrap_or_default();
            let id = |own: &Value| own["accountDetails"]["storageAccountId"].clone();
            let is_good = |own: &Value| id(own).as_str().is_some_and(is_storage_account);
            if list.is_empty() || !list.iter().all(is_good) {
                findings.add("dataImportDetails", "The storageAccountId is no resource id.");
            }
        }
        "ValidateCreateOrderLimit"
        | "ValidatePreferences"
        | "ValidateSubscriptionIsAllowedToCreateJob" => return Ok(None),
        other => {
            let message = format!("The validationType {other} is not known.");
            return Err(Fault::input(message).at("individualRequestDetails.validationType"));
        }
    }
    // Some questions do not name the device.
    if let Some(device) = request["deviceType"].as_str() {
        findings.word("deviceType", Some(device), &[SKU]);
    }
    Ok(findings.end().err())
}
