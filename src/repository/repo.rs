//! An open repository.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{Span, Timestamp, Zoned};
use rustic_core::repofile::SnapshotFile;
use rustic_core::{
    BackupOptions, CheckOptions, ConfigOptions, Credentials, Excludes, KeepOptions, KeyOptions,
    OpenStatus, PathList, PruneOptions, RepairIndexOptions, RepositoryBackends, RepositoryOptions,
    RusticError, SnapshotOptions,
};
use secrecy::{ExposeSecret, SecretString};

use super::ahead::Ahead;
use super::progress::{Bars, Watcher};
use super::restore::{Reader, RestoreDone, RestoreOptions, restore};
use super::source::Sources;
use super::{Error, Store};

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

/// What is to be backed up.
#[derive(Debug, Clone, Default)]
pub struct BackupPlan {
    /// Files and folders, absolute.
    pub sources: Vec<PathBuf>,
    /// Globs that are left out.
    pub exclude: Vec<String>,
    /// Host name of the snapshot; without it this machine's.
    pub host: Option<String>,
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
    /// Files of the source, as far as it says.
    pub files: Option<u64>,
    /// Their bytes, as far as it says.
    pub bytes: Option<u64>,
}

/// How many snapshots are kept; of each span the last one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Retention {
    /// Days.
    pub daily: Option<u16>,
    /// Weeks.
    pub weekly: Option<u16>,
    /// Months.
    pub monthly: Option<u16>,
    /// Years.
    pub yearly: Option<u16>,
}

impl std::fmt::Display for Retention {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Retention { daily, weekly, monthly, yearly } = *self;
        let spans =
            [(daily, "daily"), (weekly, "weekly"), (monthly, "monthly"), (yearly, "yearly")];
        let kept: Vec<String> = spans
            .into_iter()
            .filter_map(|(number, span)| Some(format!("{} {span}", number?)))
            .collect();
        f.write_str(&if kept.is_empty() { "every snapshot".to_owned() } else { kept.join(", ") })
    }
}

/// An open repository.
pub struct Repository {
    pub(super) inner: rustic_core::Repository<OpenStatus>,
    store: Arc<dyn Store>,
    ahead: Arc<Ahead>,
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Repository({})", self.store.location())
    }
}

type Library<T> = Result<T, Box<RusticError>>;

/// The fault of the store, if the library failed because of it; else the library's own.
fn told<T>(store: &dyn Store, action: &'static str, result: Library<T>) -> Result<T, Error> {
    result.map_err(|source| {
        let is_password = source.is_incorrect_password();
        match store.take_fault() {
            Some(fault) => fault,
            None if is_password => Error::WrongPassword,
            None => Error::Library { action, fault: source },
        }
    })
}

/// Asks the library, which panics on some of what a stranger can put into a repository.
fn library<T>(
    store: &dyn Store,
    action: &'static str,
    ask: impl FnOnce() -> Library<T>,
) -> Result<T, Error> {
    // Nothing of ours is left half-changed: what the library was given goes with it.
    let answer = catch_unwind(AssertUnwindSafe(ask)).map_err(|_| Error::GaveUp { action })?;
    told(store, action, answer)
}

fn connect(
    store: &Arc<dyn Store>,
    ahead: &Arc<Ahead>,
    watcher: Arc<dyn Watcher>,
) -> Result<rustic_core::Repository<()>, Error> {
    let backends = RepositoryBackends::new(ahead.clone(), None);
    let options = RepositoryOptions::default().no_cache(true);
    let connected = rustic_core::Repository::new_with_progress(&options, &backends, Bars(watcher));
    told(store.as_ref(), "Opening the repository", connected)
}

impl Repository {
    /// Makes a repository of format version 2.
    pub fn create(
        store: Arc<dyn Store>,
        password: &SecretString,
        settings: Settings,
        watcher: Arc<dyn Watcher>,
    ) -> Result<Self, Error> {
        let mut config = ConfigOptions::default().set_version(2u32);
        config.set_compression = Some(settings.compression);
        let pack_bytes = settings.pack_bytes.to_string();
        config.set_datapack_size = Some(pack_bytes.parse().expect("a number is a size"));
        let credentials = Credentials::password(password.expose_secret());
        let ahead = Arc::new(Ahead::new(store.clone().backend()));
        let connected = connect(&store, &ahead, watcher)?;
        let made = connected.init(&credentials, &KeyOptions::default(), &config);
        Ok(Repository { inner: told(store.as_ref(), "Making the repository", made)?, store, ahead })
    }

    /// Opens a repository.
    pub fn open(
        store: Arc<dyn Store>,
        password: &SecretString,
        watcher: Arc<dyn Watcher>,
    ) -> Result<Self, Error> {
        let credentials = Credentials::password(password.expose_secret());
        let ahead = Arc::new(Ahead::new(store.clone().backend()));
        let connected = connect(&store, &ahead, watcher)?;
        let open = || connected.open(&credentials);
        let inner = library(store.as_ref(), "Opening the repository", open)?;
        Ok(Repository { inner, store, ahead })
    }

    /// Brings packs that an interrupted run finished, but no index names, into the index.
    pub fn repair_index(&self) -> Result<(), Error> {
        let repair = || self.inner.repair_index(&RepairIndexOptions::default(), false);
        library(self.store.as_ref(), "Repairing the index", repair)
    }

    /// Backs up into one snapshot and closes the repository. Files that have not changed since the
    /// last snapshot of the same sources and host are not read again.
    pub fn back_up(self, plan: &BackupPlan) -> Result<BackupDone, Error> {
        let BackupPlan { sources, exclude, host } = plan;
        if let Some(path) = sources.iter().find(|path| path.to_str().is_none()) {
            return Err(Error::SourceName { path: path.clone() });
        }
        let Repository { inner, store, .. } = self;
        let globs: Vec<String> = exclude.iter().map(|glob| format!("!{glob}")).collect();
        let mut options = BackupOptions::default();
        options.excludes = Excludes::default();
        options.excludes.globs = globs;
        let mut about = SnapshotOptions::default();
        about.host = host.clone();
        // Sorted, and none below another: else a folder would stand in the snapshot twice.
        let paths = sources.iter().cloned().collect::<PathList>().merge().paths();
        let save = || {
            let files = Sources::open(&options, &paths)?;
            let snapshot: SnapshotFile = about.to_snapshot()?;
            let snapshot = inner.to_indexed_ids()?.archive(&options, &files, snapshot, &paths)?;
            Ok((snapshot, files.lost()))
        };
        let (snapshot, unreadable) = library(store.as_ref(), "The backup", save)?;
        let summary = snapshot.summary.clone().unwrap_or_default();
        Ok(BackupDone {
            snapshot: snapshot.id.to_hex().to_string(),
            tree: snapshot.tree.to_hex().to_string(),
            files: summary.total_files_processed,
            bytes: summary.total_bytes_processed,
            unreadable,
        })
    }

    /// Checks the structure: every pack there and named by the index, every tree readable.
    pub fn check(&self) -> Result<(), Error> {
        let check = || self.inner.check(CheckOptions::default());
        let found = library(self.store.as_ref(), "The check of the repository", check)?;
        let remarks: Vec<String> = found.0.iter().map(|(_, fault)| fault.to_string()).collect();
        if remarks.is_empty() { Ok(()) } else { Err(Error::Damaged { remarks }) }
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
        let remove = || {
            let mut all = self.inner.get_all_snapshots()?;
            all.retain(|snapshot| snapshot.id.to_hex().as_str() == id);
            let ids: Vec<_> = all.into_iter().map(|snapshot| snapshot.id).collect();
            self.inner.delete_snapshots(&ids)
        };
        library(self.store.as_ref(), "Removing a snapshot", remove)
    }

    /// Writes what a snapshot holds below `target`, each file at its whole path. What is there
    /// already and equal is left alone.
    pub fn restore(
        self,
        snapshot: &Snapshot,
        target: &Path,
        options: RestoreOptions,
    ) -> Result<RestoreDone, Error> {
        const ACTION: &str = "Reading the repository";
        let Repository { inner, store, ahead } = self;
        let inner = library(store.as_ref(), ACTION, || inner.to_indexed())?;
        let tree = told(store.as_ref(), ACTION, snapshot.tree.parse())?;
        let progress = inner.progress_bytes("restoring file contents...");
        if let Some(bytes) = snapshot.bytes {
            progress.set_length(bytes);
        }
        let reader = Reader::new(inner, store, ahead);
        let done = restore(&reader, &tree, target, options, &progress);
        progress.finish();
        done
    }

    /// Forgets snapshots that the retention does not keep; returns their ids. Their data stays
    /// until a prune.
    pub fn forget(&self, retention: Retention, now: &Zoned) -> Result<Vec<String>, Error> {
        if retention == Retention::default() {
            return Ok(Vec::new());
        }
        let mut keep = KeepOptions::default();
        keep.keep_daily = retention.daily.map(i32::from);
        keep.keep_weekly = retention.weekly.map(i32::from);
        keep.keep_monthly = retention.monthly.map(i32::from);
        keep.keep_yearly = retention.yearly.map(i32::from);
        let forget = || {
            let all = keep.apply(self.inner.get_all_snapshots()?, now)?;
            let gone = all.into_iter().filter(|own| !own.keep);
            let ids: Vec<_> = gone.map(|own| own.snapshot.id).collect();
            self.inner.delete_snapshots(&ids)?;
            Ok(ids.iter().map(|id| id.to_hex().to_string()).collect())
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

fn describe(snapshot: &SnapshotFile) -> Snapshot {
    let summary = snapshot.summary.as_ref();
    Snapshot {
        id: snapshot.id.to_hex().to_string(),
        tree: snapshot.tree.to_hex().to_string(),
        time: snapshot.time.timestamp(),
        host: snapshot.hostname.clone(),
        paths: snapshot.paths.iter().map(PathBuf::from).collect(),
        files: summary.map(|own| own.total_files_processed),
        bytes: summary.map(|own| own.total_bytes_processed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use disk_prep::noun::{Diagnose, ErrorKind};

    #[test]
    fn a_library_that_panics_is_an_error_with_a_code() {
        let folder = tempfile::tempdir().unwrap();
        let store = crate::repository::FolderStore::of(folder.path(), "");
        let error = library::<()>(&store, "Looking", || panic!("of a test")).unwrap_err();
        assert_eq!((error.code(), error.kind()), ("repository-gave-up", ErrorKind::Failed));
        assert_eq!(library(&store, "Looking", || Ok(7)).unwrap(), 7);
    }
}
