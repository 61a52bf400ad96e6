//! The drive as an object: how it is named, what it is, whether it is blank, and the one gate to
//! writing on it. Knows nothing of what will be written.

mod blank;
mod find;
mod guard;
mod identify;
mod name;
mod sysfs;

pub use blank::find_content;
pub use find::{Drive, Kind, find, find_all};
pub use guard::{Clearance, HeldDrive, hold};
pub use identify::{Identity, Rotation, Zones};
pub use name::DriveName;
