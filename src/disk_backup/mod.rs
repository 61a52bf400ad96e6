//! Disks, backed up by what changed: a page blob is copied once, then round after round what a
//! snapshot of it has that the one before had not. Every point of the backup is a snapshot of the
//! copy. Knows no other story.

mod apply;
mod chain;
mod compare;
mod error;
mod keeper;
mod ranges;
mod record;
mod round;
mod trial;
mod watch;
#[cfg(test)]
mod worlds;

pub use chain::{BACKUP, Chain, Mode, POINT};
pub use compare::{Difference, compare};
pub use error::Error;
pub use record::{DiffWish, DiskBackup, FirstCopy, LastRound, Verify};
pub use round::{Made, Round};
pub use trial::tells_differences;
pub use watch::{Step, Watch};
