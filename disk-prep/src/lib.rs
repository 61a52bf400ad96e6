//! Formats, fills and verifies drives for seeding a backup to Azure: GPT, BitLocker and NTFS
//! written in one pass. Knows drives and nothing of Azure; no network, no async.

#![warn(missing_docs)]
// Tests set their stage with plain files; durable writes are for state.
#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod dataset;
pub mod device;
pub mod drive;
mod drive_layout;
mod error;
mod fill;
pub mod hash;
pub mod inspect;
pub mod journal;
pub mod kernels;
pub mod known;
mod label;
pub mod limits;
pub mod manifest;
pub mod monitor;
pub mod noun;
pub mod plan;
pub mod pool;
pub mod prepare;
pub mod prove;
pub mod release;
mod seal;
pub mod stop;
pub mod sys;
pub mod verify;
pub mod volume;
pub mod world;

pub use error::{DriveError, Error, Fault, Unready};
