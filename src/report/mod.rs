//! Every outcome and event in words and as records.

mod access;
mod browsed;
mod checked;
mod cleared;
pub mod custody;
mod custody_page;
mod custody_words;
mod drive;
#[cfg(feature = "emulator")]
pub mod emulator;
mod escrowed;
pub mod event;
pub mod explained;
mod inspected;
pub mod job;
mod keys;
pub mod limits;
mod not_read;
mod overview;
mod packed;
mod plan;
mod prepared;
mod prepared_records;
pub mod record;
#[cfg(feature = "emulator")]
mod rehearsal;
mod released;
mod repaired;
mod restored;
pub mod said;
pub mod schemas;
mod seed;
pub mod slip;
mod slip_page;
mod standing;
pub mod text;
mod told;
mod vault;
mod vault_ingest;
mod vault_kept;
mod vault_policy;
mod vault_run;
mod vault_schedule;
mod vault_sources;
mod vault_standing;
mod verified;
mod watch;
