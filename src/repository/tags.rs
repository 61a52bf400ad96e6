//! Snapshots seen from their sources: what they hold of one, and whether it had shrunk.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use rustic_core::repofile::{Node, NodeType, SnapshotFile};
use rustic_core::{IndexedIdsStatus, TreeId};

use super::account::{SHRUNK_TAG, SourceTotals};
use super::error::Error;
use super::repo::{Library, Repository, Snapshot, describe, library, told};

type Indexed = rustic_core::Repository<IndexedIdsStatus>;

impl Repository {
    /// All snapshots, the oldest first, with a look at those that may have come through a pipe.
    pub fn snapshots_with_pipes(self) -> Result<Vec<Snapshot>, Error> {
        let Repository { inner, store, .. } = self;
        let list = || {
            let mut all = inner.get_all_snapshots()?;
            all.sort_by_key(|own| own.time.timestamp());
            let mut described: Vec<_> = all.iter().map(describe).collect();
            // What came through a pipe lies at the root of all.
            let may_be = |own: &Snapshot| {
                own.paths.len() == 1 && own.paths[0].parent() == Some(Path::new("/"))
            };
            if described.iter().any(may_be) {
                let inner = inner.to_indexed_ids()?;
                let mut seen = BTreeMap::new();
                let newest_first = described.iter_mut().zip(&all).rev();
                for (own, file) in newest_first.filter(|(own, _)| may_be(own)) {
                    let path = own.paths[0].clone();
                    own.is_pipe = match seen.get(&(own.host.clone(), path.clone())) {
                        Some(is_pipe) => *is_pipe,
                        None => {
                            let node = node_at(&inner, file.tree, &path)?;
                            // No file of a file system has number 0.
                            let is_pipe = node.is_some_and(|node| {
                                node.node_type == NodeType::File && node.meta.inode == 0
                            });
                            seen.insert((own.host.clone(), path), is_pipe);
                            is_pipe
                        }
                    };
                }
            }
            Ok(described)
        };
        library(store.as_ref(), "Listing the snapshots", list)
    }

    /// What a snapshot holds of a source.
    pub fn totals_in(self, snapshot: &Snapshot, path: &Path) -> Result<SourceTotals, Error> {
        let mut totals = SourceTotals { path: path.to_owned(), files: 0, bytes: 0 };
        if let (Some(files), Some(bytes), [only]) =
            (snapshot.files, snapshot.bytes, snapshot.paths.as_slice())
            && only == path
        {
            (totals.files, totals.bytes) = (files, bytes);
            return Ok(totals);
        }
        let Repository { inner, store, .. } = self;
        let count = || {
            let inner = inner.to_indexed_ids()?;
            let root = snapshot.tree.parse::<TreeId>()?;
            let mut nodes: Vec<Node> = node_at(&inner, root, path)?.into_iter().collect();
            while let Some(node) = nodes.pop() {
                match node.subtree {
                    Some(below) => nodes.extend(inner.get_tree(&below)?.nodes),
                    None => {
                        totals.files += 1;
                        totals.bytes = totals.bytes.saturating_add(node.meta.size);
                    }
                }
            }
            Ok(totals)
        };
        library(store.as_ref(), "Reading a snapshot", count)
    }

    /// Tags a snapshot as one of a source that shrank, or takes the tag away; returns its new id.
    pub fn set_shrunk(self, id: &str, is_shrunk: bool) -> Result<String, Error> {
        let changed = (|| {
            let all = self.inner.get_all_snapshots()?;
            let Some(own) = all.into_iter().find(|own| own.id.to_hex().as_str() == id) else {
                return Ok(id.to_owned());
            };
            retag(&self.inner, own, is_shrunk)
        })();
        told(self.store.as_ref(), "Tagging a snapshot", changed)
    }

    /// Takes the tag away from every snapshot of this host that is of one of these sources.
    /// Returns how many had it.
    pub fn accept_shrunk(self, host: &str, sources: &[PathBuf]) -> Result<usize, Error> {
        let accepted = (|| {
            let mut all = self.inner.get_all_snapshots()?;
            all.retain(|own| own.hostname == host && own.tags.contains(SHRUNK_TAG));
            all.retain(|own| sources.iter().any(|source| describe(own).covers(source)));
            let count = all.len();
            for own in all {
                retag(&self.inner, own, false)?;
            }
            Ok(count)
        })();
        told(self.store.as_ref(), "Tagging a snapshot", accepted)
    }
}

/// Saves a snapshot with the tag or without it, then removes the one before: a kill between leaves
/// both.
fn retag<S: rustic_core::Open>(
    inner: &rustic_core::Repository<S>,
    own: SnapshotFile,
    is_shrunk: bool,
) -> Library<String> {
    if own.tags.contains(SHRUNK_TAG) == is_shrunk {
        return Ok(own.id.to_hex().to_string());
    }
    let mut new = own.clone();
    if is_shrunk {
        new.tags.add(SHRUNK_TAG.to_owned());
    } else {
        new.tags.remove_all(&[SHRUNK_TAG.parse().unwrap_or_default()]);
    }
    inner.save_snapshots(vec![new])?;
    let mut all = inner.get_all_snapshots()?;
    all.retain(|other| {
        other.tree == own.tree
            && other.time == own.time
            && other.tags.contains(SHRUNK_TAG) == is_shrunk
    });
    inner.delete_snapshots(&[own.id])?;
    Ok(all.first().map_or(own.id, |other| other.id).to_hex().to_string())
}

/// What a tree holds at a path.
fn node_at(inner: &Indexed, tree: TreeId, path: &Path) -> Library<Option<Node>> {
    let mut folder = Some(tree);
    let mut found = None;
    for part in path.components() {
        let Component::Normal(name) = part else { continue };
        let Some(tree) = folder else { return Ok(None) };
        found = inner.get_tree(&tree)?.nodes.into_iter().find(|node| *node.name() == *name);
        folder = found.as_ref().and_then(|node| node.subtree);
    }
    if found.is_none() && path.file_name().is_none() {
        let mut root = Node::new_node(path.as_os_str(), NodeType::Dir, Default::default());
        root.subtree = Some(tree);
        found = Some(root);
    }
    Ok(found)
}
