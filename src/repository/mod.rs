//! The restic format behind one door: create, open, back up, check,
//! list, restore, forget, prune. The only room that knows
//! `rustic_core`; it knows nothing of staging, jobs or vaults.

mod ahead;
mod blob_store;
mod error;
mod folder_store;
mod progress;
mod repo;
mod restore;
mod source;

use std::sync::Arc;

use rustic_core::WriteBackend;

pub use blob_store::BlobStore;
pub use error::Error;
pub use folder_store::{FolderStore, Linked};
pub use progress::Watcher;
pub use repo::{BackupDone, BackupPlan, Repository, Retention, Settings, Snapshot};
pub use restore::{LeftOut, Overwrite, Owners, Reason, RestoreDone, RestoreOptions};

/// What holds a repository's files.
pub trait Store: WriteBackend {
    /// What failed here since it was last asked, if the library's error came from here; the
    /// library keeps only a text of it.
    fn take_fault(&self) -> Option<Error>;
    /// The store as the library sees it.
    fn backend(self: Arc<Self>) -> Arc<dyn WriteBackend>;
}
