//! An unlocked volume: the view that the file system inside has of it.

use std::fmt;

use sha2::{Digest, Sha256};

use super::error::Error;
use super::keys::{stretched, unbox};
use super::metadata::{BLOCK, RELOCATED, VolumeMetadata, parse_block, parse_header};
use super::protector::Protector;
use super::sectors::SectorKeys;
use crate::device::Device;
use crate::limits::SECTOR_BYTES;
use crate::noun::{Cipher, RecoveryPassword};

/// What lies under a stretch of the view.
enum Under {
    /// Cipher text at another place of the volume.
    Copy(u64),
    /// Metadata, which the view shows as zeros.
    Hidden,
    /// Cipher text in place.
    InPlace,
}

/// A volume that its recovery password opened. Reads may come from many threads.
pub struct UnlockedVolume<'d> {
    device: &'d dyn Device,
    offset: u64,
    metadata: VolumeMetadata,
    keys: SectorKeys,
    intact_copies: usize,
}

impl fmt::Debug for UnlockedVolume<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnlockedVolume({}, {})", self.metadata.volume_id, self.metadata.cipher)
    }
}

impl VolumeMetadata {
    /// Reads what a volume of `bytes` at `offset` of the drive says of itself, without a
    /// password, from the first metadata block that is intact.
    pub fn read(device: &dyn Device, offset: u64, bytes: u64) -> Result<Self, Error> {
        let [first, second, third] = read_blocks(device, offset, bytes)?;
        first.or_else(|error| second.or(third).map_err(|_| error))
    }

    /// How long the volume at `offset` says that it is, where no partition tells; at most the
    /// rest of the drive.
    pub fn own_bytes(device: &dyn Device, offset: u64) -> Result<u64, Error> {
        let rest = device.size().saturating_sub(offset);
        let mut head = [0; 88];
        for place in parse_places(device, offset)? {
            let end = place.checked_add(offset).and_then(|at| at.checked_add(88));
            if end.is_some_and(|end| end <= device.size()) {
                read(device, offset, place, &mut head)?;
                let bytes = u64::from_le_bytes(head[16..24].try_into().expect("eight bytes"));
                if head.starts_with(b"-FVE-FS-") && bytes <= rest {
                    return Ok(bytes);
                }
            }
        }
        Ok(rest / SECTOR_BYTES * SECTOR_BYTES)
    }
}

impl<'d> UnlockedVolume<'d> {
    /// Opens the volume of `bytes` at `offset` of the drive. A damaged metadata block gives way
    /// to its copies. Errors: see [`Error`]; a wrong password is [`Error::WrongPassword`].
    pub fn open(
        device: &'d dyn Device,
        offset: u64,
        bytes: u64,
        password: &RecoveryPassword,
    ) -> Result<Self, Error> {
        let blocks = read_blocks(device, offset, bytes)?;
        let places = parse_places(device, offset)?;
        let intact_copies = blocks.iter().filter(|block| block.is_ok()).count();
        let mut reason = Error::NotBitLocker;
        let mut tried: Vec<VolumeMetadata> = Vec::new();
        for (block, place) in blocks.into_iter().zip(places) {
            let opened = block.and_then(|metadata| {
                // Trying takes its time, and equal copies have one answer.
                if !tried.contains(&metadata) {
                    tried.push(metadata.clone());
                    let keys = unlock(&metadata, place, password)?;
                    return Ok(Some(UnlockedVolume {
                        device,
                        offset,
                        metadata,
                        keys,
                        intact_copies,
                    }));
                }
                Ok(None)
            });
            match opened {
                Ok(Some(volume)) => return Ok(volume),
                Ok(None) => {}
                // A copy that is intact but does not open says more than a damaged one.
                Err(error) if !is_final(&reason) => reason = error,
                Err(_) => {}
            }
        }
        Err(reason)
    }

    /// How its sectors are encrypted.
    pub fn cipher(&self) -> Cipher {
        self.metadata.cipher
    }

    /// Size, bytes.
    pub fn size(&self) -> u64 {
        self.metadata.volume_bytes
    }

    /// What it says of itself.
    pub fn metadata(&self) -> &VolumeMetadata {
        &self.metadata
    }

    /// How many of the three metadata blocks are intact.
    pub fn intact_copies(&self) -> usize {
        self.intact_copies
    }

    /// Fills `buffer` with the view's bytes from `offset`. Large, whole-sector buffers are
    /// decrypted in place; others cost a small copy at either end.
    pub fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
        let length = buffer.len();
        if offset.checked_add(length as u64).is_none_or(|end| end > self.size()) {
            return Err(Error::PastEnd { offset, length });
        }
        let into_sector = (offset % SECTOR_BYTES) as usize;
        if into_sector == 0 && length.is_multiple_of(SECTOR_BYTES as usize) {
            return self.read_sectors(offset, buffer);
        }
        let first = offset - into_sector as u64;
        let mut whole = vec![0; (into_sector + length).next_multiple_of(SECTOR_BYTES as usize)];
        self.read_sectors(first, &mut whole)?;
        buffer.copy_from_slice(&whole[into_sector..into_sector + length]);
        Ok(())
    }

    /// The same for whole sectors, stretch by stretch.
    fn read_sectors(&self, mut offset: u64, mut buffer: &mut [u8]) -> Result<(), Error> {
        while !buffer.is_empty() {
            let (under, end) = self.under(offset);
            let count = (buffer.len() as u64).min(end - offset) as usize;
            let (stretch, rest) = buffer.split_at_mut(count);
            match under {
                Under::Hidden => stretch.fill(0),
                Under::Copy(place) => self.decrypt_at(place, stretch)?,
                Under::InPlace => self.decrypt_at(offset, stretch)?,
            }
            offset += count as u64;
            buffer = rest;
        }
        Ok(())
    }

    fn decrypt_at(&self, place: u64, buffer: &mut [u8]) -> Result<(), Error> {
        read(self.device, self.offset, place, buffer)?;
        self.keys.decrypt(place / SECTOR_BYTES, buffer);
        Ok(())
    }

    /// What lies under `offset`, and where that ends.
    fn under(&self, offset: u64) -> (Under, u64) {
        if offset < RELOCATED {
            return (Under::Copy(self.metadata.header_copy + offset), RELOCATED);
        }
        let blocks = self.metadata.metadata.map(|start| (start, start + BLOCK));
        let copy = (self.metadata.header_copy, self.metadata.header_copy + RELOCATED);
        let mut next = self.size();
        for (start, end) in blocks.into_iter().chain([copy]) {
            if (start..end).contains(&offset) {
                return (Under::Hidden, end);
            }
            if start > offset {
                next = next.min(start);
            }
        }
        (Under::InPlace, next)
    }
}

fn read(device: &dyn Device, start: u64, offset: u64, buffer: &mut [u8]) -> Result<(), Error> {
    device.read_at(buffer, start + offset).map_err(|source| Error::Read { offset, source })
}

fn parse_places(device: &dyn Device, offset: u64) -> Result<[u64; 3], Error> {
    let mut sector = [0; SECTOR_BYTES as usize];
    read(device, offset, 0, &mut sector)?;
    parse_header(&sector)
}

/// The three metadata blocks, each judged by itself.
fn read_blocks(
    device: &dyn Device,
    offset: u64,
    bytes: u64,
) -> Result<[Result<VolumeMetadata, Error>; 3], Error> {
    let on_the_drive = offset.checked_add(bytes).is_some_and(|end| end <= device.size());
    if !on_the_drive || !bytes.is_multiple_of(SECTOR_BYTES) || bytes < RELOCATED {
        return Err(Error::Place { offset, bytes });
    }
    let places = parse_places(device, offset)?;
    Ok(places.map(|place| {
        if place.checked_add(BLOCK).is_none_or(|end| end > bytes) {
            return Err(Error::Damaged { offset: place, field: "place" });
        }
        let mut block = vec![0; BLOCK as usize];
        read(device, offset, place, &mut block)?;
        parse_block(&block, place, places, bytes)
    }))
}

/// Whether no other copy could say more.
fn is_final(reason: &Error) -> bool {
    matches!(reason, Error::WrongPassword | Error::NoRecoveryPassword { .. } | Error::Suspended)
}

/// From the password to the sector keys; `place` is the block's, for messages.
fn unlock(
    metadata: &VolumeMetadata,
    place: u64,
    password: &RecoveryPassword,
) -> Result<SectorKeys, Error> {
    let damaged = |field| Error::Damaged { offset: place, field };
    if metadata.protectors.contains(&Protector::ClearKey) {
        return Err(Error::Suspended);
    }
    if metadata.passwords.is_empty() {
        return Err(Error::NoRecoveryPassword { protectors: metadata.protectors.clone() });
    }
    let mut opened = metadata
        .passwords
        .iter()
        .filter_map(|own| unbox(&stretched(password, &own.salt), &own.boxed_master_key));
    let (_, master) = opened.next().ok_or(Error::WrongPassword)?;
    let master = master.as_slice().try_into().map_err(|_| damaged("master key"))?;
    let (_, hash) = unbox(master, &metadata.boxed_hash).ok_or(damaged("sealed hash"))?;
    if hash[..] != Sha256::digest(&metadata.info)[..] {
        return Err(damaged("sealed hash"));
    }
    let (method, key) = unbox(master, &metadata.boxed_volume_key).ok_or(damaged("volume key"))?;
    if method != metadata.cipher.method() {
        return Err(damaged("volume key"));
    }
    SectorKeys::new(metadata.cipher, &key).ok_or(damaged("volume key"))
}
