//! A job that is watched, as a person and a script see it.

use disk_prep::noun::{Diagnose, ErrorKind, JobName};
use jiff::Zoned;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::job::{lines, value};
use super::record::{Record, line};
use super::said::WarningRecord;
use crate::import_job::{Turn, Written};
use crate::journey::job::{Changed, Ended, Seen, Unreached};
use crate::outcome::{Exit, Outcome};

/// A watch has ended.
#[derive(Serialize, JsonSchema)]
pub(super) struct WatchEndedRecord<'a> {
    /// The job.
    #[schemars(with = "String")]
    name: &'a JobName,
    /// Whose turn it is: `service`, `ours`, `done` or `done-with-errors`.
    turn: &'a str,
    /// What to do; null if nothing has to be done.
    next: Option<&'a str>,
}

impl Record for WatchEndedRecord<'_> {
    const TYPE: &'static str = "watch-ended";
}

impl Outcome for Seen {
    fn lines(&self) -> Vec<String> {
        lines(&self.job)
    }

    fn json(&self) -> Vec<Value> {
        vec![value(&self.job, Some(Written::Unchanged))]
    }
}

impl Outcome for Changed<'_> {
    fn lines(&self) -> Vec<String> {
        let at = self.job.told_at.to_zoned(jiff::tz::TimeZone::system());
        let clock = |line: &String| format!("{}  {line}", at.strftime("%Y-%m-%d %H:%M:%S"));
        self.lines.iter().map(clock).collect()
    }

    fn json(&self) -> Vec<Value> {
        vec![value(self.job, None)]
    }
}

impl Outcome for Unreached {
    fn lines(&self) -> Vec<String> {
        let at = Zoned::now().strftime("%Y-%m-%d %H:%M:%S").to_string();
        vec![format!("{at}  {}; the watch goes on", self.error)]
    }

    fn json(&self) -> Vec<Value> {
        let (code, message) = (Some(self.error.code()), &self.error.to_string());
        vec![line(&WarningRecord { code, message, ..WarningRecord::default() })]
    }
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
        vec![line(&WatchEndedRecord { name: &self.name, turn, next })]
    }

    fn exit(&self) -> Exit {
        Exit::of(match self.turn {
            Turn::Service | Turn::Done => None,
            Turn::Ours(_) => Some(ErrorKind::Resumable),
            Turn::DoneWithErrors(_) => Some(ErrorKind::LeftOut),
        })
    }
}
