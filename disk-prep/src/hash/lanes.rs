//! MD5 of many whole blocks of one file: they are independent messages, each in a lane.

use super::file_hasher::finished_md5;
use crate::kernels::{MD5_START, Md5Lane, Rung, advance_md5_lanes, md5_lane_count};
use crate::limits::BLOCK_BYTES;
use crate::noun::Md5Digest;

/// Digest blocks of 64 bytes that every lane goes over before the next ones.
const STEP_BLOCKS: usize = 256;

/// MD5 of each whole block of `bytes`, which begins at a block boundary of its file and ends at
/// one.
pub fn block_digests(bytes: &[u8]) -> Vec<Md5Digest> {
    let rung = Rung::chosen();
    let blocks: Vec<&[[u8; 64]]> =
        bytes.chunks_exact(BLOCK_BYTES as usize).map(|block| block.as_chunks().0).collect();
    let mut digests = Vec::with_capacity(blocks.len());
    for group in blocks.chunks(md5_lane_count(rung)) {
        let mut chains = vec![[MD5_START; 2]; group.len()];
        for at in (0..BLOCK_BYTES as usize / 64).step_by(STEP_BLOCKS) {
            let own = group.iter().zip(&chains);
            let mut lanes: Vec<Md5Lane<'_>> = own
                .map(|(block, &chains)| Md5Lane { chains, blocks: &block[at..at + STEP_BLOCKS] })
                .collect();
            advance_md5_lanes(rung, &mut lanes, false);
            chains = lanes.into_iter().map(|lane| lane.chains).collect();
        }
        digests.extend(chains.iter().map(|[chain, _]| finished_md5(*chain, &[], BLOCK_BYTES)));
    }
    digests
}

#[cfg(test)]
mod tests {
    use super::*;
    use md5::{Digest, Md5};

    #[test]
    fn blocks_in_lanes_have_the_digests_of_the_portable_crate() {
        let block = BLOCK_BYTES as usize;
        let bytes: Vec<u8> = (0..18 * block).map(|at| (at * 31 + at / 4099) as u8).collect();
        for count in [0, 1, 2, 9, 18] {
            let whole = &bytes[..count * block];
            let expected: Vec<Md5Digest> = whole
                .chunks(block)
                .map(|block| Md5Digest::new(Md5::digest(block).into()))
                .collect();
            assert_eq!(block_digests(whole), expected);
        }
    }
}
