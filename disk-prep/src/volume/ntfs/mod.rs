//! An NTFS 3.1 volume written once, as `mkisofs` writes ISO 9660: a pure function from a plan to
//! bytes (`ntfs-write-once`). All metadata lies before the data and is made on the fly, at any
//! offset, in any order; nothing is read back. It opens no device, and it reads no volume.

mod boot;
mod clash;
mod error;
mod files;
mod index;
mod layout;
mod map;
mod names;
mod need;
mod record;
mod sizes;
mod space;
mod system;
mod tables;
#[cfg(test)]
mod tests;
mod time;
mod tree;

pub use clash::check_names;
pub use error::{Clash, Error};
pub use files::{FileSpec, Files};
pub use layout::{Layout, PinnedRange, VolumeParams};
pub use need::NeedEstimator;
pub use space::Run;
pub use tables::Edition;
pub use time::FileTime;
