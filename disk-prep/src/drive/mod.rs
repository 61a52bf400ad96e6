//! The drive as an object: how it is named, what it is, whether it is blank, and the one gate to
//! writing on it. Knows nothing of what will be written.

mod blank;
mod eject;
mod find;
mod guard;
mod holder;
mod identify;
mod kernel;
mod name;
mod sysfs;
#[cfg(test)]
mod tests;
mod verdict;
mod watch;

pub use blank::find_content;
pub use eject::{Ejected, eject};
pub use find::{Drive, Hardware, Kind, Plugged, find, find_all, find_on, look_at};
pub use guard::{Clearance, HeldDrive, hold};
pub use identify::{Identity, Rotation, Zones};
pub use kernel::Kernel;
pub use name::DriveName;
pub use sysfs::{Ata, Transport};
pub use watch::{DriveChanges, DriveWatch};
