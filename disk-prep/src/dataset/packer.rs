//! Packs files into a list, one by one, and sorts them in place.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use super::file::DataFile;
use super::file_list::{
    Alike, DISPOSITIONS, FileList, ListedFile, Name, PAGE_BLOB, PLAIN, Packed, THREE_NAMES,
    TOGETHER, Table, text,
};
use super::listing::Listing;
use crate::noun::{BlobPath, BlobType};

impl FromIterator<DataFile> for FileList {
    fn from_iter<I: IntoIterator<Item = DataFile>>(files: I) -> Self {
        let mut packer = Packer::default();
        files.into_iter().for_each(|file| packer.push(&file));
        packer.finish()
    }
}

impl FileList {
    /// Several lists, one behind the other.
    pub fn together(lists: Vec<FileList>) -> FileList {
        let filled = lists.iter().filter(|list| !list.is_empty()).count();
        if filled < 2 {
            return lists.into_iter().find(|list| !list.is_empty()).unwrap_or_default();
        }
        lists.iter().flat_map(FileList::iter).map(ListedFile::unpack).collect()
    }
}

/// Packs files one by one.
#[derive(Default)]
pub struct Packer {
    table: Table,
    folders: HashMap<Arc<Alike>, u32>,
}

impl Packer {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.table.records.len()
    }

    /// A file that was pushed.
    pub fn at(&self, index: usize) -> ListedFile<'_> {
        ListedFile { table: &self.table, packed: &self.table.records[index] }
    }

    /// The paths of all, each in two parts.
    pub fn paths(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        (0..self.count()).map(|index| self.at(index).path_parts())
    }

    /// Adds a file at the end.
    ///
    /// # Panics
    /// At four billion files, more than NTFS has records.
    pub fn push(&mut self, file: &DataFile) {
        assert!(self.count() < PLAIN as usize, "NTFS has no records for so many files");
        let source = file.source.as_os_str().as_bytes();
        let (mut folder, mut name) = last_name(source, b'/');
        let (path_folder, path_name) = last_name(file.path.as_str().as_bytes(), b'\\');
        let (blob_folder, blob_name) = last_name(file.blob.name().as_bytes(), b'/');
        let is_one = name == path_name && path_name == blob_name;
        // A foreign source that is no name at all is kept as it is.
        if !is_one && (name.contains(&0) || name.len() > usize::from(u16::MAX >> 1)) {
            (folder, name) = (source, &[]);
        }
        let folder = self.folder(folder, text(path_folder), &file.blob, text(blob_folder));
        let disposition = DISPOSITIONS.iter().find(|(own, _)| *own == file.disposition);
        let mut flags = disposition.map_or(0, |(_, flags)| *flags);
        flags |= if is_one { 0 } else { THREE_NAMES };
        flags |= if file.together { TOGETHER } else { 0 };
        flags |= if file.blob_type == BlobType::PageBlob { PAGE_BLOB } else { 0 };
        let names = &mut self.table.names;
        let at = names.len();
        names.extend_from_slice(name);
        if !is_one {
            [path_name, blob_name].iter().for_each(|name| {
                names.push(0);
                names.extend_from_slice(name);
            });
        }
        let name = Name::new(at, names.len() - at, flags);
        let listing = self.listing(&file.listing);
        let DataFile { bytes, modified_ns, .. } = *file;
        self.table.records.push(Packed { bytes, modified_ns, name, folder, listing });
    }

    fn folder(&mut self, source: &[u8], path: &str, blob: &BlobPath, name: &str) -> u32 {
        let is_it = |folder: u32| {
            let own = &*self.table.folders[folder as usize];
            own.source == source
                && own.path == path
                && own.container == *blob.container()
                && own.blob == name
        };
        let last = self.table.records.last().map(|packed| packed.folder);
        if let Some(last) = last.filter(|last| is_it(*last)) {
            return last;
        }
        let (source, path, container) =
            (source.to_vec(), path.to_owned(), blob.container().clone());
        let alike = Arc::new(Alike { source, path, container, blob: name.to_owned() });
        let next = self.table.folders.len() as u32;
        *self.folders.entry(alike).or_insert_with_key(|alike| {
            self.table.folders.push(Arc::clone(alike));
            next
        })
    }

    /// Files of one row have one listing.
    fn listing(&mut self, listing: &Listing) -> u32 {
        if listing.is_plain() {
            return PLAIN;
        }
        let listings = &mut self.table.listings;
        if listings.last() != Some(listing) {
            listings.push(listing.clone());
        }
        listings.len() as u32 - 1
    }

    /// Pairs of files with one path on the drive: the later one and the earliest.
    pub fn doubles(&self) -> Vec<(usize, usize)> {
        if self.is_sorted(Ordering::is_lt) {
            return Vec::new();
        }
        let mut order = self.order().into_iter().map(|at| at as usize);
        let Some(mut first) = order.next() else { return Vec::new() };
        let mut doubles = Vec::new();
        for other in order {
            match self.at(first).by_path(self.at(other)) {
                Ordering::Equal => doubles.push((other, first)),
                _ => first = other,
            }
        }
        doubles
    }

    fn is_sorted(&self, fits: impl Fn(Ordering) -> bool) -> bool {
        (1..self.count()).all(|at| fits(self.at(at - 1).by_path(self.at(at))))
    }

    /// The records in the order of their paths; those with one path as they were pushed.
    fn order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.count() as u32).collect();
        order.sort_by(|&one, &other| self.at(one as usize).by_path(self.at(other as usize)));
        order
    }

    /// The list, in the order in which they were pushed.
    pub fn finish(self) -> FileList {
        let Packer { mut table, folders } = self;
        drop(folders);
        table.records.shrink_to_fit();
        table.names.shrink_to_fit();
        FileList::of(table)
    }

    /// The list, sorted by the paths on the drive.
    pub fn finish_sorted(mut self) -> FileList {
        if !self.is_sorted(Ordering::is_le) {
            let mut order = self.order();
            let records = &mut self.table.records;
            // Each circle of the order in its place, so that no second list is needed.
            for start in 0..order.len() {
                let (mut at, first) = (start, records[start]);
                loop {
                    let from = std::mem::replace(&mut order[at], at as u32) as usize;
                    if from == start {
                        records[at] = first;
                        break;
                    }
                    records[at] = records[from];
                    at = from;
                }
            }
        }
        self.finish()
    }
}

impl fmt::Debug for Packer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} files", self.count())
    }
}

/// A path up to its last separator, and the name behind it.
fn last_name(path: &[u8], separator: u8) -> (&[u8], &[u8]) {
    path.split_at(path.iter().rposition(|byte| *byte == separator).map_or(0, |at| at + 1))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use std::ffi::OsStr;
    use std::path::PathBuf;

    use proptest::prelude::*;

    use super::*;
    use crate::noun::{DrivePath, ImportDisposition};

    fn file(source: &str, path: &str, blob: &str) -> DataFile {
        DataFile {
            source: source.into(),
            path: format!("\\job-1\\{path}").parse().unwrap(),
            blob: format!("target/{blob}").parse().unwrap(),
            ..DataFile::sample("any", 7)
        }
    }

    #[test]
    fn a_file_takes_32_bytes_and_its_name() {
        assert_eq!(size_of::<Packed>(), 32);
        let mut packer = Packer::default();
        for name in (0..10_000).map(|at| format!("file-{at:06}")) {
            let below = format!("folder/{name}");
            packer.push(&file(&below, &format!("folder\\{name}"), &below));
        }
        assert_eq!((packer.table.names.len(), packer.table.folders.len()), (110_000, 1));
    }

    #[test]
    fn every_way_that_names_differ_comes_back() {
        let odd = PathBuf::from(OsStr::from_bytes(b"a/\xff\xfe"));
        let files = vec![
            file("a/b/c", "b\\c", "x/c"),
            file("c", "c", "c"),
            file("a/b", "x", "y"),
            file("a/b/", "b", "b"),
            file("/", "b", "b"),
            file("", "b", "b"),
            file("a\0b", "b\\a", "b"),
            file(&"n".repeat(70_000), "b", "b"),
            DataFile { source: odd, ..file("", "b", "b") },
            DataFile { listing: Listing::SideFile, together: true, ..file("a/b", "b", "b") },
            DataFile { disposition: ImportDisposition::Rename, ..file("a/b", "b", "b") },
            DataFile { disposition: ImportDisposition::NoOverwrite, ..file("a/b", "b", "b") },
            DataFile {
                blob_type: BlobType::PageBlob, modified_ns: -5, ..file("ü/ß", "ß", "ß")
            },
        ];
        let list: FileList = files.iter().cloned().collect();
        let back: Vec<DataFile> = list.iter().map(ListedFile::unpack).collect();
        assert_eq!(back, files);
        let some = list.select([9, 1]);
        assert_eq!(
            [some.at(0).unpack(), some.at(1).unpack()],
            [files[9].clone(), files[1].clone()]
        );
        assert_eq!(some.keep(|file| file.together()).len(), 1);
        assert!(some.get(2).is_none() && some != list.select([1, 9]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn a_sorted_list_has_the_order_of_its_paths_and_tells_of_doubles(
            names in prop::collection::vec("[abA.é]{1,2}(\\\\[ab.]{0,1}c){0,2}", 0..30),
        ) {
            let mut files: Vec<DataFile> = names
                .iter()
                .enumerate()
                .filter(|(_, name)| format!("\\job-1\\{name}").parse::<DrivePath>().is_ok())
                .map(|(at, name)| DataFile { bytes: at as u64, ..file(&at.to_string(), name, "b") })
                .collect();
            let mut packer = Packer::default();
            files.iter().for_each(|file| packer.push(file));
            let doubles = packer.doubles();
            let expected: BTreeMap<usize, usize> = (0..files.len())
                .filter_map(|at| {
                    let first = files.iter().position(|other| other.path == files[at].path)?;
                    (first < at).then_some((at, first))
                })
                .collect();
            prop_assert_eq!(doubles.into_iter().collect::<BTreeMap<_, _>>(), expected);
            let sorted = packer.finish_sorted();
            files.sort_by(|one, other| one.path.cmp(&other.path));
            prop_assert_eq!(sorted.iter().map(ListedFile::unpack).collect::<Vec<_>>(), files);
            for at in 0..sorted.len() {
                let found = sorted.find(sorted.at(at).path_parts()).unwrap();
                prop_assert_eq!(sorted.at(found).path(), sorted.at(at).path());
            }
        }
    }
}
