//! Azure's own backup of virtual machines: vaults, policies, protected machines, jobs and points, as
//! calls of the resource manager. Knows no other story, asks nobody and shows nothing.

mod error;
mod items;
mod jobs;
mod machines;
mod names;
mod points;
mod policies;
mod policy;
mod policy_wire;
mod vaults;
mod words;
mod zones;

pub use error::Error;
pub use items::{Item, Protection, Stop, back_up, items, protect, unprotect};
pub use jobs::{Job, JobFault, JobFilter, JobState, Task, cancel, job, jobs};
pub use machines::{Machine, classic_machines, discover, machines};
pub use names::{MachineId, MachineWord, VaultId};
pub use points::{Point, points};
pub use policies::{PolicyFacts, policies, set_policy};
pub use policy::{PolicyFault, VmPolicy};
pub use vaults::{RecoveryVault, Redundancy, create, has_default_policy, vaults};
