//! What every service that takes drives in can do.

use disk_prep::noun::{Contact, JobName, ReturnAddress, ReturnCarrier, Service};

use super::error::Error;
use super::job::{DriveKey, Job, Location, NewJob};
use super::shipment::Shipment;

/// Whether a call changed anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// It did.
    Changed,
    /// All was as asked for.
    Unchanged,
}

/// A service that takes drives in. Every call can be repeated.
pub trait JobService {
    /// Which one it is.
    fn service(&self) -> Service;
    /// Makes a job, or finds it made.
    fn create(&self, job: &NewJob) -> Result<(Job, Written), Error>;
    /// A job by its name.
    fn find(&self, name: &JobName) -> Result<Job, Error>;
    /// All jobs of the resource group.
    fn list(&self) -> Result<Vec<Job>, Error>;
    /// All jobs of the subscription, since a tracking number may be used but once in it.
    fn of_subscription(&self) -> Result<Vec<Job>, Error>;
    /// Refuses a parcel that this service would not take for the job; nothing is sent.
    fn shippable(&self, name: &JobName, job: &Job, shipment: &Shipment) -> Result<(), Error>;
    /// Says that the parcel is on its way.
    fn ship(&self, name: &JobName, shipment: &Shipment) -> Result<Job, Error>;
    /// Sets return address and carrier.
    fn set_return(&self, name: &JobName, contact: &Contact) -> Result<Job, Error>;
    /// Sets the return address alone.
    fn set_return_address(&self, name: &JobName, address: &ReturnAddress) -> Result<Job, Error>;
    /// Sets the return carrier alone.
    fn set_return_carrier(&self, name: &JobName, carrier: &ReturnCarrier) -> Result<Job, Error>;
    /// The job, if it may be cancelled; nothing is sent that changes it.
    fn cancellable(&self, name: &JobName) -> Result<Job, Error>;
    /// The job, if there is one, and if it may be deleted; nothing is sent that changes it.
    fn deletable(&self, name: &JobName) -> Result<Option<Job>, Error>;
    /// Asks to cancel.
    fn cancel(&self, name: &JobName) -> Result<(Job, Written), Error>;
    /// Deletes; a job that is gone is as good as deleted.
    fn delete(&self, name: &JobName) -> Result<Written, Error>;
    /// The protectors as the service keeps them.
    fn keys(&self, name: &JobName) -> Result<Vec<DriveKey>, Error>;
    /// Regions that take drives in: this one, or all that the service names.
    fn locations(&self, region: Option<&str>) -> Result<Vec<Location>, Error>;
}
