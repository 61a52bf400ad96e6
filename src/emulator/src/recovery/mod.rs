//! Virtual machines and the vaults that back them up, as facts that time goes over: the movable
//! clock makes the backups that policies ask for, ends jobs and lets points expire. Knows no calls.

mod book;
mod clockwork;
mod failures;
mod model;
mod plan;
mod vm;

pub(crate) use book::WorldBook;
pub(crate) use clockwork::back_up;
pub(crate) use failures::find as failure;
pub(crate) use model::{
    Came, DEFAULT_POLICY, Item, Job, JobState, Point, Policy, Protection, Vault, World,
};
pub(crate) use plan::{Plan, default_properties};
pub(crate) use vm::Vm;
pub use vm::VmOrder;
