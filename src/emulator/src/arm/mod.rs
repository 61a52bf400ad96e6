//! The resource manager: sign-in and version first, then the provider, then its types. Knows jobs,
//! not drives.

mod call;
mod compute;
mod data_box;
mod disks;
mod fault;
mod import_export;
mod locations;
mod locks;
mod network;
mod providers;
mod recovery_services;
mod registry;
mod router;
mod storage;
mod subscriptions;
mod version;

pub(super) use call::Context;
pub(super) use registry::Registry;
pub(super) use router::{answer, is_arm};
