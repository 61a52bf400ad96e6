//! The parts of a job that its maker sends and a later change may send again: who is written to,
//! where drives go back to, who carries them, keys, preferences.

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};

use super::findings::Findings;
use crate::jobs::order::{Address, Contact, Notification, ReturnCarrier};

const ADDRESS_TYPES: [&str; 3] = ["None", "Residential", "Commercial"];
const KEY_TYPES: [&str; 2] = ["MicrosoftManaged", "CustomerManaged"];
const DOUBLE_ENCRYPTION: [&str; 2] = ["Disabled", "Enabled"];
/// The stages of which an e-mail tells unless the caller says otherwise.
const TOLD: [&str; 4] = ["AtAzureDC", "DataCopy", "Created", "ShippedToCustomer"];
/// The stages of which an e-mail may tell.
const TELLABLE: [&str; 8] = [
    "DevicePrepared",
    "Dispatched",
    "Delivered",
    "PickedUp",
    "AtAzureDC",
    "DataCopy",
    "Created",
    "ShippedToCustomer",
];

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ContactBody {
    contact_name: Option<String>,
    phone: Option<String>,
    phone_extension: Option<String>,
    mobile: Option<String>,
    email_list: Option<Vec<String>>,
    notification_preference: Option<Vec<Notification>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct AddressBody {
    street_address1: Option<String>,
    street_address2: Option<String>,
    street_address3: Option<String>,
    city: Option<String>,
    state_or_province: Option<String>,
    country: Option<String>,
    postal_code: Option<String>,
    zip_extended_code: Option<String>,
    company_name: Option<String>,
    tax_identification_number: Option<String>,
    address_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CarrierBody {
    carrier_name: Option<String>,
    #[serde(default, with = "disk_prep::noun::secret")]
    carrier_account_number: SecretString,
}

/// Who is written to.
pub(super) fn contact(body: Option<ContactBody>, findings: &mut Findings) -> Contact {
    let body = body.unwrap_or_default();
    let at = |name: &str| format!("details.contactDetails.{name}");
    let email_list = body.email_list.unwrap_or_default();
    if email_list.iter().all(|address| address.trim().is_empty()) {
        findings.add(&at("emailList"), format!("{} is missing.", at("emailList")));
    }
    let own = |stage: &&str| Notification { stage_name: (*stage).into(), send_notification: true };
    let notification_preference =
        body.notification_preference.unwrap_or_else(|| TOLD.iter().map(own).collect());
    for preference in &notification_preference {
        let target = at("notificationPreference.stageName");
        findings.word(&target, Some(&preference.stage_name), &TELLABLE);
    }
    Contact {
        contact_name: findings.text(&at("contactName"), body.contact_name),
        phone: findings.text(&at("phone"), body.phone),
        phone_extension: body.phone_extension,
        mobile: body.mobile,
        email_list,
        notification_preference,
    }
}

/// Where drives go back to.
pub(super) fn address(body: Option<AddressBody>, findings: &mut Findings) -> Address {
    let body = body.unwrap_or_default();
    let at = |name: &str| format!("details.shippingAddress.{name}");
    Address {
        street_address1: findings.text(&at("streetAddress1"), body.street_address1),
        street_address2: body.street_address2,
        street_address3: body.street_address3,
        city: body.city,
        state_or_province: body.state_or_province,
        country: findings.text(&at("country"), body.country),
        postal_code: body.postal_code,
        zip_extended_code: body.zip_extended_code,
        company_name: body.company_name,
        tax_identification_number: body.tax_identification_number,
        address_type: findings.word(
            &at("addressType"),
            body.address_type.as_deref(),
            &ADDRESS_TYPES,
        ),
    }
}

/// Who carries drives back. What of it is given is the customer's matter.
pub(super) fn carrier(body: Option<CarrierBody>, findings: &mut Findings) -> ReturnCarrier {
    let target = "details.returnToCustomerPackageDetails";
    let Some(body) = body else {
        findings.add(target, format!("{target} is missing."));
        return ReturnCarrier::default();
    };
    ReturnCarrier { name: body.carrier_name, account: body.carrier_account_number }
}

/// Whose key protects the keys of the drives.
pub(super) fn key_encryption_key(body: Option<Value>, findings: &mut Findings) -> Value {
    let mut body = object("details.keyEncryptionKey", body, findings);
    let kind =
        findings.word("details.keyEncryptionKey.kekType", body["kekType"].as_str(), &KEY_TYPES);
    if kind == "CustomerManaged" {
        for name in ["kekUrl", "kekVaultResourceID"] {
            let target = format!("details.keyEncryptionKey.{name}");
            findings.text(&target, body[name].as_str().map(str::to_owned));
        }
    }
    if body.is_object() {
        body["kekType"] = kind.into();
    }
    body
}

/// What the customer would like; double encryption is off unless asked for.
pub(super) fn preferences(body: Option<Value>, findings: &mut Findings) -> Value {
    let mut body = object("details.preferences", body, findings);
    let kept = body["encryptionPreferences"]["doubleEncryption"].as_str();
    let target = "details.preferences.encryptionPreferences.doubleEncryption";
    let word = findings.word(target, kept, &DOUBLE_ENCRYPTION);
    if body.is_object() {
        body["encryptionPreferences"] = json!({ "doubleEncryption": word });
    }
    body
}

/// A part of which only the form is known; nothing is an empty one.
pub(super) fn object(target: &str, body: Option<Value>, findings: &mut Findings) -> Value {
    let body = body.unwrap_or_else(|| json!({}));
    if !body.is_object() {
        findings.add(target, format!("{target} is an object."));
    }
    body
}
