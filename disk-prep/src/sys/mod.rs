//! The kernel: durable files, folders that others write to, buffers for direct I/O, questions to
//! drives, names of the machine.

pub mod again;
pub mod aligned;
pub mod ata;
pub mod attributes;
pub mod beneath;
pub mod block;
pub mod child;
pub mod discard;
pub mod dumps;
pub mod durable;
pub mod entry;
pub mod given;
pub mod handles;
#[cfg(test)]
pub(crate) mod heap;
pub mod hold;
pub mod large;
pub mod lease;
pub mod loops;
pub mod machine;
mod nameless;
pub mod place;
pub mod private;
pub mod threads;
