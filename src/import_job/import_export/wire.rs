//! Jobs on the wire of `Microsoft.ImportExport`, and which stage its words stand for
//! (`azure-import-export` 1A.4, 2.1, 2.2).

use disk_prep::noun::{DrivePath, RecoveryPassword, ReturnAddress, ReturnCarrier, Serial, Service};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};

use crate::import_job::job::{Delivery, DriveEntry, DriveStatus, Job, Location, ShippingAddress};
use crate::import_job::state::{DriveStage, DriveState, JobStage, JobState};

/// What a job is patched to when its parcel is on its way.
pub(super) const SHIPPING: &str = "Shipping";
/// What a drive is before anything has come.
const SPECIFIED: &str = "Specified";

/// A job on the wire.
#[derive(Deserialize)]
pub(super) struct Resource {
    #[serde(default)]
    id: String,
    name: String,
    #[serde(default)]
    location: String,
    properties: Properties,
    #[serde(rename = "systemData", default)]
    system: Option<SystemData>,
}

#[derive(Deserialize)]
struct SystemData {
    #[serde(rename = "createdAt", default)]
    created_at: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    #[serde(default)]
    storage_account_id: Option<String>,
    #[serde(default)]
    state: String,
    #[serde(default)]
    percent_complete: Option<u8>,
    #[serde(default)]
    cancel_requested: Option<bool>,
    #[serde(default)]
    shipping_information: Option<Address>,
    #[serde(default)]
    return_address: Option<Address>,
    #[serde(default)]
    return_shipping: Option<Carrier>,
    #[serde(default)]
    delivery_package: Option<Package>,
    #[serde(default)]
    drive_list: Option<Vec<Drive>>,
}

#[derive(Deserialize)]
struct Carrier {
    #[serde(rename = "carrierName", default)]
    name: Option<String>,
}

#[derive(Clone, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Address {
    recipient_name: Option<String>,
    street_address1: Option<String>,
    street_address2: Option<String>,
    city: Option<String>,
    state_or_province: Option<String>,
    postal_code: Option<String>,
    country_or_region: Option<String>,
    phone: Option<String>,
    email: Option<String>,
    additional_information: Option<String>,
    additional_shipping_information: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    carrier_name: String,
    tracking_number: String,
    #[serde(default)]
    ship_date: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Drive {
    drive_id: String,
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    percent_complete: Option<u8>,
    #[serde(default)]
    error_log_uri: Option<String>,
    #[serde(default)]
    verbose_log_uri: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Region {
    name: String,
    properties: RegionProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RegionProperties {
    #[serde(flatten)]
    address: Address,
    #[serde(default)]
    supported_carriers: Vec<String>,
    #[serde(default)]
    alternate_locations: Vec<String>,
}

#[derive(Deserialize)]
pub(super) struct KeyList {
    pub value: Vec<Key>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Key {
    pub drive_id: String,
    #[serde(with = "disk_prep::noun::secret")]
    pub bit_locker_key: SecretString,
}

/// A job that is to be made, on the wire. Its keys are written straight into a buffer that is
/// cleared; a JSON value in between would leave them behind.
#[derive(Serialize)]
pub(super) struct NewResource<'a> {
    pub location: &'a str,
    pub properties: NewProperties<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewProperties<'a> {
    pub storage_account_id: String,
    pub job_type: &'static str,
    pub return_address: Value,
    pub return_shipping: Value,
    pub diagnostics_path: &'static str,
    pub log_level: &'static str,
    pub backup_drive_manifest: bool,
    pub drive_list: Vec<NewDrive<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_key: Option<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewDrive<'a> {
    drive_id: &'a Serial,
    #[serde(serialize_with = "digits")]
    bit_locker_key: &'a RecoveryPassword,
    manifest_file: &'a DrivePath,
    manifest_hash: &'a str,
    drive_header_hash: &'a str,
}

fn digits<S: Serializer>(password: &RecoveryPassword, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&password.reveal())
}

pub(super) fn return_address(address: &ReturnAddress) -> Value {
    json!({
        "recipientName": address.recipient_name, "streetAddress1": address.street_address_1,
        "streetAddress2": address.street_address_2.as_deref().unwrap_or_default(),
        "city": address.city,
        "stateOrProvince": address.state_or_province.as_deref().unwrap_or_default(),
        "postalCode": address.postal_code, "countryOrRegion": address.country_or_region,
        "phone": address.phone, "email": address.email,
    })
}

pub(super) fn return_shipping(carrier: &ReturnCarrier) -> Value {
    json!({
        "carrierName": carrier.carrier_name,
        "carrierAccountNumber": carrier.carrier_account_number,
    })
}

pub(super) fn drive(entry: &DriveEntry) -> NewDrive<'_> {
    NewDrive {
        drive_id: &entry.serial,
        bit_locker_key: &entry.recovery_password,
        manifest_file: &entry.manifest_file,
        manifest_hash: &entry.manifest_hash,
        drive_header_hash: entry.header_hash.as_deref().unwrap_or_default(),
    }
}

/// `azure-import-export` 2.1.
fn job_state(word: String) -> JobState {
    let stage = match word.as_str() {
        "Creating" => JobStage::Waiting,
        SHIPPING => JobStage::Shipped,
        "Received" => JobStage::Received,
        "Transferring" => JobStage::Copying,
        "Packaging" => JobStage::Returning,
        "Completed" => JobStage::Completed,
        "Closed" => JobStage::Incomplete,
        "Canceled" => JobStage::Cancelled,
        _ => JobStage::Unknown,
    };
    JobState::new(stage, word)
}

/// `azure-import-export` 2.2.
fn drive_state(word: String) -> DriveState {
    let stage = match word.as_str() {
        SPECIFIED => DriveStage::Named,
        "Received" => DriveStage::Received,
        "NeverReceived" => DriveStage::Missing,
        "Transferring" => DriveStage::Copying,
        "Completed" => DriveStage::Copied,
        "CompletedMoreInfo" => DriveStage::Incomplete,
        "ShippedBack" => DriveStage::Returned,
        _ => DriveStage::Unknown,
    };
    DriveState::new(stage, word)
}

impl From<Address> for ReturnAddress {
    fn from(own: Address) -> Self {
        let text = Option::unwrap_or_default;
        let line = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        ReturnAddress {
            recipient_name: text(own.recipient_name),
            street_address_1: text(own.street_address1),
            street_address_2: line(own.street_address2),
            city: text(own.city),
            state_or_province: line(own.state_or_province),
            postal_code: text(own.postal_code),
            country_or_region: text(own.country_or_region),
            phone: text(own.phone),
            email: text(own.email),
        }
    }
}

impl From<Address> for ShippingAddress {
    fn from(address: Address) -> Self {
        let text = |part: Option<String>| part.unwrap_or_default().trim().to_owned();
        let town = [address.city, address.state_or_province, address.postal_code]
            .map(text)
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        let lines = [
            text(address.recipient_name),
            text(address.street_address1),
            text(address.street_address2),
            town,
            text(address.country_or_region),
        ];
        ShippingAddress {
            lines: lines.into_iter().filter(|line| !line.is_empty()).collect(),
            phone: text(address.phone),
            remark: text(
                address.additional_information.or(address.additional_shipping_information),
            ),
        }
    }
}

impl Resource {
    /// The job as it was told at this time of the service.
    pub fn job(self, told_at: Timestamp) -> Job {
        let own = self.properties;
        Job {
            id: self.id,
            name: self.name,
            account_id: own.storage_account_id,
            location: self.location,
            service: Service::ImportExport,
            state: job_state(own.state),
            percent: own.percent_complete.unwrap_or(0),
            cancel_requested: own.cancel_requested.unwrap_or(false),
            created: self.system.and_then(|system| system.created_at),
            shipping: own.shipping_information.map(ShippingAddress::from),
            return_address: own.return_address.clone().map(ReturnAddress::from),
            return_to: own.return_address.map(ShippingAddress::from),
            return_carrier: own.return_shipping.and_then(|own| own.name),
            delivery: own.delivery_package.map(|package| Delivery {
                carrier: package.carrier_name,
                tracking_number: package.tracking_number,
                ship_date: package.ship_date,
            }),
            drives: own.drive_list.unwrap_or_default().into_iter().map(DriveStatus::from).collect(),
            received: None,
            is_proven: false,
            told_at,
        }
    }
}

impl From<Drive> for DriveStatus {
    fn from(drive: Drive) -> Self {
        DriveStatus {
            serial: drive.drive_id,
            state: drive_state(drive.state.unwrap_or_else(|| SPECIFIED.to_owned())),
            percent: drive.percent_complete.unwrap_or(0),
            error_log: drive.error_log_uri,
            verbose_log: drive.verbose_log_uri,
        }
    }
}

impl From<Region> for Location {
    fn from(region: Region) -> Self {
        Location {
            name: region.name,
            address: region.properties.address.into(),
            carriers: region.properties.supported_carriers,
            alternates: region.properties.alternate_locations,
        }
    }
}
