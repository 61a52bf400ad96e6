//! `job status --watch`: a job followed until it has ended or waits for us.

use std::time::Duration;

use disk_prep::noun::{Diagnose, ErrorKind, JobName};
use jiff::{Timestamp, Zoned};
use serde_json::{Value, json};

use super::show::{Said, value};
use super::{Failure, Outcome};
use crate::exit::Exit;
use crate::import_job::{Error, Job, JobService, Turn, Written};
use crate::ui::Ui;

/// Shows the job, then what changes, and returns how it ended; also when nobody reads any more.
pub fn watch(
    service: &dyn JobService,
    name: &JobName,
    every: Duration,
    ui: &Ui,
) -> Result<Ended, Failure> {
    let mut last = service.find(name)?;
    ui.show(&Said { jobs: vec![(last.clone(), Written::Unchanged)], now: Timestamp::now() });
    let mut is_reached = true;
    loop {
        let turn = Turn::of(&last);
        if turn != Turn::Service || !ui.is_read() {
            return Ok(Ended { name: name.clone(), turn });
        }
        std::thread::sleep(every);
        match service.find(name) {
            Ok(job) => {
                is_reached = true;
                let at = Timestamp::now();
                let lines = changes(&last, &job);
                if !lines.is_empty() {
                    ui.show(&Changed { job: &job, lines, at });
                }
                last = job;
            }
            // A watch of weeks outlives an evening without network; it is told once.
            Err(error) if error.kind() == ErrorKind::Unreachable => {
                if std::mem::replace(&mut is_reached, false) {
                    ui.show(&Unreached { error });
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
    lines
}

/// A job that has changed since the last look.
struct Changed<'a> {
    job: &'a Job,
    lines: Vec<String>,
    at: Timestamp,
}

impl Outcome for Changed<'_> {
    fn lines(&self) -> Vec<String> {
        let at = self.at.to_zoned(jiff::tz::TimeZone::system());
        let clock = |line: &String| format!("{}  {line}", at.strftime("%Y-%m-%d %H:%M:%S"));
        self.lines.iter().map(clock).collect()
    }

    fn json(&self) -> Vec<Value> {
        vec![value(self.job, self.at)]
    }
}

/// The service does not answer; the watch goes on.
struct Unreached {
    error: Error,
}

impl Outcome for Unreached {
    fn lines(&self) -> Vec<String> {
        let at = Zoned::now().strftime("%Y-%m-%d %H:%M:%S").to_string();
        vec![format!("{at}  {}; the watch goes on", self.error)]
    }

    fn json(&self) -> Vec<Value> {
        vec![json!({
            "type": "warning", "version": 1, "code": self.error.code(),
            "message": self.error.to_string(),
        })]
    }
}

/// Why a watch has ended.
pub struct Ended {
    name: JobName,
    turn: Turn,
}

impl Outcome for Ended {
    fn lines(&self) -> Vec<String> {
        let name = &self.name;
        vec![match self.turn {
            // Only when nobody reads it.
            Turn::Service => return Vec::new(),
            Turn::Ours(what) => format!("Job {name} waits for you: {what}"),
            Turn::Done => format!("Job {name} has ended: every drive was read"),
            Turn::DoneWithErrors(what) => format!("Job {name} has ended with errors: {what}"),
        }]
    }

    fn json(&self) -> Vec<Value> {
        let (turn, next) = match self.turn {
            Turn::Service => ("service", None),
            Turn::Ours(what) => ("ours", Some(what)),
            Turn::Done => ("done", None),
            Turn::DoneWithErrors(what) => ("done-with-errors", Some(what)),
        };
        vec![json!({
            "type": "watch-ended", "version": 1, "name": self.name, "turn": turn, "next": next,
        })]
    }

    fn exit(&self) -> Exit {
        Exit::of(match self.turn {
            Turn::Service | Turn::Done => None,
            Turn::Ours(_) => Some(ErrorKind::Resumable),
            Turn::DoneWithErrors(_) => Some(ErrorKind::LeftOut),
        })
    }
}
