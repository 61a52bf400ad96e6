//! Decrypts sectors, several at a time (`bitlocker-volume` 9): by other loops than those that wrote
//! them.

use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes256, Block};

use crate::noun::Cipher;

const BLOCKS: usize = 32;
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

    fn encrypt(&self, blocks: &mut [Block]) {
        match self {
            Aes::Short(aes) => aes.encrypt_blocks(blocks),
            Aes::Long(aes) => aes.encrypt_blocks(blocks),
        }
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
        // Of XTS the number of a sector is encrypted, of CBC its place in bytes.
        let (of_firsts, step) = match &self.tweak {
            Some(tweak) => (tweak, 1),
            None => (&self.data, 512),
        };
        let mut number = u128::from(sector) * step;
        let mut masks = [0u128; BATCH * BLOCKS];
        for sectors in bytes.as_chunks_mut::<512>().0.chunks_mut(BATCH) {
            let mut firsts = [Block::default(); BATCH];
            let firsts = &mut firsts[..sectors.len()];
            for first in firsts.iter_mut() {
                first.0 = number.to_le_bytes();
                number += step;
            }
            of_firsts.encrypt(firsts);
            let (blocks, _) = Block::slice_as_chunks_mut(sectors.as_flattened_mut());
            let each = blocks.chunks(BLOCKS).zip(masks.as_chunks_mut::<BLOCKS>().0);
            for ((blocks, masks), first) in each.zip(firsts.iter()) {
                let first = u128::from_le_bytes(first.0);
                match self.tweak {
                    Some(_) => powers(first, masks),
                    None => behind(first, blocks, masks),
                }
            }
            if self.tweak.is_some() {
                add(blocks, &masks);
            }
            self.data.decrypt(blocks);
            add(blocks, &masks);
        }
    }
}

/// XTS: the encrypted number of the sector, times x for each block more.
fn powers(mut power: u128, masks: &mut [u128; BLOCKS]) {
    for mask in masks {
        *mask = power;
        let overflow = power >> 127 == 1;
        power = power << 1 ^ if overflow { 0x87 } else { 0 };
    }
}

/// CBC: the encrypted place of the sector, then the cipher text before each block.
fn behind(first: u128, blocks: &[Block], masks: &mut [u128; BLOCKS]) {
    masks[0] = first;
    for (mask, before) in masks[1..].iter_mut().zip(blocks) {
        *mask = u128::from_le_bytes(before.0);
    }
}

fn add(blocks: &mut [Block], masks: &[u128]) {
    for (block, mask) in blocks.iter_mut().zip(masks) {
        block.0 = (u128::from_le_bytes(block.0) ^ mask).to_le_bytes();
    }
}
