//! All digests of one message in one loop: two MD5 chains (RFC 1321) and SHA-256 (FIPS 180-4). Each of
//! them is bound by latency, and the SHA unit stands idle while MD5 is computed; side by side, step
//! by step, all three take little more than the time of one MD5.

use sha2::block_api::compress256;

use super::ladder::Rung;
use super::md5_chains::{advance_one, advance_two};

/// Whether a rung has the loop; without it, MD5 of several blocks is faster in lanes.
pub fn has_three_at_once(rung: Rung) -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        rung > Rung::Portable && is_x86_feature_detected!("sha")
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        let _ = rung;
        false
    }
}

/// Advances two MD5 chains and a SHA-256 state over the same blocks.
pub fn advance_three(
    rung: Rung,
    md5: &mut [[u32; 4]; 2],
    sha256: &mut [u32; 8],
    blocks: &[[u8; 64]],
) {
    #[cfg(target_arch = "x86_64")]
    if has_three_at_once(rung) {
        return match rung {
            Rung::Avx512 if is_x86_feature_detected!("avx512vl") && is_vector_faster() => {
                in_one_vector::advance(md5, sha256, blocks)
            }
            _ => at_once::advance(md5, sha256, blocks),
        };
    }
    let _ = rung;
    let [first, second] = md5;
    if first == second {
        advance_one(first, blocks);
        *second = *first;
    } else {
        advance_two(first, second, blocks);
    }
    compress256(sha256, blocks);
}

/// The CPU's own counter, which every CPU of 64 bits has.
#[cfg(target_arch = "x86_64")]
fn ticks() -> u64 {
    // SAFETY: it reads a register and nothing else.
    #[expect(unsafe_code, reason = "the instruction has no other door")]
    unsafe {
        std::arch::x86_64::_rdtsc()
    }
}

/// Whether this CPU, which has AVX-512VL, is faster with both MD5 chains in one vector: some take two
/// cycles for what of a short vector that others do in one, as with words. Measured once.
#[cfg(target_arch = "x86_64")]
fn is_vector_faster() -> bool {
    use std::sync::OnceLock;

    use super::{MD5_START, SHA256_START};

    type Advance = fn(&mut [[u32; 4]; 2], &mut [u32; 8], &[[u8; 64]]);

    let least = |advance: Advance| {
        let blocks = [[0x5a; 64]; 128];
        let round = |_| {
            let (mut md5, mut sha256, began) = ([MD5_START; 2], SHA256_START, ticks());
            advance(&mut md5, &mut sha256, &blocks);
            std::hint::black_box((md5, sha256));
            ticks().wrapping_sub(began)
        };
        // Whoever shares the core only ever slows a round down.
        (0..8).map(round).min()
    };
    static IS_FASTER: OnceLock<bool> = OnceLock::new();
    *IS_FASTER.get_or_init(|| least(in_one_vector::advance) < least(at_once::advance))
}

#[cfg(target_arch = "x86_64")]
mod at_once {
    use std::arch::asm;
    use std::arch::x86_64::{
        _mm_add_epi32, _mm_alignr_epi8, _mm_sha256msg1_epu32, _mm_sha256msg2_epu32,
        _mm_sha256rnds2_epu32, _mm_shuffle_epi32,
    };

    use crate::kernels::md5_chains::{
        add, choose, choose_by_last, mix, parity, rotated, settled, splat, words_of,
    };
    use crate::kernels::md5_steps::md5_steps;
    use crate::kernels::sha256_streams::sha_ni::{Own, ROUND, four_rounds, vector};

    /// Advances all three; the caller has seen that the CPU has a SHA unit.
    pub fn advance(md5: &mut [[u32; 4]; 2], sha256: &mut [u32; 8], blocks: &[[u8; 64]]) {
        // SAFETY: the caller has looked; every CPU with `sha` has the others.
        #[expect(unsafe_code, reason = "the features are looked at before the call")]
        unsafe {
            all(md5, sha256, blocks);
        }
    }

    /// Nothing, for which both chains must have come as far: the compiler would put one behind the
    /// other, and the CPU does not see far enough to undo that.
    #[inline(always)]
    fn side_by_side(chains: &mut [[u32; 4]; 2]) {
        let [[_, first, ..], [_, second, ..]] = chains;
        // SAFETY: there is no instruction in it.
        #[expect(unsafe_code, reason = "the order of instructions cannot be told otherwise")]
        unsafe {
            asm!(
                "/* {0:e} {1:e} */",
                inout(reg) * first,
                inout(reg) * second,
                options(pure, nomem, nostack, preserves_flags)
            );
        }
    }

    #[target_feature(enable = "sha,ssse3,sse4.1")]
    fn all(md5: &mut [[u32; 4]; 2], sha256: &mut [u32; 8], blocks: &[[u8; 64]]) {
        let mut own = [Own::of(*sha256)];
        for block in blocks {
            let before = own[0];
            own[0].take(block);
            let words = words_of(block);
            let mut chains = *md5;
            macro_rules! sha_rounds {
                ($four:literal) => {
                    {
                        four_rounds!(@ own $four);
                        side_by_side(&mut chains);
                    }
                };
            }
            md5_steps!(chains, words, sha_rounds);
            for (state, sum) in md5.iter_mut().zip(chains) {
                state.iter_mut().zip(sum).for_each(|(word, sum)| *word = word.wrapping_add(sum));
            }
            own[0].add(before);
        }
        *sha256 = own[0].state();
    }
}

/// The same with both MD5 chains in one vector: AVX-512 has a rotation and any function of three bits
/// as one instruction, also for short vectors, so that two chains take less than one in words.
#[cfg(target_arch = "x86_64")]
mod in_one_vector {
    use std::arch::asm;
    use std::arch::x86_64::{
        __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_extract_epi32, _mm_rol_epi32, _mm_set_epi32,
        _mm_set1_epi32, _mm_setzero_si128, _mm_sha256msg1_epu32, _mm_sha256msg2_epu32,
        _mm_sha256rnds2_epu32, _mm_shuffle_epi32, _mm_ternarylogic_epi32,
    };

    use crate::kernels::md5_chains::words_of;
    use crate::kernels::md5_steps::md5_steps;
    use crate::kernels::sha256_streams::sha_ni::{Own, ROUND, four_rounds, vector};

    /// Advances all three; the caller has seen that the CPU has a SHA unit and AVX-512VL.
    pub fn advance(md5: &mut [[u32; 4]; 2], sha256: &mut [u32; 8], blocks: &[[u8; 64]]) {
        // SAFETY: the caller has looked; every CPU with `sha` has the others.
        #[expect(unsafe_code, reason = "the features are looked at before the call")]
        unsafe {
            all(md5, sha256, blocks);
        }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl")]
    fn add(a: __m128i, b: __m128i) -> __m128i {
        _mm_add_epi32(a, b)
    }

    /// The same vector, which the compiler must have come to.
    #[inline]
    #[target_feature(enable = "avx512f,avx512vl")]
    fn settled(mut a: __m128i) -> __m128i {
        // SAFETY: there is no instruction in it.
        #[expect(unsafe_code, reason = "the order of sums cannot be told otherwise")]
        unsafe {
            asm!("/* {0} */", inout(xmm_reg) a, options(pure, nomem, nostack, preserves_flags));
        }
        a
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl")]
    fn splat(word: u32) -> __m128i {
        _mm_set1_epi32(word.cast_signed())
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl")]
    fn rotated<const LEFT: i32, const RIGHT: i32>(a: __m128i) -> __m128i {
        _mm_rol_epi32::<LEFT>(a)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl")]
    fn choose(b: __m128i, c: __m128i, d: __m128i) -> __m128i {
        _mm_ternarylogic_epi32::<0xca>(b, c, d)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl")]
    fn choose_by_last(b: __m128i, c: __m128i, d: __m128i) -> __m128i {
        _mm_ternarylogic_epi32::<0xca>(d, b, c)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl")]
    fn parity(b: __m128i, c: __m128i, d: __m128i) -> __m128i {
        _mm_ternarylogic_epi32::<0x96>(b, c, d)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl")]
    fn mix(b: __m128i, c: __m128i, d: __m128i) -> __m128i {
        _mm_ternarylogic_epi32::<0x39>(b, c, d)
    }

    #[target_feature(enable = "sha,ssse3,sse4.1,avx512f,avx512vl")]
    fn all(md5: &mut [[u32; 4]; 2], sha256: &mut [u32; 8], blocks: &[[u8; 64]]) {
        let mut own = [Own::of(*sha256)];
        let mut state = [_mm_setzero_si128(); 4];
        for (at, pair) in state.iter_mut().enumerate() {
            let [first, second] = [md5[0][at], md5[1][at]].map(u32::cast_signed);
            *pair = _mm_set_epi32(0, 0, second, first);
        }
        for block in blocks {
            let before = own[0];
            own[0].take(block);
            let mut words = [_mm_setzero_si128(); 16];
            for (word, value) in words.iter_mut().zip(words_of(block)) {
                *word = splat(value);
            }
            let mut chains = [state];
            macro_rules! sha_rounds {
                ($four:literal) => {
                    four_rounds!(@ own $four)
                };
            }
            md5_steps!(chains, words, sha_rounds);
            for (word, sum) in state.iter_mut().zip(chains[0]) {
                *word = add(*word, sum);
            }
            own[0].add(before);
        }
        for (at, pair) in state.into_iter().enumerate() {
            md5[0][at] = _mm_extract_epi32::<0>(pair).cast_unsigned();
            md5[1][at] = _mm_extract_epi32::<1>(pair).cast_unsigned();
        }
        *sha256 = own[0].state();
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
        fn all_three_equal_the_portable_crates_on_every_rung(
            first: [u32; 4], second: [u32; 4], sha256: [u32; 8], is_same: bool,
            bytes in proptest::collection::vec(any::<u8>(), 0..900),
        ) {
            let (blocks, _) = bytes.as_chunks::<64>();
            let md5 = [first, if is_same { first } else { second }];
            let (mut expected_md5, mut expected_sha256) = (md5, sha256);
            expected_md5.iter_mut().for_each(|chain| compress(chain, blocks));
            compress256(&mut expected_sha256, blocks);
            for rung in Rung::ALL.into_iter().filter(|rung| rung.is_here()) {
                let (mut own_md5, mut own_sha256) = (md5, sha256);
                advance_three(rung, &mut own_md5, &mut own_sha256, blocks);
                prop_assert_eq!((own_md5, own_sha256), (expected_md5, expected_sha256), "{}", rung.name());
            }
            // Either may be the faster one, and is tested wherever it can run.
            #[cfg(target_arch = "x86_64")]
            if has_three_at_once(Rung::Avx512) && Rung::Avx512.is_here() && is_x86_feature_detected!("avx512vl") {
                for advance in [in_one_vector::advance, at_once::advance] {
                    let (mut own_md5, mut own_sha256) = (md5, sha256);
                    advance(&mut own_md5, &mut own_sha256, blocks);
                    prop_assert_eq!((own_md5, own_sha256), (expected_md5, expected_sha256));
                }
            }
        }
    }
}
