//! The job client against the emulated services, and against services on a bad day; the
//! emulator's datacenter, judged from outside.

mod data_box;
mod disk_busy;
mod disk_engines;
mod disk_images;
mod disk_kept;
mod disk_kills;
mod disk_restore;
mod disk_rig;
mod disk_shared;
mod disk_story;
mod disks;
mod dock;
mod hostile_service;
mod hosts;
mod managed_disks;
mod memberships;
mod mischief;
mod network;
mod parcel;
mod repair;
mod requests;
mod service_rules;
mod sign_in;
#[path = "../support/mod.rs"]
mod support;
mod ways;
