//! A parcel at the dock: its drives are looked up, read side by side, and sent back.

use std::collections::BTreeMap;
use std::fs::File;

use disk_prep::noun::Serial;
use disk_prep::sys::threads::each;

use super::desk::Dock;
use super::drive;
use crate::error::Error;
use crate::jobs::job::{Drive, DriveResult, Job};
use crate::jobs::key::JobKey;
use crate::jobs::stages;
use crate::jobs::states::{DriveState, JobState, WrongState};

/// What became of a drive of the parcel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Docked {
    pub serial: Serial,
    /// The job it belongs to, if any.
    pub job: Option<String>,
    /// The drive's status, or why it was not read.
    pub status: String,
    pub bytes_succeeded: u64,
    pub error_log: Option<String>,
    /// It was read when it came before, and is what it was then.
    pub is_known: bool,
}

impl Docked {
    /// What became of a drive that was read before; `None` if it was not.
    fn known(job: &Job, serial: &Serial) -> Option<Self> {
        let drive = job.drives.iter().find(|drive| drive.serial == *serial)?;
        let status = drive.copy_status.clone()?;
        let is_clean = status == "Completed";
        Some(Docked {
            serial: serial.clone(),
            job: Some(job.key.name.to_string()),
            status,
            bytes_succeeded: drive.bytes_succeeded,
            error_log: drive.error_log.clone().filter(|_| !is_clean),
            is_known: true,
        })
    }

    fn unread(serial: Serial, job: Option<String>, why: impl Into<String>) -> Self {
        let status = why.into();
        Docked { serial, job, status, bytes_succeeded: 0, error_log: None, is_known: false }
    }
}

impl Dock<'_> {
    /// Takes drives in; returns what became of each.
    pub fn receive(self, parcel: Vec<(Serial, File)>) -> Result<Vec<Docked>, Error> {
        self.book.settle(self.clock.now())?;
        let mut docked = Vec::new();
        let mut jobs: BTreeMap<JobKey, Vec<(Serial, File)>> = BTreeMap::new();
        for (serial, image) in parcel {
            match self.job_of(&serial) {
                Some(job) if is_expected(&job) => {
                    jobs.entry(job.key).or_default().push((serial, image));
                }
                Some(job) => docked.push(Docked::known(&job, &serial).unwrap_or_else(|| {
                    let why = format!("not read: the job is {}", stages::word(&job));
                    Docked::unread(serial, Some(job.key.name.to_string()), why)
                })),
                // It goes back with the parcel's other drives.
                None => docked.push(Docked::unread(serial, None, "not read: no job has it")),
            }
        }
        for (key, drives) in jobs {
            docked.extend(self.process(&key, drives)?);
        }
        Ok(docked)
    }

    /// The job that waits for a drive.
    fn job_of(self, serial: &Serial) -> Option<Job> {
        let mut jobs = self.book.all();
        jobs.retain(|job| job.drives.iter().any(|drive| drive.serial == *serial));
        // A drive may have served an earlier job, of either service: the one that is on its way goes
        // first, then one that still lacks it.
        jobs.sort_by_key(|job| (!is_expected(job), job.state.is_final()));
        jobs.into_iter().next()
    }

    fn process(self, key: &JobKey, drives: Vec<(Serial, File)>) -> Result<Vec<Docked>, Error> {
        let present: Vec<Serial> = drives.iter().map(|(serial, _)| serial.clone()).collect();
        let now = self.clock.now();
        let job = self.change(key, |job| {
            if matches!(job.state, JobState::Shipping | JobState::Closed) {
                job.receive(&present, now).map_err(|error| refused(&error))?;
            }
            if job.state == JobState::Received {
                job.step(JobState::Transferring, now).map_err(|error| refused(&error))?;
            }
            Ok(job.clone())
        })?;
        let read = |(serial, image): (Serial, File)| {
            let drive = job.drives.iter().find(|drive| drive.serial == serial);
            drive.map_or_else(
                || Ok(Docked::unread(serial.clone(), None, "not read: no job has it")),
                |drive| self.read(&job, drive, image),
            )
        };
        let docked = each(drives, read).into_iter().collect::<Result<Vec<_>, _>>()?;
        self.change(key, |job| {
            let is_read = |drive: &Drive| {
                matches!(
                    drive.state,
                    DriveState::Completed
                        | DriveState::CompletedMoreInfo
                        | DriveState::ShippedBack
                        | DriveState::NeverReceived
                )
            };
            if job.drives.iter().all(is_read) {
                job.send_back(self.clock.now()).map_err(|error| refused(&error))?;
            }
            Ok(())
        })?;
        Ok(docked)
    }

    fn read(self, job: &Job, drive: &Drive, image: File) -> Result<Docked, Error> {
        let serial = drive.serial.clone();
        let result = if job.cancel_requested {
            DriveResult { status: "Completed".to_owned(), ..DriveResult::default() }
        } else if matches!(drive.state, DriveState::Received | DriveState::Transferring) {
            self.change_drive(&job.key, &serial, |drive| match drive.state {
                // An emulator that was killed left it so; it is read again from the start.
                DriveState::Transferring => Ok(()),
                _ => drive.step(DriveState::Transferring).map_err(|error| refused(&error)),
            })?;
            drive::read(self, job, drive, image)?
        } else {
            return Ok(Docked::known(job, &serial).unwrap_or_else(|| {
                let why = format!("not read: the drive is {}", drive.state);
                Docked::unread(serial, Some(job.key.name.to_string()), why)
            }));
        };
        let docked = Docked {
            serial: serial.clone(),
            job: Some(job.key.name.to_string()),
            status: result.status.clone(),
            bytes_succeeded: result.bytes_succeeded,
            // Today's copy log is there for a whole drive too, and says nothing of it.
            error_log: result.error_log.clone().filter(|_| !result.is_clean()),
            is_known: false,
        };
        self.change_drive(&job.key, &serial, |drive| {
            drive.finish(result).map_err(|error| refused(&error))
        })?;
        Ok(docked)
    }
}

/// Whether a parcel for the job is expected.
fn is_expected(job: &Job) -> bool {
    match job.state {
        JobState::Shipping | JobState::Received | JobState::Transferring => true,
        JobState::Closed => job.drives.iter().any(|own| own.state == DriveState::NeverReceived),
        _ => false,
    }
}

fn refused(error: &WrongState) -> Error {
    Error::Refused { message: error.to_string() }
}
