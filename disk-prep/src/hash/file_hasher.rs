//! The digests of one file, fed from its first byte to its last. The state can be saved inside
//! a large file and taken up again later, so that resume never reads the beginning twice.

use sha2::block_api::compress256;

use super::lanes::md5_of_all;
use super::padding::{finished_md5, finished_sha256};
use crate::kernels::{
    MD5_START, Rung, SHA256_START, STEP_BLOCKS, advance_one, advance_three, has_three_at_once,
};
use crate::limits::BLOCK_BYTES;
use crate::noun::{Diagnose, ErrorKind, Md5Digest, Sha256Digest};

/// From this many whole blocks at hand on, their own chains run in vector lanes, if this CPU has
/// lanes and no faster loop.
const LANE_BLOCKS: usize = 4;
const STATE_VERSION: u8 = 1;

/// What one pass over a file yields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDigests {
    /// Bytes of the file.
    pub bytes: u64,
    /// MD5 of the whole file.
    pub md5: Md5Digest,
    /// SHA-256 of the whole file.
    pub sha256: Sha256Digest,
    /// MD5 of each block that [`FileHasher::take_blocks`] has not taken yet, in file order.
    pub blocks: Vec<Md5Digest>,
}

/// A saved state that cannot be taken up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RestoreError {
    /// Not the length of a saved state.
    #[error("A saved digest state has {expected} bytes, not {actual}", expected = FileHasher::STATE_BYTES)]
    Length {
        /// What was given, bytes.
        actual: usize,
    },
    /// Saved by a later program.
    #[error("The saved digest state has version {version}, which this program does not know")]
    Version {
        /// The version found.
        version: u8,
    },
}

impl Diagnose for RestoreError {
    fn code(&self) -> &'static str {
        match self {
            RestoreError::Length { .. } => "digest-state-length",
            RestoreError::Version { .. } => "digest-state-version",
        }
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Failed
    }
}

/// MD5 of each block, MD5 and SHA-256 of the whole, in one loop.
#[derive(Debug, Clone)]
pub struct FileHasher {
    /// Bytes that went through the kernels: whole 64-byte blocks.
    pub(super) compressed_bytes: u64,
    pub(super) block_md5: [u32; 4],
    pub(super) file_md5: [u32; 4],
    pub(super) sha256: [u32; 8],
    /// Bytes that wait for the rest of their 64.
    tail: [u8; 64],
    tail_bytes: usize,
    blocks: Vec<Md5Digest>,
}

impl Default for FileHasher {
    fn default() -> Self {
        FileHasher {
            compressed_bytes: 0,
            block_md5: MD5_START,
            file_md5: MD5_START,
            sha256: SHA256_START,
            tail: [0; 64],
            tail_bytes: 0,
            blocks: Vec::new(),
        }
    }
}

impl FileHasher {
    /// Bytes of a saved state: version, length, three chains, tail.
    pub const STATE_BYTES: usize = 1 + 8 + 16 + 16 + 32 + 64;

    /// Before the first byte.
    pub fn new() -> Self {
        FileHasher::default()
    }

    /// Bytes taken so far.
    pub fn bytes(&self) -> u64 {
        self.compressed_bytes + self.tail_bytes as u64
    }

    /// Takes the next bytes of the file. Fastest with several whole blocks at a time, from a
    /// block boundary on: their MD5s are then computed side by side.
    pub fn update(&mut self, bytes: &[u8]) {
        self.update_on(Rung::chosen(), bytes);
    }

    /// The same on some rung.
    pub(super) fn update_on(&mut self, rung: Rung, bytes: &[u8]) {
        let mut bytes = self.complete_tail(rung, bytes);
        let lane_blocks = bytes.len() / BLOCK_BYTES as usize;
        let has_lanes = rung > Rung::Portable && !has_three_at_once(rung);
        if has_lanes
            && lane_blocks >= LANE_BLOCKS
            && self.compressed_bytes.is_multiple_of(BLOCK_BYTES)
        {
            let (in_lanes, later) = bytes.split_at(lane_blocks * BLOCK_BYTES as usize);
            self.advance_in_lanes(in_lanes);
            bytes = later;
        }
        let (mut whole, rest) = bytes.as_chunks::<64>();
        while !whole.is_empty() {
            let to_block_end = (BLOCK_BYTES - self.compressed_bytes % BLOCK_BYTES) / 64;
            let count = STEP_BLOCKS.min(whole.len()).min(to_block_end as usize);
            let (step, later) = whole.split_at(count);
            self.advance(rung, step);
            whole = later;
        }
        if !rest.is_empty() {
            self.tail[..rest.len()].copy_from_slice(rest);
            self.tail_bytes = rest.len();
        }
    }

    /// Takes what completes the bytes that wait, and gives back what follows.
    pub(super) fn complete_tail<'a>(&mut self, rung: Rung, bytes: &'a [u8]) -> &'a [u8] {
        if self.tail_bytes == 0 {
            return bytes;
        }
        let (taken, later) = bytes.split_at(bytes.len().min(64 - self.tail_bytes));
        self.tail[self.tail_bytes..][..taken.len()].copy_from_slice(taken);
        self.tail_bytes += taken.len();
        if self.tail_bytes == 64 {
            self.tail_bytes = 0;
            let tail = [self.tail];
            self.advance(rung, &tail);
        }
        later
    }

    /// Runs the kernels over blocks that lie within one block of the file.
    fn advance(&mut self, rung: Rung, blocks: &[[u8; 64]]) {
        // Until the first block ends, the file's chain is the block's.
        let (mut md5, mut sha256) = ([self.block_md5, self.file_md5], self.sha256);
        advance_three(rung, &mut md5, &mut sha256, blocks);
        self.go_on(md5[0], md5[1], sha256, blocks.len() as u64);
    }

    /// The chains have gone on to these values over so many digest blocks, which lie within one
    /// block of the file.
    pub(super) fn go_on(
        &mut self,
        block_md5: [u32; 4],
        file_md5: [u32; 4],
        sha256: [u32; 8],
        count: u64,
    ) {
        (self.block_md5, self.file_md5, self.sha256) = (block_md5, file_md5, sha256);
        self.compressed_bytes += count * 64;
        if self.compressed_bytes.is_multiple_of(BLOCK_BYTES) {
            self.blocks.push(finished_md5(self.block_md5, &[], BLOCK_BYTES));
            self.block_md5 = MD5_START;
        }
    }

    /// The same for whole blocks of the file: only the whole-file chains go step by step.
    fn advance_in_lanes(&mut self, bytes: &[u8]) {
        let blocks: Vec<&[u8]> = bytes.chunks(BLOCK_BYTES as usize).collect();
        self.blocks.extend(md5_of_all(&blocks));
        for step in bytes.as_chunks::<64>().0.chunks(STEP_BLOCKS) {
            advance_one(&mut self.file_md5, step);
            compress256(&mut self.sha256, step);
        }
        self.compressed_bytes += bytes.len() as u64;
    }

    /// Takes the digests of the blocks that ended since the last call, for the journal.
    pub fn take_blocks(&mut self) -> Vec<Md5Digest> {
        std::mem::take(&mut self.blocks)
    }

    /// Ends the file; a short last block gets its digest, an empty file has no block.
    pub fn finish(mut self) -> FileDigests {
        let bytes = self.bytes();
        let tail = &self.tail[..self.tail_bytes];
        let last_block_bytes = bytes % BLOCK_BYTES;
        let md5 = finished_md5(self.file_md5, tail, bytes);
        if bytes == last_block_bytes && bytes > 0 {
            self.blocks.push(md5);
        } else if last_block_bytes > 0 {
            self.blocks.push(finished_md5(self.block_md5, tail, last_block_bytes));
        }
        FileDigests {
            bytes,
            md5,
            sha256: finished_sha256(self.sha256, tail, bytes),
            blocks: self.blocks,
        }
    }

    /// The state as bytes, little-endian, without the finished blocks' digests: those are the
    /// caller's to keep ([`FileHasher::take_blocks`]).
    pub fn save(&self) -> [u8; Self::STATE_BYTES] {
        let mut saved = [0; Self::STATE_BYTES];
        let words = self.block_md5.iter().chain(&self.file_md5).chain(&self.sha256);
        let fields = [STATE_VERSION]
            .into_iter()
            .chain(self.bytes().to_le_bytes())
            .chain(words.flat_map(|word| word.to_le_bytes()))
            .chain(self.tail[..self.tail_bytes].iter().copied());
        saved.iter_mut().zip(fields).for_each(|(slot, byte)| *slot = byte);
        saved
    }

    /// Takes up a saved state. Errors: wrong length or version; whether the bytes are undamaged
    /// is the business of the file that kept them.
    pub fn restore(saved: &[u8]) -> Result<Self, RestoreError> {
        let saved: &[u8; Self::STATE_BYTES] =
            saved.try_into().map_err(|_| RestoreError::Length { actual: saved.len() })?;
        let ([version], rest) = saved.split_first_chunk::<1>().expect("the length is checked");
        if *version != STATE_VERSION {
            return Err(RestoreError::Version { version: *version });
        }
        let (length, rest) = rest.split_first_chunk::<8>().expect("the length is checked");
        let (words, tail) = rest.split_first_chunk::<64>().expect("the length is checked");
        let mut words = words.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word));
        let mut word = || words.next().expect("64 bytes are 16 words");
        let bytes = u64::from_le_bytes(*length);
        let tail_bytes = (bytes % 64) as usize;
        Ok(FileHasher {
            compressed_bytes: bytes - tail_bytes as u64,
            block_md5: std::array::from_fn(|_| word()),
            file_md5: std::array::from_fn(|_| word()),
            sha256: std::array::from_fn(|_| word()),
            tail: tail.try_into().expect("the length is checked"),
            tail_bytes,
            blocks: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use md5::Md5;
    use sha2::{Digest, Sha256};

    fn pattern(length: usize) -> Vec<u8> {
        (0..length).map(|at| (at * 131 + at / 509) as u8).collect()
    }

    fn by_the_crates(bytes: &[u8]) -> FileDigests {
        FileDigests {
            bytes: bytes.len() as u64,
            md5: Md5Digest::new(Md5::digest(bytes).into()),
            sha256: Sha256Digest::new(Sha256::digest(bytes).into()),
            blocks: bytes
                .chunks(BLOCK_BYTES as usize)
                .map(|block| Md5Digest::new(Md5::digest(block).into()))
                .collect(),
        }
    }

    #[test]
    fn every_tail_length_has_the_digests_of_the_portable_crates() {
        let bytes = pattern(260);
        for length in 0..bytes.len() {
            let mut hasher = FileHasher::new();
            hasher.update(&bytes[..length]);
            assert_eq!(hasher.finish(), by_the_crates(&bytes[..length]), "{length} bytes");
        }
    }

    #[test]
    fn block_ends_fall_where_they_should_however_the_bytes_arrive() {
        let block = BLOCK_BYTES as usize;
        let bytes = pattern(9 * block + 100);
        for (length, piece) in [
            (block, block),
            (block - 1, 9_973),
            (block + 1, 65_536),
            (2 * block, 1_000_003),
            (2 * block + 100, 4_095),
            (9 * block + 100, 9 * block + 100),
            (9 * block + 100, 4 * block),
        ] {
            let mut hasher = FileHasher::new();
            bytes[..length].chunks(piece).for_each(|piece| hasher.update(piece));
            assert_eq!(hasher.finish(), by_the_crates(&bytes[..length]), "{length} by {piece}");
        }
    }

    #[test]
    fn a_saved_state_taken_up_again_ends_with_the_same_digests() {
        let block = BLOCK_BYTES as usize;
        let bytes = pattern(2 * block + 777);
        for cut in [0, 1, 63, 64, 4_000, block - 1, block, block + 65, 2 * block + 776] {
            let mut before = FileHasher::new();
            before.update(&bytes[..cut]);
            let saved = before.save();
            let mut blocks = before.take_blocks();
            let mut after = FileHasher::restore(&saved).unwrap();
            assert_eq!(after.bytes(), cut as u64);
            after.update(&bytes[cut..]);
            let mut digests = after.finish();
            blocks.append(&mut digests.blocks);
            digests.blocks = blocks;
            assert_eq!(digests, by_the_crates(&bytes), "cut at {cut}");
        }
    }

    #[test]
    fn a_state_of_another_length_or_version_is_refused() {
        let short = FileHasher::restore(&[1; 9]).unwrap_err();
        assert_eq!(
            (short, short.code()),
            (RestoreError::Length { actual: 9 }, "digest-state-length")
        );
        let mut saved = FileHasher::new().save();
        saved[0] = 7;
        let later = FileHasher::restore(&saved).unwrap_err();
        assert_eq!(later, RestoreError::Version { version: 7 });
        assert_eq!(later.code(), "digest-state-version");
    }
}
