//! The restic format behind one door: create, open, back up, check,
//! list, restore, forget, prune. The only room that knows
//! `rustic_core`; it knows nothing of staging, jobs or vaults.

mod account;
mod ahead;
mod archive;
mod arrival_store;
mod backup;
mod blob_store;
mod check;
mod crypt;
mod damage;
mod error;
mod exclude_file;
mod filter;
mod folder_store;
mod join_store;
mod kept;
mod keys;
mod layout;
mod marked;
mod not_read;
mod pattern;
mod progress;
mod proof;
mod reads;
mod repo;
mod restore;
mod sample;
mod source;
mod store;
mod survey;
mod tags;
mod travel_store;
mod unlock;

pub use account::{SHRUNK_TAG, SourceTotals};
pub use arrival_store::ArrivalStore;
pub use backup::{BackupDone, BackupPlan, inside};
pub use blob_store::BlobStore;
pub use check::Checked;
pub use damage::{Damage, DamageKind, Touched};
pub use error::Error;
pub use exclude_file::read_patterns;
pub use filter::{Choice, PatternForm};
pub use folder_store::{FolderStore, Linked};
pub use join_store::JoinStore;
pub use keys::Key;
pub use layout::{Place, Rank, is_repository_path, rank};
pub use not_read::NotRead;
pub use repo::{Repository, Settings, Snapshot};
pub use restore::{
    Change, ChangeKind, Depth, Entry, EntryKind, Overwrite, Owners, Patterns, Reason, RestoreDone,
    RestoreOptions, Whereto,
};
pub use sample::{Sample, sample};
pub use store::Store;
pub use survey::survey;
pub use travel_store::{ASIDE, IsShipped, Keys, TravelStore};
