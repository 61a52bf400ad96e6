//! MD5 (RFC 1321) over whole 64-byte blocks, as one chain or as two chains over the same bytes.
//! MD5 is bound by latency, so the second chain (whole file beside block) is nearly free when
//! both run in one loop. Padding and buffering are the caller's.

/// The state before the first byte (RFC 1321, 3.3).
pub const MD5_START: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// Advances one chain over `blocks`.
pub fn advance_one(state: &mut [u32; 4], blocks: &[[u8; 64]]) {
    md5_simd::hazmat::compress_blocks(state, blocks.as_flattened());
}

/// Advances two chains over the same `blocks` in one loop.
pub fn advance_two(first: &mut [u32; 4], second: &mut [u32; 4], blocks: &[[u8; 64]]) {
    for block in blocks {
        let words: [u32; 16] = std::array::from_fn(|at| {
            u32::from_le_bytes([
                block[at * 4],
                block[at * 4 + 1],
                block[at * 4 + 2],
                block[at * 4 + 3],
            ])
        });
        let sums = compress_two([*first, *second], &words);
        for (state, sum) in [(&mut *first, sums[0]), (&mut *second, sums[1])] {
            state.iter_mut().zip(sum).for_each(|(word, sum)| *word = word.wrapping_add(sum));
        }
    }
}

/// One step for both chains: the round function, the word and constant, the rotation.
macro_rules! step {
    ($round:ident, $chains:ident, $a:literal $b:literal $c:literal $d:literal,
     $word:expr, $constant:literal, $shift:literal) => {
        let addend = $word.wrapping_add($constant);
        for chain in &mut $chains {
            let mixed = $round(chain[$b], chain[$c], chain[$d]);
            chain[$a] = chain[$a]
                .wrapping_add(addend)
                .wrapping_add(mixed)
                .rotate_left($shift)
                .wrapping_add(chain[$b]);
        }
    };
}

/// Four steps, after which the registers have turned full circle.
macro_rules! turn {
    ($round:ident, $chains:ident, $words:ident, [$($shift:literal)*], $($word:literal $constant:literal),*) => {
        turn!(@ $round $chains $words [$($shift)*] [$($word $constant)*]);
    };
    (@ $round:ident $chains:ident $words:ident [$s0:literal $s1:literal $s2:literal $s3:literal]
       [$w0:literal $k0:literal $w1:literal $k1:literal $w2:literal $k2:literal $w3:literal $k3:literal]) => {
        step!($round, $chains, 0 1 2 3, $words[$w0], $k0, $s0);
        step!($round, $chains, 3 0 1 2, $words[$w1], $k1, $s1);
        step!($round, $chains, 2 3 0 1, $words[$w2], $k2, $s2);
        step!($round, $chains, 1 2 3 0, $words[$w3], $k3, $s3);
    };
}

#[inline(always)]
fn choose(b: u32, c: u32, d: u32) -> u32 {
    d ^ (b & (c ^ d))
}

#[inline(always)]
fn choose_by_last(b: u32, c: u32, d: u32) -> u32 {
    // The two halves share no bit, so a sum serves, and the half without `b` is ready early.
    (b & d).wrapping_add(c & !d)
}

#[inline(always)]
fn parity(b: u32, c: u32, d: u32) -> u32 {
    b ^ (c ^ d)
}

#[inline(always)]
fn mix(b: u32, c: u32, d: u32) -> u32 {
    c ^ (b | !d)
}

#[inline(always)]
fn compress_two(mut chains: [[u32; 4]; 2], words: &[u32; 16]) -> [[u32; 4]; 2] {
    turn!(choose, chains, words, [7 12 17 22], 0 0xd76a_a478, 1 0xe8c7_b756, 2 0x2420_70db, 3 0xc1bd_ceee);
    turn!(choose, chains, words, [7 12 17 22], 4 0xf57c_0faf, 5 0x4787_c62a, 6 0xa830_4613, 7 0xfd46_9501);
    turn!(choose, chains, words, [7 12 17 22], 8 0x6980_98d8, 9 0x8b44_f7af, 10 0xffff_5bb1, 11 0x895c_d7be);
    turn!(choose, chains, words, [7 12 17 22], 12 0x6b90_1122, 13 0xfd98_7193, 14 0xa679_438e, 15 0x49b4_0821);
    turn!(choose_by_last, chains, words, [5 9 14 20], 1 0xf61e_2562, 6 0xc040_b340, 11 0x265e_5a51, 0 0xe9b6_c7aa);
    turn!(choose_by_last, chains, words, [5 9 14 20], 5 0xd62f_105d, 10 0x0244_1453, 15 0xd8a1_e681, 4 0xe7d3_fbc8);
    turn!(choose_by_last, chains, words, [5 9 14 20], 9 0x21e1_cde6, 14 0xc337_07d6, 3 0xf4d5_0d87, 8 0x455a_14ed);
    turn!(choose_by_last, chains, words, [5 9 14 20], 13 0xa9e3_e905, 2 0xfcef_a3f8, 7 0x676f_02d9, 12 0x8d2a_4c8a);
    turn!(parity, chains, words, [4 11 16 23], 5 0xfffa_3942, 8 0x8771_f681, 11 0x6d9d_6122, 14 0xfde5_380c);
    turn!(parity, chains, words, [4 11 16 23], 1 0xa4be_ea44, 4 0x4bde_cfa9, 7 0xf6bb_4b60, 10 0xbebf_bc70);
    turn!(parity, chains, words, [4 11 16 23], 13 0x289b_7ec6, 0 0xeaa1_27fa, 3 0xd4ef_3085, 6 0x0488_1d05);
    turn!(parity, chains, words, [4 11 16 23], 9 0xd9d4_d039, 12 0xe6db_99e5, 15 0x1fa2_7cf8, 2 0xc4ac_5665);
    turn!(mix, chains, words, [6 10 15 21], 0 0xf429_2244, 7 0x432a_ff97, 14 0xab94_23a7, 5 0xfc93_a039);
    turn!(mix, chains, words, [6 10 15 21], 12 0x655b_59c3, 3 0x8f0c_cc92, 10 0xffef_f47d, 1 0x8584_5dd1);
    turn!(mix, chains, words, [6 10 15 21], 8 0x6fa8_7e4f, 15 0xfe2c_e6e0, 6 0xa301_4314, 13 0x4e08_11a1);
    turn!(mix, chains, words, [6 10 15 21], 4 0xf753_7e82, 11 0xbd3a_f235, 2 0x2ad7_d2bb, 9 0xeb86_d391);
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
