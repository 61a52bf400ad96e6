//! Azure and the datacenter's dock on loopback: the resource manager's calls about import jobs, a
//! blob service, sign-in, a clock that can be put forward. Real requests against real files;
//! shares no wire types with the client.

// Tests set their stage with plain files; durable writes are for state.
#![cfg_attr(test, allow(clippy::disallowed_methods))]

mod account;
mod addresses;
mod arm;
mod blobs;
mod certificates;
mod clock;
mod control;
mod crc64;
mod disks;
mod dock;
mod error;
mod http;
mod jobs;
mod keys;
mod mischief;
#[cfg(feature = "other-service")]
mod other_service;
mod ports;
mod recovery;
mod rights;
mod running;
mod server;
mod tokens;

pub use account::AccountOptions;
pub use addresses::{Names, Style};
pub use control::Reply;
pub use disks::DiskDeed;
pub use dock::{parsers, work as read_drive};
pub use error::Error;
pub use mischief::{Mischief, Wanted};
pub use recovery::{AccountOrder, DiskOrder, GroupOrder, SecurityOrder, VmOrder};
pub use rights::RightsOrder;
pub use running::{
    Emulator, EmulatorOptions, Facts, VmDeed, dock, forward_clock, machines, managed_disks,
    mischief, resource_group, rights, security_group, start, storage_account,
};
