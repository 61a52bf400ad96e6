//! The restic format behind one door: create, open, back up, check,
//! list, restore, forget, prune. The only room that knows
//! `rustic_core`; it knows nothing of staging, jobs or vaults.

mod account;
mod ahead;
mod backup;
mod blob_store;
mod error;
mod filter;
mod folder_store;
mod layout;
mod pattern;
mod progress;
mod reads;
mod repo;
mod restore;
mod source;
mod survey;
mod tags;

use std::sync::Arc;

use rustic_core::WriteBackend;

pub use account::SourceTotals;
pub use backup::{BackupDone, BackupPlan, inside};
pub use blob_store::BlobStore;
pub use error::Error;
pub use filter::{Choice, PatternForm};
pub use folder_store::{FolderStore, Linked};
pub use layout::{Rank, is_repository_path, rank};
pub use pattern::InvalidPattern;
pub use progress::Watcher;
pub use repo::{Repository, Settings, Snapshot};
pub use restore::{LeftOut, Overwrite, Owners, Reason, RestoreDone, RestoreOptions};
pub use survey::{Survey, survey};

/// The tag of a snapshot whose source had lost more than half of its files or bytes when it was
/// made, and nobody had accepted that yet.
pub const SHRUNK_TAG: &str = "azseed-shrunk";

/// What holds a repository's files.
pub trait Store: WriteBackend {
    /// What failed here since it was last asked, if the library's error came from here; the
    /// library keeps only a text of it.
    fn take_fault(&self) -> Option<Error>;
    /// Whether a write has failed: nothing more need be read to be written here.
    fn is_broken(&self) -> bool;
    /// The store as the library sees it.
    fn backend(self: Arc<Self>) -> Arc<dyn WriteBackend>;
}
