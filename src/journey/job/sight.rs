//! How a job stood when this machine saw it last: what is another now is told once, by whichever
//! command sees it first. A convenience: without a state directory nothing is remembered.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

use disk_prep::noun::{JobId, JobName, Serial, Service, with_unknown};
use disk_prep::pool::DriveElsewhere;
use disk_prep::sys::durable::{self, Access};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::import_job::{Deadline, Job, JobStage, Nearness, Written, first_name};
use crate::journey::desk::Desk;
use crate::journey::hooks::{Event, EventKind, Subject, tell};
use crate::outcome::chain;
use crate::staging::HeldDrive;
use crate::state::{State, StateError, io_at, record_at};

const VERSION: u32 = 1;

/// What is remembered of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sight {
    version: u32,
    /// Its resource id, for whoever looks into the folder.
    pub(super) id: String,
    name: String,
    pub(super) state: String,
    /// In a word that both services share, or `deleted` or `cleared`, which stay.
    stage: String,
    cancel_requested: bool,
    drives: BTreeMap<String, String>,
    tracking_number: Option<String>,
    /// The clock that ran, and how near its end was when that was told.
    pub(super) clock: Option<String>,
    nearness: u8,
    /// When it ends.
    #[serde(default)]
    pub(super) until: Option<Timestamp>,
    /// Hours that the service's clock was ahead of this machine's.
    #[serde(default)]
    pub(super) ahead_hours: i64,
    /// When it was first seen in the datacenter, if its service does not keep that.
    received: Option<Timestamp>,
    /// When it was first seen over, by the service's time: drives that were begun after that are no
    /// longer its own.
    #[serde(default)]
    over_at: Option<Timestamp>,
    /// When this machine found after that that all is there that it was to bring.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    proven_at: Option<Timestamp>,
}

/// Whole hours, so that what takes a moment is no change.
fn hours_ahead(told_at: Timestamp) -> i64 {
    let seconds = told_at.as_second() - Timestamp::now().as_second();
    (seconds + 1800).div_euclid(3600)
}

impl Sight {
    fn of(job: &Job) -> Self {
        let deadline = job.deadline();
        let drive = |own: &crate::import_job::DriveStatus| {
            (own.serial.clone(), own.state.word().to_owned())
        };
        Sight {
            version: VERSION,
            id: job.id.clone(),
            name: job.name.clone(),
            stage: job.state.stage.name().to_owned(),
            state: job.state.word().to_owned(),
            cancel_requested: job.cancel_requested,
            drives: job.drives.iter().map(drive).collect(),
            tracking_number: job.delivery.as_ref().map(|own| own.tracking_number.clone()),
            clock: deadline.map(|own| own.clock.name().to_owned()),
            nearness: deadline.map_or(0, |own| own.nearness() as u8),
            until: deadline.map(|own| own.at),
            ahead_hours: hours_ahead(job.told_at),
            received: job.received,
            over_at: job.state.stage.is_over().then_some(job.told_at),
            proven_at: None,
        }
    }

    /// What is another in `now`, in sentences.
    fn changes(&self, now: &Sight) -> Vec<String> {
        let mut told = Vec::new();
        if self.state != now.state {
            told.push(format!("is {} and was {}", now.state, self.state));
        }
        if now.cancel_requested && !self.cancel_requested {
            told.push("is to be cancelled".to_owned());
        }
        if let Some(number) =
            now.tracking_number.as_ref().filter(|_| now.tracking_number != self.tracking_number)
        {
            told.push(format!("has the tracking number {number}"));
        }
        for (serial, state) in &now.drives {
            match self.drives.get(serial) {
                Some(before) if before == state => {}
                Some(before) => {
                    told.push(format!("has drive {serial} {state}, which was {before}"))
                }
                None => told.push(format!("has drive {serial} {state}")),
            }
        }
        told
    }

    /// Whether the end of a clock is nearer than it was told of.
    fn is_nearer(&self, now: &Sight) -> bool {
        let before = if self.clock == now.clock { self.nearness } else { 0 };
        now.nearness > before
    }
}

/// The events between two sights; the first sight alone tells of no change.
fn events(last: Option<&Sight>, now: &Sight, job: &Job) -> Vec<Event> {
    let event = |kind, message| {
        let (at, subject) = (job.told_at, of(job));
        Event { kind, at, subject, message, code: None }
    };
    let mut events = Vec::new();
    let changes = last.map(|last| last.changes(now)).unwrap_or_default();
    if !changes.is_empty() {
        let message = format!("Job {} {}", job.name, changes.join("; "));
        events.push(event(EventKind::JobChanged, message));
    }
    let is_nearer = match last {
        Some(last) => last.is_nearer(now),
        None => now.nearness > Nearness::Far as u8,
    };
    if let Some(deadline) = job.deadline().filter(|_| is_nearer) {
        events.push(event(EventKind::JobDeadline, reminder(job, &deadline)));
    }
    events
}

/// The end of a clock in a sentence.
pub fn reminder(job: &Job, deadline: &Deadline) -> String {
    format!("Job {}: {deadline}", job.name)
}

impl State {
    fn sight_path(&self, job: &Job) -> PathBuf {
        let name = format!("{} {} {}", job.service, job.id.to_ascii_lowercase(), job.name);
        let digest = Sha256::digest(name);
        let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        self.folder().join("sights").join(format!("{hex}.json"))
    }

    /// Keeps how a job stands now, and returns how it stood; the moment of its arrival stays.
    fn keep_sight(&self, job: &Job) -> Result<(Option<Sight>, Sight), StateError> {
        let _lock = self.hold_records()?;
        let path = self.sight_path(job);
        let before = match durable::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            before => before.map_err(record_at(&path))?,
        };
        // One that is damaged or of a newer program is as good as none.
        let last: Option<Sight> = serde_json::from_slice(&before).ok();
        let mut now = Sight::of(job);
        if let Some(last) =
            last.as_ref().filter(|own| own.stage == CLEARED && own.state == now.state)
        {
            now.stage.clone_from(&last.stage);
        }
        if job.state.stage.is_here() && now.received.is_none() {
            let told = last.as_ref().and_then(|last| last.received);
            now.received = Some(told.unwrap_or(job.told_at));
        }
        let over_before = last.as_ref().and_then(|last| last.over_at);
        now.over_at = now.over_at.map(|over| over_before.unwrap_or(over));
        now.proven_at = last.as_ref().and_then(|last| last.proven_at).filter(|_| now.is_ended());
        if last.as_ref() != Some(&now) {
            let text = with_unknown(&before, &now)
                .and_then(|sight| serde_json::to_vec_pretty(&sight))
                .expect("names and numbers can be written");
            self.make_folder(&self.folder().join("sights"), Access::Public)?;
            durable::write(&path, &text, Access::Public).map_err(io_at(&path))?;
        }
        Ok((last, now))
    }
}

/// Jobs of these stages give their drives free.
const FREE: [&str; 4] = ["completed", "cancelled", DELETED, CLEARED];
const DELETED: &str = "deleted";
const CLEARED: &str = "cleared";

impl Sight {
    /// Whether the job is no longer there, or all it brought was proven.
    pub(super) fn is_gone(&self) -> bool {
        [DELETED, CLEARED].contains(&self.stage.as_str())
    }

    /// Whether the drive was sent with this job, and what it brought is not proven yet.
    pub(super) fn holds(&self, serial: &Serial) -> bool {
        !self.is_here() && !self.is_over() && self.has(serial)
    }

    /// Whether it has the drive, which was not sent yet.
    pub(super) fn awaits(&self, serial: &Serial) -> bool {
        self.is_here() && self.has(serial)
    }

    /// Whether its drives may still bring something.
    pub(super) fn brings(&self) -> bool {
        !self.is_over() && self.stage != JobStage::Incomplete.name()
    }

    /// Whether it has ended, or is no longer there.
    pub(super) fn is_over(&self) -> bool {
        FREE.contains(&self.stage.as_str())
    }

    /// Whether its drives were read, well or not.
    fn is_ended(&self) -> bool {
        let read = [JobStage::Completed, JobStage::Incomplete].map(JobStage::name);
        read.contains(&self.stage.as_str()) || self.stage == CLEARED
    }

    fn is_here(&self) -> bool {
        ["waiting", "unknown"].contains(&self.stage.as_str())
    }

    fn has(&self, serial: &Serial) -> bool {
        self.drives.keys().any(|own| own.eq_ignore_ascii_case(serial.as_str()))
    }

    /// Whether this was a job of that seed, is over, and had the drive before it was over.
    fn frees(&self, HeldDrive { serial, job: seed_job, since, .. }: &HeldDrive) -> bool {
        let name = JobName::new(&self.name).ok();
        let is_part =
            |name: &JobName| name == seed_job || first_name(name).as_ref() == Some(seed_job);
        FREE.contains(&self.stage.as_str())
            && self.drives.contains_key(serial.as_str())
            && since.is_none_or(|since| self.over_at.is_some_and(|over| since <= over))
            && name.as_ref().is_some_and(is_part)
    }
}

impl State {
    pub(super) fn sights(&self) -> Result<Vec<Sight>, StateError> {
        let paths = self.records_in(&self.folder().join("sights"))?;
        let read = |path: PathBuf| serde_json::from_slice(&durable::read(&path).ok()?).ok();
        Ok(paths.into_iter().filter_map(read).collect())
    }

    /// Drives that other seeds have sealed or begun, without those whose job was seen at its end.
    pub fn drives_held(&self, own: Uuid) -> Result<Vec<DriveElsewhere>, StateError> {
        let mut held = self.drives_of_others(own)?;
        if !held.is_empty() {
            let sights = self.sights()?;
            held.retain(|drive| !sights.iter().any(|own| own.frees(drive)));
        }
        let elsewhere = |own: HeldDrive| {
            let HeldDrive { serial, disk_guid, job, .. } = own;
            DriveElsewhere { serial, disk_guid, job }
        };
        Ok(held.into_iter().map(elsewhere).collect())
    }

    /// Whether a parcel of a job of this seed or data set was told to the service, as far as this
    /// machine has seen it.
    pub fn was_sent(&self, job: &JobName) -> Result<bool, StateError> {
        let is_it = |own: &Sight| {
            let name = JobName::new(&own.name).ok();
            let is = |name: &JobName| name.as_str().eq_ignore_ascii_case(job.as_str());
            name.is_some_and(|name| is(&name) || first_name(&name).as_ref().is_some_and(is))
        };
        Ok(self.sights()?.iter().any(|own| own.tracking_number.is_some() && is_it(own)))
    }

    /// Remembers that a job was deleted, so that its drives are free.
    pub fn forget_job(&self, service: Service, name: &JobName) -> Result<(), StateError> {
        let is_it = |id: &JobId| {
            id.service == service && id.job.as_str().eq_ignore_ascii_case(name.as_str())
        };
        self.mark(is_it, ended_as(DELETED))
    }

    /// Remembers that all that these jobs were to bring is there, as far as they were seen ended.
    fn prove(&self, is_meant: impl Fn(&JobId) -> bool) -> Result<(), StateError> {
        self.mark(is_meant, |sight| {
            let proven_at = sight.is_ended().then(Timestamp::now);
            Sight { proven_at, ..sight }
        })
    }

    /// Remembers that all a job brought was proven, so that its drives are free.
    pub fn free_drives(&self, job: &Job) -> Result<(), StateError> {
        let is_it = |id: &JobId| id.to_string().eq_ignore_ascii_case(&job.id);
        self.mark(is_it, ended_as(CLEARED))
    }

    /// Whether that is remembered.
    pub fn is_freed(&self, job: &Job) -> Result<bool, StateError> {
        let is_it = |own: &Sight| own.id.eq_ignore_ascii_case(&job.id) && own.stage == CLEARED;
        Ok(self.sights()?.iter().any(is_it))
    }

    fn mark(
        &self,
        is_meant: impl Fn(&JobId) -> bool,
        change: impl Fn(Sight) -> Sight,
    ) -> Result<(), StateError> {
        let _lock = self.hold_records()?;
        for path in self.records_in(&self.folder().join("sights"))? {
            let before = durable::read(&path).map_err(record_at(&path))?;
            let Ok(sight) = serde_json::from_slice::<Sight>(&before) else { continue };
            if !sight.id.parse::<JobId>().is_ok_and(|id| is_meant(&id)) {
                continue;
            }
            let sight = change(sight);
            let text = with_unknown(&before, &sight)
                .and_then(|sight| serde_json::to_vec_pretty(&sight))
                .expect("names and numbers can be written");
            durable::write(&path, &text, Access::Public).map_err(io_at(&path))?;
        }
        Ok(())
    }
}

/// A job that is at this end.
fn ended_as(stage: &'static str) -> impl Fn(Sight) -> Sight {
    move |sight| {
        let over_at = sight.over_at.or_else(|| Some(Timestamp::now()));
        Sight { stage: stage.to_owned(), over_at, ..sight }
    }
}

/// Remembers how a job stands and tells the hook what is another than before. A job whose service
/// does not say when its drives arrived gets the moment when they were first seen there.
pub fn seen(job: &mut Job, desk: &Desk<'_>) {
    let kept = desk.state().and_then(|state| {
        let (last, mut now) = state.keep_sight(job)?;
        // The clock of the work runs from the arrival, which may be known only now.
        if job.received != now.received {
            job.received = now.received;
            now = Sight { received: now.received, proven_at: now.proven_at, ..Sight::of(job) };
        }
        job.is_proven = now.proven_at.is_some();
        Ok((last, now))
    });
    match kept {
        Ok((last, now)) => events(last.as_ref(), &now, job).iter().for_each(|own| tell(own, desk)),
        Err(error) if desk.hooks.on_event.is_some() => desk.attendant.warn(&format!(
            "how job {} stands cannot be remembered, so no hook is told of it: {}",
            job.name,
            chain(&error)
        )),
        // Nobody waits to be told.
        Err(error) => tracing::info!("job {} is not remembered: {}", job.name, chain(&error)),
    }
}

/// Remembers that all that a job was to bring is there.
pub fn job_proven(job: &mut Job, desk: &Desk<'_>) {
    seen(job, desk);
    proven(|id| id.to_string().eq_ignore_ascii_case(&job.id), desk);
}

/// The same of all jobs of a seed or data set that were seen ended.
pub fn jobs_proven(name: &JobName, desk: &Desk<'_>) {
    let is = |own: &JobName| own.as_str().eq_ignore_ascii_case(name.as_str());
    proven(|id| is(&id.job) || first_name(&id.job).as_ref().is_some_and(is), desk);
}

fn proven(is_meant: impl Fn(&JobId) -> bool, desk: &Desk<'_>) {
    if let Err(error) = desk.state().and_then(|state| state.prove(is_meant)) {
        tracing::info!("that all has arrived is not remembered: {}", chain(&error));
    }
}

/// Tells the hook of the jobs among these that were made just now.
pub fn made(jobs: &mut [(Job, Written)], desk: &Desk<'_>) {
    for (job, written) in jobs {
        if *written == Written::Changed {
            let message = format!("Job {} is made", job.name);
            let event =
                Event { at: job.told_at, ..Event::now(EventKind::JobMade, of(job), message) };
            tell(&event, desk);
        }
        seen(job, desk);
    }
}

fn of(job: &Job) -> Subject {
    Subject::Job(Box::new(job.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import_job::DriveStage;

    fn held(job: &str, since: Option<i64>) -> HeldDrive {
        let since = since.map(|secs| Timestamp::from_second(secs).unwrap());
        HeldDrive {
            serial: "S1".parse().unwrap(),
            disk_guid: None,
            job: job.parse().unwrap(),
            since,
        }
    }

    fn sight(stage: JobStage, told: i64) -> Sight {
        let told_at = Timestamp::from_second(told).unwrap();
        Sight::of(&Job { told_at, ..Job::sample(stage, &["S1"], DriveStage::Copied) })
    }

    #[test]
    fn a_job_that_is_over_frees_only_what_was_begun_before() {
        let over = sight(JobStage::Completed, 100);
        assert!(over.frees(&held("seed-1", Some(50))));
        // The drive came home and went out again, for a job of the same name or another.
        assert!(!over.frees(&held("seed-1", Some(150))));
        assert!(!over.frees(&held("seed-2", Some(50))));
        assert!(!sight(JobStage::Copying, 100).frees(&held("seed-1", Some(50))));
        assert!(!sight(JobStage::Incomplete, 100).frees(&held("seed-1", Some(50))));
    }

    #[test]
    fn a_job_is_over_since_it_was_first_seen_so_and_a_new_one_of_its_name_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(Some(folder.path())).unwrap();
        let keep = |stage, told| {
            let told_at = Timestamp::from_second(told).unwrap();
            let job = Job { told_at, ..Job::sample(stage, &["S1"], DriveStage::Copied) };
            state.keep_sight(&job).unwrap().1.over_at.map(Timestamp::as_second)
        };
        assert_eq!(keep(JobStage::Copying, 50), None);
        assert_eq!(keep(JobStage::Completed, 100), Some(100));
        assert_eq!(keep(JobStage::Completed, 200), Some(100));
        assert_eq!(keep(JobStage::Waiting, 300), None);
        assert_eq!(keep(JobStage::Completed, 400), Some(400));
    }
}
