//! Azure's own backup of virtual machines: vaults, policies, protected machines, jobs and points, as
//! calls of the resource manager. Knows no other story, asks nobody and shows nothing.

mod create_line;
mod error;
mod items;
mod jobs;
mod machines;
mod names;
mod networks;
mod points;
mod policies;
mod policy;
mod policy_wire;
mod restore;
mod restore_fault;
mod stagger;
mod vault_id;
mod vaults;
mod words;
mod zones;

pub use create_line::create_line;
pub use error::Error;
pub use items::{
    Item, Protection, Stop, back_up, items, protect, protecting, registered, revive, unprotect,
};
pub use jobs::{Job, JobFault, JobFilter, JobState, Task, cancel, job, jobs, jobs_under_way};
pub use machines::{Machine, classic_machines, discover, machines};
pub use names::{MachineId, MachineWord};
pub use networks::{Network, networks};
pub use points::{Point, points};
pub use policies::{PolicyFacts, delete_policy, policies, set_policy};
pub use policy::{PolicyFault, VmPolicy};
pub use restore::{Restore, RestoreTarget, name_rule, restore, validate};
pub use restore_fault::RestoreFault;
pub use stagger::{Spread, SpreadStep, Spreading, spread};
pub use vault_id::VaultId;
pub use vaults::{
    RecoveryVault, Redundancy, Storage, create, delete_vault, has_default_policy, set_storage,
    storage, vaults,
};
