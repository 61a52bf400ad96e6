//! The emulator's datacenter, judged from outside: which drives it refuses and with what status,
//! what it does with blobs that are there, with parcels that lack a drive or have one too many.
#![allow(clippy::disallowed_methods, reason = "tests set their stage with plain files")]
#![allow(clippy::unwrap_used, reason = "a test ends where something unforeseen happens")]

mod blobs;
mod data_box;
mod datacenter;
mod drive;
mod manifests;
mod parcels;
mod refusals;
mod volume;
mod worker;
