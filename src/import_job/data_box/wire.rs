//! Jobs on the wire of `Microsoft.DataBox`.

use std::collections::BTreeMap;

use disk_prep::noun::{DrivePath, RecoveryPassword, ReturnAddress, ReturnCarrier, Service};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};

use super::names::{RECEIVED, SKU, drive_state, job_state};
use crate::import_job::job::{
    Delivery, DriveEntry, DriveKey, DriveStatus, Job, Location, NewJob, ShippingAddress,
};
use crate::import_job::key_vault;

/// A job as it is told.
#[derive(Deserialize)]
pub(super) struct Resource {
    #[serde(default)]
    id: String,
    name: String,
    #[serde(default)]
    location: String,
    #[serde(default)]
    sku: Sku,
    properties: Properties,
}

#[derive(Deserialize, Default)]
struct Sku {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    #[serde(default)]
    status: String,
    #[serde(default)]
    is_cancellable: bool,
    #[serde(default)]
    is_deletable: bool,
    #[serde(default)]
    start_time: Option<Timestamp>,
    #[serde(default)]
    details: Option<Details>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Details {
    import_disk_details_collection: Option<BTreeMap<String, Value>>,
    copy_progress: Option<Vec<Progress>>,
    copy_log_details: Option<Vec<Log>>,
    job_stages: Option<Vec<Stage>>,
    datacenter_address: Option<Datacenter>,
    deliver_to_dc_package_details: Option<Package>,
    return_to_customer_package_details: Option<Package>,
    shipping_address: Option<Address>,
    contact_details: Option<ContactDetails>,
    data_import_details: Option<Vec<ImportDetails>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Progress {
    serial_number: String,
    #[serde(default)]
    copy_status: Option<String>,
    #[serde(default)]
    bytes_processed: u64,
    #[serde(default)]
    total_bytes_to_process: u64,
}

impl Progress {
    fn percent(&self) -> u8 {
        let part = u128::from(self.bytes_processed) * 100;
        let percent = part.checked_div(u128::from(self.total_bytes_to_process)).unwrap_or(0);
        u8::try_from(percent.min(100)).unwrap_or(100)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Log {
    serial_number: String,
    #[serde(default)]
    error_log_link: Option<String>,
    #[serde(default)]
    verbose_log_link: Option<String>,
}

/// A station of the job's way; one that is still to come may have no time, or one of the year 1.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stage {
    #[serde(default)]
    stage_name: String,
    #[serde(default)]
    stage_status: String,
    #[serde(default)]
    stage_time: Option<Timestamp>,
}

impl Stage {
    /// When the datacenter had the parcel.
    fn received(&self) -> Option<Timestamp> {
        let is_it = self.stage_name == RECEIVED && self.stage_status != "None";
        self.stage_time.filter(|at| is_it && *at > Timestamp::UNIX_EPOCH)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Package {
    #[serde(default)]
    carrier_name: Option<String>,
    #[serde(default)]
    tracking_id: Option<String>,
}

#[derive(Clone, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Address {
    street_address1: Option<String>,
    street_address2: Option<String>,
    city: Option<String>,
    state_or_province: Option<String>,
    postal_code: Option<String>,
    country: Option<String>,
    company_name: Option<String>,
}

#[derive(Clone, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ContactDetails {
    contact_name: Option<String>,
    phone: Option<String>,
    email_list: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ImportDetails {
    #[serde(default)]
    account_details: Option<AccountDetails>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AccountDetails {
    #[serde(default)]
    storage_account_id: Option<String>,
}

/// Where drives are sent: an address, or whom to write to for one.
#[derive(Deserialize, Default, Clone)]
#[serde(rename_all = "camelCase", default)]
struct Datacenter {
    contact_person_name: Option<String>,
    company: Option<String>,
    street1: Option<String>,
    street2: Option<String>,
    street3: Option<String>,
    city: Option<String>,
    state: Option<String>,
    zip: Option<String>,
    country: Option<String>,
    phone: Option<String>,
    additional_shipping_information: Option<String>,
    communication_instruction: Option<String>,
    supported_carriers_for_return_shipment: Option<Vec<String>>,
}

/// Lines of a label, empty ones left out.
fn label<const N: usize>(lines: [Option<String>; N]) -> Vec<String> {
    let text = |line: Option<String>| line.unwrap_or_default().trim().to_owned();
    lines.map(text).into_iter().filter(|line| !line.is_empty()).collect()
}

impl From<Datacenter> for ShippingAddress {
    fn from(own: Datacenter) -> Self {
        let town = label([own.city, own.state, own.zip]).join(" ");
        let streets = [own.street1, own.street2, own.street3];
        let [first, second, third] = streets;
        let lines = label([
            own.contact_person_name,
            own.company,
            first,
            second,
            third,
            Some(town),
            own.country,
        ]);
        let remarks = label([own.communication_instruction, own.additional_shipping_information]);
        ShippingAddress {
            lines,
            phone: own.phone.unwrap_or_default().trim().to_owned(),
            remark: remarks.join(" "),
        }
    }
}

impl Resource {
    /// Whether it is a job of the customer's own disks, and no order of a device.
    pub fn is_of_disks(&self) -> bool {
        self.sku.name.eq_ignore_ascii_case(SKU)
    }

    /// Its resource id.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub fn is_cancellable(&self) -> bool {
        self.properties.is_cancellable
    }

    pub fn is_deletable(&self) -> bool {
        self.properties.is_deletable
    }
}

impl Resource {
    /// The job as it was told at this time of the service.
    pub fn job(self, told_at: Timestamp) -> Job {
        let Properties { status, start_time, details, .. } = self.properties;
        let details = details.unwrap_or_default();
        let progress = details.copy_progress.unwrap_or_default();
        let done: u128 = progress.iter().map(|own| u128::from(own.bytes_processed)).sum();
        let total: u128 = progress.iter().map(|own| u128::from(own.total_bytes_to_process)).sum();
        let percent = (done * 100).checked_div(total).unwrap_or(0).min(100);
        let logs = details.copy_log_details.unwrap_or_default();
        let stages = details.job_stages.unwrap_or_default();
        let serials = details.import_disk_details_collection.unwrap_or_default();
        let drive = |serial: String| {
            let progress = progress.iter().find(|own| own.serial_number == serial);
            let log = logs.iter().find(|own| own.serial_number == serial);
            let word = progress.and_then(|own| own.copy_status.clone());
            DriveStatus {
                state: drive_state(word.unwrap_or_else(|| "NotStarted".to_owned())),
                percent: progress.map_or(0, Progress::percent),
                error_log: log.and_then(|own| own.error_log_link.clone()),
                verbose_log: log.and_then(|own| own.verbose_log_link.clone()),
                serial,
            }
        };
        let account = details.data_import_details.unwrap_or_default().into_iter().next();
        let contact = details.contact_details.unwrap_or_default();
        Job {
            id: self.id,
            name: self.name,
            service: Service::DataBox,
            account_id: account.and_then(|own| own.account_details?.storage_account_id),
            location: self.location,
            state: job_state(status),
            percent: u8::try_from(percent).unwrap_or(100),
            cancel_requested: false,
            created: start_time,
            shipping: details.datacenter_address.map(ShippingAddress::from),
            return_address: details
                .shipping_address
                .clone()
                .map(|own| fields(own, contact.clone())),
            return_to: details.shipping_address.map(|own| back(own, contact)),
            return_carrier: details
                .return_to_customer_package_details
                .and_then(|own| own.carrier_name),
            delivery: details.deliver_to_dc_package_details.and_then(|own| {
                let tracking_number = own.tracking_id.filter(|number| !number.is_empty())?;
                let carrier = own.carrier_name.unwrap_or_default();
                Some(Delivery { carrier, tracking_number, ship_date: None })
            }),
            drives: serials.into_keys().map(drive).collect(),
            received: stages.iter().find_map(Stage::received),
            is_proven: false,
            told_at,
        }
    }
}

fn fields(own: Address, contact: ContactDetails) -> ReturnAddress {
    let text = Option::unwrap_or_default;
    let line = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    ReturnAddress {
        recipient_name: text(line(contact.contact_name).or(own.company_name)),
        street_address_1: text(own.street_address1),
        street_address_2: line(own.street_address2),
        city: text(own.city),
        state_or_province: line(own.state_or_province),
        postal_code: text(own.postal_code),
        country_or_region: text(own.country),
        phone: text(contact.phone),
        email: contact.email_list.unwrap_or_default().into_iter().next().unwrap_or_default(),
    }
}

fn back(own: Address, contact: ContactDetails) -> ShippingAddress {
    let town = label([own.city, own.state_or_province, own.postal_code]).join(" ");
    let mut lines = label([
        contact.contact_name,
        own.company_name,
        own.street_address1,
        own.street_address2,
        Some(town),
        own.country,
    ]);
    // We send one name for both, as the service wants both.
    lines.dedup();
    let phone = contact.phone.unwrap_or_default();
    ShippingAddress { lines, phone, remark: String::new() }
}

/// A job that is to be made. Its keys are written straight into a buffer that is cleared.
#[derive(Serialize)]
pub(super) struct NewOrder<'a> {
    location: &'a str,
    sku: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<Value>,
    properties: NewProperties<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewProperties<'a> {
    transfer_type: &'static str,
    details: NewDetails<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewDetails<'a> {
    job_details_type: &'static str,
    contact_details: Value,
    shipping_address: Value,
    data_import_details: Value,
    import_disk_details_collection: BTreeMap<&'a str, NewDisk<'a>>,
    return_to_customer_package_details: Value,
    enable_manifest_backup: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_encryption_key: Option<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewDisk<'a> {
    manifest_file: &'a DrivePath,
    manifest_hash: &'a str,
    #[serde(serialize_with = "digits")]
    bit_locker_key: &'a RecoveryPassword,
}

fn digits<S: Serializer>(password: &RecoveryPassword, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&password.reveal())
}

impl<'a> NewOrder<'a> {
    /// The order of this job.
    pub fn of(job: &'a NewJob) -> Self {
        let disk = |drive: &'a DriveEntry| {
            let DriveEntry { serial, manifest_file, manifest_hash, recovery_password, .. } = drive;
            let bit_locker_key = recovery_password;
            (serial.as_str(), NewDisk { manifest_file, manifest_hash, bit_locker_key })
        };
        let (address, carrier) = (&job.contact.return_address, &job.contact.return_carrier);
        NewOrder {
            location: &job.location,
            sku: json!({"name": SKU}),
            identity: job.contact.key_vault.as_ref().map(key_vault::identity),
            properties: NewProperties {
                transfer_type: "ImportToAzure",
                details: NewDetails {
                    job_details_type: SKU,
                    contact_details: contact_details(address),
                    shipping_address: shipping_address(address),
                    data_import_details: json!([{
                        "accountDetails": {
                            "dataAccountType": "StorageAccount", "storageAccountId": job.account.to_string(),
                        },
                        "logCollectionLevel": "Verbose",
                    }]),
                    import_disk_details_collection: job.drives.iter().map(disk).collect(),
                    return_to_customer_package_details: package_back(carrier),
                    enable_manifest_backup: true,
                    key_encryption_key: job.contact.key_vault.as_ref().map(key_vault::data_box),
                },
            },
        }
    }
}

pub(super) fn contact_details(address: &ReturnAddress) -> Value {
    json!({
        "contactName": address.recipient_name, "phone": address.phone,
        "emailList": [address.email],
    })
}

pub(super) fn shipping_address(address: &ReturnAddress) -> Value {
    json!({
        "streetAddress1": address.street_address_1,
        "streetAddress2": address.street_address_2.as_deref().unwrap_or_default(),
        "city": address.city,
        "stateOrProvince": address.state_or_province.as_deref().unwrap_or_default(),
        "postalCode": address.postal_code, "country": address.country_or_region,
        "companyName": address.recipient_name, "addressType": "Commercial",
    })
}

pub(super) fn package_back(carrier: &ReturnCarrier) -> Value {
    json!({
        "carrierName": carrier.carrier_name,
        "carrierAccountNumber": carrier.carrier_account_number,
    })
}

/// What only the owner of a job may see.
#[derive(Deserialize)]
pub(super) struct CredentialList {
    value: Vec<Credential>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credential {
    #[serde(default)]
    job_secrets: Option<Secrets>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Secrets {
    #[serde(default)]
    disk_secrets: Vec<DiskSecret>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DiskSecret {
    disk_serial_number: String,
    #[serde(with = "disk_prep::noun::secret")]
    bit_locker_key: SecretString,
}

impl CredentialList {
    /// What unlocks the drives.
    pub fn keys(self) -> Vec<DriveKey> {
        let secrets = self.value.into_iter().filter_map(|own| own.job_secrets);
        let key = |own: DiskSecret| DriveKey {
            serial: own.disk_serial_number,
            password: own.bit_locker_key,
        };
        secrets.flat_map(|own| own.disk_secrets).map(key).collect()
    }
}

/// What a region says of itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RegionAnswer {
    #[serde(default)]
    datacenter_address_response: Datacenter,
}

impl RegionAnswer {
    /// The region of this name.
    pub fn location(self, region: &str) -> Location {
        let own = self.datacenter_address_response;
        let carriers = own.supported_carriers_for_return_shipment.clone().unwrap_or_default();
        let (name, alternates) = (region.to_owned(), Vec::new());
        Location { name, address: own.into(), carriers, alternates }
    }
}
