//! The drive as an object: how it is named, what it is, whether it is blank, and the one gate to
//! writing on it. Knows nothing of what will be written.

mod blank;
mod census;
mod eject;
mod error;
mod fault;
mod file_id;
mod find;
mod guard;
mod holder;
mod identify;
mod image;
mod kernel;
mod label_places;
mod loops;
mod medium;
mod name;
mod named;
mod reading;
mod sysfs;
mod tables;
#[cfg(test)]
mod tests;
mod traces;
mod verdict;
mod watch;

pub use blank::{Look, find_content, find_foreign, may_be_sealed};
pub use eject::{Ejected, eject};
pub use error::Error;
pub use fault::{Fault, PERHAPS_SEALED};
pub use find::{
    Drive, Hardware, Kind, Plugged, Seen, expect_each_once, find, find_all, find_on, look_at,
};
pub use guard::{Clearance, HeldDrive, check_idle, hold};
pub use identify::{Identity, Rotation, Zones};
pub use kernel::Kernel;
pub use medium::Medium;
pub use name::DriveName;
pub use named::NamedDrive;
pub use sysfs::{Ata, Transport, Usage};
pub use traces::Traces;
pub use watch::{DriveChanges, DriveWatch};
