//! Every outcome and event in words and as records.

mod checked;
mod cleared;
mod drive;
#[cfg(feature = "emulator")]
pub mod emulator;
pub mod event;
pub mod explained;
mod inspected;
pub mod job;
mod keys;
mod plan;
mod prepared;
#[cfg(feature = "emulator")]
mod rehearsal;
mod released;
pub mod said;
mod seed;
pub mod text;
mod vault;
mod verified;
