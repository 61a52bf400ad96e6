//! An open repository.

use std::path::PathBuf;
use std::sync::Arc;

use rustic_core::repofile::SnapshotFile;
use rustic_core::{
    BackupOptions, CheckOptions, ConfigOptions, Credentials, Excludes, KeyOptions, OpenStatus,
    PathList, RepairIndexOptions, RepositoryBackends, RepositoryOptions, RusticError,
    SnapshotOptions,
};
use secrecy::{ExposeSecret, SecretString};

use super::progress::{Bars, Watcher};
use super::source::Sources;
use super::{Error, FolderStore};

/// How a new repository is made.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Level of zstd; 0 for no compression.
    pub compression: i32,
    /// Size of the packs, bytes.
    pub pack_bytes: u64,
}

/// What a backup has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupDone {
    /// The snapshot's id.
    pub snapshot: String,
    /// The tree's id: equal for equal sources.
    pub tree: String,
    /// Files of the source.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What could not be read: the path, a colon, the reason.
    pub unreadable: Vec<String>,
}

/// An open repository in a folder.
pub struct Repository {
    inner: rustic_core::Repository<OpenStatus>,
    store: Arc<FolderStore>,
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Repository({:?})", self.store)
    }
}

type Library<T> = Result<T, Box<RusticError>>;

/// The fault of the store, if the library failed because of it; else the library's own.
fn told<T>(store: &FolderStore, action: &'static str, result: Library<T>) -> Result<T, Error> {
    result.map_err(|source| {
        let is_password = source.is_incorrect_password();
        match store.take_fault() {
            Some(fault) => fault,
            None if is_password => Error::WrongPassword,
            None => Error::Library { action, source },
        }
    })
}

fn connect(
    store: &Arc<FolderStore>,
    watcher: Arc<dyn Watcher>,
) -> Result<rustic_core::Repository<()>, Error> {
    let backends = RepositoryBackends::new(store.clone(), None);
    let options = RepositoryOptions::default().no_cache(true);
    let connected = rustic_core::Repository::new_with_progress(&options, &backends, Bars(watcher));
    told(store, "Opening the repository", connected)
}

impl Repository {
    /// Makes a repository of format version 2.
    pub fn create(
        store: Arc<FolderStore>,
        password: &SecretString,
        settings: Settings,
        watcher: Arc<dyn Watcher>,
    ) -> Result<Self, Error> {
        let mut config = ConfigOptions::default().set_version(2u32);
        config.set_compression = Some(settings.compression);
        let pack_bytes = settings.pack_bytes.to_string();
        config.set_datapack_size = Some(pack_bytes.parse().expect("a number is a size"));
        let credentials = Credentials::password(password.expose_secret());
        let made = connect(&store, watcher)?.init(&credentials, &KeyOptions::default(), &config);
        Ok(Repository { inner: told(&store, "Making the repository", made)?, store })
    }

    /// Opens the repository of a folder.
    pub fn open(
        store: Arc<FolderStore>,
        password: &SecretString,
        watcher: Arc<dyn Watcher>,
    ) -> Result<Self, Error> {
        let credentials = Credentials::password(password.expose_secret());
        let opened = connect(&store, watcher)?.open(&credentials);
        Ok(Repository { inner: told(&store, "Opening the repository", opened)?, store })
    }

    /// Brings packs that an interrupted run finished, but no index names, into the index.
    pub fn repair_index(&self) -> Result<(), Error> {
        let repaired = self.inner.repair_index(&RepairIndexOptions::default(), false);
        told(&self.store, "Repairing the index", repaired)
    }

    /// Backs up the sources into one snapshot and closes the repository.
    pub fn back_up(self, sources: &[PathBuf], exclude: &[String]) -> Result<BackupDone, Error> {
        if let Some(path) = sources.iter().find(|path| path.to_str().is_none()) {
            return Err(Error::SourceName { path: path.clone() });
        }
        let Repository { inner, store } = self;
        let globs: Vec<String> = exclude.iter().map(|glob| format!("!{glob}")).collect();
        let mut options = BackupOptions::default();
        options.excludes = Excludes::default();
        options.excludes.globs = globs;
        // Sorted, and none below another: else a folder would stand in the snapshot twice.
        let paths = sources.iter().cloned().collect::<PathList>().merge().paths();
        let saved = (|| {
            let files = Sources::open(&options, &paths)?;
            let snapshot: SnapshotFile = SnapshotOptions::default().to_snapshot()?;
            let snapshot = inner.to_indexed_ids()?.archive(&options, &files, snapshot, &paths)?;
            Ok((snapshot, files.lost()))
        })();
        let (snapshot, unreadable) = told(&store, "The backup", saved)?;
        let summary = snapshot.summary.clone().unwrap_or_default();
        Ok(BackupDone {
            snapshot: snapshot.id.to_string(),
            tree: snapshot.tree.to_string(),
            files: summary.total_files_processed,
            bytes: summary.total_bytes_processed,
            unreadable,
        })
    }

    /// Checks the structure: every pack there and named by the index, every tree readable.
    pub fn check(&self) -> Result<(), Error> {
        let checked = self.inner.check(CheckOptions::default());
        let found = told(&self.store, "The check of the repository", checked)?;
        let remarks: Vec<String> = found.0.iter().map(|(_, fault)| fault.to_string()).collect();
        if remarks.is_empty() { Ok(()) } else { Err(Error::Damaged { remarks }) }
    }

    /// The trees of all snapshots.
    pub fn snapshot_trees(&self) -> Result<Vec<String>, Error> {
        let all = told(&self.store, "Listing the snapshots", self.inner.get_all_snapshots())?;
        Ok(all.into_iter().map(|snapshot| snapshot.tree.to_string()).collect())
    }
}
