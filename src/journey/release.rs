//! The claim of a dead run on a drive is freed, or a drive that will not be shipped with its job is
//! given up.

use std::path::{Path, PathBuf};

use disk_prep::noun::{Diagnose, ErrorKind, Hint, JobName, Serial};
use disk_prep::release::{Hold, look, release};
use uuid::Uuid;

use super::custody::{Logged, leave};
use super::desk::Desk;
use super::job::Remembered;
use super::prepare::NotConfirmed;
use super::work::dataset_id;
use crate::custody::Deed;
use crate::outcome::Failure;
use crate::staging::{Seed, Staging, drives_of};
use crate::state::{State, StateError};

/// Gives a drive up, after its serial was typed; in a script it stands on the command line.
pub fn give_up(
    serial: &Serial,
    staging: Option<&Path>,
    desk: &Desk<'_>,
) -> Result<(Released, Logged), Failure> {
    let (state, attendant) = (desk.state()?, desk.attendant);
    let path: PathBuf = match staging {
        Some(staging) => staging.to_owned(),
        None => place_of(serial, &state)?.ok_or_else(|| Unknown { serial: serial.clone() })?,
    };
    let staging = desk.enter(&path)?;
    let journals = staging.journals();
    let hold = look(&journals, serial)?;
    let (id, job, dataset) = home_of(&staging, &state)?;
    let fate = match &hold {
        Hold::Claim(holder) => format!(
            "Drive {serial} is claimed by process {} on {} since {:.0}. If that run is dead, \
             its claim can be freed.",
            holder.process, holder.host, holder.since
        ),
        Hold::Place | Hold::Damaged | Hold::None => format!(
            "Drive {serial} will not be shipped with job {}; its files go on other drives.",
            job
        ),
    };
    let question = format!("{fate}\nType its serial to go on: ");
    if attendant.can_ask() && attendant.ask(&question).as_deref() != Some(serial.as_str()) {
        return Err(NotConfirmed { serial: serial.clone() }.into());
    }
    if let Hold::Place | Hold::Damaged | Hold::None = hold
        && let Some(sent) = state.jobs_with(&job, serial)?.first()
    {
        attendant.consent(&format!(
            "Drive {serial} was sent with job {}, which was {} when it was seen last: nothing of it \
             could be repaired or compared any more, and its key would not be told",
            sent.name, sent.state
        ))?;
    }
    let was_over = hold == Hold::None;
    release(&journals, serial, &hold)?;
    state.remember(id, &job, &path, drives_of(&journals)?)?;
    let awaiting = match hold {
        Hold::Claim(_) => Vec::new(),
        Hold::Place | Hold::Damaged | Hold::None => state.jobs_awaiting(&job, serial)?,
    };
    let deed = Deed::Released { serial: serial.clone(), job };
    let logged = match hold {
        Hold::Place | Hold::Damaged | Hold::None if !was_over => {
            leave(&staging, None, |_| vec![deed], desk)
        }
        _ => Logged(None),
    };
    Ok((Released { serial: serial.clone(), staging: path, dataset, awaiting, hold }, logged))
}

/// The staging path that has a drive, or had it until it was given up.
fn place_of(serial: &Serial, state: &State) -> Result<Option<PathBuf>, StateError> {
    if let Some(path) = state.staging_with(serial)? {
        return Ok(Some(path));
    }
    let has = |path: &PathBuf| {
        let journals = Staging::open(path).ok().map(|staging| staging.journals());
        journals.is_some_and(|own| own.survey_of(serial).is_ok_and(|found| found.is_some()))
    };
    Ok(state.staging_paths().into_iter().find(has))
}

/// The seed that a drive is for with its job, or what stands for it where a `dataset.csv` does, and
/// whether that is so.
fn home_of(staging: &Staging, state: &State) -> Result<(Uuid, JobName, bool), Failure> {
    if Seed::find(staging)?.is_none() {
        let real = |path: &Path| path.canonicalize().ok();
        let name = staging.path().file_name().unwrap_or_default().to_string_lossy();
        let job = JobName::new(&name).ok().filter(|job| {
            let folder = state.known_job_folder(job).and_then(|own| real(&own));
            folder.is_some() && folder == real(staging.path())
        });
        if let Some(job) = job {
            return Ok((dataset_id(&job), job, true));
        }
    }
    let seed = Seed::open(staging)?;
    Ok((seed.id, seed.target.job, false))
}

/// No staging path is known for a drive.
#[derive(Debug, thiserror::Error)]
#[error("No staging path is known here that has drive {serial}")]
struct Unknown {
    serial: Serial,
}

impl Diagnose for Unknown {
    fn code(&self) -> &'static str {
        "drive-unknown"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::NotFound
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new("name the staging path with `--staging`"))
    }
}

/// A drive that was given up.
#[derive(Debug)]
pub struct Released {
    /// The drive.
    pub serial: Serial,
    /// Where its journal is.
    pub staging: PathBuf,
    /// Whether that is the folder of a `dataset.csv`'s job, which is no staging path.
    pub dataset: bool,
    /// Jobs that were made with it and not sent yet.
    pub awaiting: Vec<Remembered>,
    /// What it was held by.
    pub hold: Hold,
}
