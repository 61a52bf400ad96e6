//! What the machines of a vault told last, as a script sees it.

use std::path::Path;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::path_text::PathText;
use crate::vault::Notice;

/// What a machine that works on a vault told last.
#[derive(Serialize, JsonSchema)]
pub(super) struct MachineRecord<'a> {
    /// The machine.
    host: &'a str,
    /// When it said so.
    told_at: Timestamp,
    /// When it makes increments, in words.
    schedule: String,
    /// Which snapshots it keeps, in words.
    retention: String,
    /// What it backs up.
    sources: Vec<PathText<'a>>,
    /// When its seed was taken in; null before.
    ingested_at: Option<Timestamp>,
    /// When its last increment was made; null before the first.
    incremented_at: Option<Timestamp>,
}

/// What it backs up.
pub(super) fn sources(own: &Notice) -> Vec<&Path> {
    let known: Vec<&Path> = own.sources.iter().map(|own| own.path.as_path()).collect();
    match known.is_empty() {
        true => own.seed.iter().flat_map(|seed| &seed.sources).map(|own| own.as_path()).collect(),
        false => known,
    }
}

impl<'a> From<&'a Notice> for MachineRecord<'a> {
    fn from(own: &'a Notice) -> Self {
        MachineRecord {
            host: &own.host,
            told_at: own.told_at,
            schedule: own.schedule.to_string(),
            retention: own.retention.to_string(),
            sources: sources(own).into_iter().map(PathText).collect(),
            ingested_at: own.ingested_at,
            incremented_at: own.incremented_at,
        }
    }
}
