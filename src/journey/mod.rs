//! The stories that join rooms: usable without a command line and without a screen. Each takes plain
//! options and a desk, and returns what has come of it.

pub mod access;
pub mod cleanup;
pub mod cleanup_files;
pub mod connections;
pub mod contact;
mod content_md5;
pub mod custody;
pub mod custody_look;
pub mod desk;
#[cfg(feature = "emulator")]
pub mod dock;
mod drives;
pub mod escrow;
pub mod hooks;
pub mod inspect;
pub mod job;
pub mod keeper;
pub mod limits;
pub mod overview;
pub mod paper;
pub mod parcel;
pub mod plan;
pub mod prepare;
pub mod ready;
pub mod reconcile;
#[cfg(feature = "emulator")]
pub mod rehearse;
pub mod release;
pub mod repair;
pub mod seed_blobs;
pub mod settings;
pub mod stage;
pub mod standing;
pub mod vault;
pub mod vault_attach;
pub mod vault_check;
pub mod vault_forget;
pub mod vault_ingest;
pub mod vault_key;
mod vault_mend;
pub mod vault_password;
pub mod vault_policy;
pub mod vault_read;
pub mod vault_run;
pub mod vault_schedule;
pub mod vault_set;
pub mod vault_settings;
pub mod vault_source;
pub mod vault_sources;
pub mod vault_status;
pub mod vault_turn;
pub mod vault_writer;
pub mod vault_zone;
pub mod verify;
pub mod work;
