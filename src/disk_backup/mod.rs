//! Disks, backed up by what changed: a page blob is copied once, then round after round what a
//! snapshot of it has that the one before had not. Every point of the backup is a snapshot of the
//! copy. Knows no other story.

mod apply;
mod chain;
mod compare;
mod cost;
mod error;
mod image;
mod keep;
mod keeper;
mod points;
mod promote;
mod ranges;
mod record;
mod restore;
mod round;
mod scratch;
mod table;
mod transfer;
mod trial;
mod watch;
#[cfg(test)]
mod worlds;

pub use chain::{BACKUP, Chain, Mode, OWNER};
pub use compare::{Difference, compare, compare_table};
pub use cost::freed_bytes;
pub use error::Error;
pub use image::{ImageFile, MadeImage};
pub use keep::{Keep, let_go};
pub use points::{DiskPoint, point_at, points};
pub use promote::{Promoted, Promotion};
pub use record::{
    DiffWish, DiskBackup, FORM, FirstCopy, LastRound, Proof, ProvenBy, RestoredFrom, Verify,
};
pub use restore::{MadeDisk, Restoration};
pub use round::{Made, Round};
pub use table::Table;
pub use trial::tells_differences;
pub use watch::{Step, Watch};
