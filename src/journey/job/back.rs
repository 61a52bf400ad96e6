//! Where drives go back to, and with whom.

use std::path::Path;

use disk_prep::noun::{Diagnose, ErrorKind, ReturnCarrier};

use super::target::MeantJob;
use crate::import_job::{Error, Job, JobService, Written};
use crate::journey::contact::contact;
use crate::journey::desk::Desk;
use crate::outcome::Failure;

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
    let region = match service.locations(Some(&job.location)) {
        // A region that the service does not list says nothing of carriers.
        Err(Error::Azure(error)) if error.kind() == ErrorKind::NotFound => return Ok(()),
        all => all?.into_iter().next(),
    };
    let Some(region) = region.filter(|own| !own.carriers.is_empty()) else { return Ok(()) };
    let asked = carrier.carrier_name.trim();
    if region.carriers.iter().any(|own| own.eq_ignore_ascii_case(asked)) {
        return Ok(());
    }
    let (name, all) = (&region.name, region.carriers.join(", "));
    let what =
        format!("Would set {asked} for job {}, and {name} gives drives only to {all}", job.name);
    Ok(desk.attendant.consent(&what)?)
}
