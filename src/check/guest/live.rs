//! What a machine that is up is asked beside its files. Who asks is not here.

use std::time::Duration;

/// What a machine that is up says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// Whether its agent runs.
    pub agent: Asked,
    /// How busy its processors were while it was looked at.
    pub busy_percent: Option<u64>,
}

/// What systemd says of the units in `AGENT_UNITS`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// Nothing: it does not run there.
    Unasked,
    /// A word for each, `active`, `failed`.
    Told(Vec<String>),
    /// It took longer than this.
    Silent(Duration),
}
