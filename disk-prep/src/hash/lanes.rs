//! MD5 of many blocks at once: independent messages fill the lanes of the CPU's vector
//! registers. For readers that need block digests only, such as verification.

use crate::limits::BLOCK_BYTES;
use crate::noun::Md5Digest;

/// How many messages of equal length are hashed at a time on this CPU.
pub fn lane_count() -> usize {
    md5_simd::runtime_lanes()
}

/// MD5 of each block of `bytes`, which begins at a block boundary of its file; the last block
/// may be short. Best given [`lane_count`] whole blocks a call.
pub fn block_digests(bytes: &[u8]) -> Vec<Md5Digest> {
    let blocks: Vec<&[u8]> = bytes.chunks(BLOCK_BYTES as usize).collect();
    let mut digests = vec![[0u8; 16]; blocks.len()];
    md5_simd::md5_many(&blocks, &mut digests);
    digests.into_iter().map(Md5Digest::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use md5::{Digest, Md5};

    #[test]
    fn blocks_in_lanes_have_the_digests_of_the_portable_crate() {
        let bytes: Vec<u8> =
            (0..9 * BLOCK_BYTES as usize + 77).map(|at| (at * 31 + at / 4099) as u8).collect();
        for length in [0, 1, 4 << 20, bytes.len()] {
            let expected: Vec<Md5Digest> = bytes[..length]
                .chunks(4 << 20)
                .map(|block| Md5Digest::new(Md5::digest(block).into()))
                .collect();
            assert_eq!(block_digests(&bytes[..length]), expected);
        }
    }
}
