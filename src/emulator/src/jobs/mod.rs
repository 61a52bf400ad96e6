//! The datacenter's side of import jobs: what a job is, which states it may go through, what the
//! clock does to it, and the book in which all jobs are kept. Knows nothing of HTTP and drives.

pub(crate) mod book;
mod clocks;
pub(crate) mod job;
pub(crate) mod key;
pub(crate) mod order;
pub(crate) mod stages;
pub(crate) mod states;
