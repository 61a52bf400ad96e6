//! `Microsoft.RecoveryServices`: vaults, policies, protected machines, jobs and points, in the
//! service's own form (`vault-and-vm-backup` 10).

mod discovery;
mod items;
mod jobs;
mod names;
mod operations;
mod points;
mod policies;
mod restore;
mod routes;
mod times;
mod vaults;

pub(super) use names::PROVIDER;
pub(super) use routes::answer;
