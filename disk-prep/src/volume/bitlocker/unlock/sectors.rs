//! Decrypts sectors, several at a time (`bitlocker-volume` 9): by other loops than those that wrote
//! them.

use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes256, Block};

use crate::noun::Cipher;

const SECTOR: usize = 512;
const BLOCKS: usize = SECTOR / 16;
/// Sectors at a time: the CPU works on several blocks at once, and their masks stay near.
const BATCH: usize = 8;

enum Aes {
    Short(Box<Aes128>),
    Long(Box<Aes256>),
}

impl Aes {
    fn new(key: &[u8]) -> Option<Self> {
        match key.len() {
            16 => Aes128::new_from_slice(key).ok().map(|aes| Aes::Short(Box::new(aes))),
            _ => Aes256::new_from_slice(key).ok().map(|aes| Aes::Long(Box::new(aes))),
        }
    }

    /// As many numbers as a batch has sectors, each encrypted.
    fn encrypted(&self, first: u128, step: u128) -> [u128; BATCH] {
        let mut blocks: [Block; BATCH] =
            std::array::from_fn(|at| (first + at as u128 * step).to_le_bytes().into());
        match self {
            Aes::Short(aes) => aes.encrypt_blocks(&mut blocks),
            Aes::Long(aes) => aes.encrypt_blocks(&mut blocks),
        }
        blocks.map(|block| u128::from_le_bytes(block.0))
    }

    fn decrypt(&self, blocks: &mut [Block]) {
        match self {
            Aes::Short(aes) => aes.decrypt_blocks(blocks),
            Aes::Long(aes) => aes.decrypt_blocks(blocks),
        }
    }
}

/// The key schedules of a volume.
pub(super) struct SectorKeys {
    data: Aes,
    /// XTS has a second key for its tweaks, CBC has not.
    tweak: Option<Aes>,
}

impl SectorKeys {
    /// Nothing if the key has not the cipher's length.
    pub(super) fn new(cipher: Cipher, key: &[u8]) -> Option<Self> {
        if key.len() != cipher.key_bytes() {
            return None;
        }
        match cipher {
            Cipher::CbcAes128 | Cipher::CbcAes256 => {
                Some(SectorKeys { data: Aes::new(key)?, tweak: None })
            }
            Cipher::XtsAes128 | Cipher::XtsAes256 => {
                let (data, tweak) = key.split_at(key.len() / 2);
                Some(SectorKeys { data: Aes::new(data)?, tweak: Some(Aes::new(tweak)?) })
            }
        }
    }

    /// Decrypts whole 512-byte sectors in place, the first of which has the number `sector`.
    pub(super) fn decrypt(&self, sector: u64, bytes: &mut [u8]) {
        let mut masks = [0u128; BATCH * BLOCKS];
        let batches = bytes.as_chunks_mut::<SECTOR>().0.chunks_mut(BATCH);
        for (number, sectors) in (u128::from(sector)..).step_by(BATCH).zip(batches) {
            let (blocks, _) = Block::slice_as_chunks_mut(sectors.as_flattened_mut());
            match &self.tweak {
                Some(tweak) => {
                    powers(tweak.encrypted(number, 1), &mut masks);
                    add(blocks, &masks);
                }
                None => {
                    let step = SECTOR as u128;
                    behind(self.data.encrypted(number * step, step), blocks, &mut masks);
                }
            }
            self.data.decrypt(blocks);
            add(blocks, &masks);
        }
    }
}

/// XTS: the encrypted number of each sector, times x for each block more; the sectors side by side,
/// since each product waits for the one before.
fn powers(mut powers: [u128; BATCH], masks: &mut [u128; BATCH * BLOCKS]) {
    for block in 0..BLOCKS {
        for (sector, power) in powers.iter_mut().enumerate() {
            masks[sector * BLOCKS + block] = *power;
            *power = (*power << 1) ^ ((*power >> 127) * 0x87);
        }
    }
}

/// CBC: the encrypted place of each sector, then the cipher text before each block.
fn behind(firsts: [u128; BATCH], blocks: &[Block], masks: &mut [u128; BATCH * BLOCKS]) {
    for (at, before) in (1..BATCH * BLOCKS).zip(blocks) {
        masks[at] = u128::from_le_bytes(before.0);
    }
    for (sector, first) in firsts.into_iter().enumerate() {
        masks[sector * BLOCKS] = first;
    }
}

fn add(blocks: &mut [Block], masks: &[u128]) {
    for (block, mask) in blocks.iter_mut().zip(masks) {
        block.0 = (u128::from_le_bytes(block.0) ^ mask).to_le_bytes();
    }
}
