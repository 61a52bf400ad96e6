//! An open repository.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use disk_prep::limits::PACK_BYTES;
use disk_prep::monitor::Monitor;
use disk_prep::noun::{Diagnose, ErrorKind};
use disk_prep::sys::threads::is_missing;
use jiff::{Span, Timestamp};
use rustic_core::repofile::{KeyId, MasterKey, SnapshotFile};
use rustic_core::{
    CheckOptions, ConfigOptions, Credentials, KeyOptions, OpenStatus, PruneOptions,
    RepairIndexOptions, RepositoryBackends, RepositoryOptions, RusticError, TreeId,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::account::SHRUNK_TAG;
use super::ahead::Ahead;
use super::error::Error;
use super::progress::Bars;
use super::store::Store;
use super::unlock::{Unlocked, unlock};

/// At so many bytes a pack is ended at the latest: one more blob (8 MiB before it is compressed)
/// and the pack's header keep below what a pack may have.
const MOST_PACK_BYTES: u64 = PACK_BYTES - (10 << 20);

/// How a new repository is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Level of zstd; 0 for no compression.
    pub compression: i32,
    /// Size of the packs, bytes.
    pub pack_bytes: u64,
}

impl Default for Settings {
    /// What `stage` takes when nothing else is said.
    fn default() -> Self {
        Settings { compression: 3, pack_bytes: 64 << 20 }
    }
}

/// A snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Its id.
    pub id: String,
    /// Its tree's id.
    pub tree: String,
    /// When it was made.
    pub time: Timestamp,
    /// The machine that it was made of.
    pub host: String,
    /// What it holds.
    pub paths: Vec<PathBuf>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Files of the source, as far as it says.
    pub files: Option<u64>,
    /// Their bytes, as far as it says.
    pub bytes: Option<u64>,
    /// Whether it is of what came through a pipe; only [`Repository::snapshots_with_pipes`] looks.
    pub is_pipe: bool,
}

impl Snapshot {
    /// Whether it is tagged as one of a source that shrank.
    pub fn is_shrunk(&self) -> bool {
        self.tags.iter().any(|tag| tag == SHRUNK_TAG)
    }

    /// Its tree.
    pub(super) fn root(&self) -> Result<TreeId, Error> {
        let failed = |fault| Error::Library { action: "Reading the repository", fault };
        self.tree.parse().map_err(failed)
    }

    /// Whether it is of a source, or of a folder above it.
    pub fn covers(&self, source: &Path) -> bool {
        self.paths.iter().any(|own| source.starts_with(own))
    }
}

/// An open repository.
pub struct Repository {
    pub(super) inner: rustic_core::Repository<OpenStatus>,
    /// The key that it was opened with.
    pub(super) own_key: Option<KeyId>,
    pub(super) store: Arc<dyn Store>,
    pub(super) ahead: Arc<Ahead>,
    monitor: Arc<dyn Monitor>,
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Repository({})", self.store.location())
    }
}

pub(super) type Library<T> = Result<T, Box<RusticError>>;

/// The fault of the store, if the library failed because of it; else the library's own.
pub(super) fn told<T>(
    store: &dyn Store,
    action: &'static str,
    result: Library<T>,
) -> Result<T, Error> {
    result.map_err(|source| store.take_fault().unwrap_or(Error::Library { action, fault: source }))
}

/// Asks the library, which panics on some of what a stranger can put into a repository.
pub(super) fn library<T>(
    store: &dyn Store,
    action: &'static str,
    ask: impl FnOnce() -> Library<T>,
) -> Result<T, Error> {
    // Nothing of ours is left half-changed: what the library was given goes with it.
    match catch_unwind(AssertUnwindSafe(ask)) {
        Ok(answer) => told(store, action, answer),
        // That is no fault of the repository; the program has a code for it.
        Err(panic) if is_missing(panic.as_ref()) => resume_unwind(panic),
        Err(_) => Err(Error::GaveUp { action }),
    }
}

fn connect(
    store: &Arc<dyn Store>,
    ahead: &Arc<Ahead>,
    monitor: Arc<dyn Monitor>,
) -> Result<rustic_core::Repository<()>, Error> {
    let backends = RepositoryBackends::new(ahead.clone(), None);
    let options = RepositoryOptions::default().no_cache(true);
    let connected = rustic_core::Repository::new_with_progress(&options, &backends, Bars(monitor));
    told(store.as_ref(), "Opening the repository", connected)
}

fn open(
    store: Arc<dyn Store>,
    ahead: Arc<Ahead>,
    master: MasterKey,
    own_key: Option<KeyId>,
    monitor: Arc<dyn Monitor>,
) -> Result<Repository, Error> {
    let connected = connect(&store, &ahead, Arc::clone(&monitor))?;
    let open = || connected.open(&Credentials::Masterkey(master));
    let inner = library(store.as_ref(), "Opening the repository", open)?;
    Ok(Repository { inner, own_key, store, ahead, monitor })
}

impl Repository {
    /// Makes a repository of format version 2.
    pub fn create(
        store: Arc<dyn Store>,
        password: &SecretString,
        settings: Settings,
        monitor: Arc<dyn Monitor>,
    ) -> Result<Self, Error> {
        let mut config = ConfigOptions::default().set_version(2u32);
        config.set_compression = Some(settings.compression);
        let pack_bytes = settings.pack_bytes.to_string();
        config.set_datapack_size = Some(pack_bytes.parse().expect("a number is a size"));
        // The library lets packs grow with the repository.
        let most = MOST_PACK_BYTES.to_string();
        config.set_datapack_size_limit = Some(most.parse().expect("a number is a size"));
        config.set_treepack_size_limit = config.set_datapack_size_limit;
        let credentials = Credentials::password(password.expose_secret());
        let ahead = Arc::new(Ahead::new(store.clone().backend()));
        let connected = connect(&store, &ahead, Arc::clone(&monitor))?;
        let made = connected.init(&credentials, &KeyOptions::default(), &config);
        let inner = told(store.as_ref(), "Making the repository", made)?;
        let own_key = *inner.key_id();
        Ok(Repository { inner, own_key, store, ahead, monitor })
    }

    /// Opens a repository.
    pub fn open(
        store: Arc<dyn Store>,
        password: &SecretString,
        monitor: Arc<dyn Monitor>,
    ) -> Result<Self, Error> {
        let ahead = Arc::new(Ahead::new(store.clone().backend()));
        match library(store.as_ref(), "Opening the repository", || unlock(&ahead, password))? {
            Unlocked::By(master, key) => open(store, ahead, master, Some(key), monitor),
            Unlocked::ByNone => Err(Error::WrongPassword),
            Unlocked::Keyless => Err(Error::NoKey),
        }
    }

    /// The same repository once more, with the key that is known: to stretch the password again
    /// would cost more than an increment of nothing.
    pub fn again(&self) -> Result<Self, Error> {
        let (store, ahead) = (Arc::clone(&self.store), Arc::clone(&self.ahead));
        open(store, ahead, self.inner.key(), self.own_key, Arc::clone(&self.monitor))
    }

    /// Brings packs that an interrupted run finished, but no index names, into the index.
    pub fn repair_index(&self) -> Result<(), Error> {
        let repair = || self.inner.repair_index(&RepairIndexOptions::default(), false);
        library(self.store.as_ref(), "Repairing the index", repair)
    }

    /// Checks the structure: every pack there and named by the index, every tree readable.
    pub fn check(&self) -> Result<(), Error> {
        let check = || self.inner.check(CheckOptions::default());
        let found = library(self.store.as_ref(), "The check of the repository", check)?;
        self.expect_heard()?;
        let remarks: Vec<String> = found.0.iter().map(|(_, fault)| fault.to_string()).collect();
        if remarks.is_empty() { Ok(()) } else { Err(Error::Damaged { remarks }) }
    }

    /// Refuses to take for a fault of the repository, as the library's check does, what failed on
    /// the way to it. A blob that is not there, or is shorter than what is read of it, is a fault.
    pub(super) fn expect_heard(&self) -> Result<(), Error> {
        match self.store.take_fault() {
            Some(Error::Service { source })
                if !matches!(source.kind(), ErrorKind::NotFound | ErrorKind::Refused) =>
            {
                Err(Error::Service { source })
            }
            _ => Ok(()),
        }
    }

    /// All snapshots, the oldest first.
    pub fn snapshots(&self) -> Result<Vec<Snapshot>, Error> {
        let all = || self.inner.get_all_snapshots();
        let mut all = library(self.store.as_ref(), "Listing the snapshots", all)?;
        all.sort_by_key(|snapshot| snapshot.time.timestamp());
        Ok(all.iter().map(describe).collect())
    }

    /// Removes one snapshot; its data stays.
    pub fn remove(&self, id: &str) -> Result<(), Error> {
        self.forget(&[id.to_owned()])
    }

    /// Forgets these snapshots; their data stays until a prune.
    pub fn forget(&self, ids: &[String]) -> Result<(), Error> {
        let forget = || {
            let mut all = self.inner.get_all_snapshots()?;
            all.retain(|snapshot| ids.iter().any(|id| snapshot.id.to_hex().as_str() == id));
            let ids: Vec<_> = all.into_iter().map(|snapshot| snapshot.id).collect();
            self.inner.delete_snapshots(&ids)
        };
        library(self.store.as_ref(), "Forgetting snapshots", forget)
    }

    /// Removes data that no snapshot needs, in two steps: a pack that is no more needed is named
    /// as such in the index, and the next prune deletes it; so whoever reads meanwhile finds it.
    /// Nothing may write meanwhile. A prune that was killed has left what is needed, and perhaps
    /// more.
    pub fn prune(&self) -> Result<(), Error> {
        let mut options = PruneOptions::default();
        // The next prune comes with a later run; it need not wait any longer.
        options.keep_delete = Span::new();
        let prune = || self.inner.prune(&options, self.inner.prune_plan(&options)?);
        library(self.store.as_ref(), "Pruning", prune)
    }
}

pub(super) fn describe(snapshot: &SnapshotFile) -> Snapshot {
    let summary = snapshot.summary.as_ref();
    Snapshot {
        id: snapshot.id.to_hex().to_string(),
        tree: snapshot.tree.to_hex().to_string(),
        time: snapshot.time.timestamp(),
        host: snapshot.hostname.clone(),
        paths: snapshot.paths.iter().map(PathBuf::from).collect(),
        tags: snapshot.tags.iter().cloned().collect(),
        files: summary.map(|own| own.total_files_processed),
        bytes: summary.map(|own| own.total_bytes_processed),
        is_pipe: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_panics_is_an_error_with_a_code() {
        let folder = tempfile::tempdir().unwrap();
        let store = crate::repository::FolderStore::of(folder.path(), "");
        let error = library::<()>(&store, "Looking", || panic!("of a test")).unwrap_err();
        assert_eq!((error.code(), error.kind()), ("repository-gave-up", ErrorKind::Failed));
        assert_eq!(library(&store, "Looking", || Ok(7)).unwrap(), 7);
    }
}
