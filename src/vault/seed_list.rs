//! The blobs of a seed in little memory: 64 bytes each instead of a path, since a seed may have a
//! million of them. They are compared with what a container lists while it is listed.

use std::ops::Range;

use disk_prep::noun::{Md5Digest, Sha256Digest};

use super::error::Error;
use crate::azure::{self, BlobFacts, Container};
use crate::repository::{Place, Rank};

/// A blob that the seed consists of, as the journal has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeedBlob {
    /// Where it is below the repository's root, and the SHA-256 that its name claims.
    pub place: Place,
    /// Its length.
    pub bytes: u64,
    /// Its MD5, computed when the drive was filled.
    pub md5: Md5Digest,
}

impl SeedBlob {
    /// A blob of this path, whose content has these digests. Its name must be the SHA-256 of its
    /// content, which only the configuration's is not: what was read from a broken file would
    /// pass every comparison with itself.
    pub fn new(
        path: &str,
        bytes: u64,
        md5: Md5Digest,
        sha256: Sha256Digest,
    ) -> Result<Self, Error> {
        let foreign = || Error::ForeignBlob { path: path.to_owned() };
        let place = Place::of(path).ok_or_else(foreign)?;
        if !place.is_named_by(sha256) {
            return Err(Error::Misnamed { path: path.to_owned(), sha256 });
        }
        Ok(SeedBlob { place, bytes, md5 })
    }

    /// Its path below the root of the repository, for example `data/3f/3f…`.
    pub fn path(&self) -> String {
        self.place.path()
    }
}

/// All blobs of a seed, each once, packs first and snapshots last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeedList {
    blobs: Vec<SeedBlob>,
}

impl SeedList {
    /// Puts them into the order of writing. Two that say different things of one path are refused.
    pub fn new(mut blobs: Vec<SeedBlob>) -> Result<Self, Error> {
        blobs.sort_unstable();
        blobs.dedup();
        let twice = blobs.windows(2).find(|two| two[0].place == two[1].place);
        match twice {
            Some(two) => Err(Error::ListedTwice { path: two[0].path() }),
            None => Ok(SeedList { blobs }),
        }
    }

    /// The same without a kind.
    pub fn without(&self, rank: Rank) -> Self {
        let others = self.blobs.iter().filter(|blob| blob.place.rank != rank);
        SeedList { blobs: others.copied().collect() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.blobs.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.blobs.is_empty()
    }

    /// All of them, in the order of writing.
    pub fn blobs(&self) -> &[SeedBlob] {
        &self.blobs
    }

    /// Whether a file is one of them.
    pub fn has(&self, place: &Place) -> bool {
        self.index(place).is_some()
    }

    /// The place of a file in the list.
    pub fn index(&self, place: &Place) -> Option<usize> {
        self.blobs.binary_search_by_key(place, |blob| blob.place).ok()
    }

    /// Their bytes.
    pub fn bytes(&self) -> u64 {
        self.blobs.iter().fold(0, |sum, blob| blob.bytes.saturating_add(sum))
    }

    /// Each kind of blob as a stretch of the list, in the order of writing.
    pub fn kinds(&self) -> Vec<(Rank, Range<usize>)> {
        let mut begin = 0;
        let kind = |kind: &[SeedBlob]| {
            let own = begin..begin + kind.len();
            begin = own.end;
            (kind[0].place.rank, own)
        };
        self.blobs.chunk_by(|one, other| one.place.rank == other.place.rank).map(kind).collect()
    }

    /// Which of them, by their places in the list, a container lists below a prefix as it is asked;
    /// what else is there is no matter.
    pub fn compare(
        &self,
        container: &dyn Container,
        prefix: &str,
        is_as_asked: impl Fn(usize, &BlobFacts) -> bool,
    ) -> Result<Marks, azure::Error> {
        let (mut seen, mut marks) = (Marks::of(self.len()), Marks::of(self.len()));
        container.walk(prefix, &mut |name, facts| {
            let place = name.strip_prefix(prefix).and_then(Place::of);
            let Some(index) = place.and_then(|place| self.index(&place)) else { return true };
            if is_as_asked(index, &facts) {
                marks.set(index);
            }
            seen.set(index)
        })?;
        Ok(marks)
    }

    /// Which of them a vault holds. Never by the length alone: one without an MD5 counts as not
    /// held.
    pub fn held(&self, container: &dyn Container, prefix: &str) -> Result<Marks, azure::Error> {
        self.compare(container, prefix, |index, facts| {
            let blob = &self.blobs[index];
            facts.bytes == blob.bytes && facts.md5 == Some(blob.md5)
        })
    }
}

/// One bit for each blob of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marks {
    bits: Vec<u64>,
    count: usize,
}

impl Marks {
    fn of(count: usize) -> Self {
        Marks { bits: vec![0; count.div_ceil(64)], count }
    }

    /// All are marked.
    pub fn all(count: usize) -> Self {
        Marks { bits: vec![u64::MAX; count.div_ceil(64)], count }
    }

    /// Marks one; whether it was not marked before.
    fn set(&mut self, index: usize) -> bool {
        let (word, bit) = (&mut self.bits[index / 64], 1 << (index % 64));
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }

    /// Whether it is marked.
    pub fn has(&self, index: usize) -> bool {
        self.bits[index / 64] & (1 << (index % 64)) != 0
    }

    /// Those that were not marked, marked.
    pub fn turned(mut self) -> Self {
        self.bits.iter_mut().for_each(|word| *word = !*word);
        self
    }

    /// Those that are not marked.
    pub fn missing(&self) -> impl Iterator<Item = usize> {
        (0..self.count).filter(|index| !self.has(*index))
    }
}
