//! What a rehearsal is asked for, its steps, and why it does not go on.

use std::path::PathBuf;
use std::time::Duration;

use disk_prep::noun::ByteSize;

use crate::outcome::{Exit, Failure};

/// What each step is about.
pub const STEPS: [&str; 10] = [
    "Write the initial backup to the staging path",
    "See what goes on which drive",
    "Format and fill the drives, make the import job",
    "Read the drives back",
    "Send them, and say with whom",
    "The datacenter reads them",
    "The vault takes the seed in and goes on with an increment",
    "Clear the imported container and the staging path",
    "Restore from the vault",
    "Compare the restored copy with the source",
];

/// How a rehearsal goes.
#[derive(Debug)]
pub struct RehearseOptions {
    /// What is backed up.
    pub sources: Vec<PathBuf>,
    /// How many drives there are.
    pub drives: u16,
    /// How large each is.
    pub drive_size: Option<ByteSize>,
    /// Where everything lies.
    pub dir: Option<PathBuf>,
    /// Whether it is kept.
    pub keep: bool,
    /// The repository's password.
    pub password_file: Option<PathBuf>,
    /// Whether a short password will do.
    pub weak_password: bool,
}

/// Why a rehearsal does not go on.
pub(super) enum Stop {
    /// A step ended otherwise than well, and has said so.
    Step {
        exit: Exit,
        /// Drives that are missing.
        more_drives: u64,
    },
    /// A step could not be done.
    Failure(Failure),
}

impl<E: Into<Failure>> From<E> for Stop {
    fn from(error: E) -> Self {
        Stop::Failure(error.into())
    }
}

/// The heading of a step.
#[derive(Debug)]
pub struct Step {
    /// Its number, from one.
    pub number: usize,
    /// What would be typed for it.
    pub commands: Vec<String>,
}

/// A step that has ended.
#[derive(Debug, Clone)]
pub struct StepEnded {
    /// Its number, from one.
    pub number: usize,
    /// What would be typed for it.
    pub commands: Vec<String>,
    /// How long it took.
    pub took: Duration,
}
