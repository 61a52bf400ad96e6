//! MD5 (RFC 1321) of many messages at once, each in a lane of the CPU's vectors, as one chain or
//! as two chains over the same bytes: a message alone is bound by latency, lanes are nearly free.

use super::ladder::Rung;
use super::md5_chains::{advance_one, advance_two};

/// One message in its lane.
#[derive(Debug)]
pub struct Md5Lane<'a> {
    /// Its chains; the second is used only when two are asked for.
    pub chains: [[u32; 4]; 2],
    /// Its next blocks; of the same number in all lanes.
    pub blocks: &'a [[u8; 64]],
}

/// Messages that fill all lanes of a rung.
pub fn md5_lane_count(rung: Rung) -> usize {
    match rung {
        Rung::Avx512 => 16,
        Rung::Avx2 => 8,
        Rung::Portable => 1,
    }
}

/// Advances the first chain of each lane over the lane's blocks, or both chains.
///
/// # Panics
/// If lanes have different numbers of blocks.
pub fn advance_md5_lanes(rung: Rung, lanes: &mut [Md5Lane<'_>], has_two: bool) {
    let count = lanes.first().map_or(0, |lane| lane.blocks.len());
    assert!(lanes.iter().all(|lane| lane.blocks.len() == count), "lanes go side by side");
    for group in lanes.chunks_mut(md5_lane_count(rung)) {
        match rung {
            #[cfg(target_arch = "x86_64")]
            Rung::Avx512 if group.len() > 8 => avx512::advance(group, has_two),
            // A short vector is faster than half of a long one.
            #[cfg(target_arch = "x86_64")]
            Rung::Avx512 | Rung::Avx2 if group.len() > 2 => avx2::advance(group, has_two),
            _ => group.iter_mut().for_each(|lane| advance_scalar(lane, has_two)),
        }
    }
}

fn advance_scalar(lane: &mut Md5Lane<'_>, has_two: bool) {
    let [first, second] = &mut lane.chains;
    match has_two {
        true => advance_two(first, second, lane.blocks),
        false => advance_one(first, lane.blocks),
    }
}

/// What is the same for every width: lanes in, vectors through the steps, lanes out.
#[cfg(target_arch = "x86_64")]
macro_rules! md5_width {
    ($lanes:literal, $vector:ty, $features:literal) => {
        const LANES: usize = $lanes;

        /// Advances up to all lanes; the caller has seen that the CPU has the features.
        pub fn advance(lanes: &mut [Md5Lane<'_>], has_two: bool) {
            // SAFETY: the rung was chosen because the CPU has these features, or has wider ones.
            #[expect(unsafe_code, reason = "the features are looked at when the rung is chosen")]
            unsafe {
                if has_two { all::<2>(lanes) } else { all::<1>(lanes) }
            }
        }

        #[target_feature(enable = $features)]
        fn all<const CHAINS: usize>(lanes: &mut [Md5Lane<'_>]) {
            // A lane that nobody uses goes over the first one's bytes.
            let blocks: [&[[u8; 64]]; LANES] =
                std::array::from_fn(|lane| lanes.get(lane).unwrap_or(&lanes[0]).blocks);
            let mut chains: [[$vector; 4]; CHAINS] = std::array::from_fn(|chain| {
                std::array::from_fn(|word| {
                    gather(std::array::from_fn(|lane| {
                        lanes.get(lane).map_or(0, |lane| lane.chains[chain][word])
                    }))
                })
            });
            for at in 0..blocks[0].len() {
                let words = words(std::array::from_fn(|lane| &blocks[lane][at]));
                let before = chains;
                md5_steps!(chains, words);
                for (chain, before) in chains.iter_mut().zip(before) {
                    for (word, before) in chain.iter_mut().zip(before) {
                        *word = add(*word, before);
                    }
                }
            }
            for (chain, vectors) in chains.into_iter().enumerate() {
                for (word, vector) in vectors.into_iter().enumerate() {
                    for (lane, value) in lanes.iter_mut().zip(scattered(vector)) {
                        lane.chains[chain][word] = value;
                    }
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::asm;
    use std::arch::x86_64::{
        __m512i, _mm512_add_epi32, _mm512_loadu_si512, _mm512_rol_epi32, _mm512_set1_epi32,
        _mm512_setzero_si512, _mm512_shuffle_i32x4, _mm512_storeu_si512, _mm512_ternarylogic_epi32,
        _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
    };

    use super::Md5Lane;
    use crate::kernels::md5_steps::md5_steps;

    md5_width!(16, __m512i, "avx512f");

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn add(a: __m512i, b: __m512i) -> __m512i {
        _mm512_add_epi32(a, b)
    }

    /// The same vector, which the compiler must have come to.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn settled(mut a: __m512i) -> __m512i {
        // SAFETY: there is no instruction in it.
        #[expect(unsafe_code, reason = "the order of sums cannot be told otherwise")]
        unsafe {
            asm!("/* {0} */", inout(zmm_reg) a, options(pure, nomem, nostack, preserves_flags));
        }
        a
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn splat(word: u32) -> __m512i {
        _mm512_set1_epi32(word.cast_signed())
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn rotated<const LEFT: i32, const RIGHT: i32>(a: __m512i) -> __m512i {
        _mm512_rol_epi32::<LEFT>(a)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn choose(b: __m512i, c: __m512i, d: __m512i) -> __m512i {
        _mm512_ternarylogic_epi32::<0xca>(b, c, d)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn choose_by_last(b: __m512i, c: __m512i, d: __m512i) -> __m512i {
        _mm512_ternarylogic_epi32::<0xca>(d, b, c)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn parity(b: __m512i, c: __m512i, d: __m512i) -> __m512i {
        _mm512_ternarylogic_epi32::<0x96>(b, c, d)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn mix(b: __m512i, c: __m512i, d: __m512i) -> __m512i {
        _mm512_ternarylogic_epi32::<0x39>(b, c, d)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn gather(words: [u32; LANES]) -> __m512i {
        // SAFETY: the array has the vector's 64 bytes; the load asks for no alignment.
        #[expect(unsafe_code, reason = "a load takes a pointer")]
        unsafe {
            _mm512_loadu_si512(words.as_ptr().cast())
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn scattered(vector: __m512i) -> [u32; LANES] {
        let mut words = [0; LANES];
        // SAFETY: the array has the vector's 64 bytes; the store asks for no alignment.
        #[expect(unsafe_code, reason = "a store takes a pointer")]
        unsafe {
            _mm512_storeu_si512(words.as_mut_ptr().cast(), vector);
        }
        words
    }

    /// Word `n` of all lanes in vector `n`: a block a lane, turned by 45 degrees.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn words(blocks: [&[u8; 64]; LANES]) -> [__m512i; 16] {
        // A loop, since what `map` calls is not compiled for these vectors.
        let mut rows = [_mm512_setzero_si512(); 16];
        for (row, block) in rows.iter_mut().zip(blocks) {
            // SAFETY: each block has the vector's 64 bytes; the load asks for no alignment.
            #[expect(unsafe_code, reason = "a load takes a pointer")]
            let loaded = unsafe { _mm512_loadu_si512(block.as_ptr().cast()) };
            *row = loaded;
        }
        // Pairs of words, then pairs of pairs, inside each quarter.
        let mut pairs = rows;
        for at in 0..8 {
            pairs[2 * at] = _mm512_unpacklo_epi32(rows[2 * at], rows[2 * at + 1]);
            pairs[2 * at + 1] = _mm512_unpackhi_epi32(rows[2 * at], rows[2 * at + 1]);
        }
        let mut fours = pairs;
        for at in 0..4 {
            fours[4 * at] = _mm512_unpacklo_epi64(pairs[4 * at], pairs[4 * at + 2]);
            fours[4 * at + 1] = _mm512_unpackhi_epi64(pairs[4 * at], pairs[4 * at + 2]);
            fours[4 * at + 2] = _mm512_unpacklo_epi64(pairs[4 * at + 1], pairs[4 * at + 3]);
            fours[4 * at + 3] = _mm512_unpackhi_epi64(pairs[4 * at + 1], pairs[4 * at + 3]);
        }
        // `fours[4 g + w]` has, in quarter q, word 4 q + w of lanes 4 g to 4 g + 3.
        let mut words = fours;
        for word in 0..4 {
            let [a, b, c, d] = [fours[word], fours[4 + word], fours[8 + word], fours[12 + word]];
            let (low_ab, high_ab) =
                (_mm512_shuffle_i32x4::<0x44>(a, b), _mm512_shuffle_i32x4::<0xee>(a, b));
            let (low_cd, high_cd) =
                (_mm512_shuffle_i32x4::<0x44>(c, d), _mm512_shuffle_i32x4::<0xee>(c, d));
            words[word] = _mm512_shuffle_i32x4::<0x88>(low_ab, low_cd);
            words[4 + word] = _mm512_shuffle_i32x4::<0xdd>(low_ab, low_cd);
            words[8 + word] = _mm512_shuffle_i32x4::<0x88>(high_ab, high_cd);
            words[12 + word] = _mm512_shuffle_i32x4::<0xdd>(high_ab, high_cd);
        }
        words
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::asm;
    use std::arch::x86_64::{
        __m256i, _mm256_add_epi32, _mm256_and_si256, _mm256_loadu_si256, _mm256_or_si256,
        _mm256_permute2x128_si256, _mm256_set1_epi32, _mm256_setzero_si256, _mm256_slli_epi32,
        _mm256_srli_epi32, _mm256_storeu_si256, _mm256_unpackhi_epi32, _mm256_unpackhi_epi64,
        _mm256_unpacklo_epi32, _mm256_unpacklo_epi64, _mm256_xor_si256,
    };

    use super::Md5Lane;
    use crate::kernels::md5_steps::md5_steps;

    md5_width!(8, __m256i, "avx2");

    #[inline]
    #[target_feature(enable = "avx2")]
    fn add(a: __m256i, b: __m256i) -> __m256i {
        _mm256_add_epi32(a, b)
    }

    /// The same vector, which the compiler must have come to.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn settled(mut a: __m256i) -> __m256i {
        // SAFETY: there is no instruction in it.
        #[expect(unsafe_code, reason = "the order of sums cannot be told otherwise")]
        unsafe {
            asm!("/* {0} */", inout(ymm_reg) a, options(pure, nomem, nostack, preserves_flags));
        }
        a
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn splat(word: u32) -> __m256i {
        _mm256_set1_epi32(word.cast_signed())
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn rotated<const LEFT: i32, const RIGHT: i32>(a: __m256i) -> __m256i {
        _mm256_or_si256(_mm256_slli_epi32::<LEFT>(a), _mm256_srli_epi32::<RIGHT>(a))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn choose(b: __m256i, c: __m256i, d: __m256i) -> __m256i {
        _mm256_xor_si256(d, _mm256_and_si256(b, _mm256_xor_si256(c, d)))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn choose_by_last(b: __m256i, c: __m256i, d: __m256i) -> __m256i {
        choose(d, b, c)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn parity(b: __m256i, c: __m256i, d: __m256i) -> __m256i {
        _mm256_xor_si256(_mm256_xor_si256(b, c), d)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn mix(b: __m256i, c: __m256i, d: __m256i) -> __m256i {
        let not_d = _mm256_xor_si256(d, _mm256_set1_epi32(-1));
        _mm256_xor_si256(c, _mm256_or_si256(b, not_d))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn gather(words: [u32; LANES]) -> __m256i {
        // SAFETY: the array has the vector's 32 bytes; the load asks for no alignment.
        #[expect(unsafe_code, reason = "a load takes a pointer")]
        unsafe {
            _mm256_loadu_si256(words.as_ptr().cast())
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn scattered(vector: __m256i) -> [u32; LANES] {
        let mut words = [0; LANES];
        // SAFETY: the array has the vector's 32 bytes; the store asks for no alignment.
        #[expect(unsafe_code, reason = "a store takes a pointer")]
        unsafe {
            _mm256_storeu_si256(words.as_mut_ptr().cast(), vector);
        }
        words
    }

    /// Word `n` of all lanes in vector `n`.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn words(blocks: [&[u8; 64]; LANES]) -> [__m256i; 16] {
        let mut words = [_mm256_setzero_si256(); 16];
        words[..8].copy_from_slice(&turned(half::<0>(blocks)));
        words[8..].copy_from_slice(&turned(half::<32>(blocks)));
        words
    }

    /// Half of each block, from its byte `AT` on.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn half<const AT: usize>(blocks: [&[u8; 64]; LANES]) -> [__m256i; LANES] {
        // A loop, since what `map` calls is not compiled for these vectors.
        let mut rows = [_mm256_setzero_si256(); LANES];
        for (row, block) in rows.iter_mut().zip(blocks) {
            // SAFETY: each half of a block has the vector's 32 bytes; the load asks for no
            // alignment.
            #[expect(unsafe_code, reason = "a load takes a pointer")]
            let loaded = unsafe { _mm256_loadu_si256(block[AT..].as_ptr().cast()) };
            *row = loaded;
        }
        rows
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn turned(rows: [__m256i; 8]) -> [__m256i; 8] {
        let mut pairs = rows;
        for at in 0..4 {
            pairs[2 * at] = _mm256_unpacklo_epi32(rows[2 * at], rows[2 * at + 1]);
            pairs[2 * at + 1] = _mm256_unpackhi_epi32(rows[2 * at], rows[2 * at + 1]);
        }
        let mut fours = pairs;
        for at in 0..2 {
            fours[4 * at] = _mm256_unpacklo_epi64(pairs[4 * at], pairs[4 * at + 2]);
            fours[4 * at + 1] = _mm256_unpackhi_epi64(pairs[4 * at], pairs[4 * at + 2]);
            fours[4 * at + 2] = _mm256_unpacklo_epi64(pairs[4 * at + 1], pairs[4 * at + 3]);
            fours[4 * at + 3] = _mm256_unpackhi_epi64(pairs[4 * at + 1], pairs[4 * at + 3]);
        }
        let mut words = fours;
        for word in 0..4 {
            words[word] = _mm256_permute2x128_si256::<0x20>(fours[word], fours[4 + word]);
            words[4 + word] = _mm256_permute2x128_si256::<0x31>(fours[word], fours[4 + word]);
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use md5::block_api::compress;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
        #[test]
        fn every_lane_of_every_rung_equals_the_portable_crate(
            messages in 1usize..40, blocks in 0usize..9, seed: u64, has_two: bool,
        ) {
            let mut dice = seed | 1;
            let mut word = || {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (dice >> 32) as u32
            };
            let chains: Vec<[[u32; 4]; 2]> =
                (0..messages).map(|_| std::array::from_fn(|_| std::array::from_fn(|_| word()))).collect();
            let data: Vec<Vec<[u8; 64]>> = (0..messages)
                .map(|_| (0..blocks).map(|_| std::array::from_fn(|_| word() as u8)).collect())
                .collect();
            let mut expected = chains.clone();
            for (own, data) in expected.iter_mut().zip(&data) {
                compress(&mut own[0], data);
                if has_two {
                    compress(&mut own[1], data);
                }
            }
            for rung in Rung::ALL.into_iter().filter(|rung| rung.is_here()) {
                let mut lanes: Vec<Md5Lane<'_>> = chains
                    .iter()
                    .zip(&data)
                    .map(|(&chains, blocks)| Md5Lane { chains, blocks })
                    .collect();
                advance_md5_lanes(rung, &mut lanes, has_two);
                let ended: Vec<_> = lanes.iter().map(|lane| lane.chains).collect();
                prop_assert_eq!(&ended, &expected, "{}", rung.name());
            }
        }
    }
}
