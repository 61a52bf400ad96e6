//! What a restore would change, without changing anything: the snapshot's tree is walked beside what
//! is there, and the content of files is compared by their hashes, so that nothing is fetched but
//! the lists of folders.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

use disk_prep::sys::attributes::AttributeHolder;
use disk_prep::sys::beneath::{Folder, Kind};
use disk_prep::sys::entry::{Entry, Facts, Name};
use rustic_core::repofile::{Node, NodeType};
use rustic_core::{Progress, TreeId};

use super::super::error::Error;
use super::attributes::Wanted;
use super::content::{Content, Filler};
use super::options::{Overwrite, RestoreOptions};
use super::reading::{Reader, Unread};
use super::report::{Reason, RestoreDone};
use super::run::special;
use super::selection::{Selection, Start};

/// Files that are compared together.
const MOST_FILES: usize = 128;
/// No path of Linux has more folders.
const MOST_LEVELS: usize = 2048;

/// What would become of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// It is not there and would be written.
    Written,
    /// Something else is there, or other content.
    Replaced,
    /// Only its owner, permissions, attributes or time are others.
    Adjusted,
    /// Something is in its way that is only replaced if that is said.
    InTheWay,
}

/// An entry that would not stay as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its path below the folder that is restored to.
    pub path: PathBuf,
    /// What would become of it.
    pub kind: ChangeKind,
    /// Bytes of a file.
    pub bytes: u64,
}

/// Looks what a restore would do.
pub(super) fn preview(
    reader: &Reader,
    start: &Start,
    (target, kept): (&Path, &[PathBuf]),
    selection: &Selection,
    options: &RestoreOptions,
    progress: &Progress,
) -> Result<(RestoreDone, Vec<Change>), Error> {
    let root = match Folder::open(target) {
        Ok(folder) => Some(folder),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(source) => return Err(Error::Target { path: target.to_owned(), source }),
    };
    let filler = Filler { reader, progress, written: AtomicU64::new(0) };
    let done = RestoreDone { folder: target.to_owned(), ..RestoreDone::default() };
    let mut look = Look {
        reader,
        selection,
        options,
        filler,
        base: &start.base,
        kept,
        done,
        changes: Vec::new(),
    };
    let mut folders = vec![(PathBuf::new(), start.tree, root.is_some())];
    while let Some((path, tree, is_there)) = folders.pop() {
        let held = root.as_ref().filter(|_| is_there).map(|root| root.folder(&path)).transpose();
        let held = match held {
            Ok(held) => held,
            Err(error) => {
                look.done.leave_out(Reason::Unwritable, &path, error.to_string());
                continue;
            }
        };
        let below = look.folder(&path, &tree, held.as_ref())?;
        folders.extend(below.into_iter().rev());
    }
    Ok((look.done, look.changes))
}

struct Look<'a> {
    reader: &'a Reader,
    selection: &'a Selection,
    options: &'a RestoreOptions,
    filler: Filler<'a>,
    base: &'a Path,
    /// Folders above what was backed up: what stands there instead of one stays.
    kept: &'a [PathBuf],
    done: RestoreDone,
    changes: Vec<Change>,
}

/// A file that is there and has to be compared.
struct Candidate {
    path: PathBuf,
    node: Node,
    file: std::fs::File,
    may_stay: bool,
    differs: bool,
}

impl Look<'_> {
    /// Looks at a folder; returns those in it, and whether they are there.
    fn folder(
        &mut self,
        path: &Path,
        tree: &TreeId,
        held: Option<&Folder>,
    ) -> Result<Vec<(PathBuf, TreeId, bool)>, Error> {
        let listing = match self.reader.tree(tree) {
            Ok(listing) => listing,
            Err(Unread::Ended(error)) => return Err(error),
            Err(Unread::Damaged(why)) => {
                let why = format!("what it holds is not known: {why}");
                self.done.leave_out(Reason::Damaged, path, why);
                return Ok(Vec::new());
            }
        };
        let mut below = Vec::new();
        let mut candidates = Vec::new();
        let mut seen = HashSet::new();
        for node in listing.nodes {
            let Ok(name) = Name::new(&node.name()) else {
                let own = format!("{}/{}", path.display(), node.name().display());
                self.done.leave_out(Reason::Name, Path::new(&own), "it cannot be a name here");
                continue;
            };
            let own = path.join(name.as_path());
            if !self.selection.makes(&self.base.join(&own)) || !seen.insert(own.clone()) {
                continue;
            }
            let entry = held.map(|folder| Entry::new(folder, &name));
            let facts = entry.as_ref().map(Entry::facts).transpose().map(Option::flatten);
            let there = match facts {
                Ok(facts) => entry.as_ref().zip(facts),
                Err(error) => {
                    self.done.leave_out(Reason::Unwritable, &own, error.to_string());
                    continue;
                }
            };
            match node.node_type {
                NodeType::Dir => below.extend(self.subfolder(own, &node, there)),
                NodeType::File => candidates.extend(self.file(own, node, there)),
                _ => self.other(own, &node, there),
            }
            if candidates.len() == MOST_FILES {
                self.compare(&std::mem::take(&mut candidates));
            }
        }
        self.compare(&candidates);
        Ok(below)
    }

    fn note(&mut self, path: PathBuf, kind: ChangeKind, bytes: u64) {
        let counter = match kind {
            ChangeKind::Written => &mut self.done.written,
            ChangeKind::Replaced => &mut self.done.replaced,
            ChangeKind::Adjusted => &mut self.done.adjusted,
            ChangeKind::InTheWay => {
                let why = "what is there is replaced only with `--overwrite`";
                self.done.leave_out(Reason::InTheWay, &path, why);
                self.changes.push(Change { path, kind, bytes });
                return;
            }
        };
        *counter += 1;
        self.done.bytes = self.done.bytes.saturating_add(match kind {
            ChangeKind::Written | ChangeKind::Replaced => bytes,
            _ => 0,
        });
        self.changes.push(Change { path, kind, bytes });
    }

    fn is_above(&self, path: &Path) -> bool {
        self.kept.iter().any(|kept| *kept == self.base.join(path))
    }

    /// Whether what is there gives way without being asked.
    fn gives_way(&self, entry: &Entry<'_>, facts: &Facts) -> bool {
        self.options.overwrite == Overwrite::Kinds
            || match facts.kind {
                Kind::Link => true,
                Kind::Folder => entry
                    .folder()
                    .and_then(|folder| folder.names())
                    .is_ok_and(|names| names.is_empty()),
                Kind::File | Kind::Special => false,
            }
    }

    fn subfolder(
        &mut self,
        path: PathBuf,
        node: &Node,
        there: Option<(&Entry<'_>, Facts)>,
    ) -> Option<(PathBuf, TreeId, bool)> {
        let tree = node.subtree.filter(|_| path.components().count() < MOST_LEVELS)?;
        match there {
            Some((_, facts)) if facts.kind == Kind::Folder => Some((path, tree, true)),
            Some((entry, facts)) if self.is_above(&path) || !self.gives_way(entry, &facts) => {
                self.note(path, ChangeKind::InTheWay, 0);
                None
            }
            // Folders are not counted, what is in them is.
            _ => Some((path, tree, false)),
        }
    }

    fn file(
        &mut self,
        path: PathBuf,
        node: Node,
        there: Option<(&Entry<'_>, Facts)>,
    ) -> Option<Candidate> {
        let bytes = node.meta.size;
        let Some((entry, facts)) = there else {
            self.note(path, ChangeKind::Written, bytes);
            return None;
        };
        if facts.kind != Kind::File {
            let gives_way = self.gives_way(entry, &facts);
            let kind = if gives_way { ChangeKind::Replaced } else { ChangeKind::InTheWay };
            self.note(path, kind, bytes);
            return None;
        }
        let Ok(file) = entry.open() else {
            // What cannot be read is only replaced.
            self.note(path, ChangeKind::Replaced, bytes);
            return None;
        };
        let wanted = Wanted::of(&node.meta, self.options.owners);
        let differs = wanted.differs(&AttributeHolder::Open(file.as_fd())).unwrap_or(true);
        let may_stay = facts.link_count <= node.meta.links.max(1)
            && !wanted.is_of_a_stranger(&facts)
            && !(facts.link_count > 1 && differs);
        Some(Candidate { path, node, file, may_stay, differs })
    }

    /// Compares content.
    fn compare(&mut self, candidates: &[Candidate]) {
        let mut contents = Vec::new();
        let mut places = HashMap::new();
        for (number, own) in candidates.iter().enumerate() {
            let ids = own.node.content.as_deref().unwrap_or_default();
            match self.filler.measure(ids).and_then(|bytes| {
                let file = own.file.try_clone().map_err(|error| error.to_string())?;
                Ok(Content::new(ids, bytes, Some(file), own.may_stay))
            }) {
                Ok(content) => {
                    places.insert(number, contents.len());
                    contents.push(content);
                }
                Err(why) => self.done.leave_out(Reason::Damaged, &own.path, why),
            }
        }
        self.filler.compare(&contents);
        for (number, own) in candidates.iter().enumerate() {
            let Some(place) = places.get(&number) else { continue };
            match (contents[*place].same().is_some(), own.differs) {
                (false, _) => {
                    self.note(own.path.clone(), ChangeKind::Replaced, own.node.meta.size);
                }
                (true, true) => self.note(own.path.clone(), ChangeKind::Adjusted, 0),
                (true, false) => self.done.unchanged += 1,
            }
        }
    }

    /// A link or a special file.
    fn other(&mut self, path: PathBuf, node: &Node, there: Option<(&Entry<'_>, Facts)>) {
        let Some((entry, facts)) = there else { return self.note(path, ChangeKind::Written, 0) };
        let is_same = match special(node) {
            Some(special) => facts.special == Some(special),
            None => {
                facts.kind == Kind::Link
                    && entry.link_target().is_ok_and(|target| target == node.node_type.to_link())
            }
        };
        if is_same {
            let wanted = Wanted::of(&node.meta, self.options.owners);
            match wanted.differs(&AttributeHolder::Named(*entry)) {
                Ok(false) => self.done.unchanged += 1,
                _ => self.note(path, ChangeKind::Adjusted, 0),
            }
        } else if self.gives_way(entry, &facts) {
            self.note(path, ChangeKind::Replaced, 0);
        } else {
            self.note(path, ChangeKind::InTheWay, 0);
        }
    }
}
