//! What the job's commands leave in the custody log of its seed, or of its `dataset.csv`.

use disk_prep::noun::JobName;

use super::target::MeantJob;
use crate::custody::{Chain, Deed};
use crate::import_job::{DriveStage, Job, first_name};
use crate::journey::custody::{Logged, leave};
use crate::journey::desk::Desk;
use crate::outcome::Failure;
use crate::staging::Staging;

/// The staging path of a job's seed, or the folder of its journals, if this machine has one. The job
/// of another seed is none of its business.
pub fn home_of(
    target: &MeantJob<'_>,
    job: &JobName,
    desk: &Desk<'_>,
) -> Result<Option<Staging>, Failure> {
    let is_of = |own: &JobName| own == job || first_name(job).as_ref() == Some(own);
    if let Some((seed, staging)) = &target.seed {
        return Ok(is_of(&seed.target.job).then(|| staging.clone()));
    }
    let state = desk.state()?;
    let mut names = [Some(job.clone()), first_name(job)].into_iter().flatten();
    let folder = names.find_map(|name| state.known_job_folder(&name));
    Ok(folder.map(|folder| Staging::open(&folder)).transpose()?)
}

/// Leaves an entry on a job, if its log is within reach.
pub(super) fn note(
    target: &MeantJob<'_>,
    job: &Job,
    choose: impl FnOnce(&Chain) -> Vec<Deed>,
    desk: &Desk<'_>,
) -> Logged {
    let home = job.name.parse().map_err(Failure::from);
    match home.and_then(|name| home_of(target, &name, desk)) {
        Ok(Some(home)) => leave(&home, None, choose, desk),
        Ok(None) => Logged(None),
        Err(failure) => Logged(Some(failure)),
    }
}

/// The serials of a job.
pub(super) fn serials(job: &Job) -> Vec<String> {
    job.drives.iter().map(|drive| drive.serial.clone()).collect()
}

/// Leaves an entry on the drives of a job that the service has, once for each.
pub fn note_arrival(target: &MeantJob<'_>, job: &Job, desk: &Desk<'_>) -> Logged {
    use DriveStage::{Copied, Copying, Incomplete, Received, Returned};
    let is_there = |stage| matches!(stage, Received | Copying | Copied | Incomplete | Returned);
    let arrived = job.drives.iter().filter(|drive| is_there(drive.state.stage));
    let arrived: Vec<String> = arrived.map(|drive| drive.serial.clone()).collect();
    if arrived.is_empty() {
        return Logged(None);
    }
    let choose = |chain: &Chain| {
        let is_told = |serial: &String| {
            chain.links.iter().any(|link| match &link.entry.deed {
                Deed::Received { job: own, drives } => *own == job.name && drives.contains(serial),
                _ => false,
            })
        };
        let drives: Vec<String> = arrived.into_iter().filter(|own| !is_told(own)).collect();
        let deed = Deed::Received { job: job.name.clone(), drives: drives.clone() };
        if drives.is_empty() { Vec::new() } else { vec![deed] }
    };
    note(target, job, choose, desk)
}
