//! The backup: one snapshot of what the sources hold. Files that became shorter while they were
//! read are read again and put into it afterwards, since the library takes a file's size from the
//! walk and nothing may be restored that never was.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use jiff::ToSpan;
use rustic_core::repofile::{Node, SnapshotFile, SnapshotSummary};
use rustic_core::{BackupOptions, IndexedIdsStatus, PathList, SnapshotOptions, TreeId};

use super::account::{Account, SHRUNK_TAG, SourceTotals};
use super::error::Error;
use super::filter::{Choice, Filter};
use super::not_read::{Loss, NotRead};
use super::reads::Reads;
use super::repo::{Library, Repository, library};
use super::source::Sources;
use super::store::Store;

/// Marks a snapshot that holds only what belongs into another one, and is removed with the end of
/// the backup.
pub(super) const PART_TAG: &str = "azseed-part";
/// How often a file that became shorter is read again.
const ROUNDS: usize = 3;

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

type Indexed = rustic_core::Repository<IndexedIdsStatus>;

impl Repository {
    /// Removes what killed backups left behind of their parts. Nobody may back up meanwhile.
    pub fn sweep_parts(&self) -> Result<(), Error> {
        library(self.store.as_ref(), "Sweeping", || sweep_parts(&self.inner, None))
    }

    /// Backs up into one snapshot and closes the repository. Files that have not changed since the
    /// parents are not read again.
    pub fn back_up(self, plan: &BackupPlan) -> Result<BackupDone, Error> {
        plan.check_names()?;
        let filter = Arc::new(Filter::new(&plan.choice, &plan.never)?);
        let Repository { inner, store, .. } = self;
        // Sorted, and none below another: else a folder would stand in the snapshot twice. On
        // other file systems the walk sees to that.
        let paths: PathList = plan.sources.iter().cloned().collect();
        let paths = match filter.is_of_one_file_system() {
            true => plan.sources.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect(),
            false => paths.merge().paths(),
        };
        let (account, reads) = (Account::of(&plan.sources), Arc::<Reads>::default());
        let mut options = BackupOptions::default();
        options.parent_opts.parents = plan.parents.clone();
        let mut about = SnapshotOptions::default();
        about.host = plan.host.clone();
        let save = || {
            if plan.is_shrunk {
                about = about.add_tags(SHRUNK_TAG)?;
            }
            let sources = Sources {
                roots: paths.clone(),
                filter: Arc::clone(&filter),
                account: account.clone(),
                bytes: plan.bytes,
                store: Arc::clone(&store),
                reads: Arc::clone(&reads),
            };
            sweep_parts(&inner, plan.host.as_deref())?;
            let inner = inner.to_indexed_ids()?;
            let whole = inner.archive(&options, &sources, about.to_snapshot()?, &paths)?;
            match account.take_short() {
                short if short.is_empty() => Ok(whole),
                short => add_again(inner, (&store, &reads), whole, short, &account),
            }
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

/// Removes what a killed backup left behind of its parts; those of another host may be in use.
fn sweep_parts<S: rustic_core::Open>(
    inner: &rustic_core::Repository<S>,
    host: Option<&str>,
) -> Library<()> {
    let mut all = inner.get_all_snapshots()?;
    let is_meant = |own: &SnapshotFile| host.is_none_or(|host| own.hostname == host);
    all.retain(|own| own.tags.contains(PART_TAG) && is_meant(own));
    let ids: Vec<_> = all.into_iter().map(|own| own.id).collect();
    if ids.is_empty() { Ok(()) } else { inner.delete_snapshots(&ids) }
}

/// Reads files again that ended early and so are not in `whole`, and returns the snapshot that
/// holds them too. What ends early each time stays out and is told.
fn add_again(
    inner: Indexed,
    (store, reads): (&Arc<dyn Store>, &Arc<Reads>),
    whole: SnapshotFile,
    mut short: Vec<PathBuf>,
    account: &Account,
) -> Library<SnapshotFile> {
    let mut options = BackupOptions::default();
    options.parent_opts.force = true;
    let mut parts = Vec::new();
    let mut added = Vec::new();
    for _ in 0..ROUNDS {
        let again = Sources {
            roots: std::mem::take(&mut short),
            filter: Arc::new(Filter::everything()),
            account: account.clone(),
            bytes: 0,
            store: Arc::clone(store),
            reads: Arc::clone(reads),
        };
        let mut about = SnapshotOptions::default().add_tags(PART_TAG)?;
        about.host = Some(whole.hostname.clone());
        // Never the newest, whoever looks meanwhile.
        about.time = whole.time.checked_sub(1.second()).ok();
        let part = inner.archive(&options, &again, about.to_snapshot()?, &again.roots)?;
        parts.push(part);
        short = account.take_short();
        added.extend(again.roots.into_iter().filter(|path| !short.contains(path)));
        if short.is_empty() {
            break;
        }
    }
    for path in &short {
        account.lose(NotRead::new(path, Loss::Shrank, "became shorter each time it was read"));
    }
    let ids: Vec<_> = parts.iter().map(|part| part.id).collect();
    let trees: Vec<_> = std::iter::once(&whole).chain(&parts).map(|own| own.tree).collect();
    let mut counted = SnapshotSummary::default();
    // What was just written is in no index that is open.
    let inner = inner.drop_index().to_indexed_ids()?;
    let tree = inner.merge_trees(&trees, &described_last, &mut counted)?;
    let inner = inner.drop_index().to_indexed_ids()?;
    let mut held = Vec::new();
    for path in &added {
        held.push(bytes_in(&inner, tree, path)?);
    }
    if held.contains(&HeldBytes::Twice) {
        for path in &added {
            account.lose(NotRead::new(path, Loss::Shrank, "became shorter while it was read"));
        }
        inner.delete_snapshots(&ids)?;
        return Ok(whole);
    }
    let merged = save(&inner, &whole, tree, &counted)?;
    inner.delete_snapshots(&[&ids[..], &[whole.id]].concat())?;
    for (path, held) in added.iter().zip(held) {
        if let HeldBytes::Bytes(bytes) = held {
            account.change(path, bytes);
        }
    }
    Ok(merged)
}

/// Saves the snapshot anew with another tree.
fn save(
    inner: &Indexed,
    whole: &SnapshotFile,
    tree: TreeId,
    counted: &SnapshotSummary,
) -> Library<SnapshotFile> {
    let mut summary = whole.summary.clone().unwrap_or_default();
    summary.total_files_processed = counted.total_files_processed;
    summary.total_bytes_processed = counted.total_bytes_processed;
    summary.total_dirs_processed = counted.total_dirs_processed;
    summary.total_dirsize_processed = counted.total_dirsize_processed;
    let merged = SnapshotFile { tree, summary: Some(summary), ..whole.clone() };
    inner.save_snapshots(vec![merged.clone()])?;
    let mut all = inner.get_all_snapshots()?;
    all.retain(|own| own.tree == tree && own.time == whole.time && own.id != whole.id);
    Ok(all.into_iter().next().unwrap_or(merged))
}

/// Of two folders of one name that one is taken of which more is known.
fn described_last(one: &Node, other: &Node) -> Ordering {
    one.meta.mtime.is_some().cmp(&other.meta.mtime.is_some())
}

/// What a tree holds of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HeldBytes {
    Nothing,
    Bytes(u64),
    /// A folder on the way holds a name twice: the library sorts names with escaped characters in
    /// another order than the walk, and so cannot always put two trees together.
    Twice,
}

fn bytes_in(inner: &Indexed, tree: TreeId, path: &Path) -> Library<HeldBytes> {
    let mut folder = tree;
    let mut held = HeldBytes::Nothing;
    for part in path.components() {
        let Component::Normal(name) = part else { continue };
        let nodes = inner.get_tree(&folder)?.nodes;
        let names: BTreeSet<_> = nodes.iter().map(|node| &node.name).collect();
        if names.len() != nodes.len() {
            return Ok(HeldBytes::Twice);
        }
        let Some(node) = nodes.iter().find(|node| *node.name() == *name) else {
            return Ok(HeldBytes::Nothing);
        };
        held = HeldBytes::Bytes(node.meta.size);
        if let Some(below) = node.subtree {
            folder = below;
        }
    }
    Ok(held)
}
