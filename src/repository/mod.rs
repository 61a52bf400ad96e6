//! The restic format behind one door: create, open, back up, check. The only room that knows
//! `rustic_core`; it knows nothing of staging, jobs or vaults.

mod error;
mod folder_store;
mod progress;
mod repo;
mod source;

pub use error::Error;
pub use folder_store::FolderStore;
pub use progress::Watcher;
pub use repo::{BackupDone, Repository, Settings};
