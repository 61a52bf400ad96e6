//! The kernel: durable files, buffers for direct I/O, questions to drives.

pub mod aligned;
pub mod ata;
pub mod child;
pub mod discard;
pub mod durable;
