//! Other people's programs with what we write and what we serve: readers of drives, clients of
//! blobs and of management, Azurite.

mod azurite;
mod clients;
mod disks;
mod five_machines;
mod managed_disks;
mod pages;
mod readers;
mod restic;
#[path = "../support/mod.rs"]
mod support;
mod vm_answers;
