//! How far a preparation is, for others who look on: in words and as a record.

use disk_prep::noun::{ByteSize, JobName, Serial};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::journey::prepare::{DriveStanding, PrepStanding};
use crate::outcome::Outcome;

/// How far a preparation is; `reports/status.json` holds it.
#[derive(Serialize, JsonSchema)]
pub(super) struct PrepStandingRecord<'a> {
    /// The job.
    #[schemars(with = "String")]
    job: &'a JobName,
    /// The machine.
    host: &'a str,
    /// When this was written.
    #[schemars(with = "Timestamp")]
    at: Timestamp,
    /// When the run began.
    #[schemars(with = "Timestamp")]
    begun: Timestamp,
    /// Whether the run has ended.
    ended: bool,
    /// The drives.
    drives: Vec<DriveStandingRecord<'a>>,
}

/// How far one drive is.
#[derive(Serialize, JsonSchema)]
struct DriveStandingRecord<'a> {
    /// Serial number.
    #[schemars(with = "String")]
    serial: &'a Serial,
    /// `planned`, `sealed`, the step that it is at, or the code of what made it fail.
    state: &'a str,
    /// Whether it is sealed.
    sealed: bool,
    /// Whether it failed.
    failed: bool,
    /// Files that are to go onto it.
    files: usize,
    /// Files that are left out of it.
    left_out: usize,
    /// Bytes of its step that are done.
    done_bytes: u64,
    /// All bytes of its step; 0 if nobody knows.
    total_bytes: u64,
    /// How fast its step goes; null if nobody knows.
    bytes_per_second: Option<u64>,
    /// Seconds until its step ends; null if nobody knows.
    seconds_left: Option<u64>,
}

impl Record for PrepStandingRecord<'_> {
    const TYPE: &'static str = "prep-standing";
}

impl<'a> DriveStandingRecord<'a> {
    fn of((serial, own): (&'a Serial, &'a DriveStanding)) -> Self {
        DriveStandingRecord {
            serial,
            state: own.word(),
            sealed: own.is_sealed,
            failed: own.failed.is_some(),
            files: own.files,
            left_out: own.left_out,
            done_bytes: own.done_bytes,
            total_bytes: own.total_bytes,
            bytes_per_second: own.bytes_per_second,
            seconds_left: own.seconds_left(),
        }
    }
}

impl Outcome for PrepStanding {
    fn lines(&self) -> Vec<String> {
        let line = |(serial, own): (&Serial, &DriveStanding)| {
            let (done, total) = (ByteSize(own.done_bytes), ByteSize(own.total_bytes));
            format!("{:<24} {} {done} of {total}", serial.as_str(), own.word())
        };
        self.drives.iter().map(line).collect()
    }

    fn json(&self) -> Vec<Value> {
        vec![line(&PrepStandingRecord {
            job: &self.job,
            host: &self.host,
            at: self.at,
            begun: self.begun,
            ended: self.has_ended,
            drives: self.drives.iter().map(DriveStandingRecord::of).collect(),
        })]
    }
}
