//! The tree of names: folders and files numbered as records, each folder's names in collation
//! order (`ntfs-write-once` 2). Names lie in one arena.

use std::collections::HashMap;

use super::error::{Clash, Error};
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
    name_at: u32,
    name_units: u8,
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
}

/// All names. Folder 0 is the root.
#[derive(Debug)]
pub struct Tree {
    names: Vec<u16>,
    nodes: Vec<Node>,
    folders: Vec<Folder>,
    root_order: Vec<u64>,
}

/// A folder while names are collected.
#[derive(Default)]
struct FolderNames {
    names: Vec<Name>,
    hidden: bool,
}

/// A name in the arena.
#[derive(Clone, Copy)]
struct Name {
    at: u32,
    units: u8,
    entry: Entry,
}

impl Name {
    fn of(self, arena: &[u16]) -> &[u16] {
        &arena[self.at as usize..][..self.units.into()]
    }
}

impl Tree {
    /// Collects, sorts and numbers all names.
    pub fn build<'a>(
        folders: impl IntoIterator<Item = &'a DrivePath>,
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
        pinned: impl IntoIterator<Item = &'a DrivePath>,
    ) -> Result<Self, Error> {
        let mut folders_by_path = NamesByFolder::new();
        for (index, path) in pinned.into_iter().enumerate() {
            folders_by_path.add(path.parts(), Entry::Pinned(index as u32), true);
        }
        for folder in folders {
            folders_by_path.folder(folder.as_str(), false);
        }
        for (index, path) in files.into_iter().enumerate() {
            folders_by_path.add(path, Entry::File(index as u32), false);
        }
        let NamesByFolder { mut list, names, .. } = folders_by_path;
        let mut tree = Tree {
            names,
            nodes: Vec::with_capacity(list.iter().map(|folder| folder.names.len()).sum()),
            folders: vec![Folder::default(); list.len()],
            root_order: Vec::new(),
        };
        tree.number(&mut list)?;
        tree.order_root()?;
        Ok(tree)
    }

    /// The names of a folder first, then those of its folders, in order.
    fn number(&mut self, folders_by_path: &mut [FolderNames]) -> Result<(), Error> {
        let mut waiting = vec![(0usize, ROOT)];
        let mut clashes = Vec::new();
        while let Some((index, record)) = waiting.pop() {
            let FolderNames { mut names, hidden } = std::mem::take(&mut folders_by_path[index]);
            let arena = &self.names;
            names.sort_by(|one, other| collate(one.of(arena), other.of(arena)));
            for pair in names.windows(2) {
                if is_same(pair[0].of(arena), pair[1].of(arena)) {
                    clashes.push(self.clash(record, pair[0], pair[1]));
                }
            }
            let first = FIRST_RECORD + self.nodes.len() as u64;
            let count = names.len() as u32;
            self.folders[index] = Folder { record, first, count, hidden };
            let mut inner = Vec::new();
            for Name { at: name_at, units: name_units, entry } in names {
                if let Entry::Folder(folder) = entry {
                    inner.push((folder as usize, FIRST_RECORD + self.nodes.len() as u64));
                }
                self.nodes.push(Node { name_at, name_units, parent: record as u32, entry });
            }
            waiting.extend(inner.into_iter().rev());
        }
        if clashes.is_empty() { Ok(()) } else { Err(Error::NamesClash { clashes }) }
    }

    /// The root's names are sorted among those of the system.
    fn order_root(&mut self) -> Result<(), Error> {
        let root = self.folders[0];
        let own = root.first..root.first + u64::from(root.count);
        let mut order: Vec<(Vec<u16>, u64)> = (0..)
            .zip(ROOT_NAMES)
            .map(|(record, name)| (name.encode_utf16().collect(), record))
            .chain(own.map(|record| (self.name(record).to_vec(), record)))
            .collect();
        order.sort_by(|one, other| collate(&one.0, &other.0));
        for pair in order.windows(2) {
            if is_same(&pair[0].0, &pair[1].0) {
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

    fn clash(&self, folder: u64, one: Name, other: Name) -> Clash {
        let path = self.path(folder);
        let full = |name: Name| {
            let text = String::from_utf16_lossy(name.of(&self.names));
            (format!("{path}\\{text}"), matches!(name.entry, Entry::Folder(_)))
        };
        Clash { one: full(one), other: full(other) }
    }

    /// The path of this record; empty for the root.
    pub fn path(&self, record: u64) -> String {
        let mut names = Vec::new();
        let mut at = record;
        while at != ROOT {
            let node = self.node(at);
            names.push(format!("\\{}", String::from_utf16_lossy(self.name(at))));
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

    /// The name of this record, in UTF-16 units.
    pub fn name(&self, record: u64) -> &[u16] {
        let node = self.node(record);
        &self.names[node.name_at as usize..][..node.name_units.into()]
    }

    /// Units of a folder's own name.
    pub fn folder_name_units(&self, folder: usize) -> usize {
        if folder == 0 { 1 } else { self.name(self.folders[folder].record).len() }
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
            record => self.name(record).len(),
        }
    }
}

/// Folders while names are collected; known by their path.
struct NamesByFolder {
    list: Vec<FolderNames>,
    names: Vec<u16>,
    by_path: HashMap<String, usize>,
}

impl NamesByFolder {
    fn new() -> Self {
        NamesByFolder {
            list: vec![FolderNames::default()],
            names: Vec::new(),
            by_path: HashMap::from([(String::new(), 0)]),
        }
    }

    fn add(&mut self, (folder, name): (&str, &str), entry: Entry, hidden: bool) {
        let folder = self.folder(folder.strip_suffix('\\').unwrap_or(folder), hidden);
        self.name(folder, name, entry);
    }

    /// Adds a name to a folder.
    fn name(&mut self, folder: usize, name: &str, entry: Entry) {
        let at = self.names.len();
        self.names.extend(name.encode_utf16());
        let units = (self.names.len() - at) as u8;
        self.list[folder].names.push(Name { at: at as u32, units, entry });
    }

    /// The folder of this path, made with all above it if it is not there.
    fn folder(&mut self, path: &str, hidden: bool) -> usize {
        if let Some(&index) = self.by_path.get(path) {
            return index;
        }
        let (above, name) = path.rsplit_once('\\').unwrap_or(("", path));
        let above = self.folder(above, hidden);
        let index = self.list.len();
        self.list.push(FolderNames { names: Vec::new(), hidden });
        self.by_path.insert(path.to_owned(), index);
        self.name(above, name, Entry::Folder(index as u32));
        index
    }
}
