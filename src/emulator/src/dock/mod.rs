//! The datacenter's dock: parcels come in, drives are read by processes of their own, blobs and
//! logs are written, jobs go on and drives go back. Gets images and the job's fields, nothing
//! else of the seed.

mod copy_log;
mod desk;
pub(crate) mod destination;
mod drive;
pub(crate) mod line;
mod log;
mod manifest;
mod own_service;
mod papers;
mod parcel;
pub mod parsers;
mod side;
mod worker;
mod xml;

pub(crate) use desk::Dock;
pub(crate) use parcel::Docked;
pub use worker::work;
