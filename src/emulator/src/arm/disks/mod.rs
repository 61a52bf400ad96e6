//! Managed disks and their incremental snapshots as the resource manager shows them
//! (`managed-disks`).

mod access;
mod change;
mod kind;
mod operations;
mod routes;
mod wire;

pub(super) use routes::{answer, is_meant};
pub(super) use wire::id_by_machine;
