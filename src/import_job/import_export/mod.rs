//! The classic service, `Microsoft.ImportExport`, api-version 2020-08-01
//! (`azure-import-export` 1A).

mod wire;

use disk_prep::limits::JOB_NAME_CHARACTERS;
use disk_prep::noun::{
    Contact, JobName, ResourceGroup, ReturnAddress, ReturnCarrier, Service, SubscriptionId,
};
use serde_json::{Value, json};

use self::wire::{
    Key, KeyList, NewProperties, NewResource, Region, Resource, SHIPPING, drive, return_address,
    return_shipping,
};
use super::error::Error;
use super::job::{DriveKey, Job, Location, NewJob, is_same};
use super::key_vault;
use super::place::Place;
use super::service::{JobService, Written};
use super::shipment::Shipment;
use super::state::JobStage;
use crate::azure::Arm;

const VERSION: &str = "2020-08-01";
const PROVIDER: &str = "providers/Microsoft.ImportExport";

/// The service, for the jobs of one resource group.
#[derive(Debug)]
pub struct ImportExport {
    arm: Arm,
    place: Place,
}

impl ImportExport {
    /// The service for this resource group.
    pub fn new(arm: Arm, subscription: SubscriptionId, group: ResourceGroup) -> Self {
        ImportExport { arm, place: Place { service: Service::ImportExport, subscription, group } }
    }

    fn look(&self, name: &JobName) -> Result<Option<Job>, Error> {
        let found = self.arm.get::<Resource>(&self.place.job(name), VERSION)?;
        Ok(found.map(|own| own.job(self.arm.now())))
    }

    fn list_at(&self, path: &str) -> Result<Vec<Job>, Error> {
        let all: Vec<Resource> = self.arm.list(path, VERSION)?;
        Ok(all.into_iter().map(|own| own.job(self.arm.now())).collect())
    }

    fn patch(&self, name: &JobName, properties: Value) -> Result<Job, Error> {
        let body = json!({ "properties": properties });
        let patched: Resource = self.arm.patch(&self.place.job(name), VERSION, &body)?;
        Ok(patched.job(self.arm.now()))
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
        let body = NewResource {
            location: &job.location,
            properties: NewProperties {
                storage_account_id: job.account.to_string(),
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
            Ok(made) => Ok((made.job(self.arm.now()), Written::Changed)),
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
        self.list_at(&self.place.jobs())
    }

    fn of_subscription(&self) -> Result<Vec<Job>, Error> {
        self.list_at(&self.place.of_subscription("jobs"))
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

    fn set_return_address(&self, name: &JobName, address: &ReturnAddress) -> Result<Job, Error> {
        self.find(name)?;
        self.patch(name, json!({ "returnAddress": return_address(address) }))
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
