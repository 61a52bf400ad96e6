//! The secrets of a new volume, and the slow way from the password to the key that opens it
//! (`bitlocker-volume` 7). Every secret is cleared on drop and shows itself as `***`.

use std::fmt;
use std::io;

use sha2::{Digest, Sha256};
use uuid::Uuid;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::error::Error;
use super::placement::FIRST_BYTES;
use crate::kernels::{Rung, SHA256_START, SectorCipher, Sha256Stream, advance_sha256_streams};
use crate::noun::{Cipher, RecoveryPassword};

/// Rounds between the password and the stretched key.
const ROUNDS: u64 = 1 << 20;
/// Bytes that each round hashes: last digest, first digest, salt, counter.
const ROUND_BYTES: usize = 32 + 32 + 16 + 8;
/// Random bytes after the plain header.
pub(super) const FILLER_BYTES: usize = FIRST_BYTES - 512;

/// The key that the recovery password stands for after a million hashes. Worth keeping while a
/// volume is made: it takes about a tenth of a second.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct StretchedKey(pub(super) [u8; 32]);

impl fmt::Debug for StretchedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Stretches a recovery password with the volume's salt.
pub fn stretch(password: &RecoveryPassword, salt: &[u8; 16]) -> StretchedKey {
    stretch_all(&[(password, salt)]).pop().expect("one goes in, one comes out")
}

/// Stretches recovery passwords, each with the salt of its volume, side by side: the CPU's SHA unit
/// works on four in little more than the time of one.
pub fn stretch_all(passwords: &[(&RecoveryPassword, &[u8; 16])]) -> Vec<StretchedKey> {
    let mut keys = Vec::with_capacity(passwords.len());
    for together in passwords.chunks(TOGETHER) {
        let mut messages: Vec<Round> =
            together.iter().map(|(password, salt)| Round::first(password, salt)).collect();
        for round in 0..ROUNDS {
            Round::all(&mut messages, round);
        }
        keys.extend(messages.iter().map(Round::key));
    }
    keys
}

/// Passwords that are stretched side by side.
const TOGETHER: usize = 4;

/// The message of a round. The 88 bytes of it and their padding fill two blocks; only the first half
/// of the first block and the counter change, so the rest is laid out once.
struct Round(Zeroizing<[u8; 128]>);

impl Round {
    fn first(password: &RecoveryPassword, salt: &[u8; 16]) -> Self {
        let mut message = Zeroizing::new([0u8; 128]);
        let mut first = <[u8; 32]>::from(Sha256::digest(password.key()));
        message[32..64].copy_from_slice(&first);
        first.zeroize();
        message[64..80].copy_from_slice(salt);
        message[ROUND_BYTES] = 0x80;
        message[120..].copy_from_slice(&(ROUND_BYTES as u64 * 8).to_be_bytes());
        Round(message)
    }

    /// A round of all of them; what it yields stands in front of the next one.
    fn all(messages: &mut [Round], round: u64) {
        let mut states = Zeroizing::new([SHA256_START; TOGETHER]);
        for message in &mut *messages {
            message.0[80..88].copy_from_slice(&round.to_le_bytes());
        }
        {
            let mut streams: [Sha256Stream<'_>; TOGETHER] = std::array::from_fn(|at| {
                let blocks = messages.get(at).map_or(&[][..], |own| own.0.as_chunks::<64>().0);
                Sha256Stream { state: SHA256_START, blocks }
            });
            advance_sha256_streams(Rung::chosen(), &mut streams[..messages.len()]);
            for (state, stream) in states.iter_mut().zip(&mut streams) {
                *state = stream.state;
                stream.state.zeroize();
            }
        }
        for (message, state) in messages.iter_mut().zip(states.iter()) {
            for (bytes, word) in message.0.as_chunks_mut::<4>().0.iter_mut().zip(state) {
                *bytes = word.to_be_bytes();
            }
        }
    }

    /// What the last round has yielded.
    fn key(&self) -> StretchedKey {
        let mut key = StretchedKey([0; 32]);
        key.0.copy_from_slice(&self.0[..32]);
        key
    }
}

/// The full volume encryption key with its cipher.
#[derive(Clone)]
pub struct VolumeKey {
    pub(super) cipher: Cipher,
    pub(super) bytes: Zeroizing<Vec<u8>>,
}

impl VolumeKey {
    pub(super) fn new(cipher: Cipher, bytes: Zeroizing<Vec<u8>>) -> Result<Self, Error> {
        SectorCipher::new(cipher, &bytes).map_err(|source| Error::Key { source })?;
        Ok(VolumeKey { cipher, bytes })
    }

    /// What encrypts the volume's sectors.
    pub fn sector_cipher(&self) -> SectorCipher {
        SectorCipher::new(self.cipher, &self.bytes).expect("the key was tried when it was made")
    }

    /// The cipher that the key is for.
    pub fn cipher(&self) -> Cipher {
        self.cipher
    }
}

impl fmt::Debug for VolumeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VolumeKey({}, ***)", self.cipher)
    }
}

/// Everything random about a new volume.
pub struct VolumeSecrets {
    pub(super) password: RecoveryPassword,
    pub(super) salt: [u8; 16],
    pub(super) master_key: Zeroizing<[u8; 32]>,
    pub(super) volume_key: VolumeKey,
    pub(super) volume_id: Uuid,
    pub(super) protector_id: Uuid,
    pub(super) filler: Box<[u8; FILLER_BYTES]>,
}

impl VolumeSecrets {
    /// Draws all of it; `fill` fills a buffer with bytes of the operating system's random
    /// source. Errors: the source failed.
    pub fn draw(
        cipher: Cipher,
        fill: &mut dyn FnMut(&mut [u8]) -> io::Result<()>,
    ) -> Result<Self, Error> {
        let mut draw =
            |buffer: &mut [u8]| fill(buffer).map_err(|source| Error::Randomness { source });
        let mut recovery_key = Zeroizing::new([0; 16]);
        let mut salt = [0; 16];
        let mut master_key = Zeroizing::new([0; 32]);
        let mut volume_key = Zeroizing::new(vec![0; cipher.key_bytes()]);
        let (mut volume_id, mut protector_id) = ([0; 16], [0; 16]);
        let mut filler = Box::new([0; FILLER_BYTES]);
        draw(&mut *recovery_key)?;
        draw(&mut salt)?;
        draw(&mut *master_key)?;
        draw(&mut volume_key)?;
        draw(&mut volume_id)?;
        draw(&mut protector_id)?;
        draw(&mut *filler)?;
        let id = |bytes| uuid::Builder::from_random_bytes(bytes).into_uuid();
        Ok(VolumeSecrets {
            password: RecoveryPassword::from_key(*recovery_key),
            salt,
            master_key,
            volume_key: VolumeKey::new(cipher, volume_key)?,
            volume_id: id(volume_id),
            protector_id: id(protector_id),
            filler,
        })
    }

    /// The protector: the one thing that opens the volume once it is shipped.
    pub fn password(&self) -> &RecoveryPassword {
        &self.password
    }

    /// The salt of [`stretch`].
    pub fn salt(&self) -> &[u8; 16] {
        &self.salt
    }

    /// The key of the volume's sectors.
    pub fn volume_key(&self) -> &VolumeKey {
        &self.volume_key
    }

    /// The volume identifier.
    pub fn volume_id(&self) -> Uuid {
        self.volume_id
    }

    /// The identifier of the recovery password, which Windows shows beside it.
    pub fn protector_id(&self) -> Uuid {
        self.protector_id
    }
}

impl fmt::Debug for VolumeSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VolumeSecrets({}, ***)", self.volume_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drawn_secrets_differ_and_never_show() {
        let mut counter = 0u8;
        let mut fill = |buffer: &mut [u8]| {
            for byte in buffer {
                counter = counter.wrapping_mul(5).wrapping_add(13);
                *byte = counter;
            }
            Ok(())
        };
        let secrets = VolumeSecrets::draw(Cipher::XtsAes256, &mut fill).unwrap();
        assert_eq!(secrets.volume_key.bytes.len(), 64);
        assert_ne!(secrets.volume_id, secrets.protector_id);
        assert_eq!(secrets.volume_id.get_version_num(), 4);
        assert!(secrets.filler.iter().any(|byte| *byte != 0));
        let shown = format!("{secrets:?} {:?} {:?}", secrets.volume_key, secrets.password);
        assert_eq!(
            shown,
            format!("VolumeSecrets({}, ***) VolumeKey(xts-aes-256, ***) ***", secrets.volume_id)
        );
    }

    #[test]
    fn a_random_source_that_fails_makes_no_volume() {
        let mut fill = |_: &mut [u8]| Err(io::Error::other("no entropy"));
        let error = VolumeSecrets::draw(Cipher::CbcAes128, &mut fill).unwrap_err();
        assert!(matches!(error, Error::Randomness { .. }));
    }

    #[test]
    fn a_password_yields_the_same_key_alone_and_among_others() {
        let passwords: Vec<_> =
            (0..6).map(|seed| (RecoveryPassword::from_key([seed; 16]), [seed + 1; 16])).collect();
        let all: Vec<_> = passwords.iter().map(|(password, salt)| (password, salt)).collect();
        let together = stretch_all(&all);
        assert_eq!(together.len(), 6);
        for (at, (password, salt)) in passwords.iter().enumerate() {
            assert!(stretch(password, salt) == together[at], "{at}");
        }
        assert!(stretch_all(&[]).is_empty());
    }
}
