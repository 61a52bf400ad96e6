//! The blocks that the manifest names, read from the drive one behind the other and hashed many at
//! a time.

use std::ops::Range;

use super::difference::Difference;
use crate::hash::md5_of_all;
use crate::manifest::ManifestRange;
use crate::sys::aligned::AlignedBuffer;
use crate::volume::view::FoundFiles;

/// Blocks at hand: sixteen of the largest fill the widest lanes.
const ARENA_BYTES: usize = 64 << 20;
const PAGE_BYTES: usize = 4096;

/// Blocks that were read and are not compared yet.
pub(super) struct Blocks<'a> {
    files: &'a FoundFiles,
    arena: AlignedBuffer,
    used: usize,
    /// Files by their numbers, and where their ranges lie in the arena.
    read: Vec<(usize, ManifestRange, Range<usize>)>,
}

impl<'a> Blocks<'a> {
    /// Nothing yet of these files.
    pub fn new(files: &'a FoundFiles) -> Self {
        Blocks { files, arena: AlignedBuffer::zeroed(ARENA_BYTES), used: 0, read: Vec::new() }
    }

    /// Takes a block that `read` reads; those before it are compared when there is no room. A block
    /// that cannot be read leaves no trace.
    pub fn take<E>(
        &mut self,
        file: usize,
        range: ManifestRange,
        differences: &mut Vec<Difference>,
        read: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let bytes = range.bytes as usize;
        // Whole blocks at a page's beginning are read past the page cache.
        self.used = self.used.next_multiple_of(PAGE_BYTES);
        if self.used + bytes > ARENA_BYTES {
            self.compare(differences);
        }
        let place = self.used..self.used + bytes;
        read(&mut self.arena[place.clone()])?;
        self.used = place.end;
        self.read.push((file, range, place));
        Ok(())
    }

    /// Compares what was read.
    pub fn compare(&mut self, differences: &mut Vec<Difference>) {
        let messages: Vec<&[u8]> =
            self.read.iter().map(|(_, _, place)| &self.arena[place.clone()]).collect();
        for ((file, range, _), digest) in self.read.iter().zip(md5_of_all(&messages)) {
            if digest != range.digest {
                let (path, offset, bytes) = (self.files.path(*file), range.offset, range.bytes);
                differences.push(Difference::Block { path, offset, bytes });
            }
        }
        self.read.clear();
        self.used = 0;
    }
}
