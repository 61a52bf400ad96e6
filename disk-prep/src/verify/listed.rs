//! What a manifest lists, packed: for each file that is on the drive its number there and the
//! digests of its blocks. The text is not kept.

use std::collections::BTreeSet;

use crate::limits::BLOCK_BYTES;
use crate::manifest::{ManifestBlob, ManifestRange};
use crate::noun::Md5Digest;

/// Numbers of files of the drive, a bit each.
#[derive(Debug)]
pub(super) struct Numbers(Vec<u64>);

impl Numbers {
    /// None of so many.
    pub fn none_of(count: usize) -> Self {
        Numbers(vec![0; count.div_ceil(64)])
    }

    /// Adds one.
    pub fn insert(&mut self, number: usize) {
        self.0[number / 64] |= 1 << (number % 64);
    }

    /// Whether it is among them.
    pub fn has(&self, number: usize) -> bool {
        self.0[number / 64] & 1 << (number % 64) != 0
    }
}

/// The files that a manifest lists.
#[derive(Debug)]
pub(super) struct Listed {
    rows: Vec<Row>,
    /// Of blocks as we make them, the digests alone.
    digests: Vec<Md5Digest>,
    ranges: Vec<ManifestRange>,
    /// Files of the drive that are listed, side files too.
    known: Numbers,
    /// Paths that are listed and not on the drive.
    absent: BTreeSet<String>,
    /// Files with some bytes that no range covers.
    uncovered: BTreeSet<usize>,
}

/// A listed file: its number on the drive, and where its digests begin.
#[derive(Debug, Clone, Copy)]
struct Row {
    found: u32,
    first: u32,
    /// The highest bit: whether its ranges stand among `ranges`.
    count: u32,
}

const IN_RANGES: u32 = 1 << 31;

impl Listed {
    /// Nothing yet of so many files of a drive.
    pub fn new(count: usize) -> Self {
        Listed {
            rows: Vec::new(),
            digests: Vec::new(),
            ranges: Vec::new(),
            known: Numbers::none_of(count),
            absent: BTreeSet::new(),
            uncovered: BTreeSet::new(),
        }
    }

    /// A path is listed; its number, if it is on the drive.
    pub fn note(&mut self, path: &str, found: Option<usize>) {
        match found {
            Some(number) => self.known.insert(number),
            None => drop(self.absent.insert(path.to_owned())),
        }
    }

    /// Adds the ranges of a file of the drive that has the length that is listed.
    pub fn push(&mut self, found: usize, blob: &ManifestBlob) {
        let even = (0u64..)
            .zip(&blob.ranges)
            .all(|(at, range)| *range == even(at, blob.bytes, range.digest));
        let (first, count) = match even {
            true => {
                let first = self.digests.len();
                self.digests.extend(blob.ranges.iter().map(|range| range.digest));
                (first, blob.ranges.len() as u32)
            }
            false => {
                let first = self.ranges.len();
                self.ranges.extend_from_slice(&blob.ranges);
                (first, blob.ranges.len() as u32 | IN_RANGES)
            }
        };
        let covered = blob.ranges.iter().map(|range| range.bytes).sum::<u64>();
        if covered < blob.bytes {
            self.uncovered.insert(found);
        }
        let number =
            |number| u32::try_from(number).expect("a manifest and a file table are shorter");
        self.rows.push(Row { found: number(found), first: number(first), count });
    }

    /// Sorts the files by something of their numbers.
    pub fn sort_by_key(&mut self, key: impl Fn(usize) -> u64) {
        self.rows.sort_unstable_by_key(|row| (key(row.found as usize), row.found));
    }

    /// How many files were pushed.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The number of a file on the drive, by its place here.
    pub fn found(&self, at: usize) -> usize {
        self.rows[at].found as usize
    }

    /// The ranges of a file of so many bytes, by its place here.
    pub fn ranges(&self, at: usize, bytes: u64) -> impl Iterator<Item = ManifestRange> {
        let Row { first, count, .. } = self.rows[at];
        let (first, count, is_even) =
            (first as usize, (count & !IN_RANGES) as usize, count & IN_RANGES == 0);
        (0..count).map(move |number| match is_even {
            true => even(number as u64, bytes, self.digests[first + number]),
            false => self.ranges[first + number],
        })
    }

    /// Whether a file of the drive is listed.
    pub fn has(&self, found: usize) -> bool {
        self.known.has(found)
    }

    /// Whether a path that is not on the drive is listed.
    pub fn is_absent(&self, path: &str) -> bool {
        self.absent.contains(path)
    }

    /// The paths that are listed and not on the drive.
    pub fn absent(&self) -> impl Iterator<Item = &str> {
        self.absent.iter().map(String::as_str)
    }

    /// Whether some bytes of a file of the drive are covered by no range.
    pub fn is_uncovered(&self, found: usize) -> bool {
        self.uncovered.contains(&found)
    }
}

/// A block as we make them: of a file of so many bytes, by its number.
fn even(number: u64, file_bytes: u64, digest: Md5Digest) -> ManifestRange {
    let offset = number * BLOCK_BYTES;
    ManifestRange { offset, bytes: file_bytes.saturating_sub(offset).min(BLOCK_BYTES), digest }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noun::BlobType;
    use crate::sys::heap::most;

    fn blob(bytes: u64, ranges: &[(u64, u64)]) -> ManifestBlob {
        let range = |(at, &(offset, bytes)): (usize, &(u64, u64))| ManifestRange {
            offset,
            bytes,
            digest: Md5Digest::new([at as u8 + 1; 16]),
        };
        ManifestBlob {
            blob: "seed/f".parse().unwrap(),
            path: "\\seed\\f".parse().unwrap(),
            bytes,
            disposition: None,
            blob_type: BlobType::BlockBlob,
            ranges: ranges.iter().enumerate().map(range).collect(),
            metadata: None,
            properties: None,
        }
    }

    #[test]
    fn ranges_of_every_kind_come_back_as_they_were() {
        const MIB: u64 = 1 << 20;
        let blobs = [
            blob(0, &[]),
            blob(9, &[(0, 9)]),
            blob(9 * MIB, &[(0, 4 * MIB), (4 * MIB, 4 * MIB), (8 * MIB, MIB)]),
            blob(9, &[]),
            blob(6 * MIB, &[(0, 3 * MIB), (3 * MIB, 3 * MIB)]),
            blob(8 * MIB, &[(0, 4 * MIB)]),
            blob(8 * MIB, &[(4 * MIB, 4 * MIB)]),
        ];
        let mut listed = Listed::new(blobs.len());
        for (number, blob) in blobs.iter().enumerate() {
            listed.note(blob.path.as_str(), (number != 1).then_some(number));
            listed.push(number, blob);
        }
        listed.sort_by_key(|number| 100 - number as u64);
        for (at, (number, blob)) in blobs.iter().enumerate().rev().enumerate() {
            assert_eq!(listed.found(at), number);
            assert!(listed.ranges(at, blob.bytes).eq(blob.ranges.clone()), "{number}");
            assert_eq!(listed.has(number), number != 1);
            assert_eq!(listed.is_uncovered(number), [3, 5, 6].contains(&number), "{number}");
        }
        assert!(listed.is_absent("\\seed\\f") && !listed.is_absent("\\seed\\g"));
    }

    #[test]
    fn a_file_of_one_block_takes_its_digest_and_twelve_bytes() {
        const FILES: usize = 1 << 17;
        let one = blob(9, &[(0, 9)]);
        let (listed, bytes) = most(|| {
            let mut listed = Listed::new(FILES);
            for number in 0..FILES {
                listed.note("\\f", Some(number));
                listed.push(number, &one);
            }
            listed
        });
        assert_eq!(listed.len(), FILES);
        println!("{} bytes a file", bytes / FILES);
        // While a list grows its old place is there too.
        assert!(bytes < FILES * 2 * 29, "{} bytes a file", bytes / FILES);
    }
}
