//! `seed.json`: what a staging path holds and where it goes. Every path in it is relative to the
//! staging path where that is possible, since another machine may mount it elsewhere.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use disk_prep::noun::{
    AccountName, Contact, ContainerName, JobName, ResourceGroup, SubscriptionId,
};
use disk_prep::sys::durable::{self, Access};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Error;
use super::adopt::Contents;
use crate::repository::Choice;

const VERSION: u32 = 1;
const FILE: &str = "seed.json";

/// What a staging path holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seed {
    /// Version of the form.
    pub version: u32,
    /// The seed's own name.
    pub id: Uuid,
    /// Whether it was written by us or taken as it stood.
    pub origin: Origin,
    /// What the data is.
    pub kind: SeedKind,
    /// How far it is.
    pub state: SeedState,
    /// Where the data is: relative to the staging path, or absolute if it lies elsewhere.
    pub data: PathBuf,
    /// Where it goes.
    #[serde(flatten)]
    pub target: Target,
    /// What was backed up, absolute on the source machine.
    #[serde(default)]
    pub sources: Vec<PathBuf>,
    /// What of it was taken.
    #[serde(flatten)]
    pub choice: Choice,
    /// When it was begun.
    pub begun_at: Timestamp,
    /// When it was finished.
    #[serde(default)]
    pub finished_at: Option<Timestamp>,
    /// What it amounts to, once finished.
    #[serde(default)]
    pub totals: Totals,
    /// What a repository that was adopted consisted of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contents: Option<Contents>,
}

/// Where a seed comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// Written by `stage`.
    Written,
    /// Taken as it stood by `stage adopt`.
    Adopted,
}

/// What the data of a seed is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SeedKind {
    /// A restic repository.
    Repository,
    /// Any files.
    Files,
}

/// How far a seed is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SeedState {
    /// A backup is being written.
    Unfinished,
    /// Complete and checked.
    Finished,
    /// The vault has all of it; the data here was cleared.
    Cleared,
}

/// Where a seed goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The import job.
    pub job: JobName,
    /// The storage account.
    pub storage_account: AccountName,
    /// The container.
    pub container: ContainerName,
    /// Stands before every blob name; ends in a slash unless empty.
    pub prefix: String,
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The resource group.
    pub resource_group: ResourceGroup,
    /// Return address and carrier.
    #[serde(default)]
    pub contact: Option<Contact>,
    /// Region of the storage account.
    #[serde(default)]
    pub location: Option<String>,
}

/// What a seed amounts to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Files to ship.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files of the source.
    pub source_files: u64,
    /// Their bytes.
    pub source_bytes: u64,
    /// Files of the source that could not be read.
    pub unreadable_files: u64,
}

impl Seed {
    /// A seed that begins now.
    pub fn begin(
        origin: Origin,
        kind: SeedKind,
        data: PathBuf,
        target: Target,
        now: Timestamp,
    ) -> Self {
        Seed {
            version: VERSION,
            id: Uuid::new_v4(),
            origin,
            kind,
            state: SeedState::Unfinished,
            data,
            target,
            sources: Vec::new(),
            choice: Choice::default(),
            begun_at: now,
            finished_at: None,
            totals: Totals::default(),
            contents: None,
        }
    }

    /// Reads the seed of a staging path.
    pub fn open(staging: &Path) -> Result<Self, Error> {
        Seed::find(staging)?.ok_or_else(|| Error::NotStaging { path: staging.to_owned() })
    }

    /// Reads the seed of a staging path, if there is one.
    pub fn find(staging: &Path) -> Result<Option<Self>, Error> {
        let path = staging.join(FILE);
        match std::fs::read(&path) {
            Ok(text) => Seed::parse(&path, &text).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::Io { path, source }),
        }
    }

    /// Whether a file of this name is what a killed run left of a half-written seed.
    pub(super) fn is_draft(name: &OsStr) -> bool {
        let name = name.as_encoded_bytes();
        name.starts_with(FILE.as_bytes()) && name.ends_with(b".new")
    }

    fn parse(path: &Path, text: &[u8]) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let damaged = |source| Error::Damaged { path: path.to_owned(), source };
        let Version { version } = serde_json::from_slice(text).map_err(damaged)?;
        if version > VERSION {
            return Err(Error::Newer { path: path.to_owned(), version, known: VERSION });
        }
        serde_json::from_slice(text).map_err(damaged)
    }

    /// Writes the seed into a staging path, whole or not at all.
    pub fn save(&self, staging: &Path) -> Result<(), Error> {
        let path = staging.join(FILE);
        let mut text =
            serde_json::to_vec_pretty(self).expect("a seed holds only texts and numbers");
        text.push(b'\n');
        durable::write(&path, &text, Access::Public).map_err(|source| Error::of_io(path, source))
    }

    /// The folder of the data.
    pub fn data_root(&self, staging: &Path) -> PathBuf {
        staging.join(&self.data)
    }

    /// The same seed, complete.
    pub fn finish(self, totals: Totals, now: Timestamp) -> Self {
        Seed { state: SeedState::Finished, finished_at: Some(now), totals, ..self }
    }
}

impl Error {
    /// A full disk is an error of its own.
    pub(super) fn of_io(path: PathBuf, source: std::io::Error) -> Self {
        match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                Error::Full { path }
            }
            _ => Error::Io { path, source },
        }
    }
}

/// The folder of journals of a staging path.
pub fn journals(staging: &Path) -> PathBuf {
    staging.join("journals")
}

#[cfg(test)]
impl Target {
    /// Some target, for tests.
    pub(super) fn example() -> Self {
        serde_json::from_value(serde_json::json!({
            "job": "job-1", "storage_account": "seedaccount", "container": "seed", "prefix": "",
            "subscription": "00000000-0000-0000-0000-000000000000", "resource_group": "backup",
        }))
        .expect("every field is valid")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_comes_back_and_damage_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(Seed::open(folder.path()), Err(Error::NotStaging { .. })));
        let seed = Seed::begin(
            Origin::Written,
            SeedKind::Repository,
            "repo".into(),
            Target::example(),
            Timestamp::UNIX_EPOCH,
        );
        seed.save(folder.path()).unwrap();
        assert_eq!(Seed::open(folder.path()).unwrap(), seed);
        assert_eq!(seed.data_root(folder.path()), folder.path().join("repo"));
        let path = folder.path().join(FILE);
        std::fs::write(&path, "{\"version\":2}").unwrap();
        assert!(matches!(Seed::open(folder.path()), Err(Error::Newer { version: 2, .. })));
        std::fs::write(&path, "{\"version\":1}").unwrap();
        assert!(matches!(Seed::open(folder.path()), Err(Error::Damaged { .. })));
    }
}
