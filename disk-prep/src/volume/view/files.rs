//! The files of a volume, packed: a record of 32 bytes a file, the names in one arena, the path of
//! a folder once. A file is unpacked when somebody wants to read it.

use std::cmp::Ordering;
use std::fmt;

use super::found::FoundFile;

/// Files by their paths: `\folder\name`.
#[derive(Default)]
pub struct FoundFiles {
    /// With the last backslash.
    folders: Vec<String>,
    names: String,
    records: Vec<Packed>,
    /// Stretches of data of files that have several, or odd ones.
    runs: Vec<(Option<u64>, u64)>,
    resident: Vec<u8>,
}

#[derive(Clone, Copy)]
struct Packed {
    bytes: u64,
    data: Data,
    name: Name,
    folder: u32,
}

/// Where a name begins in the arena (40 bits), and its length (24 bits).
#[derive(Clone, Copy)]
struct Name(u64);

/// Where data lies, in 62 bits behind two that say how: nowhere, from a byte of the volume on, in
/// runs, in the record itself. The last two are a beginning (40 bits) and a count (22 bits).
#[derive(Clone, Copy)]
struct Data(u64);

const HOW: u64 = 3 << 62;
const FROM: u64 = 1 << 62;
const RUNS: u64 = 2 << 62;
const RESIDENT: u64 = 3 << 62;

impl Data {
    fn stretch(how: u64, at: usize, count: usize) -> Self {
        assert!(at < 1 << 40 && count < 1 << 22, "the walk has bounds far below");
        Data(how | (at as u64) << 22 | count as u64)
    }

    fn place(self) -> (usize, usize) {
        let place = self.0 & !HOW;
        ((place >> 22) as usize, (place & 0x3f_ffff) as usize)
    }
}

impl FoundFiles {
    /// Begins a folder; the files that are pushed from now on lie in it.
    pub(super) fn folder(&mut self, path: &str) {
        self.folders.push(format!("{path}\\"));
    }

    /// Adds a file to the folder that was begun last.
    pub(super) fn push(&mut self, name: &str, file: &FoundFile) {
        let folder = self.folders.len().checked_sub(1).expect("a folder was begun");
        let data = match (&file.resident, file.runs.as_slice()) {
            (Some(bytes), _) => {
                let data = Data::stretch(RESIDENT, self.resident.len(), bytes.len());
                self.resident.extend_from_slice(bytes);
                data
            }
            (None, []) => Data(0),
            (None, [(Some(place), length)]) if *place < FROM && *length >= file.bytes => {
                Data(FROM | place)
            }
            (None, runs) => {
                let data = Data::stretch(RUNS, self.runs.len(), runs.len());
                self.runs.extend_from_slice(runs);
                data
            }
        };
        let (at, length) = (self.names.len(), name.len());
        assert!(at < 1 << 40 && length < 1 << 24, "the walk has bounds far below");
        self.names.push_str(name);
        let name = Name((at as u64) << 24 | length as u64);
        self.records.push(Packed { bytes: file.bytes, data, name, folder: folder as u32 });
    }

    /// Sorts them by path. Of two files of one name the first stays; the paths of the others are
    /// returned.
    pub(super) fn sort(&mut self) -> Vec<String> {
        let mut records = std::mem::take(&mut self.records);
        records.sort_unstable_by(|one, other| {
            compare(self.parts_of(one), self.parts_of(other)).then(one.name.0.cmp(&other.name.0))
        });
        let mut twice = Vec::new();
        records.dedup_by(|later, first| {
            let is_twice = compare(self.parts_of(later), self.parts_of(first)).is_eq();
            if is_twice {
                twice.push(self.path_of(later));
            }
            is_twice
        });
        records.shrink_to_fit();
        self.names.shrink_to_fit();
        self.records = records;
        twice
    }

    fn parts_of(&self, packed: &Packed) -> (&str, &str) {
        let Name(name) = packed.name;
        let name = &self.names[(name >> 24) as usize..][..(name & 0xff_ffff) as usize];
        (&self.folders[packed.folder as usize], name)
    }

    fn path_of(&self, packed: &Packed) -> String {
        let (folder, name) = self.parts_of(packed);
        [folder, name].concat()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The number of the file at a path, in their order.
    pub fn find(&self, path: &str) -> Option<usize> {
        let path = ("", path);
        let order = |packed: &Packed| compare(self.parts_of(packed), path);
        self.records.binary_search_by(order).ok()
    }

    /// The same, where it is likely the one behind the last that was found.
    pub fn find_behind(&self, last: Option<usize>, path: &str) -> Option<usize> {
        let next = last.map_or(0, |last| last + 1);
        match self.records.get(next).map(|packed| compare(self.parts_of(packed), ("", path))) {
            Some(Ordering::Equal) => Some(next),
            _ => self.find(path),
        }
    }

    /// The file at a path.
    pub fn get(&self, path: &str) -> Option<FoundFile> {
        self.find(path).map(|number| self.at(number))
    }

    /// A file by its number.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn at(&self, number: usize) -> FoundFile {
        let Packed { bytes, data, .. } = self.records[number];
        let (at, count) = data.place();
        let (runs, resident) = match data.0 & HOW {
            0 => (Vec::new(), None),
            FROM => (vec![(Some(data.0 & !HOW), bytes)], None),
            RUNS => (self.runs[at..at + count].to_vec(), None),
            _ => (Vec::new(), Some(self.resident[at..at + count].to_vec())),
        };
        FoundFile { bytes, runs, resident }
    }

    /// Length of a file.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn bytes(&self, number: usize) -> u64 {
        self.records[number].bytes
    }

    /// Where the data of a file begins on the volume; 0 where it lies nowhere, or in its record.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn first_byte(&self, number: usize) -> u64 {
        let data = self.records[number].data;
        match data.0 & HOW {
            FROM => data.0 & !HOW,
            RUNS => self.runs.get(data.place().0).and_then(|(place, _)| *place).unwrap_or(0),
            _ => 0,
        }
    }

    /// Path of a file in two parts: up to the last backslash, and the name.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn parts(&self, number: usize) -> (&str, &str) {
        self.parts_of(&self.records[number])
    }

    /// Path of a file.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn path(&self, number: usize) -> String {
        self.path_of(&self.records[number])
    }

    /// All of them with their paths, sorted by these.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (String, FoundFile)> {
        (0..self.len()).map(|number| (self.path(number), self.at(number)))
    }
}

/// How two paths sort, each in two parts.
fn compare((folder, name): (&str, &str), (other_folder, other_name): (&str, &str)) -> Ordering {
    let (folder, other_folder) = (folder.as_bytes(), other_folder.as_bytes());
    let both = folder.len().min(other_folder.len());
    folder[..both].cmp(&other_folder[..both]).then_with(|| {
        // One of them is used up; what is left of the other stands before its name.
        let (rest, other_rest) = (&folder[both..], &other_folder[both..]);
        let (name, other_name) = (name.as_bytes(), other_name.as_bytes());
        match (rest.is_empty(), other_rest.is_empty()) {
            (true, true) => name.cmp(other_name),
            (true, false) => split_cmp(other_rest, other_name, name).reverse(),
            (false, _) => split_cmp(rest, name, other_name),
        }
    })
}

/// How what is in two parts sorts against what is in one.
fn split_cmp(first: &[u8], second: &[u8], whole: &[u8]) -> Ordering {
    let both = first.len().min(whole.len());
    let (begin, rest) = whole.split_at(both);
    first.cmp(begin).then_with(|| second.cmp(rest))
}

impl fmt::Debug for FoundFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::sys::heap::most;

    fn file(bytes: u64, runs: &[(Option<u64>, u64)], resident: Option<&[u8]>) -> FoundFile {
        FoundFile { bytes, runs: runs.to_vec(), resident: resident.map(<[u8]>::to_vec) }
    }

    #[test]
    fn files_are_found_by_path_as_they_were_put_in_and_stand_in_the_order_of_paths() {
        let kinds = [
            file(0, &[], None),
            file(9, &[(Some(4096), 9)], None),
            file(5000, &[(Some(8192), 4096), (None, 4096)], None),
            file(3, &[], Some(b"abc")),
            file(9, &[(Some(u64::MAX), 16)], None),
            file(9, &[(Some(0), 4)], None),
        ];
        let (mut files, mut expected) = (FoundFiles::default(), BTreeMap::new());
        for folder in ["\\b", "", "\\a\\c", "\\a", "\\a-c", "\\a\\", "\\ä"] {
            files.folder(folder);
            for (name, at) in ["z", "c", "c-", "", "é", "a\u{1}"].into_iter().zip(0..) {
                let own = &kinds[(at + folder.len()) % kinds.len()];
                files.push(name, own);
                expected.entry(format!("{folder}\\{name}")).or_insert(own.clone());
            }
        }
        let twice = files.sort();
        // `\a\` with `c` and the like: two ways to one path.
        let pushed = 7 * 6;
        assert_eq!(files.len() + twice.len(), pushed);
        assert!(twice.iter().all(|path| expected.contains_key(path)));
        assert!(files.iter().eq(expected.clone()));
        let mut last = None;
        for (number, (path, own)) in expected.iter().enumerate() {
            assert_eq!(files.find(path), Some(number), "{path}");
            assert_eq!(files.find_behind(last, path), Some(number), "{path}");
            assert_eq!(files.find_behind(None, path), Some(number), "{path}");
            assert_eq!(files.first_byte(number), own.first_byte());
            assert_eq!((files.get(path), files.bytes(number)), (Some(own.clone()), own.bytes));
            last = Some(number);
        }
        for path in ["", "\\", "\\a\\c\\", "\\a\\c\\y", "\\zz\\z", "z"] {
            assert_eq!(files.find(path).is_some(), expected.contains_key(path), "{path}");
        }
    }

    /// Names of 21 letters.
    #[test]
    fn a_file_takes_its_record_and_its_name() {
        const FILES: usize = 100_000;
        let ((), bytes) = most(|| {
            let mut files = FoundFiles::default();
            for at in 0..FILES {
                if at % 1000 == 0 {
                    files.folder(&format!("\\bench\\in\\folder-{:05}", at / 1000));
                }
                let place = (Some(4096 * at as u64), 4096);
                files.push(&format!("document-{at:08}.txt"), &file(30, &[place], None));
            }
            assert!(files.sort().is_empty());
        });
        println!("{} bytes a file", bytes / FILES);
        assert!(bytes < FILES * 2 * (32 + 21), "{} bytes a file while it grows", bytes / FILES);
    }
}
