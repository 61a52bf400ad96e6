//! XTS (IEEE 1619, 5.3) by the CPU's AES instructions over vectors of four blocks: tweaks, both masks
//! and all rounds of a sector stay in registers.

use std::arch::x86_64::{
    __m128i, __m512i, _mm_aesimc_si128, _mm_aeskeygenassist_si128, _mm_extract_epi32,
    _mm_set_epi32, _mm_set1_epi32, _mm_setzero_si128, _mm512_add_epi64, _mm512_aesdec_epi128,
    _mm512_aesdeclast_epi128, _mm512_aesenc_epi128, _mm512_aesenclast_epi128,
    _mm512_broadcast_i32x4, _mm512_loadu_si512, _mm512_mask_xor_epi64, _mm512_set_epi64,
    _mm512_set1_epi64, _mm512_setzero_si512, _mm512_shuffle_epi32, _mm512_shuffle_i32x4,
    _mm512_slli_epi64, _mm512_sllv_epi64, _mm512_srli_epi64, _mm512_srlv_epi64,
    _mm512_storeu_si512, _mm512_sub_epi64, _mm512_ternarylogic_epi64, _mm512_xor_si512,
};

use zeroize::Zeroize;

use super::ladder::Rung;
use crate::limits::SECTOR_BYTES;

const SECTOR: usize = SECTOR_BYTES as usize;
/// Vectors of a sector.
const VECTORS: usize = SECTOR / 64;
/// Sectors whose first tweaks are computed together, as many as a vector has blocks.
const GROUP: usize = 4;
/// `a ^ b ^ c` as a function of three bits.
const XOR: i32 = 0x96;

/// Enciphers and deciphers whole sectors; `KEYS` are the round keys of AES, 11 for 128 and 15 for 256
/// bits. All keys are cleared on drop.
pub struct XtsLanes<const KEYS: usize> {
    encrypt: [__m128i; KEYS],
    /// For the equivalent inverse cipher (FIPS 197, 5.3.5).
    decrypt: [__m128i; KEYS],
    tweak: [__m128i; KEYS],
}

impl<const KEYS: usize> Drop for XtsLanes<KEYS> {
    fn drop(&mut self) {
        for keys in [&mut self.encrypt, &mut self.decrypt, &mut self.tweak] {
            keys.zeroize();
        }
    }
}

impl<const KEYS: usize> XtsLanes<KEYS> {
    /// Expands both keys; nothing where this rung or this CPU has no such instructions.
    pub fn new(rung: Rung, data: &[u8], tweak: &[u8]) -> Option<Self> {
        let is_here = rung == Rung::Avx512
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("vaes")
            && is_x86_feature_detected!("aes");
        // SAFETY: the CPU has them, as was looked at.
        #[expect(unsafe_code, reason = "the features are looked at before the call")]
        is_here.then(|| unsafe { Self::expand(data, tweak) })
    }

    #[target_feature(enable = "aes,sse4.1")]
    fn expand(data: &[u8], tweak: &[u8]) -> Self {
        let encrypt = expanded(data);
        let mut decrypt = encrypt;
        decrypt.reverse();
        for key in &mut decrypt[1..KEYS - 1] {
            *key = _mm_aesimc_si128(*key);
        }
        XtsLanes { encrypt, decrypt, tweak: expanded(tweak) }
    }

    /// Encrypts whole sectors in place; `first_sector` is the number of the first one.
    pub fn encrypt(&self, first_sector: u64, buffer: &mut [u8]) {
        // SAFETY: there is such a value only where the CPU has the features.
        #[expect(unsafe_code, reason = "the features are looked at when the keys are expanded")]
        unsafe {
            self.run::<true>(first_sector, buffer);
        }
    }

    /// Decrypts whole sectors in place.
    pub fn decrypt(&self, first_sector: u64, buffer: &mut [u8]) {
        // SAFETY: there is such a value only where the CPU has the features.
        #[expect(unsafe_code, reason = "the features are looked at when the keys are expanded")]
        unsafe {
            self.run::<false>(first_sector, buffer);
        }
    }

    #[target_feature(enable = "avx512f,vaes")]
    fn run<const ENCRYPT: bool>(&self, first_sector: u64, buffer: &mut [u8]) {
        let keys = if ENCRYPT { &self.encrypt } else { &self.decrypt };
        let mut sector = first_sector;
        for group in buffer.as_chunks_mut::<SECTOR>().0.chunks_mut(GROUP) {
            let at = |ahead: u64| sector.wrapping_add(ahead).cast_signed();
            let mut seeds = [_mm512_set_epi64(0, at(3), 0, at(2), 0, at(1), 0, at(0))];
            rounds::<true, 1, KEYS>(&self.tweak, &mut seeds, &[_mm512_setzero_si512()]);
            for bytes in group {
                let tweaks = tweaks_of(_mm512_shuffle_i32x4::<0>(seeds[0], seeds[0]));
                let (vectors, _) = bytes.as_chunks_mut::<64>();
                let mut own = [_mm512_setzero_si512(); VECTORS];
                for (own, bytes) in own.iter_mut().zip(&*vectors) {
                    *own = load(bytes);
                }
                rounds::<ENCRYPT, VECTORS, KEYS>(keys, &mut own, &tweaks);
                for (bytes, own) in vectors.iter_mut().zip(own) {
                    store(bytes, own);
                }
                // The next seed to the front.
                seeds[0] = _mm512_shuffle_i32x4::<0b11_11_10_01>(seeds[0], seeds[0]);
            }
            sector = sector.wrapping_add(GROUP as u64);
        }
    }
}

/// All rounds over vectors side by side, a mask laid over each before and behind.
#[inline]
#[target_feature(enable = "avx512f,vaes")]
fn rounds<const ENCRYPT: bool, const COUNT: usize, const KEYS: usize>(
    keys: &[__m128i; KEYS],
    vectors: &mut [__m512i; COUNT],
    masks: &[__m512i; COUNT],
) {
    let first = _mm512_broadcast_i32x4(keys[0]);
    for (vector, mask) in vectors.iter_mut().zip(masks) {
        *vector = _mm512_ternarylogic_epi64::<XOR>(*vector, *mask, first);
    }
    for key in &keys[1..KEYS - 1] {
        let key = _mm512_broadcast_i32x4(*key);
        for vector in &mut *vectors {
            *vector = match ENCRYPT {
                true => _mm512_aesenc_epi128(*vector, key),
                false => _mm512_aesdec_epi128(*vector, key),
            };
        }
    }
    // The last step of the last round is to lay the key over: the mask goes with it.
    let last = _mm512_broadcast_i32x4(keys[KEYS - 1]);
    for (vector, mask) in vectors.iter_mut().zip(masks) {
        let last = _mm512_xor_si512(last, *mask);
        *vector = match ENCRYPT {
            true => _mm512_aesenclast_epi128(*vector, last),
            false => _mm512_aesdeclast_epi128(*vector, last),
        };
    }
}

/// The tweaks of a sector's blocks from the first one, which stands in all of `seed`: multiplied by a
/// power of x in GF(2^128), as IEEE 1619 orders the bits; each by itself, none from the one before.
#[inline]
#[target_feature(enable = "avx512f")]
fn tweaks_of(seed: __m512i) -> [__m512i; VECTORS] {
    let halved = _mm512_srli_epi64::<1>(seed);
    let mut tweaks = [_mm512_setzero_si512(); VECTORS];
    for (at, tweak) in tweaks.iter_mut().enumerate() {
        let first = 4 * at as i64;
        let power =
            _mm512_add_epi64(_mm512_set1_epi64(first), _mm512_set_epi64(3, 3, 2, 2, 1, 1, 0, 0));
        let shifted = _mm512_sllv_epi64(seed, power);
        // What leaves each half, which is a shift by 64 - power in two steps, goes to the other one: from
        // the low half as it is, from the high half reduced by x^128 = x^7 + x^2 + x + 1.
        let left = _mm512_srlv_epi64(halved, _mm512_sub_epi64(_mm512_set1_epi64(63), power));
        let left = _mm512_shuffle_epi32::<0b01_00_11_10>(left);
        let (one, two) = (_mm512_slli_epi64::<1>(left), _mm512_slli_epi64::<2>(left));
        let reduced = _mm512_ternarylogic_epi64::<XOR>(one, two, _mm512_slli_epi64::<7>(left));
        let whole = _mm512_xor_si512(shifted, left);
        *tweak = _mm512_mask_xor_epi64(whole, 0b0101_0101, whole, reduced);
    }
    tweaks
}

/// The round keys of AES (FIPS 197, 5.2).
#[target_feature(enable = "aes,sse4.1")]
fn expanded<const KEYS: usize>(key: &[u8]) -> [__m128i; KEYS] {
    let mut keys = [_mm_setzero_si128(); KEYS];
    let mut words = [0u32; 60];
    let (own, _) = key.as_chunks::<4>();
    for (word, bytes) in words.iter_mut().zip(own) {
        *word = u32::from_le_bytes(*bytes);
    }
    let mut round = 1;
    for at in own.len()..4 * KEYS {
        let mut word = words[at - 1];
        if at.is_multiple_of(own.len()) {
            word = substituted(word).rotate_right(8) ^ round;
            round = (round << 1) ^ ((round >> 7) * 0x11b);
        } else if own.len() > 6 && at % own.len() == 4 {
            word = substituted(word);
        }
        words[at] = words[at - own.len()] ^ word;
    }
    for (key, words) in keys.iter_mut().zip(words.as_chunks::<4>().0) {
        let [a, b, c, d] = words.map(u32::cast_signed);
        *key = _mm_set_epi32(d, c, b, a);
    }
    words.zeroize();
    keys
}

/// Each byte of a word by the S-box.
#[target_feature(enable = "aes,sse4.1")]
fn substituted(word: u32) -> u32 {
    let all = _mm_set1_epi32(word.cast_signed());
    _mm_extract_epi32::<0>(_mm_aeskeygenassist_si128::<0>(all)).cast_unsigned()
}

#[inline]
#[target_feature(enable = "avx512f")]
fn load(bytes: &[u8; 64]) -> __m512i {
    // SAFETY: the array has the vector's 64 bytes; the load asks for no alignment.
    #[expect(unsafe_code, reason = "a load takes a pointer")]
    unsafe {
        _mm512_loadu_si512(bytes.as_ptr().cast())
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(bytes: &mut [u8; 64], vector: __m512i) {
    // SAFETY: the array has the vector's 64 bytes; the store asks for no alignment.
    #[expect(unsafe_code, reason = "a store takes a pointer")]
    unsafe {
        _mm512_storeu_si512(bytes.as_mut_ptr().cast(), vector);
    }
}
