//! The claim of a dead run on a drive is freed, or a drive that will not be shipped with its job is
//! given up.

use std::path::{Path, PathBuf};

use disk_prep::noun::{Diagnose, ErrorKind, Hint, JobName, Serial, typed};
use disk_prep::release::{Hold, look, release};
use uuid::Uuid;

use super::custody::{Logged, leave};
use super::desk::Desk;
use super::job::Remembered;
use super::prepare::NotConfirmed;
use super::work::dataset_id;
use crate::custody::Deed;
use crate::outcome::Failure;
use crate::staging::{DriveHome, Seed, Staging, drives_of};
use crate::state::{State, StateError};

/// Gives a drive up, after its serial was typed; in a script it stands on the command line.
pub fn give_up(
    serial: &Serial,
    staging: Option<&Path>,
    desk: &Desk<'_>,
) -> Result<(Released, Logged), Failure> {
    let state = desk.state()?;
    let homes = state.homes_of(serial)?;
    let is_meant = |home: &&DriveHome| staging.is_none_or(|path| is_same(path, &home.staging));
    let mut meant = homes.iter().filter(is_meant);
    let place = match staging {
        Some(path) => has_drive(path, serial).then_some(path),
        None => meant.clone().map(|own| own.staging.as_path()).find(|path| has_drive(path, serial)),
    };
    if let Some(path) = place {
        return release_there(serial, path, &state, desk);
    }
    if let Some(home) = meant.next() {
        return forget(serial, home.clone(), &state, desk);
    }
    let serial = serial.clone();
    match (staging, homes.first()) {
        (Some(_), Some(home)) => Err(Unknown { serial, home: Some(home.staging.clone()) }.into()),
        // What is wrong with the path itself is told first.
        (Some(path), None) => release_there(&serial, path, &state, desk),
        (None, _) => {
            let has = |path: &PathBuf| has_drive(path, &serial);
            let path = state.staging_paths().into_iter().find(has);
            let path = path.ok_or_else(|| Unknown { serial: serial.clone(), home: None })?;
            release_there(&serial, &path, &state, desk)
        }
    }
}

/// Frees the claim on a drive, or gives its place up, where its journal is.
fn release_there(
    serial: &Serial,
    path: &Path,
    state: &State,
    desk: &Desk<'_>,
) -> Result<(Released, Logged), Failure> {
    let staging = desk.enter(path)?;
    let journals = staging.journals();
    let hold = look(&journals, serial)?;
    let (id, job, dataset) = home_of(&staging, state)?;
    let is_place = !matches!(hold, Hold::Claim(_));
    let fate = match &hold {
        Hold::Claim(holder) => format!(
            "Drive {serial} is claimed by process {} on {} since {:.0}. If that run is dead, \
             its claim can be freed.",
            holder.process, holder.host, holder.since
        ),
        Hold::Place | Hold::Damaged | Hold::None => format!(
            "Drive {serial} will not be shipped with job {job}; its files go on other drives."
        ),
    };
    expect_typed(serial, &fate, desk)?;
    if is_place {
        consent_if_sent(serial, &job, state, desk)?;
    }
    release(&journals, serial, &hold)?;
    match drives_of(&journals).map(|drives| state.remember(id, &job, path, drives)) {
        // What is damaged of another drive keeps this one from nothing.
        Err(_) | Ok(Err(StateError::Journal(_))) => {}
        Ok(remembered) => remembered?,
    }
    let mut awaiting = Vec::new();
    if is_place {
        state.forget_drive(id, serial)?;
        awaiting = state.jobs_awaiting(&job, serial)?;
    }
    let logged = match hold {
        Hold::Place | Hold::Damaged => {
            let deed = Deed::Released { serial: serial.clone(), job: job.clone() };
            leave(&staging, None, |_| vec![deed], desk)
        }
        Hold::Claim(_) | Hold::None => Logged(None),
    };
    let (serial, staging, hold) = (serial.clone(), path.to_owned(), Some(hold));
    Ok((Released { serial, job, staging, dataset, awaiting, hold }, logged))
}

/// Gives a drive up that only this machine remembers: its journal is gone, or out of reach.
fn forget(
    serial: &Serial,
    home: DriveHome,
    state: &State,
    desk: &Desk<'_>,
) -> Result<(Released, Logged), Failure> {
    let DriveHome { id, job, staging } = home;
    let lost = format!(
        "The journal of drive {serial} for job {job} is not in {}; if that disk or share is only not \
         mounted, mount it first. Without the journal the drive's recovery password and the list of \
         its files are lost: it can neither be shipped with that job nor repaired nor compared",
        staging.display()
    );
    match desk.attendant.can_ask() {
        true => expect_typed(serial, &format!("{lost}."), desk)?,
        false => desk.attendant.consent(&lost)?,
    }
    consent_if_sent(serial, &job, state, desk)?;
    state.forget_drive(id, serial)?;
    let awaiting = state.jobs_awaiting(&job, serial)?;
    let (serial, dataset, hold) = (serial.clone(), false, None);
    Ok((Released { serial, job, staging, dataset, awaiting, hold }, Logged(None)))
}

/// Has the serial typed, if a person is there.
fn expect_typed(serial: &Serial, fate: &str, desk: &Desk<'_>) -> Result<(), NotConfirmed> {
    let question = format!("{fate}\nType its serial to go on: ");
    let attendant = desk.attendant;
    if attendant.can_ask() && attendant.ask(&question).as_deref() != Some(serial.as_str()) {
        return Err(NotConfirmed { serial: serial.clone() });
    }
    Ok(())
}

/// Asks once more for a drive that is in the post.
fn consent_if_sent(
    serial: &Serial,
    job: &JobName,
    state: &State,
    desk: &Desk<'_>,
) -> Result<(), Failure> {
    if let Some(sent) = state.jobs_with(job, serial)?.first() {
        desk.attendant.consent(&format!(
            "Drive {serial} was sent with job {}, which was {} when it was seen last: nothing of it \
             could be repaired or compared any more, and its key would not be told",
            sent.name, sent.state
        ))?;
    }
    Ok(())
}

/// Whether two paths lead to one place, also when it is gone.
fn is_same(path: &Path, remembered: &Path) -> bool {
    path == remembered || path.canonicalize().is_ok_and(|path| path == remembered)
}

/// Whether a staging path has something of a drive, or what cannot be read may be that.
fn has_drive(path: &Path, serial: &Serial) -> bool {
    let Ok(staging) = Staging::open(path) else { return false };
    let journals = staging.journals();
    journals.has_journal(serial).unwrap_or(true)
        || journals.holder(serial).map_or(true, |holder| holder.is_some())
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

/// The staging path that was named has nothing of a drive, or none is known that has.
#[derive(Debug, thiserror::Error)]
#[error("{} has drive {serial}", match home {
    None => "No staging path that is known here",
    Some(_) => "Another staging path than the one that was named",
})]
struct Unknown {
    serial: Serial,
    /// The one that has it, though another was named.
    home: Option<PathBuf>,
}

impl Diagnose for Unknown {
    fn code(&self) -> &'static str {
        "drive-unknown"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::NotFound
    }
    fn hint(&self) -> Option<Hint> {
        Some(match &self.home {
            None => Hint::new("name the staging path with `--staging`"),
            Some(home) => {
                let (serial, home) = (self.serial.as_str(), home.to_string_lossy());
                let line = ["azseed", "drive", "release", serial, "--staging", &home];
                Hint::new(format!("`{}` gives it up", typed(line)))
            }
        })
    }
}

/// A drive that was given up.
#[derive(Debug)]
pub struct Released {
    /// The drive.
    pub serial: Serial,
    /// The job that it was for.
    pub job: JobName,
    /// Where its journal is, or was.
    pub staging: PathBuf,
    /// Whether that is the folder of a `dataset.csv`'s job, which is no staging path.
    pub dataset: bool,
    /// Jobs that were made with it and not sent yet.
    pub awaiting: Vec<Remembered>,
    /// What it was held by; `None` if only this machine remembered it.
    pub hold: Option<Hold>,
}
