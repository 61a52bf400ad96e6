//! A job made, and a job ended.

use std::path::PathBuf;

use disk_prep::noun::JobName;

use super::target::{MeantJob, described, known};
use crate::import_job::{Job, Written};
use crate::journey::desk::Desk;
use crate::journey::keeper::{KeyFiles, keeper};
use crate::journey::parcel::Parcel;
use crate::journey::settings::Given;
use crate::outcome::{Failure, MissingFlag};

/// Makes the jobs of a seed from the journals of its drives.
pub fn create(
    target: &MeantJob<'_>,
    location: Option<Given<String>>,
    contact: Option<&Given<PathBuf>>,
    files: &KeyFiles,
    desk: &Desk<'_>,
) -> Result<Vec<(Job, Written)>, Failure> {
    let (seed, staging) = target.seed.as_ref().ok_or(MissingFlag { flag: "--staging" })?;
    let about = &seed.target;
    let parcel = Parcel::new(Some(about), location, contact, desk.attendant)?;
    let folder = staging.journals();
    let keeper = keeper(Some(staging), files, None, &desk.state()?);
    let (service, account) = (target.service(desk)?, &about.storage_account);
    parcel.make_jobs(&*service, &about.job, seed.kind, account, &folder, keeper.as_ref())
}

/// The jobs of the resource group, of every service.
pub fn list(target: &MeantJob<'_>, desk: &Desk<'_>) -> Result<Vec<Job>, Failure> {
    let mut jobs = Vec::new();
    for service in target.services(desk)? {
        jobs.extend(known(service.list())?);
    }
    Ok(jobs)
}

/// Asks to cancel a job.
pub fn cancel(target: &MeantJob<'_>, desk: &Desk<'_>) -> Result<(Job, Written), Failure> {
    let service = target.service(desk)?;
    let name = target.job(&*service)?;
    let job = service.cancellable(&name)?;
    if !job.cancel_requested {
        desk.attendant.consent(&format!("Would ask to cancel {}", described(&job)))?;
    }
    Ok(service.cancel(&name)?)
}

/// Deletes a job.
pub fn delete(target: &MeantJob<'_>, desk: &Desk<'_>) -> Result<(JobName, Written), Failure> {
    let service = target.service(desk)?;
    let name = target.job(&*service)?;
    if let Some(job) = service.deletable(&name)? {
        desk.attendant.consent(&format!("Would delete {}", described(&job)))?;
    }
    let written = service.delete(&name)?;
    Ok((name, written))
}
