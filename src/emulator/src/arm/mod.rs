//! The resource manager: sign-in and version first, then the provider, then its types. Knows jobs,
//! not drives.

mod call;
mod compute;
mod containers;
mod data_box;
mod disks;
mod extensions;
mod fault;
mod ids;
mod import_export;
mod interfaces;
mod locations;
mod locks;
mod network;
mod permissions;
mod providers;
mod recovery_services;
mod registry;
mod router;
mod security;
mod storage;
mod subscriptions;
mod version;

pub(super) use call::Context;
pub(super) use registry::Registry;
pub(super) use router::{answer, is_arm};
