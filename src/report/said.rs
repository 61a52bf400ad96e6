//! Warnings and failures as records.

use disk_prep::noun::{Diagnose, Serial};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::outcome::causes;

/// Something to know that stops nothing.
#[derive(Default, Serialize, JsonSchema)]
pub(super) struct WarningRecord<'a> {
    /// Serial number of the drive that it is about, if it is about one.
    #[schemars(with = "String")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<&'a Serial>,
    /// Its code, if it has one; `azseed explain` knows it.
    #[schemars(with = "String")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'a str>,
    /// What there is to know.
    pub message: &'a str,
    /// When, if it came while a drive was worked on.
    #[schemars(with = "Timestamp")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

impl Record for WarningRecord<'_> {
    const TYPE: &'static str = "warning";
}

/// Why a command could not be done.
#[derive(Serialize, JsonSchema)]
pub(super) struct ErrorRecord<'a> {
    /// Its code; `azseed explain` knows it.
    code: &'a str,
    /// What failed.
    message: String,
    /// What led to it, the nearest first.
    causes: Vec<String>,
    /// What to type next; null if there is no advice.
    hint: Option<String>,
}

impl Record for ErrorRecord<'_> {
    const TYPE: &'static str = "error";
}

/// Something to know that stops nothing.
pub fn warning(text: &str) -> Value {
    line(&WarningRecord { message: text, ..WarningRecord::default() })
}

/// Why a command could not be done.
pub fn failure(error: &dyn Diagnose) -> Value {
    line(&ErrorRecord {
        code: error.code(),
        message: error.to_string(),
        causes: causes(error).map(ToString::to_string).collect(),
        hint: error.hint().map(|hint| hint.to_string()),
    })
}
