//! The four sector ciphers of a BitLocker volume (`bitlocker-volume` 9), batched so that the
//! CPU's AES units always hold several blocks: XTS runs whole sectors with tweaks computed
//! ahead, CBC encrypts sixteen sectors side by side. Knows no layout: the caller says which
//! sector number the first 512 bytes have.

use std::fmt;

use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes256, Block};

use super::ladder::Rung;
#[cfg(target_arch = "x86_64")]
use super::xts_lanes::XtsLanes;
use crate::limits::SECTOR_BYTES;
use crate::noun::{Cipher, Diagnose, ErrorKind};

const SECTOR: usize = SECTOR_BYTES as usize;
const BLOCKS: usize = SECTOR / 16;
/// Sectors whose tweaks are computed ahead: 4 KiB of tweaks stay in the first-level cache.
const XTS_BATCH: usize = 8;
/// Sectors that CBC encrypts side by side, since one sector alone is a serial chain.
const CBC_BATCH: usize = 16;

/// A volume encryption key that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CipherKeyError {
    /// The key has another length than the cipher takes.
    #[error("A key of {actual} bytes does not fit {cipher}, which takes {expected}")]
    Length {
        /// The cipher asked for.
        cipher: Cipher,
        /// What it takes, bytes.
        expected: usize,
        /// What was given, bytes.
        actual: usize,
    },
    /// XTS with one key twice leaks; the standard forbids it.
    #[error("The two halves of the {cipher} key are equal")]
    EqualHalves {
        /// The cipher asked for.
        cipher: Cipher,
    },
}

impl Diagnose for CipherKeyError {
    fn code(&self) -> &'static str {
        match self {
            CipherKeyError::Length { .. } => "volume-key-length",
            CipherKeyError::EqualHalves { .. } => "volume-key-halves",
        }
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Failed
    }
}

/// Enciphers and deciphers whole 512-byte sectors. Key schedules are cleared on drop.
pub struct SectorCipher(Box<Schedule>);

#[expect(clippy::large_enum_variant, reason = "one a drive, and boxed where it is kept")]
enum Schedule {
    Xts128 {
        data: Aes128,
        tweak: Aes128,
    },
    Xts256 {
        data: Aes256,
        tweak: Aes256,
    },
    Cbc128(Aes128),
    Cbc256(Aes256),
    #[cfg(target_arch = "x86_64")]
    Lanes128(XtsLanes<11>),
    #[cfg(target_arch = "x86_64")]
    Lanes256(XtsLanes<15>),
}

impl Schedule {
    /// The schedule of a cipher for which this rung has a loop of its own.
    fn in_lanes(rung: Rung, cipher: Cipher, data: &[u8], tweak: &[u8]) -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        match cipher {
            Cipher::XtsAes128 => XtsLanes::new(rung, data, tweak).map(Schedule::Lanes128),
            Cipher::XtsAes256 => XtsLanes::new(rung, data, tweak).map(Schedule::Lanes256),
            Cipher::CbcAes128 | Cipher::CbcAes256 => None,
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            let _ = (rung, cipher, data, tweak);
            None
        }
    }
}

impl fmt::Debug for SectorCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SectorCipher(***)")
    }
}

impl SectorCipher {
    /// Expands the full volume encryption key of `cipher`. Errors: wrong length; equal XTS halves.
    pub fn new(cipher: Cipher, key: &[u8]) -> Result<Self, CipherKeyError> {
        Self::new_on(Rung::chosen(), cipher, key)
    }

    fn new_on(rung: Rung, cipher: Cipher, key: &[u8]) -> Result<Self, CipherKeyError> {
        let expected = cipher.key_bytes();
        let length = CipherKeyError::Length { cipher, expected, actual: key.len() };
        if key.len() != expected {
            return Err(length);
        }
        let (left, right) = key.split_at(expected / 2);
        if matches!(cipher, Cipher::XtsAes128 | Cipher::XtsAes256) && left == right {
            return Err(CipherKeyError::EqualHalves { cipher });
        }
        if let Some(lanes) = Schedule::in_lanes(rung, cipher, left, right) {
            return Ok(SectorCipher(Box::new(lanes)));
        }
        let schedule = match cipher {
            Cipher::XtsAes128 => Schedule::Xts128 {
                data: Aes128::new_from_slice(left).map_err(|_| length)?,
                tweak: Aes128::new_from_slice(right).map_err(|_| length)?,
            },
            Cipher::XtsAes256 => Schedule::Xts256 {
                data: Aes256::new_from_slice(left).map_err(|_| length)?,
                tweak: Aes256::new_from_slice(right).map_err(|_| length)?,
            },
            Cipher::CbcAes128 => Schedule::Cbc128(Aes128::new_from_slice(key).map_err(|_| length)?),
            Cipher::CbcAes256 => Schedule::Cbc256(Aes256::new_from_slice(key).map_err(|_| length)?),
        };
        Ok(SectorCipher(Box::new(schedule)))
    }

    /// Encrypts in place; `first_sector` is the volume sector number of the first 512 bytes.
    ///
    /// # Panics
    /// If `buffer` is not whole sectors: a mistake of the caller, never of input.
    pub fn encrypt(&self, first_sector: u64, buffer: &mut [u8]) {
        assert!(buffer.len().is_multiple_of(SECTOR), "whole sectors only");
        match &*self.0 {
            Schedule::Xts128 { data, tweak } => {
                xts(tweak, first_sector, buffer, |blocks| data.encrypt_blocks(blocks))
            }
            Schedule::Xts256 { data, tweak } => {
                xts(tweak, first_sector, buffer, |blocks| data.encrypt_blocks(blocks))
            }
            #[cfg(target_arch = "x86_64")]
            Schedule::Lanes128(lanes) => lanes.encrypt(first_sector, buffer),
            #[cfg(target_arch = "x86_64")]
            Schedule::Lanes256(lanes) => lanes.encrypt(first_sector, buffer),
            Schedule::Cbc128(data) => cbc_encrypt(data, first_sector, buffer),
            Schedule::Cbc256(data) => cbc_encrypt(data, first_sector, buffer),
        }
    }

    /// Decrypts in place; `first_sector` as for [`SectorCipher::encrypt`].
    ///
    /// # Panics
    /// If `buffer` is not whole sectors.
    pub fn decrypt(&self, first_sector: u64, buffer: &mut [u8]) {
        assert!(buffer.len().is_multiple_of(SECTOR), "whole sectors only");
        match &*self.0 {
            Schedule::Xts128 { data, tweak } => {
                xts(tweak, first_sector, buffer, |blocks| data.decrypt_blocks(blocks))
            }
            Schedule::Xts256 { data, tweak } => {
                xts(tweak, first_sector, buffer, |blocks| data.decrypt_blocks(blocks))
            }
            #[cfg(target_arch = "x86_64")]
            Schedule::Lanes128(lanes) => lanes.decrypt(first_sector, buffer),
            #[cfg(target_arch = "x86_64")]
            Schedule::Lanes256(lanes) => lanes.decrypt(first_sector, buffer),
            Schedule::Cbc128(data) => cbc_decrypt(data, first_sector, buffer),
            Schedule::Cbc256(data) => cbc_decrypt(data, first_sector, buffer),
        }
    }
}

/// Multiplies a tweak by x in GF(2^128), as IEEE 1619 orders the bits.
fn doubled(tweak: u128) -> u128 {
    (tweak << 1) ^ ((tweak >> 127) * 0x87)
}

fn xor(blocks: &mut [Block], masks: &[u128]) {
    for (block, mask) in blocks.iter_mut().zip(masks) {
        block.0 = (u128::from_le_bytes(block.0) ^ mask).to_le_bytes();
    }
}

/// XTS over whole sectors: both directions differ only in what `cipher` does to the blocks.
fn xts<C: BlockCipherEncrypt<BlockSize = aes::cipher::consts::U16>>(
    tweak_cipher: &C,
    first_sector: u64,
    buffer: &mut [u8],
    cipher: impl Fn(&mut [Block]),
) {
    let mut sector = first_sector;
    let mut tweaks = [0u128; XTS_BATCH * BLOCKS];
    for batch in buffer.chunks_mut(XTS_BATCH * SECTOR) {
        let count = batch.len() / SECTOR;
        let mut seeds = [Block::default(); XTS_BATCH];
        for seed in &mut seeds[..count] {
            seed.0 = u128::from(sector).to_le_bytes();
            sector = sector.wrapping_add(1);
        }
        tweak_cipher.encrypt_blocks(&mut seeds[..count]);
        for (seed, tweaks) in seeds[..count].iter().zip(tweaks.chunks_exact_mut(BLOCKS)) {
            let mut tweak = u128::from_le_bytes(seed.0);
            for slot in tweaks {
                *slot = tweak;
                tweak = doubled(tweak);
            }
        }
        let (blocks, _) = Block::slice_as_chunks_mut(batch);
        xor(blocks, &tweaks);
        cipher(blocks);
        xor(blocks, &tweaks);
    }
}

/// The initial vectors of consecutive sectors: the encrypted byte offset of each.
fn cbc_vectors<C: BlockCipherEncrypt<BlockSize = aes::cipher::consts::U16>>(
    cipher: &C,
    first_sector: u64,
    vectors: &mut [Block],
) {
    for (sector, vector) in (u128::from(first_sector)..).zip(vectors.iter_mut()) {
        vector.0 = (sector * SECTOR as u128).to_le_bytes();
    }
    cipher.encrypt_blocks(vectors);
}

fn cbc_encrypt<C: BlockCipherEncrypt<BlockSize = aes::cipher::consts::U16>>(
    cipher: &C,
    first_sector: u64,
    buffer: &mut [u8],
) {
    let mut sector = first_sector;
    for batch in buffer.chunks_mut(CBC_BATCH * SECTOR) {
        let count = batch.len() / SECTOR;
        let mut chains = [Block::default(); CBC_BATCH];
        let chains = &mut chains[..count];
        cbc_vectors(cipher, sector, chains);
        let (blocks, _) = Block::slice_as_chunks_mut(batch);
        for step in 0..BLOCKS {
            for (chain, sector_blocks) in chains.iter_mut().zip(blocks.chunks_exact(BLOCKS)) {
                let plain = u128::from_le_bytes(sector_blocks[step].0);
                chain.0 = (u128::from_le_bytes(chain.0) ^ plain).to_le_bytes();
            }
            cipher.encrypt_blocks(chains);
            for (chain, sector_blocks) in chains.iter().zip(blocks.chunks_exact_mut(BLOCKS)) {
                sector_blocks[step] = *chain;
            }
        }
        sector = sector.wrapping_add(count as u64);
    }
}

fn cbc_decrypt<C>(cipher: &C, first_sector: u64, buffer: &mut [u8])
where
    C: BlockCipherEncrypt<BlockSize = aes::cipher::consts::U16>
        + BlockCipherDecrypt<BlockSize = aes::cipher::consts::U16>,
{
    let mut sector = first_sector;
    let mut masks = [0u128; CBC_BATCH * BLOCKS];
    for batch in buffer.chunks_mut(CBC_BATCH * SECTOR) {
        let count = batch.len() / SECTOR;
        let mut vectors = [Block::default(); CBC_BATCH];
        cbc_vectors(cipher, sector, &mut vectors[..count]);
        let (blocks, _) = Block::slice_as_chunks_mut(batch);
        let sectors = blocks.chunks_exact(BLOCKS).zip(&vectors);
        for ((sector_blocks, vector), masks) in sectors.zip(masks.chunks_exact_mut(BLOCKS)) {
            masks[0] = u128::from_le_bytes(vector.0);
            for (mask, block) in masks[1..].iter_mut().zip(sector_blocks) {
                *mask = u128::from_le_bytes(block.0);
            }
        }
        cipher.decrypt_blocks(blocks);
        xor(blocks, &masks);
        sector = sector.wrapping_add(count as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;
    use sha2::{Digest, Sha256};

    /// One block at a time, straight from IEEE 1619 and the definition of CBC.
    fn slow_encrypt(cipher: Cipher, key: &[u8], first_sector: u64, buffer: &mut [u8]) {
        let aes = |key: &[u8], block: &mut [u8]| {
            let mut state = Block::default();
            state.copy_from_slice(block);
            match key.len() {
                16 => Aes128::new_from_slice(key).unwrap().encrypt_block(&mut state),
                _ => Aes256::new_from_slice(key).unwrap().encrypt_block(&mut state),
            }
            block.copy_from_slice(&state);
        };
        for (index, sector) in buffer.chunks_exact_mut(512).enumerate() {
            let number = u128::from(first_sector) + index as u128;
            if matches!(cipher, Cipher::CbcAes128 | Cipher::CbcAes256) {
                let mut chain = (number * 512).to_le_bytes();
                aes(key, &mut chain);
                for block in sector.chunks_exact_mut(16) {
                    block.iter_mut().zip(chain).for_each(|(byte, mask)| *byte ^= mask);
                    aes(key, block);
                    chain.copy_from_slice(block);
                }
                continue;
            }
            let (data_key, tweak_key) = key.split_at(key.len() / 2);
            let mut tweak = number.to_le_bytes();
            aes(tweak_key, &mut tweak);
            for block in sector.chunks_exact_mut(16) {
                block.iter_mut().zip(tweak).for_each(|(byte, mask)| *byte ^= mask);
                aes(data_key, block);
                block.iter_mut().zip(tweak).for_each(|(byte, mask)| *byte ^= mask);
                let carry = tweak[15] >> 7;
                for at in (1..16).rev() {
                    tweak[at] = tweak[at] << 1 | tweak[at - 1] >> 7;
                }
                tweak[0] = (tweak[0] << 1) ^ (carry * 0x87);
            }
        }
    }

    fn key(cipher: Cipher, seed: u8) -> Vec<u8> {
        (0..cipher.key_bytes()).map(|at| (at as u8).wrapping_mul(29).wrapping_add(seed)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
        #[test]
        fn the_batched_ciphers_equal_the_slow_ones_and_are_undone(
            which in 0usize..4, seed: u8, first: u64, sectors in 0usize..41,
        ) {
            let cipher = Cipher::ALL[which];
            let first = first >> 9;
            let key = key(cipher, seed);
            let plain: Vec<u8> =
                (0..sectors * 512).map(|at| (at * 7 + at / 251) as u8 ^ seed).collect();
            let mut slow = plain.clone();
            slow_encrypt(cipher, &key, first, &mut slow);
            for rung in Rung::ALL.into_iter().filter(|rung| rung.is_here()) {
                let fast_cipher = SectorCipher::new_on(rung, cipher, &key).unwrap();
                let mut fast = plain.clone();
                fast_cipher.encrypt(first, &mut fast);
                prop_assert_eq!(&fast, &slow, "{}", rung.name());
                fast_cipher.decrypt(first, &mut fast);
                prop_assert_eq!(&fast, &plain, "{}", rung.name());
            }
        }
    }

    #[test]
    fn every_known_sector_of_the_four_ciphers_comes_out_to_the_byte() {
        let vectors: Value =
            serde_json::from_str(include_str!("../../../fixtures/bitlocker/vectors.json")).unwrap();
        let pattern: Vec<u8> = (0..512).map(|at| at as u8).collect();
        let mut checked = 0;
        for case in vectors["cases"].as_array().unwrap() {
            let cipher = Cipher::from_method(case["method"].as_u64().unwrap() as u16).unwrap();
            let key: Vec<u8> = (0x40..).take(cipher.key_bytes()).collect();
            let sector_cipher = SectorCipher::new(cipher, &key).unwrap();
            let known = case.get("xts").or(case.get("cbc")).unwrap().as_array().unwrap();
            for sector in known {
                let mut buffer = pattern.clone();
                sector_cipher.encrypt(sector["sector"].as_u64().unwrap(), &mut buffer);
                let digest: String =
                    Sha256::digest(&buffer).iter().map(|byte| format!("{byte:02x}")).collect();
                assert_eq!(digest, sector["sha256"].as_str().unwrap(), "{cipher} {sector}");
                checked += 1;
            }
        }
        assert_eq!(checked, 16);
    }

    #[test]
    fn a_key_that_does_not_fit_is_refused() {
        let short = SectorCipher::new(Cipher::XtsAes256, &[1; 32]).unwrap_err();
        let cipher = Cipher::XtsAes256;
        assert_eq!(short, CipherKeyError::Length { cipher, expected: 64, actual: 32 });
        assert_eq!(short.code(), "volume-key-length");
        let equal = SectorCipher::new(Cipher::XtsAes128, &[1; 32]).unwrap_err();
        assert_eq!(equal.code(), "volume-key-halves");
    }
}
