//! SHA-256 (FIPS 180-4) of several messages side by side: the CPU's SHA unit is bound by latency
//! too, and works on four messages in little more than the time of one.

use sha2::block_api::compress256;

use super::ladder::Rung;

/// One message.
#[derive(Debug)]
pub struct Sha256Stream<'a> {
    /// Its state.
    pub state: [u32; 8],
    /// Its next blocks; of the same number in all streams.
    pub blocks: &'a [[u8; 64]],
}

/// Advances each stream over its blocks.
///
/// # Panics
/// If streams have different numbers of blocks.
pub fn advance_sha256_streams(rung: Rung, streams: &mut [Sha256Stream<'_>]) {
    let count = streams.first().map_or(0, |stream| stream.blocks.len());
    assert!(streams.iter().all(|stream| stream.blocks.len() == count), "streams go side by side");
    let mut rest = streams;
    #[cfg(target_arch = "x86_64")]
    if rung > Rung::Portable && is_x86_feature_detected!("sha") {
        while rest.len() >= 2 {
            let (group, later) = rest.split_at_mut(if rest.len() >= 4 { 4 } else { 2 });
            sha_ni::advance(group);
            rest = later;
        }
    }
    for stream in rest {
        compress256(&mut stream.state, stream.blocks);
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) mod sha_ni {
    use std::arch::x86_64::{
        __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_extract_epi32, _mm_loadu_si128, _mm_set_epi32,
        _mm_set_epi64x, _mm_setzero_si128, _mm_sha256msg1_epu32, _mm_sha256msg2_epu32,
        _mm_sha256rnds2_epu32, _mm_shuffle_epi8, _mm_shuffle_epi32,
    };

    use super::Sha256Stream;

    /// FIPS 180-4, 4.2.2.
    pub const ROUND: [u32; 64] = [
        0x428a_2f98,
        0x7137_4491,
        0xb5c0_fbcf,
        0xe9b5_dba5,
        0x3956_c25b,
        0x59f1_11f1,
        0x923f_82a4,
        0xab1c_5ed5,
        0xd807_aa98,
        0x1283_5b01,
        0x2431_85be,
        0x550c_7dc3,
        0x72be_5d74,
        0x80de_b1fe,
        0x9bdc_06a7,
        0xc19b_f174,
        0xe49b_69c1,
        0xefbe_4786,
        0x0fc1_9dc6,
        0x240c_a1cc,
        0x2de9_2c6f,
        0x4a74_84aa,
        0x5cb0_a9dc,
        0x76f9_88da,
        0x983e_5152,
        0xa831_c66d,
        0xb003_27c8,
        0xbf59_7fc7,
        0xc6e0_0bf3,
        0xd5a7_9147,
        0x06ca_6351,
        0x1429_2967,
        0x27b7_0a85,
        0x2e1b_2138,
        0x4d2c_6dfc,
        0x5338_0d13,
        0x650a_7354,
        0x766a_0abb,
        0x81c2_c92e,
        0x9272_2c85,
        0xa2bf_e8a1,
        0xa81a_664b,
        0xc24b_8b70,
        0xc76c_51a3,
        0xd192_e819,
        0xd699_0624,
        0xf40e_3585,
        0x106a_a070,
        0x19a4_c116,
        0x1e37_6c08,
        0x2748_774c,
        0x34b0_bcb5,
        0x391c_0cb3,
        0x4ed8_aa4a,
        0x5b9c_ca4f,
        0x682e_6ff3,
        0x748f_82ee,
        0x78a5_636f,
        0x84c8_7814,
        0x8cc7_0208,
        0x90be_fffa,
        0xa450_6ceb,
        0xbef9_a3f7,
        0xc671_78f2,
    ];

    /// Advances two or four streams; the caller has seen that the CPU has a SHA unit.
    pub fn advance(streams: &mut [Sha256Stream<'_>]) {
        // SAFETY: the caller has looked; every CPU with `sha` has the others.
        #[expect(unsafe_code, reason = "the features are looked at before the call")]
        unsafe {
            match streams.len() {
                4 => all::<4>(streams),
                _ => all::<2>(streams),
            }
        }
    }

    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    fn load(bytes: &[u8]) -> __m128i {
        let bytes: &[u8; 16] = bytes.first_chunk().expect("the caller hands over 16 bytes");
        // SAFETY: the array has the vector's 16 bytes; the load asks for no alignment.
        #[expect(unsafe_code, reason = "a load takes a pointer")]
        unsafe {
            _mm_loadu_si128(bytes.as_ptr().cast())
        }
    }

    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    pub fn vector(words: &[u32]) -> __m128i {
        let [a, b, c, d] = [words[0], words[1], words[2], words[3]].map(u32::cast_signed);
        _mm_set_epi32(d, c, b, a)
    }

    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    fn words(vector: __m128i) -> [u32; 4] {
        [
            _mm_extract_epi32::<0>(vector),
            _mm_extract_epi32::<1>(vector),
            _mm_extract_epi32::<2>(vector),
            _mm_extract_epi32::<3>(vector),
        ]
        .map(i32::cast_unsigned)
    }

    /// Four rounds of every stream: their words, and from the fifth four on the schedule.
    macro_rules! four_rounds {
        ($own:ident: $($four:literal)*) => {
            $( four_rounds!(@ $own $four); )*
        };
        (@ $own:ident $four:literal) => {{
            let key = vector(&ROUND[4 * $four..]);
            for stream in &mut $own {
                let at = $four % 4;
                if $four >= 4 {
                    let [next, third, last] = [stream.words[(at + 1) % 4], stream.words[(at + 2) % 4], stream.words[(at + 3) % 4]];
                    let sum = _mm_sha256msg1_epu32(stream.words[at], next);
                    let sum = _mm_add_epi32(sum, _mm_alignr_epi8::<4>(last, third));
                    stream.words[at] = _mm_sha256msg2_epu32(sum, last);
                }
                let keyed = _mm_add_epi32(stream.words[at], key);
                stream.cdgh = _mm_sha256rnds2_epu32(stream.cdgh, stream.abef, keyed);
                let keyed = _mm_shuffle_epi32::<0x0e>(keyed);
                stream.abef = _mm_sha256rnds2_epu32(stream.abef, stream.cdgh, keyed);
            }
        }};
    }

    pub(in crate::kernels) use four_rounds;

    /// A stream in registers, its state as the SHA unit wants it.
    #[derive(Clone, Copy)]
    pub struct Own {
        pub abef: __m128i,
        pub cdgh: __m128i,
        pub words: [__m128i; 4],
    }

    impl Own {
        #[inline]
        #[target_feature(enable = "sha,ssse3,sse4.1")]
        pub fn of([a, b, c, d, e, f, g, h]: [u32; 8]) -> Self {
            let (abef, cdgh) = (vector(&[f, e, b, a]), vector(&[h, g, d, c]));
            Own { abef, cdgh, words: [_mm_setzero_si128(); 4] }
        }

        /// Takes a block, the bytes of each word turned round: the message is big-endian.
        #[inline]
        #[target_feature(enable = "sha,ssse3,sse4.1")]
        pub fn take(&mut self, block: &[u8; 64]) {
            let turned = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
            for (word, bytes) in self.words.iter_mut().zip(block.chunks_exact(16)) {
                *word = _mm_shuffle_epi8(load(bytes), turned);
            }
        }

        /// Adds what was there before a block.
        #[inline]
        #[target_feature(enable = "sha,ssse3,sse4.1")]
        pub fn add(&mut self, before: Own) {
            self.abef = _mm_add_epi32(self.abef, before.abef);
            self.cdgh = _mm_add_epi32(self.cdgh, before.cdgh);
        }

        #[inline]
        #[target_feature(enable = "sha,ssse3,sse4.1")]
        pub fn state(self) -> [u32; 8] {
            let ([f, e, b, a], [h, g, d, c]) = (words(self.abef), words(self.cdgh));
            [a, b, c, d, e, f, g, h]
        }
    }

    #[target_feature(enable = "sha,ssse3,sse4.1")]
    fn all<const STREAMS: usize>(streams: &mut [Sha256Stream<'_>]) {
        let mut own: [Own; STREAMS] = std::array::from_fn(|at| Own::of(streams[at].state));
        for block in 0..streams[0].blocks.len() {
            let before = own;
            for (stream, own) in streams.iter().zip(&mut own) {
                own.take(&stream.blocks[block]);
            }
            four_rounds!(own: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
            for (own, before) in own.iter_mut().zip(before) {
                own.add(before);
            }
        }
        for (stream, own) in streams.iter_mut().zip(own) {
            stream.state = own.state();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
        #[test]
        fn every_number_of_streams_equals_the_portable_crate(
            messages in 1usize..10, blocks in 0usize..9, seed: u64,
        ) {
            let mut dice = seed | 1;
            let mut word = || {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (dice >> 32) as u32
            };
            let states: Vec<[u32; 8]> =
                (0..messages).map(|_| std::array::from_fn(|_| word())).collect();
            let data: Vec<Vec<[u8; 64]>> = (0..messages)
                .map(|_| (0..blocks).map(|_| std::array::from_fn(|_| word() as u8)).collect())
                .collect();
            let mut expected = states.clone();
            expected.iter_mut().zip(&data).for_each(|(state, data)| compress256(state, data));
            for rung in Rung::ALL.into_iter().filter(|rung| rung.is_here()) {
                let mut streams: Vec<Sha256Stream<'_>> = states
                    .iter()
                    .zip(&data)
                    .map(|(&state, blocks)| Sha256Stream { state, blocks })
                    .collect();
                advance_sha256_streams(rung, &mut streams);
                let ended: Vec<_> = streams.iter().map(|stream| stream.state).collect();
                prop_assert_eq!(&ended, &expected, "{}", rung.name());
            }
        }
    }
}
