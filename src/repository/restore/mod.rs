//! Writes a snapshot below a folder. The tree is walked in its order; every folder is held by its
//! handle, files are written as drafts and take their names when they are whole, and a folder is
//! given its attributes when all is in it. What cannot be done is counted with its reason, and
//! the rest goes on; only a full disk and a repository that nobody answers for end it.
//!
//! Names, links, sizes and modes of a snapshot are input from strangers, and so is what is there.

mod attributes;
mod browse;
mod content;
mod destination;
mod door;
mod files;
#[cfg(test)]
mod hostile;
mod options;
mod preview;
mod reading;
mod report;
mod run;
mod selection;
mod walk;

pub use browse::{Depth, Entry, EntryKind, Patterns};
pub use options::{Overwrite, Owners, RestoreOptions, Whereto};
pub use preview::{Change, ChangeKind};
pub use report::{Reason, RestoreDone};
