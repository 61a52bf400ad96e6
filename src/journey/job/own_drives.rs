//! Whether the drives of a job are those of the seed that it is asked for by, and whether all of them
//! still hold what they are to bring.

use disk_prep::journal::{CopyState, JournalFolder};
use disk_prep::noun::{Diagnose, ErrorKind, Hint, JobName, typed};

use super::target::MeantJob;
use crate::import_job::{Job, JobService, first_name};
use crate::journey::desk::Desk;
use crate::outcome::Failure;

/// A job of the seed's name that another seed's drives are in.
#[derive(Debug, thiserror::Error)]
#[error("Job {job} was made of other drives than the seed's: {}", drives.join(", "))]
struct OtherDrives {
    job: String,
    drives: Vec<String>,
}

impl Diagnose for OtherDrives {
    fn code(&self) -> &'static str {
        "job-other-drives"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Refused
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new(
            "name the staging path of these drives; `azseed status` shows which seed has them, and \
             two seeds need two names for their jobs",
        ))
    }
}

/// The job that is meant, as its service has it.
pub fn meant(
    target: &MeantJob<'_>,
    service: &dyn JobService,
    desk: &Desk<'_>,
) -> Result<(JobName, Job), Failure> {
    let name = target.job(service)?;
    let job = service.find(&name)?;
    expect_own(target, &job, desk)?;
    Ok((name, job))
}

/// Refuses a job of the seed's name that has none of its drives.
pub fn expect_own(target: &MeantJob<'_>, job: &Job, desk: &Desk<'_>) -> Result<(), Failure> {
    let is_of_seed = || {
        let (name, seed) = (job.name.parse::<JobName>().ok()?, target.seed_job().ok()?);
        Some(first_name(&name).unwrap_or(name).as_str().eq_ignore_ascii_case(seed.as_str()))
    };
    if target.seed.is_some() && is_of_seed() != Some(true) {
        return Ok(());
    }
    // Journals that cannot be read tell nothing against it.
    let known = journals(target, desk)?.map(|folder| folder.survey().unwrap_or_default());
    let known = known.unwrap_or_default();
    let is_known = |serial: &str| {
        known.iter().any(|own| own.begun.serial.as_str().eq_ignore_ascii_case(serial))
    };
    if known.is_empty() || job.drives.is_empty() {
        return Ok(());
    }
    match job.drives.iter().any(|drive| is_known(&drive.serial)) {
        true => Ok(()),
        false => {
            let drives = job.drives.iter().map(|drive| drive.serial.clone()).collect();
            Err(OtherDrives { job: job.name.clone(), drives }.into())
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("Job {job} has drives that were given up: {}", drives.join(", "))]
struct GivenUp {
    job: String,
    drives: Vec<String>,
}

impl Diagnose for GivenUp {
    fn code(&self) -> &'static str {
        "job-drive-given-up"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Guard
    }
    fn hint(&self) -> Option<Hint> {
        let line = |word| typed(["azseed", "job", word, "--job", &self.job]);
        Some(Hint::new(format!(
            "`{}`, `{}` and `azseed job create` make it of the drives that are left",
            line("cancel"),
            line("delete")
        )))
    }
}

/// Refuses a parcel that is not on its way yet, if one of its drives was given up.
pub(super) fn expect_kept(
    target: &MeantJob<'_>,
    job: &Job,
    desk: &Desk<'_>,
) -> Result<(), Failure> {
    let folder = journals(target, desk)?.filter(|_| !job.state.stage.is_sent());
    let Some(folder) = folder else { return Ok(()) };
    let mut drives = Vec::new();
    for history in folder.survey()? {
        let serial = history.begun.serial.as_str();
        let is_of_job = job.drives.iter().any(|drive| drive.serial == serial);
        if history.state == CopyState::Released && is_of_job {
            drives.push(serial.to_owned());
        }
    }
    if drives.is_empty() {
        return Ok(());
    }
    Err(GivenUp { job: job.name.clone(), drives }.into())
}

/// The journals of the seed; those of a `dataset.csv` lie in the state directory.
pub(super) fn journals(
    target: &MeantJob<'_>,
    desk: &Desk<'_>,
) -> Result<Option<JournalFolder>, Failure> {
    let (seed, name) = (target.seed.as_ref(), target.named());
    if let (None, Some(name)) = (seed, name) {
        let state = desk.state()?;
        let mut names = [Some(name.clone()), first_name(name)].into_iter().flatten();
        let folder = names.find_map(|name| state.known_job_folder(&name));
        return Ok(folder.map(|folder| JournalFolder::new(folder.join("journals"))));
    }
    Ok(seed.map(|(_, staging)| staging.journals()))
}
