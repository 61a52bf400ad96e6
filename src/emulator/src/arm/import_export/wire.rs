//! A job as the service shows it (`azure-import-export` 1A.4). Keys are never shown here.

use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::super::locations::{self, Location};
use crate::jobs::job::{Drive, Job};

/// The job in full.
pub(super) fn body(job: &Job) -> Value {
    let location = locations::find(&job.location);
    let mut properties = Map::new();
    let mut set = |name: &str, value: Value| {
        if !value.is_null() {
            properties.insert(name.to_owned(), value);
        }
    };
    set("storageAccountId", json!(job.storage_account));
    set("jobType", json!("Import"));
    set("diagnosticsPath", json!(job.diagnostics));
    set("logLevel", json!(job.log_level));
    set("backupDriveManifest", json!(job.backup_manifest));
    set("returnAddress", json!(job.return_address));
    set("returnShipping", json!(job.return_shipping));
    let taken_at = location.and_then(|own| locations::find(own.takes_at));
    set("shippingInformation", json!(taken_at.map(address)));
    set("deliveryPackage", json!(job.delivery));
    set("returnPackage", json!(job.return_package));
    set("state", json!(job.state.to_string()));
    set("cancelRequested", json!(job.cancel_requested));
    set("percentComplete", json!(job.percent()));
    set("driveList", job.drives.iter().map(drive).collect());
    set("provisioningState", json!("Succeeded"));
    set("encryptionKey", json!({"kekType": "MicrosoftManaged"}));
    json!({
        "id": job.key.id(), "name": job.key.name, "type": "Microsoft.ImportExport/jobs",
        "location": location.map_or(job.location.as_str(), |own| own.name),
        "tags": job.tags, "properties": properties, "identity": {"type": "None"},
        "systemData": {
            "createdBy": "emulator", "createdByType": "Application", "createdAt": job.created,
            "lastModifiedBy": "emulator", "lastModifiedByType": "Application",
            "lastModifiedAt": job.since,
        },
    })
}

/// A region as the service shows it.
pub(super) fn region(location: &Location) -> Value {
    let id = |id: &str| format!("/providers/Microsoft.ImportExport/locations/{id}");
    let mut properties = address(location);
    properties["supportedCarriers"] = json!(location.carriers);
    properties["alternateLocations"] = json!([id(location.takes_at)]);
    properties["additionalShippingInformation"] = json!("");
    json!({
        "id": id(location.id), "name": location.name,
        "type": "Microsoft.ImportExport/locations", "properties": properties,
    })
}

/// The address for parcels.
fn address(location: &Location) -> Value {
    json!({
        "recipientName": "Emulated Import/Export Service", "streetAddress1": location.street,
        "streetAddress2": "", "city": location.city, "stateOrProvince": location.state,
        "postalCode": location.postal_code, "countryOrRegion": location.country,
        "phone": "000 000 0000",
    })
}

fn drive(drive: &Drive) -> Value {
    let mut body = json!({
        "driveId": drive.serial, "manifestFile": drive.manifest_file,
        "manifestHash": drive.manifest_hash, "state": drive.state.to_string(),
        "percentComplete": drive.percent, "bytesSucceeded": drive.bytes_succeeded,
    });
    let optional = [
        ("driveHeaderHash", &drive.header_hash),
        ("copyStatus", &drive.copy_status),
        ("errorLogUri", &drive.error_log),
        ("verboseLogUri", &drive.verbose_log),
        ("manifestUri", &drive.manifest_copy),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            body[name] = json!(value);
        }
    }
    body
}

/// The keys of a job's drives.
pub(super) fn keys(job: &Job) -> Value {
    let pair =
        |drive: &Drive| json!({"driveId": drive.serial, "bitLockerKey": drive.key.expose_secret()});
    json!({ "value": job.drives.iter().map(pair).collect::<Vec<Value>>() })
}
