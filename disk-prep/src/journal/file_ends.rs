//! What became of the files of a plan, by their indices: 48 bytes of digests a file.

use std::collections::BTreeMap;

use super::reason::LeftOut;
use super::record::{Copied, FileEnd};
use super::segments::Segments;
use crate::noun::{Md5Digest, Sha256Digest};

/// What became of files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileEnds {
    /// Digests of files that were copied, those of neighbours together.
    copied: BTreeMap<usize, Box<Shelf>>,
    /// Digests of the blocks of those that have several.
    blocks: BTreeMap<usize, Vec<Md5Digest>>,
    left_out: BTreeMap<usize, LeftOut>,
    /// Files that were copied and whose digests are not kept.
    bare: Segments,
}

/// So many neighbours; a journal that names one file of each takes little more than its length.
const NEIGHBOURS: usize = 16;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Shelf {
    /// A bit for each file that is there.
    here: u16,
    md5: [[u8; 16]; NEIGHBOURS],
    sha256: [[u8; 32]; NEIGHBOURS],
}

impl FileEnds {
    /// Notes what became of a file, in place of what was noted before.
    pub fn insert(&mut self, index: usize, end: FileEnd) {
        self.remove(index);
        match end {
            FileEnd::LeftOut(why) => drop(self.left_out.insert(index, why)),
            FileEnd::Copied(copied) => {
                let (shelf, place) = (index / NEIGHBOURS, index % NEIGHBOURS);
                let shelf = self.copied.entry(shelf).or_default();
                shelf.here |= 1 << place;
                shelf.md5[place] = *copied.md5.bytes();
                shelf.sha256[place] = *copied.sha256.bytes();
                if !copied.blocks.is_empty() {
                    self.blocks.insert(index, copied.blocks);
                }
            }
        }
    }

    /// The same, without the digests of a file that was copied.
    pub(super) fn insert_bare(&mut self, index: usize, end: FileEnd) {
        match end {
            FileEnd::Copied(_) => {
                self.left_out.remove(&index);
                self.bare.insert(index as u64);
            }
            left_out @ FileEnd::LeftOut(_) => self.insert(index, left_out),
        }
    }

    /// Forgets what was noted of a file.
    pub fn remove(&mut self, index: usize) {
        self.left_out.remove(&index);
        self.blocks.remove(&index);
        if let Some(shelf) = self.copied.get_mut(&(index / NEIGHBOURS)) {
            shelf.here &= !(1 << (index % NEIGHBOURS));
        }
    }

    /// What became of a file, if it is known.
    pub fn get(&self, index: usize) -> Option<FileEnd> {
        match self.left_out.get(&index) {
            Some(why) => Some(FileEnd::LeftOut(why.clone())),
            None => self.copied(index).map(FileEnd::Copied),
        }
    }

    /// The digests of a file, if it was copied.
    pub fn copied(&self, index: usize) -> Option<Copied> {
        let (shelf, place) = (self.shelf(index)?, index % NEIGHBOURS);
        let blocks = self.blocks.get(&index).cloned().unwrap_or_default();
        let (md5, sha256) = (shelf.md5[place], shelf.sha256[place]);
        Some(Copied::new(Md5Digest::new(md5), Sha256Digest::new(sha256), blocks))
    }

    /// Whether a file was copied.
    pub fn is_copied(&self, index: usize) -> bool {
        let is_bare = self.bare.contains(index as u64) && !self.is_left_out(index);
        is_bare || self.shelf(index).is_some()
    }

    /// Whether a file was left out.
    pub fn is_left_out(&self, index: usize) -> bool {
        self.left_out.contains_key(&index)
    }

    /// The files that were left out, and why.
    pub fn left_out(&self) -> impl Iterator<Item = (usize, &LeftOut)> {
        self.left_out.iter().map(|(index, why)| (*index, why))
    }

    /// The files that were copied, ascending.
    pub fn all_copied(&self) -> impl Iterator<Item = (usize, Copied)> {
        let files = self.copied.keys().flat_map(|&shelf| {
            let first = shelf * NEIGHBOURS;
            first..=first + (NEIGHBOURS - 1)
        });
        files.filter_map(|index| Some((index, self.copied(index)?)))
    }

    fn shelf(&self, index: usize) -> Option<&Shelf> {
        let shelf = self.copied.get(&(index / NEIGHBOURS))?;
        (shelf.here & 1 << (index % NEIGHBOURS) != 0).then_some(shelf)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::FileChange;

    fn copied(seed: u8, blocks: usize) -> FileEnd {
        let md5 = Md5Digest::new([seed; 16]);
        FileEnd::Copied(Copied::new(md5, Sha256Digest::new([seed + 1; 32]), vec![md5; blocks]))
    }

    #[test]
    fn what_was_noted_last_of_a_file_is_what_became_of_it() {
        let left_out = || FileEnd::LeftOut(LeftOut::new(FileChange::FileShrank, "it shrank"));
        let mut ends = FileEnds::default();
        let noted = [(3, copied(1, 1)), (17, copied(2, 3)), (usize::MAX, copied(3, 0))];
        for (index, end) in noted.clone() {
            ends.insert(index, end);
        }
        for (index, end) in &noted {
            assert_eq!(ends.get(*index).as_ref(), Some(end));
        }
        let all: Vec<usize> = ends.all_copied().map(|(index, _)| index).collect();
        assert_eq!((all, ends.get(4)), (vec![3, 17, usize::MAX], None));
        ends.insert(17, left_out());
        assert_eq!((ends.get(17), ends.is_copied(17)), (Some(left_out()), false));
        assert_eq!(ends.left_out().count(), 1);
        ends.insert(17, copied(4, 2));
        assert_eq!((ends.get(17), ends.is_left_out(17)), (Some(copied(4, 2)), false));
        ends.remove(3);
        assert_eq!((ends.get(3), ends.is_copied(3)), (None, false));
    }

    #[test]
    fn without_digests_it_is_still_known_what_became_of_a_file() {
        let left_out = || FileEnd::LeftOut(LeftOut::new(FileChange::FileShrank, "it shrank"));
        let mut ends = FileEnds::default();
        let noted = [(3, copied(1, 0)), (4, left_out()), (5, left_out()), (6, copied(2, 9))];
        for (index, end) in noted.into_iter().chain([(5, copied(3, 1)), (6, left_out())]) {
            ends.insert_bare(index, end);
        }
        let copied: Vec<usize> = (0..9).filter(|&index| ends.is_copied(index)).collect();
        let left_out: Vec<usize> = ends.left_out().map(|(index, _)| index).collect();
        assert_eq!((copied, left_out), (vec![3, 5], vec![4, 6]));
        assert_eq!(ends.copied(3), None);
    }

    #[test]
    fn a_file_takes_its_digests_and_little_more() {
        assert!(size_of::<Shelf>() <= NEIGHBOURS * 48 + 8);
    }
}
