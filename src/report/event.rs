//! What happens while work goes on, as records.

use disk_prep::monitor::{Event, Look};
use disk_prep::noun::Serial;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use super::said::WarningRecord;

/// A drive got its files; nothing was written on it yet.
#[derive(Serialize, JsonSchema)]
pub(super) struct DrivePlannedRecord<'a> {
    /// Serial number.
    #[schemars(with = "String")]
    serial: &'a Serial,
    /// Files that go onto it.
    files: usize,
    /// Their bytes.
    bytes: u64,
    /// What was looked at to find it blank: `all-data` or `labels-and-samples`; null for a drive to be erased and a new image.
    blank_by: Option<&'a str>,
    /// When.
    at: Timestamp,
}

impl Record for DrivePlannedRecord<'_> {
    const TYPE: &'static str = "drive-planned";
}

/// A step of a drive began.
#[derive(Serialize, JsonSchema)]
pub(super) struct StepStartedRecord<'a> {
    /// Serial number.
    #[schemars(with = "String")]
    serial: &'a Serial,
    /// The step: `wipe`, `label`, `fill`, `seal` or `verify`.
    step: &'a str,
    /// Bytes that an earlier run has done.
    done_bytes: u64,
    /// Bytes of the whole step.
    total_bytes: u64,
    /// When.
    at: Timestamp,
}

impl Record for StepStartedRecord<'_> {
    const TYPE: &'static str = "step-started";
}

/// How far a step of a drive is; told at most once a second.
#[derive(Serialize, JsonSchema)]
pub(super) struct ProgressRecord<'a> {
    /// Serial number.
    #[schemars(with = "String")]
    serial: &'a Serial,
    /// The step: `wipe`, `label`, `fill`, `seal` or `verify`.
    step: &'a str,
    /// Bytes that are done and, when filling, flushed and journalled.
    done_bytes: u64,
    /// When.
    at: Timestamp,
    /// Bytes of the whole step.
    total_bytes: u64,
}

impl Record for ProgressRecord<'_> {
    const TYPE: &'static str = "progress";
}

/// A step of a drive ended.
#[derive(Serialize, JsonSchema)]
pub(super) struct StepFinishedRecord<'a> {
    /// Serial number.
    #[schemars(with = "String")]
    serial: &'a Serial,
    /// The step: `wipe`, `label`, `fill`, `seal` or `verify`.
    step: &'a str,
    /// When.
    at: Timestamp,
}

impl Record for StepFinishedRecord<'_> {
    const TYPE: &'static str = "step-finished";
}

/// The work on a drive ended by an error.
#[derive(Serialize, JsonSchema)]
pub(super) struct DriveErrorRecord<'a> {
    /// Serial number.
    #[schemars(with = "String")]
    serial: &'a Serial,
    /// Its code; `azseed explain` knows it.
    code: &'a str,
    /// What failed.
    message: String,
    /// When.
    at: Timestamp,
}

impl Record for DriveErrorRecord<'_> {
    const TYPE: &'static str = "drive-error";
}

/// A drive that failed is set aside for good: its files go to others.
#[derive(Serialize, JsonSchema)]
pub(super) struct SetAsideRecord<'a> {
    /// Serial number.
    #[schemars(with = "String")]
    serial: &'a Serial,
    /// When.
    at: Timestamp,
    /// Why; `azseed explain` knows it.
    code: &'a str,
    /// What failed.
    message: String,
}

impl Record for SetAsideRecord<'_> {
    const TYPE: &'static str = "drive-set-aside";
}

/// How far work is that is of no drive; told at most once a second.
#[derive(Serialize, JsonSchema)]
pub(super) struct TaskRecord<'a> {
    /// The work, such as writing a backup or taking a seed in.
    step: &'a str,
    /// Bytes that are done.
    done_bytes: u64,
    /// Bytes of all of it; 0 while nobody knows.
    total_bytes: u64,
    /// When.
    at: Timestamp,
}

impl Record for TaskRecord<'_> {
    const TYPE: &'static str = "stage-progress";
}

/// The record of an event; `None` for one that the outcome tells.
pub fn value(event: &Event<'_>) -> Option<Value> {
    let at = Timestamp::now();
    Some(match *event {
        Event::DrivePlanned { drive: serial, files, bytes, blank } => {
            let blank_by = blank.map(Look::name);
            line(&DrivePlannedRecord { serial, files, bytes, blank_by, at })
        }
        Event::StepStarted { drive: serial, step, done_bytes, total_bytes } => {
            let step = step.name();
            line(&StepStartedRecord { serial, step, done_bytes, total_bytes, at })
        }
        Event::BytesDone { drive: serial, step, done_bytes, total_bytes } => {
            let step = step.name();
            line(&ProgressRecord { serial, step, done_bytes, at, total_bytes })
        }
        Event::StepFinished { drive: serial, step } => {
            line(&StepFinishedRecord { serial, step: step.name(), at })
        }
        Event::DriveFailed { drive: serial, error } => {
            let (code, message) = (error.code(), error.to_string());
            line(&DriveErrorRecord { serial, code, message, at })
        }
        Event::DriveSetAside { drive: serial, error } => {
            let (code, message) = (error.code(), error.to_string());
            line(&SetAsideRecord { serial, at, code, message })
        }
        Event::Warning { drive, text: message } => {
            let (serial, at) = (Some(drive), Some(at));
            line(&WarningRecord { serial, message, at, code: None })
        }
        Event::TaskBytes { task: step, done_bytes, total_bytes } => {
            line(&TaskRecord { step, done_bytes, total_bytes, at })
        }
        _ => return None,
    })
}
