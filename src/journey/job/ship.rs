//! A parcel told to the service, after all that can be known was looked at.

use disk_prep::noun::JobName;
use jiff::Timestamp;

use super::target::known;
use crate::import_job::{Error, Job, JobService, Shipment, Written};
use crate::outcome::Failure;

/// Says with whom the parcel of a job is on its way. `all` are the services in which another job
/// may have its number.
pub fn ship(
    service: &dyn JobService,
    name: &JobName,
    shipment: &Shipment,
    all: &[Box<dyn JobService>],
) -> Result<(Job, Written), Failure> {
    let job = service.find(name)?;
    shipment.check(&job, name, Timestamp::now())?;
    for other in all {
        let jobs = known(other.of_subscription())?;
        if let Some(other) = shipment.taken(&job, &jobs) {
            let (number, other) = (shipment.tracking_number.clone(), other.name.clone());
            return Err(Error::TrackingNumberTaken { number, other }.into());
        }
    }
    let was_known = shipment.is_known(&job);
    let job = service.ship(name, shipment)?;
    Ok((job, if was_known { Written::Unchanged } else { Written::Changed }))
}
