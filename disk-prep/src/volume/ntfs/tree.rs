//! The tree of names: folders and files numbered as records, each folder's names in collation
//! order (`ntfs-write-once` 2). Of a file only its number is kept: whoever has the files has its name.

use std::collections::HashMap;
use std::sync::Arc;

use super::error::{Clash, Error};
use super::files::Files;
use super::map::{FIRST_RECORD, ROOT, ROOT_NAMES};
use super::names::{collate, is_same};
use crate::noun::DrivePath;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// A folder, by its index among the folders.
    Folder(u32),
    /// A file, by its index in the plan.
    File(u32),
    /// A file over a pinned range.
    Pinned(u32),
}

/// One name.
#[derive(Debug, Clone, Copy)]
pub struct Node {
    /// Record of its folder.
    pub parent: u32,
    /// What it stands for.
    pub entry: Entry,
}

/// One folder: its names are consecutive records.
#[derive(Debug, Clone, Copy, Default)]
pub struct Folder {
    /// Record of the folder itself.
    pub record: u64,
    /// Record of its first name.
    pub first: u64,
    /// How many names it has.
    pub count: u32,
    /// Whether it is hidden, for what BitLocker keeps.
    pub hidden: bool,
    name: Name,
}

/// A name in the arena.
#[derive(Debug, Clone, Copy, Default)]
struct Name {
    at: u32,
    bytes: u16,
}

/// All names. Folder 0 is the root.
#[derive(Debug)]
pub struct Tree {
    files: Arc<dyn Files>,
    /// Names of folders and pinned ranges.
    arena: String,
    pinned: Vec<Name>,
    nodes: Vec<Node>,
    folders: Vec<Folder>,
    root_order: Vec<u64>,
}

impl Tree {
    /// Collects, sorts and numbers all names.
    pub fn build<'a>(
        folders: impl IntoIterator<Item = &'a DrivePath>,
        files: Arc<dyn Files>,
        pinned: impl IntoIterator<Item = &'a DrivePath>,
    ) -> Result<Self, Error> {
        let mut found = Found::new();
        for (index, path) in pinned.into_iter().enumerate() {
            let (folder, name) = path.parts();
            found.add(folder, Entry::Pinned(index as u32), true);
            let name = found.keep(name);
            found.pinned.push(name);
        }
        for folder in folders {
            found.folder(folder.as_str(), false);
        }
        for index in 0..files.count() {
            found.add(files.at(index).path.0, Entry::File(index as u32), false);
        }
        let Found { folders, mut entries, arena, pinned, .. } = found;
        let nodes = Vec::with_capacity(entries.iter().map(Vec::len).sum());
        let root_order = Vec::new();
        let mut tree = Tree { files, arena, pinned, nodes, folders, root_order };
        tree.number(&mut entries)?;
        tree.order_root()?;
        Ok(tree)
    }

    /// The names of a folder first, then those of its folders, in order.
    fn number(&mut self, entries: &mut [Vec<Entry>]) -> Result<(), Error> {
        let mut waiting = vec![(0usize, ROOT)];
        let mut clashes = Vec::new();
        while let Some((index, record)) = waiting.pop() {
            let mut entries = std::mem::take(&mut entries[index]);
            entries.sort_by(|one, other| collate(self.name_of(*one), self.name_of(*other)));
            for pair in entries.windows(2) {
                if is_same(self.name_of(pair[0]), self.name_of(pair[1])) {
                    clashes.push(self.clash(record, pair[0], pair[1]));
                }
            }
            let folder = &mut self.folders[index];
            folder.record = record;
            folder.first = FIRST_RECORD + self.nodes.len() as u64;
            folder.count = entries.len() as u32;
            let mut inner = Vec::new();
            for entry in entries {
                if let Entry::Folder(folder) = entry {
                    inner.push((folder as usize, FIRST_RECORD + self.nodes.len() as u64));
                }
                self.nodes.push(Node { parent: record as u32, entry });
            }
            waiting.extend(inner.into_iter().rev());
        }
        if clashes.is_empty() { Ok(()) } else { Err(Error::NamesClash { clashes }) }
    }

    /// The root's names are sorted among those of the system.
    fn order_root(&mut self) -> Result<(), Error> {
        let root = self.folders[0];
        let own = root.first..root.first + u64::from(root.count);
        let mut order: Vec<(&str, u64)> = (0..)
            .zip(ROOT_NAMES)
            .map(|(record, name)| (name, record))
            .chain(own.map(|record| (self.name(record), record)))
            .collect();
        order.sort_by(|one, other| collate(one.0, other.0));
        for pair in order.windows(2) {
            if is_same(pair[0].0, pair[1].0) {
                let [system, own] = if pair[0].1 < FIRST_RECORD { [0, 1] } else { [1, 0] };
                return Err(Error::SystemName {
                    path: self.path(pair[own].1),
                    system: ROOT_NAMES[pair[system].1 as usize],
                });
            }
        }
        self.root_order = order.into_iter().map(|(_, record)| record).collect();
        Ok(())
    }

    fn clash(&self, folder: u64, one: Entry, other: Entry) -> Clash {
        let path = self.path(folder);
        let full = |entry: Entry| {
            (format!("{path}\\{}", self.name_of(entry)), matches!(entry, Entry::Folder(_)))
        };
        Clash { one: full(one), other: full(other) }
    }

    /// The path of this record; empty for the root.
    pub fn path(&self, record: u64) -> String {
        let mut names = Vec::new();
        let mut at = record;
        while at != ROOT {
            let node = self.node(at);
            names.push(format!("\\{}", self.name(at)));
            at = node.parent.into();
        }
        names.into_iter().rev().collect()
    }

    /// How many names there are; their records are consecutive from [`FIRST_RECORD`].
    pub fn len(&self) -> u64 {
        self.nodes.len() as u64
    }

    /// The folders; the root is the first.
    pub fn folders(&self) -> &[Folder] {
        &self.folders
    }

    /// What the name of this record is.
    pub fn node(&self, record: u64) -> &Node {
        &self.nodes[(record - FIRST_RECORD) as usize]
    }

    /// The files of the volume.
    pub fn files(&self) -> &dyn Files {
        self.files.as_ref()
    }

    /// The name of this record.
    pub fn name(&self, record: u64) -> &str {
        self.name_of(self.node(record).entry)
    }

    fn name_of(&self, entry: Entry) -> &str {
        let name = match entry {
            Entry::File(file) => return self.files.at(file as usize).path.1,
            Entry::Folder(folder) => self.folders[folder as usize].name,
            Entry::Pinned(range) => self.pinned[range as usize],
        };
        &self.arena[name.at as usize..][..name.bytes.into()]
    }

    /// Units of a folder's own name.
    pub fn folder_name_units(&self, folder: usize) -> usize {
        if folder == 0 { 1 } else { units(self.name_of(Entry::Folder(folder as u32))) }
    }

    /// How many entries the index of a folder has.
    pub fn entry_count(&self, folder: usize) -> usize {
        if folder == 0 { self.root_order.len() } else { self.folders[folder].count as usize }
    }

    /// Record of an entry of a folder's index.
    pub fn entry(&self, folder: usize, index: usize) -> u64 {
        if folder == 0 { self.root_order[index] } else { self.folders[folder].first + index as u64 }
    }

    /// Units of the name of an entry.
    pub fn entry_name_units(&self, folder: usize, index: usize) -> usize {
        match self.entry(folder, index) {
            record if record < FIRST_RECORD => ROOT_NAMES[record as usize].len(),
            record => units(self.name(record)),
        }
    }
}

fn units(name: &str) -> usize {
    name.encode_utf16().count()
}

/// Folders while their entries are collected; known by their path.
struct Found {
    folders: Vec<Folder>,
    /// What each of them holds.
    entries: Vec<Vec<Entry>>,
    arena: String,
    pinned: Vec<Name>,
    by_path: HashMap<String, usize>,
}

impl Found {
    fn new() -> Self {
        Found {
            folders: vec![Folder::default()],
            entries: vec![Vec::new()],
            arena: String::new(),
            pinned: Vec::new(),
            by_path: HashMap::from([(String::new(), 0)]),
        }
    }

    /// Adds an entry to the folder of this path.
    fn add(&mut self, folder: &str, entry: Entry, hidden: bool) {
        let folder = self.folder(folder.strip_suffix('\\').unwrap_or(folder), hidden);
        self.entries[folder].push(entry);
    }

    /// Puts a name into the arena.
    fn keep(&mut self, name: &str) -> Name {
        let at = self.arena.len() as u32;
        self.arena.push_str(name);
        Name { at, bytes: name.len() as u16 }
    }

    /// The folder of this path, made with all above it if it is not there.
    fn folder(&mut self, path: &str, hidden: bool) -> usize {
        if let Some(&index) = self.by_path.get(path) {
            return index;
        }
        let (above, name) = path.rsplit_once('\\').unwrap_or(("", path));
        let above = self.folder(above, hidden);
        let index = self.folders.len();
        let name = self.keep(name);
        self.folders.push(Folder { hidden, name, ..Folder::default() });
        self.entries.push(Vec::new());
        self.by_path.insert(path.to_owned(), index);
        self.entries[above].push(Entry::Folder(index as u32));
        index
    }
}
