//! What a snapshot holds, listed and searched. Folders are shown one after another, so that a
//! snapshot of millions of files needs no memory for all of them.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use disk_prep::sys::entry::Name;
use jiff::Timestamp;
use rustic_core::TreeId;
use rustic_core::repofile::{Node, NodeType};

use super::super::error::Error;
use super::super::pattern::Pattern;
use super::super::repo::{Repository, Snapshot};
use super::attributes::mode;
use super::reading::{Reader, Unread};
use super::selection::find;

/// No path of Linux has more folders.
const MOST_LEVELS: usize = 2048;
/// So many folders in which nothing was found are remembered.
const MOST_BARREN: usize = 1 << 20;

/// What kind of entry a snapshot has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A FIFO, a socket or a device, with its letter in long listings.
    Special(char),
}

/// An entry of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its whole path.
    pub path: PathBuf,
    /// What it is.
    pub kind: EntryKind,
    /// Bytes of a file.
    pub bytes: u64,
    /// Its permissions with the bits for set-ID and sticky, if the snapshot says.
    pub mode: Option<u32>,
    /// Its owner and group by number, if the snapshot says.
    pub owner: (Option<u32>, Option<u32>),
    /// The same by name.
    pub owner_name: (Option<String>, Option<String>),
    /// When it was changed.
    pub mtime: Option<Timestamp>,
    /// Where a link leads.
    pub link_target: Option<PathBuf>,
}

impl Entry {
    fn of(node: &Node, path: PathBuf) -> Self {
        let about = &node.meta;
        let kind = match node.node_type {
            NodeType::File => EntryKind::File,
            NodeType::Dir => EntryKind::Folder,
            NodeType::Symlink { .. } => EntryKind::Link,
            NodeType::Fifo => EntryKind::Special('p'),
            NodeType::Socket => EntryKind::Special('s'),
            NodeType::Dev { .. } => EntryKind::Special('b'),
            NodeType::Chardev { .. } => EntryKind::Special('c'),
        };
        let is_link = kind == EntryKind::Link;
        Entry {
            path,
            kind,
            bytes: if kind == EntryKind::File { about.size } else { 0 },
            mode: about.mode.map(mode),
            owner: (about.uid, about.gid),
            owner_name: (about.user.clone(), about.group.clone()),
            mtime: about.mtime,
            link_target: is_link.then(|| node.node_type.to_link().to_owned()),
        }
    }
}

/// Whether what lies below a folder is listed too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Only what lies in it.
    Folder,
    /// All.
    Everything,
}

/// A reader of the contents of snapshots.
#[derive(Debug)]
pub struct Browser {
    reader: Reader,
    /// Folders in which a search found nothing.
    barren: HashSet<(TreeId, PathBuf)>,
}

impl Repository {
    /// Reads the index, to look into snapshots.
    pub fn browse(self) -> Result<Browser, Error> {
        Ok(Browser { reader: self.reader()?, barren: HashSet::new() })
    }
}

impl Browser {
    /// Shows a path of a snapshot: what lies in a folder, else the entry itself. `show` gets what
    /// one folder holds and says whether to go on. Returns what could not be read.
    pub fn list(
        &self,
        snapshot: &Snapshot,
        path: &Path,
        depth: Depth,
        show: &mut dyn FnMut(Vec<Entry>) -> bool,
    ) -> Result<Vec<String>, Error> {
        let start = find(&self.reader, snapshot.root()?, path)?;
        if let Some(node) = &start.only {
            show(vec![Entry::of(node, start.base.join(node.name()))]);
            return Ok(Vec::new());
        }
        let mut damaged = Vec::new();
        let mut folders = vec![(start.base, start.tree)];
        while let Some((folder, tree)) = folders.pop() {
            let Some(nodes) = self.nodes(&folder, &tree, &mut damaged)? else { continue };
            let below = nodes.iter().rev().filter_map(|(path, node)| below(path, node));
            let below: Vec<_> = below.filter(|_| depth == Depth::Everything).collect();
            let entries = nodes.iter().map(|(path, node)| Entry::of(node, path.clone())).collect();
            if !show(entries) {
                break;
            }
            folders.extend(below);
        }
        Ok(damaged)
    }

    /// What a snapshot says of one path; `None` if it has no such path.
    pub fn entry(&self, snapshot: &Snapshot, path: &Path) -> Result<Option<Entry>, Error> {
        let (Some(above), Some(name)) = (path.parent(), path.file_name()) else { return Ok(None) };
        let start = match find(&self.reader, snapshot.root()?, above) {
            Err(Error::NoPath { .. }) => return Ok(None),
            found => found?,
        };
        if start.only.is_some() {
            return Ok(None);
        }
        let mut damaged = Vec::new();
        let nodes = self.nodes(&start.base, &start.tree, &mut damaged)?.unwrap_or_default();
        if !damaged.is_empty() {
            return Err(Error::Damaged { remarks: damaged });
        }
        let own = nodes.into_iter().find(|(path, _)| path.file_name() == Some(name));
        Ok(own.map(|(path, node)| Entry::of(&node, path)))
    }

    /// Shows what of a path of a snapshot a pattern matches; what lies below a folder that matches is not
    /// shown again. Returns what could not be read.
    pub fn search(
        &mut self,
        snapshot: &Snapshot,
        within: &Path,
        patterns: &Patterns,
        show: &mut dyn FnMut(Vec<Entry>) -> bool,
    ) -> Result<Vec<String>, Error> {
        let mut damaged = Vec::new();
        let mut found_below: HashSet<PathBuf> = HashSet::new();
        // A folder is closed once all below it was looked at.
        let start = find(&self.reader, snapshot.root()?, within)?;
        if let Some(node) = &start.only {
            let path = start.base.join(node.name());
            if patterns.match_any(&path) {
                show(vec![Entry::of(node, path)]);
            }
            return Ok(damaged);
        }
        let mut steps = vec![Step::Open(start.base, start.tree)];
        while let Some(step) = steps.pop() {
            let (folder, tree) = match step {
                Step::Close(folder, tree) => {
                    if !found_below.remove(&folder) && self.barren.len() < MOST_BARREN {
                        self.barren.insert((tree, folder));
                    } else if let Some(above) = folder.parent() {
                        found_below.insert(above.to_owned());
                    }
                    continue;
                }
                Step::Open(folder, tree) => (folder, tree),
            };
            let key = (tree, folder);
            if self.barren.contains(&key) {
                continue;
            }
            let (tree, folder) = key;
            let Some(nodes) = self.nodes(&folder, &tree, &mut damaged)? else {
                found_below.insert(folder);
                continue;
            };
            steps.push(Step::Close(folder.clone(), tree));
            let (found, others): (Vec<_>, Vec<_>) =
                nodes.into_iter().partition(|(path, _)| patterns.match_any(path));
            if !found.is_empty() {
                found_below.insert(folder);
                let entries = found.into_iter().map(|(path, node)| Entry::of(&node, path));
                if !show(entries.collect()) {
                    break;
                }
            }
            let below = others.iter().rev().filter_map(|(path, node)| below(path, node));
            let below = below.filter(|(path, _)| patterns.may_lead(path));
            steps.extend(below.map(|(path, tree)| Step::Open(path, tree)));
        }
        Ok(damaged)
    }

    /// What a folder holds, as far as its names can be any; `None` if it cannot be read.
    fn nodes(
        &self,
        folder: &Path,
        tree: &TreeId,
        damaged: &mut Vec<String>,
    ) -> Result<Option<Vec<(PathBuf, Node)>>, Error> {
        match self.reader.tree(tree) {
            Ok(listing) => {
                damaged.extend(listing.unknown);
                let named = listing.nodes.into_iter().filter_map(|node| {
                    let name = Name::new(&node.name()).ok()?;
                    Some((folder.join(name.as_path()), node))
                });
                Ok(Some(named.collect()))
            }
            Err(Unread::Ended(error)) => Err(error),
            Err(Unread::Damaged(why)) => {
                damaged.push(format!("{}: {why}", folder.display()));
                Ok(None)
            }
        }
    }
}

enum Step {
    Open(PathBuf, TreeId),
    Close(PathBuf, TreeId),
}

/// The folder that a node is.
fn below(path: &Path, node: &Node) -> Option<(PathBuf, TreeId)> {
    let is_folder = matches!(node.node_type, NodeType::Dir);
    let tree = node.subtree.filter(|_| is_folder && path.components().count() < MOST_LEVELS)?;
    Some((path.to_owned(), tree))
}

/// Patterns that are searched for.
#[derive(Debug)]
pub struct Patterns(Vec<Pattern>);

impl Patterns {
    /// Understands them; they are those of `--exclude`.
    pub fn parse(texts: &[String]) -> Result<Self, Error> {
        let all = texts.iter().map(|text| Pattern::parse(text)).collect::<Result<_, _>>();
        all.map(Patterns).map_err(|source| Error::Pattern { source })
    }

    fn match_any(&self, path: &Path) -> bool {
        self.0.iter().any(|pattern| pattern.matches(path))
    }

    fn may_lead(&self, path: &Path) -> bool {
        self.0.iter().any(|pattern| pattern.may_match_below(path))
    }
}
