//! Who has a claim: a run, by its machine and its process.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::sys::machine::machine;

/// Letters of a host's name, at most; a longer one was not written by us.
const HOST_LETTERS: usize = 255;

/// Who has a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub(super) version: u32,
    pub(super) machine: String,
    /// Name of its machine.
    pub host: String,
    /// Number of its process there.
    pub process: u32,
    /// When it was taken.
    pub since: Timestamp,
}

impl Holder {
    /// This run, now.
    pub(super) fn here() -> Self {
        let (machine, host) = machine();
        let (process, since) = (std::process::id(), Timestamp::now());
        Holder { version: 1, machine, host, process, since }
    }

    /// Whether it can be what a run of ours wrote; a name that would write on a terminal is not.
    pub(super) fn is_sound(&self) -> bool {
        let is_name = |text: &String| {
            text.chars().count() <= HOST_LETTERS && !text.chars().any(char::is_control)
        };
        is_name(&self.host) && is_name(&self.machine)
    }

    /// Whether it belongs to another machine than this one.
    pub fn is_elsewhere(&self) -> bool {
        let (machine, host) = machine();
        (&self.machine, &self.host) != (&machine, &host)
    }

    /// Whether both belong to one run.
    pub(super) fn is_run(&self, other: &Holder) -> bool {
        (&self.machine, &self.host, self.process) == (&other.machine, &other.host, other.process)
    }
}
