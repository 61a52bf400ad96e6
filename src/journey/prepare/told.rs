//! What hooks are told of a preparation, when its drives are done.

use disk_prep::noun::{JobName, count};

use super::prepared::Prepared;
use crate::journey::desk::Desk;
use crate::journey::hooks::{Event, EventKind, Subject, tell};
use crate::journey::job::made;
use crate::outcome::chain;

/// Tells of each drive, of the jobs, and of the end.
pub(super) fn tell_all(prepared: &mut Prepared, job: &JobName, desk: &Desk<'_>) {
    let outcome = &prepared.outcome;
    for drive in &outcome.sealed {
        let serial = drive.serial.clone();
        let message = format!("Drive {serial} is sealed for job {job}");
        tell(&Event::now(EventKind::DriveSealed, Subject::Drive(serial), message), desk);
    }
    for (serial, error) in &outcome.failed {
        let message = format!("Drive {serial} is not finished: {}", chain(error));
        let event = Event::now(EventKind::DriveFailed, Subject::Drive(serial.clone()), message);
        tell(&Event { code: Some(disk_prep::noun::Diagnose::code(error)), ..event }, desk);
    }
    let (sealed, failed) = (outcome.sealed.len(), outcome.failed.len());
    let mut code = None;
    match &mut prepared.jobs {
        Some(Ok(jobs)) => made(jobs, desk),
        Some(Err(error)) => code = Some(error.0.code()),
        None => {}
    }
    let sealed = count(sealed, "drive");
    let message = format!("The preparation for job {job} ended: {sealed} sealed, {failed} not");
    let event = Event::now(EventKind::PrepEnded, Subject::Seed(job.to_string()), message);
    tell(&Event { code, ..event }, desk);
}
