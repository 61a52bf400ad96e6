//! Decrypts sectors, one after the other (`bitlocker-volume` 9).

use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes256, Block};

use crate::noun::Cipher;

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

    fn encrypted(&self, number: u128) -> u128 {
        let mut block = Block::from(number.to_le_bytes());
        match self {
            Aes::Short(aes) => aes.encrypt_block(&mut block),
            Aes::Long(aes) => aes.encrypt_block(&mut block),
        }
        u128::from_le_bytes(block.0)
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
        for (number, sector) in (u128::from(sector)..).zip(bytes.as_chunks_mut::<512>().0) {
            let (blocks, _) = Block::slice_as_chunks_mut(sector);
            let mut masks = [0u128; 32];
            match &self.tweak {
                Some(tweak) => {
                    let mut power = tweak.encrypted(number);
                    for mask in &mut masks {
                        *mask = power;
                        let overflow = power >> 127 == 1;
                        power = power << 1 ^ if overflow { 0x87 } else { 0 };
                    }
                    add(blocks, &masks);
                }
                None => {
                    masks[0] = self.data.encrypted(number * 512);
                    for (mask, before) in masks[1..].iter_mut().zip(blocks.iter()) {
                        *mask = u128::from_le_bytes(before.0);
                    }
                }
            }
            self.data.decrypt(blocks);
            add(blocks, &masks);
        }
    }
}

fn add(blocks: &mut [Block], masks: &[u128; 32]) {
    for (block, mask) in blocks.iter_mut().zip(masks) {
        block.0 = (u128::from_le_bytes(block.0) ^ mask).to_le_bytes();
    }
}
