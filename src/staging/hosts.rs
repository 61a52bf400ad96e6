//! What a machine has staged into a seed: several may, each under its own name.

use std::path::PathBuf;

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
}
