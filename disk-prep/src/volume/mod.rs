//! On-disk formats over [`crate::device::Device`]: the partition table, the BitLocker volume and
//! the NTFS volume. Pure: no sysfs, no clock, no randomness of their own.

pub mod bitlocker;
mod fault;
mod fields;
pub mod gpt;
pub mod ntfs;
pub mod view;

pub use fault::Fault;
