//! Virtual machines and the vaults that back them up, as facts that time goes over: the movable
//! clock makes the backups that policies ask for, ends jobs and lets points expire. Points have the
//! bytes of the disks, and restores bring them back. Knows no calls.

mod attached;
mod book;
mod clockwork;
mod disks;
mod failures;
mod giving;
mod model;
mod places;
mod plan;
mod security;
mod shelf;
mod vhd;
mod vm;

pub(crate) use book::WorldBook;
pub(crate) use clockwork::{back_up, restore};
pub use disks::DiskOrder;
pub(crate) use disks::{DiskSnapshot, ManagedDisk, Origin, Tags};
pub(crate) use failures::find as failure;
pub(crate) use model::{
    Came, DEFAULT_POLICY, Item, Job, JobState, Point, Policy, Protection, Restore, RestoreKind,
    Vault, World,
};
pub(crate) use places::AccountFacts;
pub use places::{AccountOrder, GroupOrder};
pub(crate) use plan::{Plan, default_properties};
pub use security::SecurityOrder;
pub(crate) use security::{PRIORITIES, SecurityGroup, SecurityRule};
pub(crate) use vhd::{FOOTER, footer};
pub use vm::VmOrder;
pub(crate) use vm::{SIZES, Vm, is_name};
