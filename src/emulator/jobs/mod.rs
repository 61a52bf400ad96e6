//! The datacenter's side of import jobs: what a job is, which states it may go through, what the
//! clock does to it, and the book in which all jobs are kept. Knows nothing of HTTP and drives.

mod book;
mod clocks;
mod job;
mod states;

pub use book::{BookError, JobBook};
pub use job::{
    DeliveryPackage, Drive, DriveResult, Job, JobKey, LogLevel, ReturnAddress, ReturnShipping,
};
pub use states::{DriveState, JobState, WrongState};
