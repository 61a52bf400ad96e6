//! The backup: one snapshot of what the sources hold.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustic_core::repofile::SnapshotFile;
use rustic_core::{OpenStatus, PathList, SnapshotOptions};

use super::account::{Account, SHRUNK_TAG, SourceTotals};
use super::archive::archive;
use super::error::Error;
use super::filter::{Choice, Filter};
use super::not_read::NotRead;
use super::repo::{Library, Repository, library};
use super::source::Sources;

/// What is to be backed up.
#[derive(Debug, Clone, Default)]
pub struct BackupPlan {
    /// Files and folders, absolute.
    pub sources: Vec<PathBuf>,
    /// What of them is taken.
    pub choice: Choice,
    /// Folders that are never part of it, as the staging path.
    pub never: Vec<PathBuf>,
    /// Host name of the snapshot; without it this machine's.
    pub host: Option<String>,
    /// Snapshots whose unchanged files are not read again; without one the newest of the same
    /// sources and host.
    pub parents: Vec<String>,
    /// Whether the snapshot is tagged as one of a source that shrank.
    pub is_shrunk: bool,
    /// Bytes of the sources, for the progress.
    pub bytes: u64,
}

/// A staging path, if it lies below a source: it would be backed up into itself.
pub fn inside(staging: &Path, sources: &[PathBuf]) -> Vec<PathBuf> {
    let is_inside = sources.iter().any(|source| staging.starts_with(source));
    is_inside.then(|| staging.to_owned()).into_iter().collect()
}

/// What a backup has done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BackupDone {
    /// The snapshot's id.
    pub snapshot: String,
    /// The tree's id: equal for equal sources.
    pub tree: String,
    /// Files of the source.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What could not be read.
    pub unreadable: Vec<NotRead>,
    /// What changed while it was read: the path, a colon, what is held of it.
    pub changed: Vec<String>,
    /// What is held of each source.
    pub sources: Vec<SourceTotals>,
}

impl BackupPlan {
    /// Refuses a source that the format cannot name: it keeps their paths as text.
    pub(super) fn check_names(&self) -> Result<(), Error> {
        match self.sources.iter().find(|path| path.to_str().is_none()) {
            Some(path) => Err(Error::SourceName { path: path.clone() }),
            None => Ok(()),
        }
    }
}

impl Repository {
    /// Backs up into one snapshot and closes the repository. Files that have not changed since the
    /// parents are not read again.
    pub fn back_up(self, plan: &BackupPlan) -> Result<BackupDone, Error> {
        plan.check_names()?;
        let filter = Arc::new(Filter::new(&plan.choice, &plan.never)?);
        let Repository { inner, store, ahead, .. } = self;
        // Sorted, and none below another: else a folder would stand in the snapshot twice. On
        // other file systems the walk sees to that.
        let paths: PathList = plan.sources.iter().cloned().collect();
        let paths = match filter.is_of_one_file_system() {
            true => plan.sources.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect(),
            false => paths.merge().paths(),
        };
        let account = Account::of(&plan.sources);
        let mut about = SnapshotOptions::default();
        about.host = plan.host.clone();
        let save = || {
            if plan.is_shrunk {
                about = about.add_tags(SHRUNK_TAG)?;
            }
            let mut snapshot = about.to_snapshot()?;
            for path in &paths {
                // Those that are no text were refused.
                snapshot.paths.add(path.to_string_lossy().into_owned());
            }
            let parents = parents_of(&inner, plan, &snapshot)?;
            let sources = Sources {
                roots: paths.clone(),
                filter: Arc::clone(&filter),
                account: account.clone(),
                bytes: plan.bytes,
                store: Arc::clone(&store),
                reads: Arc::default(),
            };
            let sink = (ahead.as_ref() as &dyn rustic_core::WriteBackend, store.packs_at_once());
            archive(&inner, sink, &sources, &parents, snapshot)
        };
        let snapshot = library(store.as_ref(), "The backup", save)?;
        let summary = snapshot.summary.clone().unwrap_or_default();
        let closed = account.close();
        Ok(BackupDone {
            snapshot: snapshot.id.to_hex().to_string(),
            tree: snapshot.tree.to_hex().to_string(),
            files: summary.total_files_processed,
            bytes: summary.total_bytes_processed,
            unreadable: closed.lost,
            changed: closed.changed,
            sources: closed.sources,
        })
    }
}

/// What the backup is compared with: the snapshots of the plan, or the newest of the same sources and
/// host.
fn parents_of(
    inner: &rustic_core::Repository<OpenStatus>,
    plan: &BackupPlan,
    snapshot: &SnapshotFile,
) -> Library<Vec<SnapshotFile>> {
    let all = inner.get_all_snapshots()?;
    let is_like = |own: &SnapshotFile| {
        (&own.hostname, &own.label, &own.paths)
            == (&snapshot.hostname, &snapshot.label, &snapshot.paths)
    };
    if plan.parents.is_empty() {
        let newest = all.into_iter().filter(is_like).max_by_key(|own| own.time.timestamp());
        return Ok(newest.into_iter().collect());
    }
    let find = |id: &String| all.iter().find(|own| own.id.to_hex().as_str() == id).cloned();
    Ok(plan.parents.iter().filter_map(find).collect())
}
