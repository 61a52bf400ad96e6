//! A job followed until it has ended or waits for us.

use std::time::Duration;

use disk_prep::noun::{Diagnose, ErrorKind, JobName};

use super::custody::note_arrival;
use super::sight::seen;
use super::target::MeantJob;
use crate::import_job::{Error, Job, JobService, Turn};
use crate::journey::custody::Logged;
use crate::journey::desk::Desk;
use crate::outcome::Failure;

/// Shows the job, then what changes, and returns how it ended; also when nobody reads any more. What
/// arrives at the datacenter meanwhile is left in the custody log.
pub fn watch(
    service: &dyn JobService,
    target: &MeantJob<'_>,
    every: Duration,
    desk: &Desk<'_>,
) -> Result<(Ended, Logged), Failure> {
    let (attendant, name) = (desk.attendant, &target.job(service)?);
    let mut last = service.find(name)?;
    seen(&mut last, desk);
    let mut logged = note_arrival(target, &last, desk);
    attendant.show(&Seen { job: last.clone() });
    let mut is_reached = true;
    loop {
        let turn = Turn::of(&last);
        if turn != Turn::Service || !attendant.is_read() {
            return Ok((Ended { name: name.clone(), turn }, logged));
        }
        std::thread::sleep(every);
        match service.find(name) {
            Ok(mut job) => {
                is_reached = true;
                seen(&mut job, desk);
                if job.drives != last.drives {
                    logged = note_arrival(target, &job, desk);
                }
                let lines = changes(&last, &job);
                if !lines.is_empty() {
                    attendant.show(&Changed { job: &job, lines });
                }
                last = job;
            }
            // A watch of weeks outlives an evening without network; it is told once.
            Err(error) if error.kind() == ErrorKind::Unreachable => {
                if std::mem::replace(&mut is_reached, false) {
                    attendant.show(&Unreached { error });
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// What is another now than at the last look, one line each.
fn changes(last: &Job, job: &Job) -> Vec<String> {
    let mut lines = Vec::new();
    if (&last.state, last.percent) != (&job.state, job.percent) {
        lines.push(format!("State        {}, {} %", job.state, job.percent));
    }
    if job.cancel_requested && !last.cancel_requested {
        lines.push("Cancel       asked for".to_owned());
    }
    for drive in job.drives.iter().filter(|drive| !last.drives.contains(drive)) {
        let (serial, state, percent) = (&drive.serial, &drive.state, drive.percent);
        lines.push(format!("Drive        {serial:<20} {state}, {percent} %"));
    }
    if let Some(parcel) = job.delivery.as_ref().filter(|_| job.delivery != last.delivery) {
        lines.push(format!("Parcel       {} {}", parcel.carrier, parcel.tracking_number));
    }
    let nearness = |job: &Job| job.deadline().map(|own| (own.clock, own.nearness()));
    if let Some(deadline) = job.deadline().filter(|_| nearness(job) != nearness(last)) {
        lines.push(format!("Deadline     {deadline}"));
    }
    lines
}

/// A job as it was found first.
#[derive(Debug)]
pub struct Seen {
    /// The job.
    pub job: Job,
}

/// A job that has changed since the last look.
#[derive(Debug)]
pub struct Changed<'a> {
    /// As it is now.
    pub job: &'a Job,
    /// What is another, one line each.
    pub lines: Vec<String>,
}

/// The service does not answer; the watch goes on.
#[derive(Debug)]
pub struct Unreached {
    /// Why.
    pub error: Error,
}

/// Why a watch has ended.
#[derive(Debug)]
pub struct Ended {
    /// The job.
    pub name: JobName,
    /// Whose turn it is.
    pub turn: Turn,
}
