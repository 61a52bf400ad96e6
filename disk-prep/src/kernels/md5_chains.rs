//! MD5 (RFC 1321) over whole 64-byte blocks, as one chain or as two chains over the same bytes.
//! MD5 is bound by latency, so the second chain (whole file beside block) is nearly free when
//! both run in one loop. Padding and buffering are the caller's.

use super::md5_steps::md5_steps;

/// The state before the first byte (RFC 1321, 3.3).
pub const MD5_START: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// Advances one chain over `blocks`.
pub fn advance_one(state: &mut [u32; 4], blocks: &[[u8; 64]]) {
    md5_simd::hazmat::compress_blocks(state, blocks.as_flattened());
}

/// Advances two chains over the same `blocks` in one loop.
pub fn advance_two(first: &mut [u32; 4], second: &mut [u32; 4], blocks: &[[u8; 64]]) {
    for block in blocks {
        let sums = compress_two([*first, *second], &words_of(block));
        for (state, sum) in [(&mut *first, sums[0]), (&mut *second, sums[1])] {
            state.iter_mut().zip(sum).for_each(|(word, sum)| *word = word.wrapping_add(sum));
        }
    }
}

/// The words of a block.
#[inline(always)]
pub(super) fn words_of(block: &[u8; 64]) -> [u32; 16] {
    std::array::from_fn(|at| {
        u32::from_le_bytes([block[at * 4], block[at * 4 + 1], block[at * 4 + 2], block[at * 4 + 3]])
    })
}

#[inline(always)]
pub(super) fn add(a: u32, b: u32) -> u32 {
    a.wrapping_add(b)
}

/// The same word, which the compiler must have come to.
#[inline(always)]
pub(super) fn settled(a: u32) -> u32 {
    #[cfg(target_arch = "x86_64")]
    {
        let mut a = a;
        // SAFETY: there is no instruction in it.
        #[expect(unsafe_code, reason = "the order of sums cannot be told otherwise")]
        unsafe {
            std::arch::asm!("/* {0:e} */", inout(reg) a, options(pure, nomem, nostack, preserves_flags));
        }
        a
    }
    #[cfg(not(target_arch = "x86_64"))]
    a
}

#[inline(always)]
pub(super) fn splat(word: u32) -> u32 {
    word
}

#[inline(always)]
pub(super) fn rotated<const LEFT: u32, const RIGHT: u32>(a: u32) -> u32 {
    a.rotate_left(LEFT)
}

#[inline(always)]
pub(super) fn choose(b: u32, c: u32, d: u32) -> u32 {
    d ^ (b & (c ^ d))
}

#[inline(always)]
pub(super) fn choose_by_last(b: u32, c: u32, d: u32) -> u32 {
    // The two halves share no bit, so a sum serves, and the half without `b` is ready early.
    (b & d).wrapping_add(c & !d)
}

#[inline(always)]
pub(super) fn parity(b: u32, c: u32, d: u32) -> u32 {
    b ^ (c ^ d)
}

#[inline(always)]
pub(super) fn mix(b: u32, c: u32, d: u32) -> u32 {
    c ^ (b | !d)
}

#[inline(always)]
fn compress_two(mut chains: [[u32; 4]; 2], words: &[u32; 16]) -> [[u32; 4]; 2] {
    md5_steps!(chains, words);
    chains
}

#[cfg(test)]
mod tests {
    use super::*;
    use md5::block_api::compress;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
        #[test]
        fn one_chain_and_two_chains_equal_the_portable_crate(
            first: [u32; 4], second: [u32; 4], bytes in proptest::collection::vec(any::<u8>(), 0..900),
        ) {
            let (blocks, _) = bytes.as_chunks::<64>();
            let (mut expected_first, mut expected_second) = (first, second);
            compress(&mut expected_first, blocks);
            compress(&mut expected_second, blocks);
            let (mut one, mut left, mut right) = (first, first, second);
            advance_one(&mut one, blocks);
            advance_two(&mut left, &mut right, blocks);
            prop_assert_eq!(one, expected_first);
            prop_assert_eq!(left, expected_first);
            prop_assert_eq!(right, expected_second);
        }
    }
}
