//! The end of a job that brought plain files: they stay in the container they were sent to, so
//! nothing of them is deleted. What ends is their seed, and the hold on the drives.

use disk_prep::noun::{Diagnose, ErrorKind, Hint, JobName, count, typed};

use super::connections::{AzureOptions, BlobAccess};
use super::desk::Desk;
use super::job::{MeantJob, seen};
use super::reconcile::{Reconciled, reconcile};
use crate::import_job::{Error as JobError, Job, JobState, parts};
use crate::outcome::Failure;
use crate::staging::{Seed, SeedKind, SeedState};

/// Why a job is not at its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("Job {job} is {state}; only a job that has ended is cleared")]
    NotOver { job: String, state: JobState },
    #[error("Job {job} brought a repository, which a vault has to take in first")]
    Repository { job: JobName },
    #[error("{} of job {job} {} not as the drives had {}", count(*blobs, "blob"), are(*blobs), them(*blobs))]
    NotThere { job: String, which: Vec<String>, blobs: u64, other: u64 },
}

const fn are(number: u64) -> &'static str {
    if number == 1 { "is" } else { "are" }
}

const fn them(number: u64) -> &'static str {
    if number == 1 { "it" } else { "them" }
}

/// A command about a job as it is typed.
pub fn command(words: &[&str], which: &[String]) -> String {
    let words = words.iter().copied().chain(which.iter().map(String::as_str));
    typed(["azseed"].into_iter().chain(words))
}

/// How what differs in a container is sent again; what is there is not written over.
pub fn send_them(which: &[String], other: u64) -> String {
    let line = command(&["job", "repair", "--all"], which);
    match other {
        0 => format!("`{line}` sends what is missing"),
        _ => format!(
            "what is there and differs is not written over: delete those blobs, then `{line}` sends \
             all that is missing"
        ),
    }
}

impl Diagnose for Error {
    fn code(&self) -> &'static str {
        match self {
            Error::NotOver { .. } => "cleanup-job-goes-on",
            Error::Repository { .. } => "cleanup-needs-vault",
            Error::NotThere { .. } => "cleanup-not-there",
        }
    }
    fn kind(&self) -> ErrorKind {
        match self {
            Error::Repository { .. } => ErrorKind::Usage,
            Error::NotOver { .. } | Error::NotThere { .. } => ErrorKind::Guard,
        }
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new(match self {
            Error::NotOver { job, .. } => {
                format!("follow it with `{}`", typed(["azseed", "job", "status", "--job", job]))
            }
            Error::Repository { .. } => {
                "take it in with `azseed vault run`, then `azseed cleanup`".to_owned()
            }
            Error::NotThere { which, other, .. } => send_them(which, *other),
        }))
    }
}

/// What was cleared.
#[derive(Debug)]
pub struct FilesCleared {
    /// The job.
    pub job: String,
    /// Serial numbers of the drives that are free.
    pub drives: Vec<String>,
    /// How the container compares with the journals.
    pub found: Reconciled,
    /// Whether this call changed anything, or would have.
    pub is_changed: bool,
    /// Whether it only looked.
    pub is_dry: bool,
}

/// Proves that all files of a job are where they were sent to, and lets its drives go.
pub fn clear_files(
    target: &MeantJob<'_>,
    is_dry: bool,
    azure: &AzureOptions,
    blobs: &BlobAccess,
    desk: &Desk<'_>,
) -> Result<FilesCleared, Failure> {
    if let Some((seed, _)) = target.seed.as_ref().filter(|(own, _)| own.kind != SeedKind::Files) {
        return Err(Error::Repository { job: seed.target.job.clone() }.into());
    }
    let service = target.service(desk)?;
    let first = match target.named() {
        Some(name) => name.clone(),
        None => target.seed_job()?,
    };
    let mut jobs = parts(&first, service.list()?);
    if jobs.is_empty() {
        return Err(JobError::NoSuchJob { job: first }.into());
    }
    jobs.iter_mut().for_each(|job| seen(job, desk));
    if let Some(job) = jobs.iter().find(|job| !job.state.stage.is_over()) {
        return Err(Error::NotOver { job: job.name.clone(), state: job.state.clone() }.into());
    }
    let found = reconcile(target, azure, blobs, Some(&first), desk)?;
    let wrong = found.missing.saturating_add(found.other);
    if wrong > 0 {
        let Reconciled { job, which, other, .. } = found;
        return Err(Error::NotThere { job, which, blobs: wrong, other }.into());
    }
    let drives: Vec<String> = jobs.iter().flat_map(serials).collect();
    let is_cleared = |seed: &Seed| seed.state == SeedState::Cleared;
    let state = desk.state()?;
    let is_freed = jobs.iter().map(|job| state.is_freed(job)).collect::<Result<Vec<_>, _>>()?;
    let is_open = target.seed.as_ref().is_some_and(|(seed, _)| !is_cleared(seed));
    let is_changed = is_open || is_freed.contains(&false);
    if is_changed && !is_dry {
        let (job, free) = (&found.job, count(drives.len(), "drive"));
        let what = format!(
            "Would end job {job}: its {free} would be free for other data; its files stay where \
             they were sent to{}",
            length_alone(found.unproven)
        );
        desk.attendant.consent(&what)?;
        if let Some((_, staging)) = target.seed.as_ref().filter(|_| is_open) {
            Seed::change(staging, |own| own.state = SeedState::Cleared)?;
        }
        jobs.iter().try_for_each(|job| state.free_drives(job))?;
    }
    Ok(FilesCleared { job: found.job.clone(), drives, found, is_changed, is_dry })
}

/// What a person should know before the last copy but this one may go.
pub fn length_alone(unproven: u64) -> String {
    match unproven {
        0 => String::new(),
        _ => format!(
            "; of {} only the length was compared, since the service has no MD5",
            count(unproven, "file")
        ),
    }
}

fn serials(job: &Job) -> Vec<String> {
    job.drives.iter().map(|drive| drive.serial.clone()).collect()
}
