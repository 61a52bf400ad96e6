//! A job is made: the structure of what is sent is checked, and nothing of its drives. A mistake
//! there shows in the datacenter only, as with the real service (`azure-import-export` 1C.1).

use std::collections::BTreeMap;

use disk_prep::limits::DRIVES_PER_JOB;
use disk_prep::noun::{Serial, secret};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::call::Context;
use super::super::fault::Fault;
use super::super::locations;
use super::fields::{
    AddressBody, CarrierBody, ContactBody, address, carrier, contact, key_encryption_key, object,
    preferences,
};
use super::findings::{Findings, parse};
use super::names::SKU;
use super::operations::{self, Kind};
use crate::http::Answer;
use crate::jobs::job::{Drive, Job, LogLevel};
use crate::jobs::key::JobKey;
use crate::jobs::order::{Order, Reached};
use crate::jobs::states::JobState;

/// Where the logs of drives go.
const LOG_CONTAINER: &str = "databoxcopylog";

#[derive(Deserialize)]
struct Put {
    location: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    sku: Option<Sku>,
    identity: Option<Value>,
    properties: Option<Properties>,
}

#[derive(Deserialize)]
struct Sku {
    name: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Properties {
    transfer_type: Option<String>,
    delivery_type: Option<String>,
    details: Details,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Details {
    job_details_type: Option<String>,
    contact_details: Option<ContactBody>,
    shipping_address: Option<AddressBody>,
    data_import_details: Option<Vec<ImportBody>>,
    import_disk_details_collection: Option<BTreeMap<String, DiskBody>>,
    return_to_customer_package_details: Option<CarrierBody>,
    key_encryption_key: Option<Value>,
    preferences: Option<Value>,
    reverse_shipping_details: Option<Value>,
    enable_manifest_backup: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ImportBody {
    account_details: AccountBody,
    log_collection_level: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct AccountBody {
    data_account_type: Option<String>,
    storage_account_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DiskBody {
    manifest_file: Option<String>,
    manifest_hash: Option<String>,
    #[serde(default, with = "secret")]
    bit_locker_key: SecretString,
}

/// Makes a job. One that exists cannot be changed in this way.
pub(super) fn create(context: Context<'_>, key: &JobKey) -> Result<Answer, Fault> {
    let job = read(context, key, parse(&context.call.body)?)?;
    let job = context.book.record(|jobs| {
        if jobs.iter().any(|known| known.key.is(key)) {
            let message = format!("The job {} exists; PUT cannot change it.", key.name);
            return Err(Fault::new(409, "JobAlreadyExists", message));
        }
        Ok((job.clone(), job))
    })?;
    Ok(operations::begin(context, &job, Kind::Create))
}

fn read(context: Context<'_>, key: &JobKey, put: Put) -> Result<Job, Fault> {
    let mut findings = Findings::default();
    let sent = findings.text("location", put.location);
    check_kind(put.sku, put.properties.as_ref(), &mut findings);
    let details = put.properties.unwrap_or_default().details;
    let order = Order {
        id: uuid::Uuid::new_v4().to_string(),
        revision: 1,
        contact: contact(details.contact_details, &mut findings),
        address: address(details.shipping_address, &mut findings),
        return_carrier: carrier(details.return_to_customer_package_details, &mut findings),
        identity: object(
            "identity",
            put.identity.or_else(|| Some(json!({"type": "None"}))),
            &mut findings,
        ),
        key_encryption_key: key_encryption_key(details.key_encryption_key, &mut findings),
        preferences: preferences(details.preferences, &mut findings),
        reverse_shipping: object(
            "details.reverseShippingDetails",
            details.reverse_shipping_details,
            &mut findings,
        ),
        cancel_reason: None,
        reached: vec![Reached { state: JobState::Creating, at: context.now }],
    };
    let (storage_account, log_level) = account(details.data_import_details, &mut findings);
    let drives = drives(details.import_disk_details_collection, &mut findings);
    findings.end()?;
    let location = locations::find(&sent).ok_or_else(|| no_location(&sent).at("location"))?;
    Ok(Job {
        version: 2,
        key: key.clone(),
        location: location.id.to_owned(),
        tags: put.tags,
        storage_account,
        diagnostics: LOG_CONTAINER.to_owned(),
        log_level,
        backup_manifest: details.enable_manifest_backup,
        state: JobState::Creating,
        created: context.now,
        since: context.now,
        cancel_requested: false,
        return_address: None,
        return_shipping: None,
        delivery: None,
        return_package: None,
        drives,
        order: Some(Box::new(order)),
    })
}

/// A region that the service does not have.
pub(super) fn no_location(name: &str) -> Fault {
    let message = format!("There is no location {name}.");
    Fault::new(400, "LocationNotAvailableForResourceType", message)
}

/// The emulator has imports from customers' own drives; what else the service has is told apart
/// from what it has not.
fn check_kind(sku: Option<Sku>, properties: Option<&Properties>, findings: &mut Findings) {
    let mut only = |target: &str, value: Option<&str>, others: &[&str], own: &str| match value {
        None | Some("") => findings.add(target, format!("{target} is missing.")),
        Some(word) if word == own => {}
        Some(word) if others.contains(&word) => {
            findings.add(target, format!("The emulator has {own} only, not {word}."));
        }
        Some(word) => findings.add(target, format!("{target} does not know {word}.")),
    };
    let devices = ["DataBox", "DataBoxDisk", "DataBoxHeavy"];
    let sku = sku.and_then(|sku| sku.name);
    only("sku.name", sku.as_deref(), &devices, SKU);
    let transfer = properties.and_then(|own| own.transfer_type.as_deref());
    only("transferType", transfer, &["ExportFromAzure"], "ImportToAzure");
    let kind = properties.and_then(|own| own.details.job_details_type.as_deref());
    only("details.jobDetailsType", kind, &devices, SKU);
    let delivery = properties.and_then(|own| own.delivery_type.as_deref());
    findings.word("deliveryType", delivery, &["NonScheduled", "Scheduled"]);
}

/// The storage account, of which a job has one, and how much its logs tell.
fn account(list: Option<Vec<ImportBody>>, findings: &mut Findings) -> (String, LogLevel) {
    let target = "details.dataImportDetails";
    let list = list.unwrap_or_default();
    if list.len() > 1 {
        findings.add(target, "A job has one storage account.");
    }
    let body = list.into_iter().next().unwrap_or_default();
    let at = |name: &str| format!("{target}.{name}");
    let level = body.log_collection_level.as_deref();
    let level = findings.word(&at("logCollectionLevel"), level, &["Error", "Verbose"]);
    let level = if level == "Verbose" { LogLevel::Verbose } else { LogLevel::Error };
    let own = body.account_details;
    let kind = own.data_account_type.as_deref();
    findings.word(&at("accountDetails.dataAccountType"), kind, &["StorageAccount"]);
    let place = at("accountDetails.storageAccountId");
    let id = findings.text(&place, own.storage_account_id);
    if !id.is_empty() && !is_storage_account(&id) {
        findings.add(&place, "The storageAccountId is no resource id.");
    }
    (id, level)
}

/// Whether a text is the resource id of a storage account.
pub(super) fn is_storage_account(id: &str) -> bool {
    let id = id.to_lowercase();
    let parts: Vec<&str> = id.split('/').collect();
    matches!(
        parts.as_slice(),
        ["", "subscriptions", one, "resourcegroups", two, "providers", "microsoft.storage",
         "storageaccounts", three] if ![one, two, three].iter().any(|part| part.is_empty())
    )
}

fn drives(map: Option<BTreeMap<String, DiskBody>>, findings: &mut Findings) -> Vec<Drive> {
    let target = "details.importDiskDetailsCollection";
    let map = map.unwrap_or_default();
    if map.is_empty() {
        findings.add(target, "An import job has at least one drive.");
    }
    if map.len() > DRIVES_PER_JOB {
        let message = format!("A job takes {DRIVES_PER_JOB} drives, not {}.", map.len());
        findings.add(target, message);
    }
    let drive = |(serial, body): (String, DiskBody)| {
        let at = |name: &str| format!("{target}.{serial}.{name}");
        let manifest = (
            findings.text(&at("manifestFile"), body.manifest_file),
            findings.text(&at("manifestHash"), body.manifest_hash),
        );
        if body.bit_locker_key.expose_secret().is_empty() {
            findings.add(&at("bitLockerKey"), format!("{} is missing.", at("bitLockerKey")));
        }
        let named = Serial::new(&serial)
            .map_err(|error| findings.add(&format!("{target}.{serial}"), error.to_string()));
        Some(Drive::specified(named.ok()?, body.bit_locker_key, manifest))
    };
    map.into_iter().filter_map(drive).collect()
}
