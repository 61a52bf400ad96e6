//! The kernel: durable files, buffers for direct I/O.

pub mod aligned;
pub mod child;
pub mod durable;
