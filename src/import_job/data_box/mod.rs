//! Azure Data Box with the customer's own disks, `Microsoft.DataBox` (`azure-import-export` 1C).
//! Asked in version 2025-02-01, of which live traffic was recorded (1C.1); of what is used here
//! 2022-12-01 and 2025-07-01 have the same.

mod names;
mod wire;

use disk_prep::noun::{
    Contact, JobName, ResourceGroup, ReturnAddress, ReturnCarrier, Service, SubscriptionId,
};
use serde::Deserialize;
use serde_json::{Value, json};

pub use self::names::check_name;
use self::names::{AWAITING, SKU};
use self::wire::{
    CredentialList, NewOrder, RegionAnswer, Resource, contact_details, package_back,
    shipping_address,
};
use super::error::Error;
use super::job::{DriveKey, Job, Location, NewJob, is_same};
use super::place::Place;
use super::service::{JobService, Written};
use super::shipment::Shipment;
use super::state::JobStage;
use crate::azure::Arm;

const VERSION: &str = "2025-02-01";
/// With this a job is told whole.
const DETAILS: &str = "$expand=details";

/// The service, for the jobs of one resource group.
#[derive(Debug)]
pub struct DataBox {
    arm: Arm,
    place: Place,
}

/// Nothing that we need to know.
#[derive(Deserialize)]
struct Ignored {}

impl DataBox {
    /// The service for this resource group.
    pub fn new(arm: Arm, subscription: SubscriptionId, group: ResourceGroup) -> Self {
        DataBox { arm, place: Place { service: Service::DataBox, subscription, group } }
    }

    fn resource(&self, name: &JobName) -> Result<Option<Resource>, Error> {
        Ok(self.arm.get(&format!("{}?{DETAILS}", self.place.job(name)), VERSION)?)
    }

    fn look(&self, name: &JobName) -> Result<Option<Job>, Error> {
        Ok(self.resource(name)?.map(|own| own.job(self.arm.now())))
    }

    fn known(&self, name: &JobName) -> Result<Resource, Error> {
        self.resource(name)?.ok_or_else(|| Error::NoSuchJob { job: name.clone() })
    }

    fn act(&self, name: &JobName, action: &str, body: &Value) -> Result<(), Error> {
        let path = format!("{}/{action}", self.place.job(name));
        self.arm.post::<Ignored>(&path, VERSION, body)?;
        Ok(())
    }

    /// Lists tell jobs without details; each is asked for what it lacks.
    fn list_at(&self, path: &str) -> Result<Vec<Job>, Error> {
        let short: Vec<Resource> = self.arm.list(path, VERSION)?;
        let own = short.into_iter().filter(Resource::is_of_disks);
        own.map(|job| {
            let path = format!("{}?{DETAILS}", job.id());
            let whole: Option<Resource> = self.arm.get(&path, VERSION)?;
            Ok(whole.unwrap_or(job).job(self.arm.now()))
        })
        .collect()
    }
}

impl JobService for DataBox {
    fn service(&self) -> Service {
        Service::DataBox
    }

    fn create(&self, job: &NewJob) -> Result<(Job, Written), Error> {
        job.check()?;
        check_name(&job.name)?;
        let modern = job.drives.iter().find(|drive| drive.header_hash.is_some());
        if let Some(drive) = modern {
            return Err(Error::ModernProfile { serial: drive.serial.clone() });
        }
        if let Some(found) = self.look(&job.name)? {
            is_same(&found, job)?;
            return Ok((found, Written::Unchanged));
        }
        let order = NewOrder::of(job);
        let made = self.arm.put::<Ignored>(&self.place.job(&job.name), VERSION, &order);
        // An order that was taken although its answer was lost is refused the second time: only
        // the service knows.
        match (made, self.look(&job.name)) {
            (_, Ok(Some(found))) => {
                is_same(&found, job)?;
                Ok((found, Written::Changed))
            }
            (Err(error), _) => Err(error.into()),
            (Ok(_), Ok(None)) => Err(Error::NoSuchJob { job: job.name.clone() }),
            (Ok(_), Err(error)) => Err(error),
        }
    }

    fn find(&self, name: &JobName) -> Result<Job, Error> {
        Ok(self.known(name)?.job(self.arm.now()))
    }

    fn list(&self) -> Result<Vec<Job>, Error> {
        self.list_at(&self.place.jobs())
    }

    fn of_subscription(&self) -> Result<Vec<Job>, Error> {
        self.list_at(&self.place.of_subscription("jobs"))
    }

    fn shippable(&self, name: &JobName, job: &Job, shipment: &Shipment) -> Result<(), Error> {
        match &job.delivery {
            Some(_) if shipment.is_known(job) => Ok(()),
            Some(parcel) => {
                let (carrier, number) = (parcel.carrier.clone(), parcel.tracking_number.clone());
                Err(Error::ShippedAlready { job: name.clone(), carrier, number })
            }
            None => Ok(()),
        }
    }

    fn ship(&self, name: &JobName, shipment: &Shipment) -> Result<Job, Error> {
        let job = self.find(name)?;
        self.shippable(name, &job, shipment)?;
        if shipment.is_known(&job) {
            return Ok(job);
        }
        let parcel =
            json!({"carrierName": shipment.carrier, "trackingId": shipment.tracking_number});
        let told =
            self.act(name, "markDevicesShipped", &json!({"deliverToDcPackageDetails": parcel}));
        match (told, self.find(name)) {
            // It was heard although its answer was lost.
            (Err(_), Ok(job)) if shipment.is_known(&job) => Ok(job),
            (Err(error), _) => Err(error),
            (Ok(()), job) => job,
        }
    }

    fn set_return(&self, name: &JobName, contact: &Contact) -> Result<Job, Error> {
        self.known(name)?;
        let body = json!({"properties": {"details": {
            "contactDetails": contact_details(&contact.return_address),
            "shippingAddress": shipping_address(&contact.return_address),
            "returnToCustomerPackageDetails": package_back(&contact.return_carrier),
        }}});
        self.arm.patch::<Ignored>(&self.place.job(name), VERSION, &body)?;
        self.find(name)
    }

    fn set_return_address(&self, name: &JobName, address: &ReturnAddress) -> Result<Job, Error> {
        self.known(name)?;
        let body = json!({"properties": {"details": {
            "contactDetails": contact_details(address),
            "shippingAddress": shipping_address(address),
        }}});
        self.arm.patch::<Ignored>(&self.place.job(name), VERSION, &body)?;
        self.find(name)
    }

    fn set_return_carrier(&self, name: &JobName, carrier: &ReturnCarrier) -> Result<Job, Error> {
        self.known(name)?;
        let back = json!({"returnToCustomerPackageDetails": package_back(carrier)});
        let body = json!({"properties": {"details": back}});
        self.arm.patch::<Ignored>(&self.place.job(name), VERSION, &body)?;
        self.find(name)
    }

    fn cancellable(&self, name: &JobName) -> Result<Job, Error> {
        let resource = self.known(name)?;
        let may = resource.is_cancellable();
        let job = resource.job(self.arm.now());
        if may || job.state.stage == JobStage::Cancelled {
            return Ok(job);
        }
        Err(Error::TooLateToCancel { job: name.clone(), state: job.state.to_string() })
    }

    fn deletable(&self, name: &JobName) -> Result<Option<Job>, Error> {
        let Some(resource) = self.resource(name)? else { return Ok(None) };
        let may = resource.is_deletable();
        let job = resource.job(self.arm.now());
        if may {
            return Ok(Some(job));
        }
        Err(match job.state.word() {
            AWAITING => Error::CancelFirst { job: name.clone() },
            state => Error::NotDeletable { job: name.clone(), state: state.to_owned() },
        })
    }

    fn cancel(&self, name: &JobName) -> Result<(Job, Written), Error> {
        let job = self.cancellable(name)?;
        if job.state.stage == JobStage::Cancelled {
            return Ok((job, Written::Unchanged));
        }
        let told = self.act(name, "cancel", &json!({"reason": "Cancelled with azseed"}));
        match (told, self.find(name)) {
            (Err(error), Ok(job)) if job.state.stage != JobStage::Cancelled => Err(error),
            (Err(error), Err(_)) => Err(error),
            (_, job) => Ok((job?, Written::Changed)),
        }
    }

    fn delete(&self, name: &JobName) -> Result<Written, Error> {
        if self.deletable(name)?.is_none() {
            return Ok(Written::Unchanged);
        }
        self.arm.delete(&self.place.job(name), VERSION)?;
        Ok(Written::Changed)
    }

    fn keys(&self, name: &JobName) -> Result<Vec<DriveKey>, Error> {
        let path = format!("{}/listCredentials", self.place.job(name));
        let list: CredentialList = self.arm.fetch(&path, VERSION)?;
        Ok(list.keys())
    }

    fn locations(&self, region: Option<&str>) -> Result<Vec<Location>, Error> {
        let region = region.ok_or(Error::WhichRegion)?;
        let word = region.replace(' ', "").to_ascii_lowercase();
        let path = format!("locations/{word}/regionConfiguration");
        let path = self.place.of_subscription(&path);
        let body = json!({"datacenterAddressRequest": {"storageLocation": word, "skuName": SKU}});
        let answer = self.arm.post::<RegionAnswer>(&path, VERSION, &body)?;
        Ok(answer.into_iter().map(|answer| answer.location(region)).collect())
    }
}
