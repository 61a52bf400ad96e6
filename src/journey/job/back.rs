//! Where drives go back to, and with whom.

use std::path::Path;

use disk_prep::noun::{Diagnose, ErrorKind, ReturnCarrier};

use super::target::MeantJob;
use crate::import_job::{Error, Job, JobService, Location, Written};
use crate::journey::contact::contact;
use crate::journey::desk::Desk;
use crate::outcome::{Failure, chain};

/// Sets address and carrier from a contact file.
pub fn set_return(
    target: &MeantJob<'_>,
    file: &Path,
    desk: &Desk<'_>,
) -> Result<(Job, Written), Failure> {
    let contact = contact(file)?;
    let service = target.service(desk)?;
    let name = target.job(&*service)?;
    let job = service.find(&name)?;
    check_carrier(&*service, &job, &contact.return_carrier, desk)?;
    Ok((service.set_return(&name, &contact)?, Written::Changed))
}

/// Sets the carrier; the address stays as it is.
pub fn set_return_carrier(
    target: &MeantJob<'_>,
    carrier: &ReturnCarrier,
    desk: &Desk<'_>,
) -> Result<(Job, Written), Failure> {
    carrier.check()?;
    let service = target.service(desk)?;
    let name = target.job(&*service)?;
    let job = service.find(&name)?;
    check_carrier(&*service, &job, carrier, desk)?;
    Ok((service.set_return_carrier(&name, carrier)?, Written::Changed))
}

/// A region names the carriers that it gives drives to (`azure-import-export` 2.5); another one may
/// have been agreed upon by mail, so a person may say so.
fn check_carrier(
    service: &dyn JobService,
    job: &Job,
    carrier: &ReturnCarrier,
    desk: &Desk<'_>,
) -> Result<(), Failure> {
    let asked = carrier.carrier_name.trim();
    let Some(region) = without(service, job, asked)? else { return Ok(()) };
    let (job, name, all) = (&job.name, &region.name, region.carriers.join(", "));
    let what = format!("Would set {asked} for job {job}, and {name} gives drives only to {all}");
    Ok(desk.attendant.consent(&what)?)
}

/// Before a parcel goes: tells of a return carrier to whom the region gives no drives. It keeps no
/// parcel from being told, as it can be mended until the drives were read.
pub fn warn_of_carrier(service: &dyn JobService, job: &Job, desk: &Desk<'_>) {
    let Some(carrier) = &job.return_carrier else { return };
    let name = &job.name;
    match without(service, job, carrier) {
        Ok(None) => {}
        Ok(Some(region)) => {
            let (place, all) = (&region.name, region.carriers.join(", "));
            desk.attendant.warn(&format!(
                "{carrier} is to bring the drives of job {name} back, and {place} gives drives \
                 only to {all}; `azseed job return-shipping` sets another"
            ));
        }
        Err(error) => desk.attendant.warn(&format!(
            "whether {carrier} can bring the drives of job {name} back is not known: {}",
            chain(&error)
        )),
    }
}

/// The region of a job, if it gives no drives to a carrier.
fn without(service: &dyn JobService, job: &Job, carrier: &str) -> Result<Option<Location>, Error> {
    let region = match service.locations(Some(&job.location)) {
        // A region that the service does not list says nothing of carriers.
        Err(Error::Azure(error)) if error.kind() == ErrorKind::NotFound => return Ok(None),
        all => all?.into_iter().next(),
    };
    let is_it = |own: &String| own.eq_ignore_ascii_case(carrier.trim());
    Ok(region.filter(|own| !own.carriers.is_empty() && !own.carriers.iter().any(is_it)))
}
