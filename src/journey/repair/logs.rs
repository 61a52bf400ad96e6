//! The logs of a job's drives, read from where the job says that they are.

use std::sync::Arc;

use disk_prep::noun::{AccountName, ContainerName, Serial};

use super::error::Error;
use crate::azure::{self, BlobHome, Container, blob_at};
use crate::import_job::copy_log::{CopyLog, LOG_BYTES};
use crate::import_job::{DriveStage, DriveStatus, Job};
use crate::outcome::Failure;

/// Opens a container of the job's account.
pub type Opener<'a> = &'a dyn Fn(&ContainerName) -> Result<Arc<dyn Container>, azure::Error>;

/// What is told of a drive.
#[derive(Debug)]
pub struct DriveLog<'a> {
    /// The drive.
    pub drive: &'a DriveStatus,
    /// What its log says.
    pub told: LogRead,
}

/// What a drive's log says.
#[derive(Debug)]
pub enum LogRead {
    /// The drive was not read, and has no log.
    Unread,
    /// It has no log, so nothing is wrong.
    Nothing,
    /// The log that the job names is not there any more.
    Gone,
    /// This.
    Log(CopyLog),
}

/// Reads the logs of all drives.
pub fn read_logs<'a>(
    job: &'a Job,
    account: &AccountName,
    home: &BlobHome,
    open: Opener<'_>,
) -> Result<Vec<DriveLog<'a>>, Failure> {
    // Every link is looked at before any is followed.
    let mut places = Vec::new();
    for drive in &job.drives {
        let place = match &drive.error_log {
            None => None,
            Some(link) => {
                let place = blob_at(link, account, home)?;
                Some(place.ok_or_else(|| elsewhere(drive, link, account))?)
            }
        };
        places.push((drive, place));
    }
    let mut all = Vec::new();
    for (drive, place) in places {
        let told = match place {
            None => match drive.state.stage {
                DriveStage::Missing | DriveStage::Incomplete => LogRead::Unread,
                _ => LogRead::Nothing,
            },
            Some((container, name)) => {
                fetch(&*open(&container)?, &name)?.map_or(LogRead::Gone, LogRead::Log)
            }
        };
        all.push(DriveLog { drive, told });
    }
    Ok(all)
}

/// A log that is said to be where no log of this job can be.
pub fn elsewhere(drive: &DriveStatus, link: &str, account: &AccountName) -> Failure {
    // Its query may be a secret.
    let link = link.split(['?', '#']).next().unwrap_or_default().to_owned();
    match drive.serial.parse::<Serial>() {
        Ok(serial) => Error::LogElsewhere { serial, link, account: account.clone() }.into(),
        Err(invalid) => invalid.into(),
    }
}

/// Reads a log, as much of it as is read of one.
pub fn fetch(container: &dyn Container, name: &str) -> Result<Option<CopyLog>, azure::Error> {
    let Some(facts) = container.facts(name)? else { return Ok(None) };
    // One byte more than is read says that there is more.
    let bytes = facts.bytes.min(LOG_BYTES + 1);
    if bytes == 0 {
        return Ok(Some(CopyLog::parse(&[])));
    }
    Ok(Some(CopyLog::parse(&container.read_part(name, 0, bytes)?)))
}
