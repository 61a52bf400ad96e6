//! The digest table of a point: a SHA-256 of each 4 MiB block, so that a point can be proven when the
//! disk's snapshot that it was made of is long gone. Little-endian; 64 bytes of header, then 32 bytes a
//! block, zeros for a block that holds nothing.

use disk_prep::hash::sha256_of_all;
use disk_prep::limits::PAGE_WRITE_BYTES;
use sha2::{Digest, Sha256};

const MAGIC: &[u8; 8] = b"azsdpt01";
const FORM: u32 = 1;
const HEADER: usize = 64;
/// Bytes of a block; the last one of a disk may be shorter.
pub const BLOCK_BYTES: u64 = PAGE_WRITE_BYTES;

/// The digest of a block that holds nothing.
pub const NOTHING: BlockSum = [0; 32];

/// A SHA-256, or zeros.
pub type BlockSum = [u8; 32];

/// Digests of all blocks of a point.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    bytes: u64,
    blocks: Vec<BlockSum>,
}

/// Why a table is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TableFault {
    /// It does not begin as one.
    #[error("it is no digest table in a form that this program knows")]
    Form,
    /// Its length is not what it says.
    #[error("its length is not what it says")]
    Length,
    /// Its own digest is another.
    #[error("it was changed: its own digest is another")]
    Digest,
}

/// The digest of a block's content.
pub fn sum(content: &[u8]) -> BlockSum {
    if is_nothing(content) { NOTHING } else { Sha256::digest(content).into() }
}

/// The digests of several blocks, in their order; faster than one after the other.
pub fn sums(contents: &[&[u8]]) -> Vec<BlockSum> {
    let are_nothing: Vec<bool> = contents.iter().map(|own| is_nothing(own)).collect();
    let full = contents.iter().zip(&are_nothing).filter(|(_, is_nothing)| !**is_nothing);
    let full: Vec<&[u8]> = full.map(|(own, _)| *own).collect();
    let mut digests = sha256_of_all(&full).into_iter();
    let own = |is_nothing: bool| match is_nothing {
        true => NOTHING,
        false => digests.next().map_or(NOTHING, |own| *own.bytes()),
    };
    are_nothing.into_iter().map(own).collect()
}

/// Whether a content is all zeros; looked at piece by piece, as a CPU does it at once.
fn is_nothing(content: &[u8]) -> bool {
    content.chunks(4096).all(|piece| piece.iter().fold(0, |all, byte| all | byte) == 0)
}

/// How many blocks a disk of this length has.
pub fn block_count(bytes: u64) -> usize {
    usize::try_from(bytes.div_ceil(BLOCK_BYTES)).unwrap_or(usize::MAX)
}

impl Table {
    /// A table of a disk that holds nothing.
    pub fn empty(bytes: u64) -> Self {
        Table { bytes, blocks: vec![NOTHING; block_count(bytes)] }
    }

    /// The disk's length.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Says what a block holds.
    pub fn set(&mut self, block: usize, sum: BlockSum) {
        if let Some(own) = self.blocks.get_mut(block) {
            *own = sum;
        }
    }

    /// Its blocks' digests.
    pub fn blocks(&self) -> &[BlockSum] {
        &self.blocks
    }

    /// As it is kept.
    pub fn encode(&self) -> Vec<u8> {
        let rest: Vec<u8> = self.blocks.concat();
        let mut text = Vec::with_capacity(HEADER + rest.len());
        text.extend_from_slice(MAGIC);
        text.extend_from_slice(&FORM.to_le_bytes());
        text.extend_from_slice(&u32::try_from(BLOCK_BYTES).unwrap_or(u32::MAX).to_le_bytes());
        text.extend_from_slice(&self.bytes.to_le_bytes());
        text.extend_from_slice(&(self.blocks.len() as u64).to_le_bytes());
        text.extend_from_slice(&Sha256::digest(&rest));
        text.extend_from_slice(&rest);
        text
    }

    /// Reads one.
    pub fn parse(text: &[u8]) -> Result<Self, TableFault> {
        let (head, rest) = text.split_at_checked(HEADER).ok_or(TableFault::Form)?;
        let number = |at: usize, size: usize| {
            let bytes = head.get(at..at + size).unwrap_or_default();
            bytes.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
        };
        let is_form = head.starts_with(MAGIC)
            && number(8, 4) == u64::from(FORM)
            && number(12, 4) == BLOCK_BYTES;
        if !is_form {
            return Err(TableFault::Form);
        }
        let (bytes, count) = (number(16, 8), number(24, 8));
        let (blocks, []) = rest.as_chunks::<32>() else { return Err(TableFault::Length) };
        if count != bytes.div_ceil(BLOCK_BYTES) || blocks.len() as u64 != count {
            return Err(TableFault::Length);
        }
        if head.get(32..) != Some(&Sha256::digest(rest)[..]) {
            return Err(TableFault::Digest);
        }
        Ok(Table { bytes, blocks: blocks.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_table_is_64_bytes_and_32_a_block_and_zeros_are_zeros() {
        let mut table = Table::empty(2 * BLOCK_BYTES + 512);
        table.set(1, sum(b"content"));
        let text = table.encode();
        assert_eq!(text.len(), 64 + 3 * 32);
        assert!(text[64..96].iter().all(|byte| *byte == 0));
        assert_eq!(Table::parse(&text), Ok(table));
        assert_eq!(sum(&[0; 4096]), NOTHING);
        let (full, mut last) = ([7; 9000], [0; 9000]);
        last[8999] = 1;
        let all: [&[u8]; 5] = [&[0; 9000], &full, &[], &last, b"x"];
        assert_eq!(sums(&all), all.map(sum));
    }

    proptest! {
        #[test]
        fn whatever_byte_is_another_is_seen(at in 0_usize..160, other in 1_u8..=255) {
            let mut table = Table::empty(2 * BLOCK_BYTES + 512);
            table.set(0, sum(b"one"));
            let mut text = table.encode();
            text[at] ^= other;
            // The disk's length has no digest; who compares sees that it is another.
            if let Ok(read) = Table::parse(&text) {
                prop_assert!((16..24).contains(&at) && read.bytes() != table.bytes());
            }
        }

        #[test]
        fn whatever_is_read_is_a_table_or_none(text in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Table::parse(&text).is_err());
            let mut long = MAGIC.to_vec();
            long.extend_from_slice(&text);
            prop_assert!(Table::parse(&long).is_err());
        }
    }
}
