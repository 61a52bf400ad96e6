//! The blob service: what the journey and Azure's own clients ask of it. Path-style, below
//! `/blob/ACCOUNT/CONTAINER/BLOB`. Knows no job and no drive.

pub(crate) mod access;
mod blob;
mod blocks;
mod call;
mod conditions;
mod containers;
mod copy;
mod fault;
mod headers;
mod lease;
mod list;
pub(crate) mod service;
pub(crate) mod store;
mod tree;
