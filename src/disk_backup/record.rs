//! What this machine remembers of a disk's backup, `STATE/disk-backups/NAME.json`. The copy's own
//! metadata go before it: a record that was lost is made anew by the same `protect`.

use std::path::PathBuf;

use disk_prep::noun::{BlobPlace, VaultName};
use disk_prep::sys::durable::{self, Access};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::state::{State, StateError, io_at, record_at};

/// How the first copy is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FirstCopy {
    /// By whatever the service can be trusted with.
    #[default]
    Auto,
    /// The service copies.
    Copy,
    /// It goes through this machine.
    Stream,
}

/// How what changed is found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiffWish {
    /// By the service where a trial shows that it tells the truth.
    #[default]
    Auto,
    /// By the service.
    Service,
    /// By comparing both snapshots here.
    Client,
}

/// What is read back after a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verify {
    /// Nothing beyond the checksum of every write.
    #[default]
    None,
    /// What was written.
    Changed,
    /// The whole point and the whole snapshot.
    Full,
}

/// What came of the last round.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LastRound {
    /// When it ended.
    pub at: Timestamp,
    /// The source's snapshot.
    pub source_snapshot: String,
    /// The point.
    pub backup_snapshot: String,
    /// Bytes that were written.
    pub changed_bytes: u64,
    /// Bytes that were cleared.
    pub cleared_bytes: u64,
    /// Calls that wrote or cleared.
    pub requests: u64,
    /// When a point was last proven as a whole, and which.
    pub proven: Option<(Timestamp, String)>,
}

/// The record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskBackup {
    /// Of this form.
    pub version: u32,
    /// The backup's identity.
    pub id: Uuid,
    /// Its name.
    pub name: VaultName,
    /// What is backed up.
    pub source: BlobPlace,
    /// The copy, of the generation that goes on.
    pub target: BlobPlace,
    /// How often a whole new copy was begun; 1 is the first.
    #[serde(default = "first_generation")]
    pub generation: u32,
    /// Seconds from one round to the next.
    pub every_secs: u64,
    /// How the first copy is made.
    #[serde(default)]
    pub first: FirstCopy,
    /// How what changed is found out.
    #[serde(default)]
    pub diff: DiffWish,
    /// The id under which the last run held the copy.
    #[serde(default)]
    pub run: Option<Uuid>,
    /// What came of the last round.
    #[serde(default)]
    pub last: Option<LastRound>,
}

fn first_generation() -> u32 {
    1
}

const FOLDER: &str = "disk-backups";

fn path(state: &State, name: &VaultName) -> PathBuf {
    state.folder().join(FOLDER).join(format!("{name}.json"))
}

impl DiskBackup {
    /// The one of this name; `None` if this machine knows none.
    pub fn open(state: &State, name: &VaultName) -> Result<Option<Self>, StateError> {
        let path = path(state, name);
        match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map(Some)
                .map_err(|source| record_at(&path)(source.into())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(record_at(&path)(error)),
        }
    }

    /// All that this machine knows, by name.
    pub fn all(state: &State) -> Result<Vec<Self>, StateError> {
        let mut all = Vec::new();
        for path in state.records_in(&state.folder().join(FOLDER))? {
            let text = std::fs::read(&path).map_err(record_at(&path))?;
            let own = serde_json::from_slice(&text);
            all.push(own.map_err(|source| record_at(&path)(std::io::Error::from(source)))?);
        }
        all.sort_by(|one: &Self, other| one.name.as_str().cmp(other.name.as_str()));
        Ok(all)
    }

    /// Keeps it.
    pub fn save(&self, state: &State) -> Result<(), StateError> {
        state.make_folder(&state.folder().join(FOLDER), Access::Public)?;
        let path = path(state, &self.name);
        let text = serde_json::to_vec_pretty(self).expect("texts and numbers can be written");
        durable::write(&path, &text, Access::Public).map_err(io_at(&path))
    }

    /// Forgets it; blobs and points stay.
    pub fn forget(&self, state: &State) -> Result<(), StateError> {
        let path = path(state, &self.name);
        std::fs::remove_file(&path).map_err(io_at(&path))
    }
}
