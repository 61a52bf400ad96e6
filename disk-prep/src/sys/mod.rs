//! The kernel: durable files, O_DIRECT buffers, ioctls, external programs.

pub mod durable;
