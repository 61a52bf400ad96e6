//! Blobs as they lie in packs: packed by zstd where that makes them smaller, encrypted, and opened
//! again before anything is written, since a seed that cannot be read is found weeks later.

use std::num::NonZeroU32;
use std::sync::Mutex;

use aes256ctr_poly1305aes::{Aes256CtrPoly1305Aes, Key};
use disk_prep::sys::hold::hold;
use rustic_core::repofile::{ConfigFile, MasterKey};
use rustic_core::{ErrorKind, RusticError};
use zeroize::Zeroizing;
use zstd::bulk::{Compressor, Decompressor};

use super::super::crypt::{decrypt, encrypt};
use super::super::layout::MOST_BLOB_BYTES;
use super::super::repo::Library;

/// What stands before a file that is packed; one that is not begins with a bracket.
const PACKED: u8 = 2;

/// A blob, sealed.
#[derive(Debug)]
pub(super) struct Sealed {
    pub bytes: Vec<u8>,
    /// Bytes of its content.
    pub content_bytes: u64,
    /// The same if it is packed.
    pub unpacked: Option<NonZeroU32>,
}

/// Seals for one repository.
pub(super) struct Sealer {
    cipher: Aes256CtrPoly1305Aes,
    level: Option<i32>,
    is_checked: bool,
    /// Those that nobody works with just now; to make one takes longer than to pack a small file.
    presses: Mutex<Vec<Press>>,
}

struct Press {
    packer: Compressor<'static>,
    opener: Decompressor<'static>,
    packed: Vec<u8>,
    opened: Vec<u8>,
    content: Vec<u8>,
}

fn failed(what: &str, why: impl std::fmt::Display) -> Box<RusticError> {
    RusticError::new(ErrorKind::Internal, format!("{what}: {why}"))
}

impl Sealer {
    /// Seals with the key of a repository, as its configuration has it.
    pub fn of(key: &MasterKey, config: &ConfigFile) -> Library<Self> {
        let mut whole = Zeroizing::new([0; 64]);
        let parts = [(&key.encrypt, 0..32), (&key.mac.k, 32..48), (&key.mac.r, 48..64)];
        for (part, place) in parts {
            if part.len() != place.len() {
                return Err(failed("The master key", "a part of it has another length"));
            }
            whole[place].copy_from_slice(part);
        }
        Ok(Sealer {
            cipher: Aes256CtrPoly1305Aes::new(Key::from_slice(whole.as_slice())),
            level: config.zstd()?,
            is_checked: config.extra_verify(),
            presses: Mutex::default(),
        })
    }

    /// Lets somebody work with a press.
    fn with<T>(&self, work: impl FnOnce(&mut Press) -> Library<T>) -> Library<T> {
        let free = hold(&self.presses).pop();
        let mut press = match free {
            Some(press) => press,
            None => Press::new(self.level.unwrap_or_default())?,
        };
        let done = work(&mut press);
        hold(&self.presses).push(press);
        done
    }

    /// Seals a blob.
    pub fn blob(&self, content: &[u8]) -> Library<Sealed> {
        let length = u32::try_from(content.len()).ok().filter(|length| *length <= MOST_BLOB_BYTES);
        let Some(length) = length else {
            return Err(failed("A folder", "it holds more files than its list can name"));
        };
        let content_bytes = u64::from(length);
        self.with(|press| {
            let is_packed = self.level.is_some() && press.pack(content)? < content.len();
            let (bytes, unpacked) = match is_packed {
                true => (self.encrypt(&[&press.packed])?, NonZeroU32::new(length)),
                false => (self.encrypt(&[content])?, None),
            };
            if self.is_checked && self.opened(press, &bytes, unpacked)? != content {
                return Err(failed("A blob", "it is not what it was when it is opened again"));
            }
            Ok(Sealed { bytes, content_bytes, unpacked })
        })
    }

    /// Seals a file that is no pack.
    pub fn file(&self, content: &[u8]) -> Library<Vec<u8>> {
        if self.level.is_none() {
            return self.encrypt(&[content]);
        }
        self.with(|press| {
            press.pack(content)?;
            self.encrypt(&[&[PACKED], &press.packed])
        })
    }

    /// Encrypts these parts as one.
    pub fn encrypt(&self, parts: &[&[u8]]) -> Library<Vec<u8>> {
        encrypt(&self.cipher, parts).map_err(|error| failed("Encrypting", error))
    }

    /// The content of a sealed blob.
    pub fn open(&self, sealed: &[u8], unpacked: Option<NonZeroU32>) -> Library<Vec<u8>> {
        self.with(|press| self.opened(press, sealed, unpacked).map(<[u8]>::to_vec))
    }

    fn opened<'a>(
        &self,
        press: &'a mut Press,
        sealed: &[u8],
        unpacked: Option<NonZeroU32>,
    ) -> Library<&'a [u8]> {
        decrypt(&self.cipher, sealed, &mut press.opened)
            .ok_or_else(|| failed("A blob", "it is not what was encrypted"))?;
        let Some(unpacked) = unpacked else { return Ok(&press.opened) };
        press.content.clear();
        press.content.reserve(unpacked.get() as usize);
        press
            .opener
            .decompress_to_buffer(&press.opened, &mut press.content)
            .map_err(|error| failed("Unpacking", error))?;
        Ok(&press.content)
    }
}

impl Press {
    fn new(level: i32) -> Library<Self> {
        let failed = |error| failed("Compression", error);
        Ok(Press {
            packer: Compressor::new(level).map_err(failed)?,
            opener: Decompressor::new().map_err(failed)?,
            packed: Vec::new(),
            opened: Vec::new(),
            content: Vec::new(),
        })
    }

    /// Packs, and returns how long it is then.
    fn pack(&mut self, content: &[u8]) -> Library<usize> {
        self.packed.clear();
        self.packed.reserve(zstd::zstd_safe::compress_bound(content.len()));
        let packed = self.packer.compress_to_buffer(content, &mut self.packed);
        packed.map_err(|error| failed("Compression", error))
    }
}
