//! Who is told what happened: programs of the user, and a monitoring that reads a file.

mod hook;
mod metrics;

pub use hook::{Hook, HookError, Hooks};
pub use metrics::{Measured, may_write, write};
