//! The files of a data set or of a plan, packed: a record of 32 bytes a file, the names in one
//! arena, and once what the files of a folder have alike. A file is unpacked when somebody wants
//! to know all of it.

use std::cmp::Ordering;
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

use super::file::DataFile;
use super::listing::Listing;
use crate::noun::{BlobPath, BlobType, ContainerName, DrivePath, ImportDisposition};

/// Files in the order in which their data lies on a drive. A part of a list shares its records.
#[derive(Clone, Default)]
pub struct FileList {
    table: Arc<Table>,
    /// Which of the records; all, if nothing is said.
    chosen: Option<Arc<[u32]>>,
}

#[derive(Default)]
pub(super) struct Table {
    pub records: Vec<Packed>,
    pub names: Vec<u8>,
    pub folders: Vec<Arc<Alike>>,
    pub listings: Vec<Listing>,
}

/// One file.
#[derive(Clone, Copy)]
pub(super) struct Packed {
    pub bytes: u64,
    pub modified_ns: i64,
    pub name: Name,
    pub folder: u32,
    /// Behind the last listing: a plain blob.
    pub listing: u32,
}

/// What the files of a folder have alike: what stands before their last names.
#[derive(PartialEq, Eq, Hash)]
pub(super) struct Alike {
    pub source: Vec<u8>,
    pub path: String,
    pub container: ContainerName,
    pub blob: String,
}

/// Where a name lies in the arena (40 bits), its length (16 bits), and what fits beside.
#[derive(Clone, Copy)]
pub(super) struct Name(u64);

/// Source, path and blob have three last names, with NUL between them.
pub(super) const THREE_NAMES: u64 = 1;
pub(super) const TOGETHER: u64 = 2;
pub(super) const PAGE_BLOB: u64 = 4;
pub(super) const DISPOSITIONS: [(ImportDisposition, u64); 3] = [
    (ImportDisposition::NoOverwrite, 0),
    (ImportDisposition::Overwrite, 8),
    (ImportDisposition::Rename, 16),
];
pub(super) const PLAIN: u32 = u32::MAX;

impl Name {
    pub fn new(at: usize, length: usize, flags: u64) -> Self {
        assert!(at < 1 << 40 && length < 1 << 16, "no machine has a terabyte of names in memory");
        Name((at as u64) << 24 | (length as u64) << 8 | flags)
    }

    fn bytes(self, names: &[u8]) -> &[u8] {
        &names[(self.0 >> 24) as usize..][..(self.0 >> 8 & 0xffff) as usize]
    }

    fn has(self, flag: u64) -> bool {
        self.0 & flag != 0
    }
}

/// A file of a list.
#[derive(Clone, Copy)]
pub struct ListedFile<'a> {
    pub(super) table: &'a Table,
    pub(super) packed: &'a Packed,
}

impl<'a> ListedFile<'a> {
    /// Length when planned, bytes.
    pub fn bytes(self) -> u64 {
        self.packed.bytes
    }

    /// Time of the last change when planned, nanoseconds since 1970.
    pub fn modified_ns(self) -> i64 {
        self.packed.modified_ns
    }

    /// Whether it must lie on one drive with all others so marked.
    pub fn together(self) -> bool {
        self.packed.name.has(TOGETHER)
    }

    /// Kind of its blob.
    pub fn blob_type(self) -> BlobType {
        if self.packed.name.has(PAGE_BLOB) { BlobType::PageBlob } else { BlobType::BlockBlob }
    }

    /// What happens when the blob is there already.
    pub fn disposition(self) -> ImportDisposition {
        let flags = self.packed.name.0 & 24;
        let found = DISPOSITIONS.iter().find(|(_, own)| *own == flags);
        found.map_or(ImportDisposition::NoOverwrite, |(disposition, _)| *disposition)
    }

    /// How the manifest speaks of it.
    pub fn listing(self) -> &'a Listing {
        static BLOB: Listing =
            Listing::Blob { metadata: None, properties: None, content_md5: None };
        self.table.listings.get(self.packed.listing as usize).unwrap_or(&BLOB)
    }

    fn alike(self) -> &'a Alike {
        &self.table.folders[self.packed.folder as usize]
    }

    /// The last names of source, path and blob.
    fn names(self) -> [&'a [u8]; 3] {
        let name = self.packed.name.bytes(&self.table.names);
        if !self.packed.name.has(THREE_NAMES) {
            return [name; 3];
        }
        let mut names = name.splitn(3, |byte| *byte == 0);
        std::array::from_fn(|_| names.next().unwrap_or_default())
    }

    /// Path of the source, relative to the data set's root.
    pub fn source(self) -> PathBuf {
        let bytes = [&self.alike().source, self.names()[0]].concat();
        PathBuf::from(OsStr::from_bytes(&bytes))
    }

    /// Whether the source ends in this name.
    pub fn is_source_named(self, name: &[u8]) -> bool {
        let own = self.names()[0];
        own == name || own.is_empty()
    }

    /// Where it lies on the drive, in two parts: up to the last backslash, and the name.
    pub fn path_parts(self) -> (&'a str, &'a str) {
        (&self.alike().path, text(self.names()[1]))
    }

    /// Where it lies on the drive.
    pub fn path(self) -> DrivePath {
        let (folder, name) = self.path_parts();
        DrivePath::of_parts(folder, name)
    }

    /// The blob it becomes, in two parts: up to the last slash, and the name.
    pub fn blob_parts(self) -> (&'a ContainerName, [&'a str; 2]) {
        let alike = self.alike();
        (&alike.container, [&alike.blob, text(self.names()[2])])
    }

    /// The blob it becomes.
    pub fn blob(self) -> BlobPath {
        let (container, parts) = self.blob_parts();
        BlobPath::of_parts(container, parts)
    }

    /// All of it.
    pub fn unpack(self) -> DataFile {
        DataFile {
            source: self.source(),
            path: self.path(),
            blob: self.blob(),
            blob_type: self.blob_type(),
            disposition: self.disposition(),
            bytes: self.bytes(),
            modified_ns: self.modified_ns(),
            together: self.together(),
            listing: self.listing().clone(),
        }
    }

    /// How two sort by their paths on the drive.
    pub(super) fn by_path(self, other: ListedFile<'_>) -> Ordering {
        compare(self.path_parts(), other.path_parts())
    }
}

/// How two paths sort, each in two parts.
fn compare((folder, name): (&str, &str), (other_folder, other_name): (&str, &str)) -> Ordering {
    if folder == other_folder {
        return name.cmp(other_name);
    }
    folder.bytes().chain(name.bytes()).cmp(other_folder.bytes().chain(other_name.bytes()))
}

pub(super) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("names of paths and blobs were taken from strings")
}

impl fmt::Debug for ListedFile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.unpack().fmt(f)
    }
}

impl fmt::Debug for FileList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl PartialEq for FileList {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.iter().zip(other.iter()).all(|(one, two)| one.unpack() == two.unpack())
    }
}

impl Eq for FileList {}

impl FileList {
    /// All files of a table.
    pub(super) fn of(table: Table) -> Self {
        FileList { table: Arc::new(table), chosen: None }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.chosen.as_ref().map_or(self.table.records.len(), |chosen| chosen.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A file, if there are so many.
    pub fn get(&self, index: usize) -> Option<ListedFile<'_>> {
        let record = match &self.chosen {
            Some(chosen) => *chosen.get(index)? as usize,
            None => index,
        };
        let packed = self.table.records.get(record)?;
        Some(ListedFile { table: &self.table, packed })
    }

    /// A file.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn at(&self, index: usize) -> ListedFile<'_> {
        self.get(index).expect("the caller counted them")
    }

    /// All of them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = ListedFile<'_>> + Clone {
        (0..self.len()).map(|index| self.at(index))
    }

    /// Bytes of all of them.
    pub fn total_bytes(&self) -> u64 {
        self.iter().map(ListedFile::bytes).sum()
    }

    /// Some of them, by their indices.
    pub fn select(&self, indices: impl IntoIterator<Item = usize>) -> FileList {
        let record = |index: usize| match &self.chosen {
            Some(chosen) => chosen[index],
            None => index as u32,
        };
        let chosen: Vec<u32> = indices.into_iter().map(record).collect();
        // One drive for all files is the usual case, and says nothing.
        let is_all = chosen.iter().copied().eq(0..self.table.records.len() as u32);
        FileList { table: Arc::clone(&self.table), chosen: (!is_all).then(|| chosen.into()) }
    }

    /// Those of which something is so.
    pub fn keep(&self, is_kept: impl Fn(ListedFile<'_>) -> bool) -> FileList {
        self.select((0..self.len()).filter(|&index| is_kept(self.at(index))))
    }

    /// The index of the file at a path of the drive, in a list that is sorted by path.
    pub fn find(&self, path: (&str, &str)) -> Option<usize> {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = from + (to - from) / 2;
            match compare(self.at(middle).path_parts(), path) {
                Ordering::Less => from = middle + 1,
                Ordering::Equal => return Some(middle),
                Ordering::Greater => to = middle,
            }
        }
        None
    }
}
