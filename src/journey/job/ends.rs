//! A job made, and a job ended.

use std::path::PathBuf;

use disk_prep::journal::JournalFolder;
use disk_prep::noun::{JobName, Service};

use super::own_drives::expect_own;
use super::remembered::Remembered;
use super::sight::{made, seen};
use super::target::{JobOptions, MeantJob, described, known};
use crate::import_job::{Job, Location, Written};
use crate::journey::desk::Desk;
use crate::journey::keeper::{KeyFiles, keeper};
use crate::journey::misnamed::expect_named;
use crate::journey::parcel::Parcel;
use crate::journey::settings::Given;
use crate::journey::unplaced::warn_of_unplaced;
use crate::outcome::{Failure, MissingFlags, all, chain};

/// Makes the jobs of a seed from the journals of its drives.
pub fn create(
    target: &MeantJob<'_>,
    location: Option<Given<String>>,
    contact: Option<&Given<PathBuf>>,
    files: &KeyFiles,
    desk: &Desk<'_>,
) -> Result<Vec<(Job, Written)>, Failure> {
    let Some((seed, staging)) = target.seed.as_ref() else {
        return create_of_dataset(target, location, contact, files, desk);
    };
    target.expect_seed_job(desk)?;
    let about = &seed.target;
    let parcel = Parcel::new(Some(about), location, contact, desk.attendant)?;
    let folder = staging.journals();
    expect_named(seed, &folder)?;
    let keeper = keeper(Some(staging), files, None, &desk.state()?);
    let (service, account) = (target.service(desk)?, &about.account_id());
    let sent = !seed.parcels.is_empty() || desk.state()?.was_sent(&about.job)?;
    Parcel::expect_unsent(&*service, &about.job, sent, desk.attendant)?;
    let mut jobs = parcel.make_jobs(
        &*service,
        &about.job,
        seed.needed(),
        account,
        &folder,
        keeper.as_ref(),
    )?;
    parcel.told_apart(&jobs).iter().for_each(|text| desk.attendant.warn(text));
    made(&mut jobs, desk);
    warn_of_unplaced(staging, desk.attendant)?;
    Ok(jobs)
}

/// Makes the jobs of a `dataset.csv`, whose journals lie in the state directory.
fn create_of_dataset(
    target: &MeantJob<'_>,
    location: Option<Given<String>>,
    contact: Option<&Given<PathBuf>>,
    files: &KeyFiles,
    desk: &Desk<'_>,
) -> Result<Vec<(Job, Written)>, Failure> {
    let (flags, state) = (target.flags(), desk.state()?);
    let missing = || MissingFlags::one("--staging");
    let job = flags.job.as_ref().ok_or_else(missing)?;
    let folder = state.known_job_folder(job).ok_or_else(missing)?;
    let (subscription, group) = target.place_said(desk)?;
    let account = ("--storage-account", flags.storage_account.as_ref());
    let (account, subscription, group) = all(account, subscription, group)?;
    let service = target.service_for_new(desk)?;
    let is_elsewhere = |own: &Remembered| {
        let (held, place) = (own.place.1.to_string(), group.to_string());
        own.place.0 != subscription
            || !held.eq_ignore_ascii_case(&place)
            || own.service != service.service()
    };
    if let Some(other) = state.jobs_remembered(job)?.into_iter().find(is_elsewhere) {
        desk.attendant.consent(&format!(
            "Would make a second job {job} of the same drives: the group {} of {} had one of \
             {}, {} when it was seen last",
            other.place.1, other.place.0, other.service, other.state
        ))?;
    }
    let parcel = Parcel::new(None, location, contact, desk.attendant)?;
    let journals = JournalFolder::new(folder.join("journals"));
    let keeper = keeper(None, files, None, &state);
    let account = &account.in_group(&subscription, &group);
    Parcel::expect_unsent(&*service, job, state.was_sent(job)?, desk.attendant)?;
    let mut jobs = parcel.make_jobs(&*service, job, &[], account, &journals, keeper.as_ref())?;
    parcel.told_apart(&jobs).iter().for_each(|text| desk.attendant.warn(text));
    made(&mut jobs, desk);
    Ok(jobs)
}

/// Where regions take parcels; Data Box tells it of the seed's region unless another is asked for.
pub fn locations(
    target: &MeantJob<'_>,
    asked: Option<String>,
    desk: &Desk<'_>,
) -> Result<Vec<Location>, Failure> {
    let service = target.service(desk)?;
    let held = target.seed.as_ref().and_then(|(seed, _)| seed.target.location.clone());
    let region = asked.or(held.filter(|_| service.service() == Service::DataBox));
    Ok(service.locations(region.as_deref())?)
}

/// The jobs of the resource group that is meant, of every service; where none is named and several
/// seeds are known, those of all their groups.
pub fn list(options: &JobOptions, desk: &Desk<'_>) -> Result<Vec<Job>, Failure> {
    let target = MeantJob::new(options, desk)?;
    if target.open_seeds().is_empty() || target.place(desk).is_ok() {
        return of_group(&target, desk);
    }
    let mut jobs: Vec<Job> = Vec::new();
    for (job, path) in target.open_seeds() {
        let own = JobOptions { job: Some(job.clone()), ..options.clone() };
        let seen = desk.state()?.jobs_remembered(job)?;
        let found = match MeantJob::new(&own, desk) {
            Ok(own) if own.seed.is_none() && seen.is_empty() => continue,
            Ok(own) => of_group(&own, desk)?,
            // A path out of reach: its job is where it was seen last.
            Err(_) if !seen.is_empty() => of_group(&MeantJob::without_seed(&own), desk)?,
            Err(Failure(error)) => {
                let (path, why) = (path.display(), chain(error.as_ref()));
                desk.attendant.warn(&format!("jobs of {job} in {path} are not listed: {why}"));
                continue;
            }
        };
        let is_new = |own: &Job| jobs.iter().all(|there| there.id != own.id);
        let new: Vec<Job> = found.into_iter().filter(is_new).collect();
        jobs.extend(new);
    }
    Ok(jobs)
}

/// The jobs of the resource group, of every service.
pub(super) fn of_group(target: &MeantJob<'_>, desk: &Desk<'_>) -> Result<Vec<Job>, Failure> {
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
    expect_own(target, &job, desk)?;
    if !job.cancel_requested {
        desk.attendant.consent(&format!("Would ask to cancel {}", described(&job)))?;
    }
    let (mut job, written) = service.cancel(&name)?;
    seen(&mut job, desk);
    Ok((job, written))
}

/// Deletes a job.
pub fn delete(target: &MeantJob<'_>, desk: &Desk<'_>) -> Result<(JobName, Written), Failure> {
    let service = target.service(desk)?;
    let name = target.job(&*service)?;
    if let Some(job) = service.deletable(&name)? {
        expect_own(target, &job, desk)?;
        desk.attendant.consent(&format!("Would delete {}", described(&job)))?;
    }
    let written = service.delete(&name)?;
    // What was never remembered needs not be forgotten.
    if let Err(error) = desk.state().and_then(|state| state.forget_job(service.service(), &name)) {
        desk.attendant.warn(&format!("that it is deleted cannot be remembered: {}", chain(&error)));
    }
    Ok((name, written))
}
