//! The volume key out of a metadata block that we made and kept, so that an interrupted drive
//! can be gone on with although no raw key lies in any file. Reads our own blocks only; a volume
//! of unknown origin is opened by `unlock`.

use zeroize::Zeroizing;

use super::boxes::{kind, method, open};
use super::error::Error;
use super::keys::{StretchedKey, VolumeKey};
use super::placement::METADATA_BYTES;
use crate::noun::Cipher;

/// First datum of `info`.
const DATUMS_START: usize = 112;
/// Datum header, identifier, time, two fields: what a protector has before its inner datums.
const PROTECTOR_HEADER: usize = 36;
/// Datum header, method, flags: what a stretch key has before its salt.
const STRETCH_HEADER: usize = 12;

/// Regains the volume key from `block`, made by `encode_metadata`, with the key that `stretch`
/// makes of its password and salt. Errors: the block is damaged, the password is another.
pub fn regain(
    block: &[u8; METADATA_BYTES],
    stretch: impl FnOnce(&[u8; 16]) -> StretchedKey,
) -> Result<VolumeKey, Error> {
    let info_bytes = usize::from(u16_at(block, 8)?) * 16;
    if block.get(info_bytes + 4..info_bytes + 8)
        != Some(&crc32fast::hash(&block[..info_bytes.min(METADATA_BYTES)]).to_le_bytes())
    {
        return Err(Error::DamagedBlock { at: info_bytes });
    }
    let end = 64 + usize::from(u16_at(block, 64)?);
    if end > info_bytes {
        return Err(Error::DamagedBlock { at: 64 });
    }
    let protector = find(block, DATUMS_START, end, kind::PROTECTOR)?;
    let boxed_volume_key = find(block, DATUMS_START, end, kind::BOX)?;
    let inner = protector.start + PROTECTOR_HEADER;
    let stretch_key = find(block, inner, protector.end, kind::STRETCH_KEY)?;
    let boxed_master_key = find(block, inner, protector.end, kind::BOX)?;

    let salt_at = stretch_key.start + STRETCH_HEADER;
    let salt = block
        .get(salt_at..salt_at + 16)
        .and_then(|salt| salt.try_into().ok())
        .ok_or(Error::DamagedBlock { at: salt_at })?;
    let stretched = stretch(salt);
    let (found, master_key) =
        open(&stretched.0, &block[boxed_master_key.start + 8..boxed_master_key.end])
            .ok_or(Error::WrongPassword)?;
    let damaged_master = Error::DamagedBlock { at: boxed_master_key.start };
    if found != method::MASTER_KEY {
        return Err(damaged_master);
    }
    let master_key: Zeroizing<[u8; 32]> =
        Zeroizing::new(master_key.as_slice().try_into().map_err(|_| damaged_master)?);
    let at = boxed_volume_key.start;
    let (found, volume_key) = open(&master_key, &block[at + 8..boxed_volume_key.end])
        .ok_or(Error::DamagedBlock { at })?;
    let cipher = Cipher::from_method(found).ok_or(Error::DamagedBlock { at })?;
    VolumeKey::new(cipher, volume_key)
}

fn u16_at(block: &[u8; METADATA_BYTES], at: usize) -> Result<u16, Error> {
    match block.get(at..at + 2) {
        Some(&[low, high]) => Ok(u16::from_le_bytes([low, high])),
        _ => Err(Error::DamagedBlock { at }),
    }
}

/// The first datum of a type between two places.
fn find(
    block: &[u8; METADATA_BYTES],
    mut at: usize,
    end: usize,
    kind: u16,
) -> Result<std::ops::Range<usize>, Error> {
    while at < end {
        let size = usize::from(u16_at(block, at)?);
        if size < 8 || size > end - at {
            break;
        }
        if u16_at(block, at + 4)? == kind {
            return Ok(at..at + size);
        }
        at += size;
    }
    Err(Error::DamagedBlock { at })
}

#[cfg(test)]
mod tests {
    use super::super::keys::stretch;
    use super::super::vectors::{Case, cases};
    use super::*;
    use crate::noun::RecoveryPassword;

    #[test]
    fn the_volume_key_comes_back_from_the_block_and_the_password() {
        for Case { secrets, block, .. } in cases() {
            let key = regain(&block, |salt| stretch(&secrets.password, salt)).unwrap();
            assert_eq!(key.cipher(), secrets.volume_key.cipher());
            assert_eq!(key.bytes, secrets.volume_key.bytes);
        }
    }

    #[test]
    fn another_password_or_a_damaged_block_gives_no_key() {
        let Case { secrets, block, .. } = cases().remove(0);
        let wrong = RecoveryPassword::from_key([7; 16]);
        assert!(matches!(regain(&block, |salt| stretch(&wrong, salt)), Err(Error::WrongPassword)));
        for at in [8, 9, 64, 65, 112, 166, 300, 600] {
            let mut damaged = block.clone();
            damaged[at] ^= 0x81;
            let error = regain(&damaged, |salt| stretch(&secrets.password, salt)).unwrap_err();
            assert!(matches!(error, Error::DamagedBlock { .. }), "{at}: {error}");
        }
    }

    #[test]
    fn a_block_of_noise_with_a_true_checksum_does_no_harm() {
        for seed in 0..2_000u32 {
            let mut noise = Box::new([0; METADATA_BYTES]);
            let mut state = seed;
            for byte in &mut noise[..200] {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *byte = (state >> 24) as u8 >> (state >> 8 & 7);
            }
            noise[8..10].copy_from_slice(&(16 + seed as u16 % 5).to_le_bytes());
            let info_bytes = usize::from(16 + seed as u16 % 5) * 16;
            let checksum = crc32fast::hash(&noise[..info_bytes]);
            noise[info_bytes + 4..info_bytes + 8].copy_from_slice(&checksum.to_le_bytes());
            // Only blocks that name both boxes reach the slow stretching; noise does not.
            regain(&noise, |salt| stretch(&RecoveryPassword::from_key([1; 16]), salt)).unwrap_err();
        }
    }
}
