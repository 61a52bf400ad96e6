//! What became of the files of a plan, by their indices: with 48 bytes of digests a file, or as
//! stretches where those are not wanted.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::slice;

use super::reason::LeftOut;
use super::record::{Copied, FileEnd};
use super::segments::Segments;
use crate::noun::{Md5Digest, Sha256Digest};

/// What became of files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileEnds {
    /// Digests of files that were copied.
    md5: Shelves<16>,
    sha256: Shelves<32>,
    /// Digests of the blocks of those that have several.
    blocks: BTreeMap<usize, Vec<Md5Digest>>,
    left_out: BTreeMap<usize, LeftOut>,
    /// Files that were copied and whose digests are not kept.
    bare: Segments,
}

/// What the manifest says of a file that was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileMd5s<'a> {
    /// MD5 of the file.
    pub md5: Md5Digest,
    pub(super) blocks: Cow<'a, [Md5Digest]>,
}

impl FileMd5s<'_> {
    /// The digests of the blocks of the file, which is of this length.
    pub fn block_digests(&self, file_bytes: u64) -> &[Md5Digest] {
        let is_one = self.blocks.is_empty() && file_bytes > 0;
        if is_one { slice::from_ref(&self.md5) } else { &self.blocks }
    }
}

/// Digests by number, those of neighbours together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Shelves<const BYTES: usize>(BTreeMap<usize, Box<Shelf<BYTES>>>);

/// So many neighbours; a journal that names one file of each takes little more than its length.
const NEIGHBOURS: usize = 16;

#[derive(Debug, Clone, PartialEq, Eq)]
struct Shelf<const BYTES: usize> {
    /// A bit for each number that is there.
    here: u16,
    digests: [[u8; BYTES]; NEIGHBOURS],
}

impl<const BYTES: usize> Shelves<BYTES> {
    fn insert(&mut self, index: usize, digest: &[u8; BYTES]) {
        let none = || Box::new(Shelf { here: 0, digests: [[0; BYTES]; NEIGHBOURS] });
        let shelf = self.0.entry(index / NEIGHBOURS).or_insert_with(none);
        shelf.here |= 1 << (index % NEIGHBOURS);
        shelf.digests[index % NEIGHBOURS] = *digest;
    }

    fn remove(&mut self, index: usize) {
        if let Some(shelf) = self.0.get_mut(&(index / NEIGHBOURS)) {
            shelf.here &= !(1 << (index % NEIGHBOURS));
        }
    }

    fn get(&self, index: usize) -> Option<[u8; BYTES]> {
        let shelf = self.0.get(&(index / NEIGHBOURS))?;
        let is_here = shelf.here & 1 << (index % NEIGHBOURS) != 0;
        is_here.then(|| shelf.digests[index % NEIGHBOURS])
    }

    /// The numbers that may be there, ascending.
    fn numbers(&self) -> impl Iterator<Item = usize> {
        self.0.keys().flat_map(|&shelf| {
            let first = shelf * NEIGHBOURS;
            first..=first + (NEIGHBOURS - 1)
        })
    }
}

impl FileEnds {
    /// Notes what became of a file, in place of what was noted before.
    pub fn insert(&mut self, index: usize, end: FileEnd) {
        self.remove(index);
        match end {
            FileEnd::LeftOut(why) => drop(self.left_out.insert(index, why)),
            FileEnd::Copied(copied) => {
                self.md5.insert(index, copied.md5.bytes());
                self.sha256.insert(index, copied.sha256.bytes());
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
        self.md5.remove(index);
        self.sha256.remove(index);
    }

    /// What became of a file, if it is known and all of its digests are kept.
    pub fn get(&self, index: usize) -> Option<FileEnd> {
        match self.left_out.get(&index) {
            Some(why) => Some(FileEnd::LeftOut(why.clone())),
            None => self.copied(index).map(FileEnd::Copied),
        }
    }

    /// What the manifest says of a file, if it was copied.
    pub fn md5s(&self, index: usize) -> Option<FileMd5s<'_>> {
        let md5 = Md5Digest::new(self.md5.get(index)?);
        let blocks = self.blocks.get(&index).map_or(&[][..], Vec::as_slice);
        Some(FileMd5s { md5, blocks: Cow::Borrowed(blocks) })
    }

    /// The digests of a file, if it was copied and all of them are kept.
    pub fn copied(&self, index: usize) -> Option<Copied> {
        let (md5s, sha256) = (self.md5s(index)?, self.sha256.get(index)?);
        Some(Copied::new(md5s.md5, Sha256Digest::new(sha256), md5s.blocks.into_owned()))
    }

    /// Whether a file was copied.
    pub fn is_copied(&self, index: usize) -> bool {
        let is_bare = self.bare.contains(index as u64) && !self.is_left_out(index);
        is_bare || self.md5.get(index).is_some()
    }

    /// Whether a file was left out.
    pub fn is_left_out(&self, index: usize) -> bool {
        self.left_out.contains_key(&index)
    }

    /// The files that were left out, and why.
    pub fn left_out(&self) -> impl Iterator<Item = (usize, &LeftOut)> {
        self.left_out.iter().map(|(index, why)| (*index, why))
    }

    /// The files that were copied and of which all digests are kept, ascending.
    pub fn all_copied(&self) -> impl Iterator<Item = (usize, Copied)> {
        self.sha256.numbers().filter_map(|index| Some((index, self.copied(index)?)))
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
        assert!(size_of::<Shelf<16>>() <= NEIGHBOURS * 16 + 2);
        assert!(size_of::<Shelf<32>>() <= NEIGHBOURS * 32 + 2);
    }
}
