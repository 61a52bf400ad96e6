//! A job as the service shows it (`azure-import-export` 1C.1). Keys of drives and the account with
//! the carrier are shown only to who asks for credentials.

use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::names::SKU;
use super::{places, progress};
use crate::http::Answer;
use crate::jobs::job::{Drive, Job};
use crate::jobs::order::Order;
use crate::jobs::stages;
use crate::jobs::states::{DriveState, JobState};

/// How much of a job is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// Without details.
    Short,
    /// With them.
    Whole,
}

/// Names the state of a job that callers can change.
pub(super) fn etag(job: &Job) -> String {
    let order = job.order.as_ref();
    order.map(|order| format!("\"{}-{}\"", order.id, order.revision)).unwrap_or_default()
}

/// The job as an answer.
pub(super) fn answer(job: &Job, depth: Depth) -> Answer {
    Answer::json(200, &body(job, depth)).with("etag", etag(job))
}

/// Whether the address for the way back can be changed.
pub(super) fn is_address_editable(job: &Job) -> bool {
    use JobState::{Creating, Received, Shipping, Transferring};
    matches!(job.state, Creating | Shipping | Received | Transferring)
}

/// The job.
pub(super) fn body(job: &Job, depth: Depth) -> Value {
    let Some(order) = &job.order else { return Value::Null };
    let is_cancellable = job.state.may_become(JobState::Cancelled);
    let mut properties = json!({
        "transferType": "ImportToAzure",
        "isCancellable": is_cancellable,
        "isDeletable": job.state.is_final(),
        "isShippingAddressEditable": is_address_editable(job),
        "isPrepareToShipEnabled": false,
        "reverseShippingDetailsUpdate": "NotSupported",
        "reverseTransportPreferenceUpdate": "NotSupported",
        "status": stages::status(job),
        "startTime": job.created,
    });
    if let Some(reason) = &order.cancel_reason {
        properties["cancellationReason"] = json!(reason);
    }
    if depth == Depth::Whole {
        properties["details"] = details(job, order);
    }
    let is_lost = |drive: &Drive| drive.state == DriveState::NeverReceived;
    properties["deliveryType"] = json!("NonScheduled");
    properties["deliveryInfo"] = json!({"scheduledDateTime": "0001-01-01T00:00:00+00:00"});
    properties["isCancellableWithoutFee"] = json!(is_cancellable);
    properties["allDevicesLost"] = json!(job.drives.iter().all(is_lost));
    json!({
        "properties": properties,
        "systemData": {
            "createdBy": "emulator", "createdByType": "Application", "createdAt": job.created,
            "lastModifiedBy": "emulator", "lastModifiedByType": "Application",
            "lastModifiedAt": job.since,
        },
        "location": job.location, "tags": job.tags, "sku": {"name": SKU, "model": SKU},
        "identity": order.identity, "name": job.key.name, "id": job.key.id(),
        "type": "Microsoft.DataBox/jobs",
    })
}

fn details(job: &Job, order: &Order) -> Value {
    let mut back = Map::new();
    if let Some(name) = &order.return_carrier.name {
        back.insert("carrierName".to_owned(), json!(name));
    }
    if let Some(parcel) = &job.return_package {
        back.insert("trackingId".to_owned(), json!(parcel.tracking_number));
    }
    let disks: Map<String, Value> =
        job.drives.iter().map(|drive| (drive.serial.to_string(), disk(drive))).collect();
    let mut details = json!({
        "importDiskDetailsCollection": disks,
        "returnToCustomerPackageDetails": back,
        "enableManifestBackup": job.backup_manifest,
        "copyProgress": progress::copies(job),
        "copyLogDetails": progress::logs(job),
        "jobStages": progress::stages(job),
        "contactDetails": order.contact,
        "shippingAddress": order.address,
        "dataImportDetails": [{
            "logCollectionLevel": job.log_level,
            "accountDetails": {
                "storageAccountId": job.storage_account, "dataAccountType": "StorageAccount",
            },
        }],
        "dataExportDetails": [],
        "jobDetailsType": SKU,
        "preferences": order.preferences,
        "reverseShippingDetails": order.reverse_shipping,
        "keyEncryptionKey": order.key_encryption_key,
        "datacenterAddress": places::address(&job.location),
    });
    if let Some(parcel) = &job.delivery {
        details["deliverToDcPackageDetails"] =
            json!({"carrierName": parcel.carrier_name, "trackingId": parcel.tracking_number});
    }
    details
}

fn disk(drive: &Drive) -> Value {
    let mut disk =
        json!({"manifestFile": drive.manifest_file, "manifestHash": drive.manifest_hash});
    if let Some(place) = &drive.manifest_copy {
        disk["backupManifestCloudPath"] = json!(place);
    }
    disk
}

/// What only the owner of a job may see.
pub(super) fn credentials(job: &Job) -> Value {
    let secret = |drive: &Drive| {
        json!({
            "diskSerialNumber": drive.serial, "bitLockerKey": drive.key.expose_secret(),
        })
    };
    let account = job.order.as_ref().map(|order| order.return_carrier.account.expose_secret());
    json!({"value": [{
        "jobName": job.key.name,
        "jobSecrets": {
            "jobSecretsType": SKU,
            "diskSecrets": job.drives.iter().map(secret).collect::<Vec<Value>>(),
            "carrierAccountNumber": account,
            "dcAccessSecurityCode": {},
        },
    }]})
}
