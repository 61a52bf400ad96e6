//! What a machine has staged into a seed: several may, each under its own name.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::repository::Choice;

/// What one machine has staged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StagedHost {
    /// The name that it gives itself, which its snapshots bear.
    pub host: String,
    /// What was backed up, absolute on that machine.
    pub sources: Vec<PathBuf>,
    /// What of it was taken.
    #[serde(flatten)]
    pub choice: Choice,
    /// Files of these sources.
    #[serde(default)]
    pub files: u64,
    /// Their bytes.
    #[serde(default)]
    pub bytes: u64,
    /// Files that could not be read.
    #[serde(default)]
    pub unreadable_files: u64,
}

/// A machine that has begun to stage and not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stager {
    /// The name that it gives itself.
    pub host: String,
    /// When it began.
    pub since: Timestamp,
}
