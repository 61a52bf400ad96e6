//! The vault: attached, filled, planned, checked, restored; on one machine and on several.

mod attach;
mod cleanup;
mod damage;
mod faults;
mod filters;
mod hosts;
mod joins;
mod keep;
mod machine_gone;
mod plan;
mod restore;
mod restore_part;
mod seed;
mod sources;
#[path = "../support/mod.rs"]
mod support;
mod travel;
mod writer;
