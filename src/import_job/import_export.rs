//! The classic service, `Microsoft.ImportExport`, api-version 2020-08-01
//! (`azure-import-export` 1A).

use disk_prep::limits::JOB_NAME_CHARACTERS;
use disk_prep::noun::{
    Contact, DrivePath, JobName, RecoveryPassword, ResourceGroup, ReturnAddress, ReturnCarrier,
    Serial, Service, SubscriptionId,
};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};

use super::error::Error;
use super::job::{
    Delivery, DriveEntry, DriveKey, DriveStatus, Job, Location, NewJob, ShippingAddress, is_same,
};
use super::key_vault;
use super::place::Place;
use super::service::{JobService, Written};
use super::shipment::Shipment;
use super::state::{DriveStage, DriveState, JobStage, JobState};
use crate::azure::Arm;

const VERSION: &str = "2020-08-01";
const PROVIDER: &str = "providers/Microsoft.ImportExport";
/// What a job is patched to when its parcel is on its way.
const SHIPPING: &str = "Shipping";
/// What a drive is before anything has come.
const SPECIFIED: &str = "Specified";

/// The service, for the jobs of one resource group.
#[derive(Debug)]
pub struct ImportExport {
    arm: Arm,
    place: Place,
}

/// A job on the wire.
#[derive(Deserialize)]
struct Resource {
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

#[derive(Deserialize, Default)]
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
struct Region {
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
struct KeyList {
    value: Vec<Key>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    drive_id: String,
    #[serde(with = "disk_prep::noun::secret")]
    bit_locker_key: SecretString,
}

/// A job that is to be made, on the wire. Its keys are written straight into a buffer that is
/// cleared; a JSON value in between would leave them behind.
#[derive(Serialize)]
struct NewResource<'a> {
    location: &'a str,
    properties: NewProperties<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewProperties<'a> {
    storage_account_id: String,
    job_type: &'static str,
    return_address: Value,
    return_shipping: Value,
    diagnostics_path: &'static str,
    log_level: &'static str,
    backup_drive_manifest: bool,
    drive_list: Vec<NewDrive<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption_key: Option<Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewDrive<'a> {
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

impl ImportExport {
    /// The service for this resource group.
    pub fn new(arm: Arm, subscription: SubscriptionId, group: ResourceGroup) -> Self {
        ImportExport { arm, place: Place { service: Service::ImportExport, subscription, group } }
    }

    fn look(&self, name: &JobName) -> Result<Option<Job>, Error> {
        Ok(self.arm.get::<Resource>(&self.place.job(name), VERSION)?.map(Job::from))
    }

    fn patch(&self, name: &JobName, properties: Value) -> Result<Job, Error> {
        let body = json!({ "properties": properties });
        Ok(self.arm.patch::<Resource>(&self.place.job(name), VERSION, &body)?.into())
    }
}

impl JobService for ImportExport {
    fn service(&self) -> Service {
        Service::ImportExport
    }

    fn create(&self, job: &NewJob) -> Result<(Job, Written), Error> {
        job.check()?;
        check_name(&job.name)?;
        if let Some(found) = self.look(&job.name)? {
            is_same(&found, job)?;
            return Ok((found, Written::Unchanged));
        }
        let account = job.account_id(&self.place.subscription, &self.place.group);
        let body = NewResource {
            location: &job.location,
            properties: NewProperties {
                storage_account_id: account,
                job_type: "Import",
                return_address: return_address(&job.contact.return_address),
                return_shipping: return_shipping(&job.contact.return_carrier),
                diagnostics_path: "waimportexport",
                log_level: "Verbose",
                backup_drive_manifest: true,
                drive_list: job.drives.iter().map(drive).collect(),
                encryption_key: job.contact.key_vault.as_ref().map(key_vault::classic),
            },
        };
        match self.arm.put::<Resource>(&self.place.job(&job.name), VERSION, &body) {
            Ok(made) => Ok((made.into(), Written::Changed)),
            // It may have been made although its answer was lost.
            Err(error) => match self.look(&job.name) {
                Ok(Some(found)) if is_same(&found, job).is_ok() => Ok((found, Written::Changed)),
                _ => Err(error.into()),
            },
        }
    }

    fn find(&self, name: &JobName) -> Result<Job, Error> {
        self.look(name)?.ok_or_else(|| Error::NoSuchJob { job: name.clone() })
    }

    fn list(&self) -> Result<Vec<Job>, Error> {
        let all: Vec<Resource> = self.arm.list(&self.place.jobs(), VERSION)?;
        Ok(all.into_iter().map(Job::from).collect())
    }

    fn of_subscription(&self) -> Result<Vec<Job>, Error> {
        let path = self.place.of_subscription("jobs");
        let all: Vec<Resource> = self.arm.list(&path, VERSION)?;
        Ok(all.into_iter().map(Job::from).collect())
    }

    fn shippable(&self, name: &JobName, job: &Job, _shipment: &Shipment) -> Result<(), Error> {
        if job.return_to.is_none() {
            return Err(Error::NoReturnAddress { job: name.clone() });
        }
        // What a word of tomorrow allows only the service knows.
        if job.state.stage.is_sent() && job.state.stage != JobStage::Shipped {
            return Err(Error::TooLateToShip { job: name.clone(), state: job.state.to_string() });
        }
        Ok(())
    }

    fn ship(&self, name: &JobName, shipment: &Shipment) -> Result<Job, Error> {
        let job = self.find(name)?;
        self.shippable(name, &job, shipment)?;
        let drive_count = shipment.drive_count.unwrap_or(job.drives.len());
        self.patch(
            name,
            json!({
                "state": SHIPPING,
                "deliveryPackage": {
                    "carrierName": shipment.carrier, "trackingNumber": shipment.tracking_number,
                    "driveCount": drive_count, "shipDate": shipment.ship_date.to_string(),
                },
            }),
        )
    }

    fn set_return(&self, name: &JobName, contact: &Contact) -> Result<Job, Error> {
        self.find(name)?;
        self.patch(
            name,
            json!({
                "returnAddress": return_address(&contact.return_address),
                "returnShipping": return_shipping(&contact.return_carrier),
            }),
        )
    }

    fn set_return_carrier(&self, name: &JobName, carrier: &ReturnCarrier) -> Result<Job, Error> {
        self.find(name)?;
        self.patch(name, json!({ "returnShipping": return_shipping(carrier) }))
    }

    fn cancellable(&self, name: &JobName) -> Result<Job, Error> {
        let job = self.find(name)?;
        let may = matches!(job.state.stage, JobStage::Waiting | JobStage::Shipped);
        if !job.cancel_requested && !may {
            return Err(Error::TooLateToCancel { job: name.clone(), state: job.state.to_string() });
        }
        Ok(job)
    }

    fn deletable(&self, name: &JobName) -> Result<Option<Job>, Error> {
        let Some(job) = self.look(name)? else { return Ok(None) };
        if !(job.state.stage == JobStage::Waiting || job.state.stage.is_over()) {
            return Err(Error::NotDeletable { job: name.clone(), state: job.state.to_string() });
        }
        Ok(Some(job))
    }

    fn cancel(&self, name: &JobName) -> Result<(Job, Written), Error> {
        let job = self.cancellable(name)?;
        if job.cancel_requested {
            return Ok((job, Written::Unchanged));
        }
        Ok((self.patch(name, json!({ "cancelRequested": true }))?, Written::Changed))
    }

    fn delete(&self, name: &JobName) -> Result<Written, Error> {
        if self.deletable(name)?.is_none() {
            return Ok(Written::Unchanged);
        }
        self.arm.delete(&self.place.job(name), VERSION)?;
        Ok(Written::Changed)
    }

    fn keys(&self, name: &JobName) -> Result<Vec<DriveKey>, Error> {
        let path = format!("{}/listBitLockerKeys", self.place.job(name));
        let list: KeyList = self.arm.fetch(&path, VERSION)?;
        let key = |key: Key| DriveKey { serial: key.drive_id, password: key.bit_locker_key };
        Ok(list.value.into_iter().map(key).collect())
    }

    fn locations(&self, region: Option<&str>) -> Result<Vec<Location>, Error> {
        let all: Vec<Region> = self.arm.list(&format!("{PROVIDER}/locations"), VERSION)?;
        let word = |name: &str| name.replace(' ', "").to_ascii_lowercase();
        let is_meant = |own: &Location| region.is_none_or(|asked| word(asked) == word(&own.name));
        Ok(all.into_iter().map(Location::from).filter(is_meant).collect())
    }
}

fn return_address(address: &ReturnAddress) -> Value {
    json!({
        "recipientName": address.recipient_name, "streetAddress1": address.street_address_1,
        "streetAddress2": address.street_address_2.as_deref().unwrap_or_default(),
        "city": address.city,
        "stateOrProvince": address.state_or_province.as_deref().unwrap_or_default(),
        "postalCode": address.postal_code, "countryOrRegion": address.country_or_region,
        "phone": address.phone, "email": address.email,
    })
}

fn return_shipping(carrier: &ReturnCarrier) -> Value {
    json!({
        "carrierName": carrier.carrier_name,
        "carrierAccountNumber": carrier.carrier_account_number,
    })
}

fn drive(entry: &DriveEntry) -> NewDrive<'_> {
    NewDrive {
        drive_id: &entry.serial,
        bit_locker_key: &entry.recovery_password,
        manifest_file: &entry.manifest_file,
        manifest_hash: &entry.manifest_hash,
        drive_header_hash: entry.header_hash.as_deref().unwrap_or_default(),
    }
}

/// `azure-import-export` 2.4.
pub(super) fn check_name(name: &JobName) -> Result<(), Error> {
    let text = name.as_str();
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_fit = JOB_NAME_CHARACTERS.contains(&text.len())
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(is_plain);
    let rule = "2 to 64 lower-case letters, digits and hyphens, a letter first";
    let refused = || Error::Name { name: name.clone(), service: Service::ImportExport, rule };
    is_fit.then_some(()).ok_or_else(refused)
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

impl From<Resource> for Job {
    fn from(resource: Resource) -> Self {
        let Properties { delivery_package, drive_list, .. } = resource.properties;
        Job {
            id: resource.id,
            name: resource.name,
            account_id: resource.properties.storage_account_id,
            location: resource.location,
            service: Service::ImportExport,
            state: job_state(resource.properties.state),
            percent: resource.properties.percent_complete.unwrap_or(0),
            cancel_requested: resource.properties.cancel_requested.unwrap_or(false),
            created: resource.system.and_then(|system| system.created_at),
            shipping: resource.properties.shipping_information.map(ShippingAddress::from),
            return_to: resource.properties.return_address.map(ShippingAddress::from),
            return_carrier: resource.properties.return_shipping.and_then(|own| own.name),
            delivery: delivery_package.map(|package| Delivery {
                carrier: package.carrier_name,
                tracking_number: package.tracking_number,
                ship_date: package.ship_date,
            }),
            drives: drive_list.unwrap_or_default().into_iter().map(DriveStatus::from).collect(),
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
