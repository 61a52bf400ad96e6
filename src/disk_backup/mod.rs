//! Disks, backed up by what changed: a page blob is copied once, then round after round what a
//! snapshot of it has that the one before had not. Every point of the backup is a snapshot of the
//! copy. Of an image on this machine its own digests tell what changed. Knows no other story.

mod apply;
mod chain;
mod checked;
mod compare;
mod cost;
mod diagnosis;
mod disk_image;
mod engine;
mod error;
mod fault;
mod image;
mod image_round;
mod incremental;
mod keep;
mod keeper;
mod listing;
mod pages;
mod points;
mod promote;
mod prove;
mod ranges;
mod record;
mod restore;
mod round;
mod run_log;
mod scratch;
mod source;
mod table;
mod taken;
mod transfer;
mod trial;
mod untouched;
mod upload;
mod vhd;
mod watch;
mod whole;
#[cfg(test)]
mod worlds;

pub use chain::{BACKUP, Chain, Mode, OWNER, POINT};
pub use checked::Check;
pub use compare::{Difference, compare, compare_table};
pub use cost::{freed_bytes, written_bytes};
pub use disk_image::{DiskImage, device_at, usual_form};
pub use engine::{Engine, Via};
pub use error::Error;
pub use image::{ImageFile, MadeImage, check_image, file_begun_with};
pub use image_round::{Brought, ImageRound, Tables};
pub use incremental::ServiceRound;
pub use keep::{Keep, let_go};
pub use points::{DiskPoint, point_at, points};
pub use promote::{Promoted, Promotion};
pub use record::{
    DiffWish, DiskBackup, FORM, FirstCopy, Known, LastRound, Proof, ProvenBy, RestoredFrom, Verify,
    typed_time,
};
pub use restore::{MadeDisk, Restoration};
pub use round::{Made, Round};
pub use source::{
    DiskSource, IMAGE, ImageHost, ImageSeen, ImageTerms, MANAGED_DISK, PAGE_BLOB, SeedJob, VhdForm,
    is_address,
};
pub use table::Table;
pub use transfer::filled_with;
pub use trial::tells_differences;
pub use upload::check_upload;
pub use watch::{Step, Watch};
pub use whole::WholeRound;
