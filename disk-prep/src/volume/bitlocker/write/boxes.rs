//! Datums, the metadata's building blocks, and boxes, the datums that hide a key
//! (`bitlocker-volume` 6 and 7).
//!
//! | datum | box body | key datum inside a box |
//! |---|---|---|
//! | u16 size, u16 role, u16 type, u16 flags, body | nonce 12, MAC 16, cipher text | u16 method, u16 0, key |

use aes::Aes256;
use ccm::aead::consts::{U12, U16};
use ccm::{AeadInOut, Ccm, KeyInit};
use zeroize::Zeroizing;

type BoxCipher = Ccm<Aes256, U16, U12>;

pub(super) const NONCE_BYTES: usize = 12;
pub(super) const MAC_BYTES: usize = 16;
/// Datum header, method and flags in front of a key.
const KEY_DATUM_HEADER: usize = 12;

/// Types of datums that we write.
pub(super) mod kind {
    pub const KEY: u16 = 1;
    pub const TEXT: u16 = 2;
    pub const STRETCH_KEY: u16 = 3;
    pub const BOX: u16 = 5;
    pub const PROTECTOR: u16 = 8;
    pub const VIRTUALISATION: u16 = 15;
}

/// What a boxed key is.
pub(super) mod method {
    pub const RECOVERY_KEY: u16 = 0x1000;
    pub const MASTER_KEY: u16 = 0x2003;
    pub const INFO_HASH: u16 = 0x2005;
    pub const STRETCHED_KEY: u16 = 0x2008;
}

/// One datum; `flags` is 1 where it is stored as it stands, 0 inside a box.
pub(super) fn datum(role: u16, kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
    let size = u16::try_from(8 + body.len()).expect("no datum of ours passes a few hundred bytes");
    let mut datum = Vec::with_capacity(usize::from(size));
    for field in [size, role, kind, flags] {
        datum.extend_from_slice(&field.to_le_bytes());
    }
    datum.extend_from_slice(body);
    datum
}

/// A stored box of `role` that holds `secret` as a key of `method`, opened by `key`.
pub(super) fn seal(
    key: &[u8; 32],
    nonce: &[u8; NONCE_BYTES],
    role: u16,
    method: u16,
    secret: &[u8],
) -> Vec<u8> {
    let mut body = Zeroizing::new(Vec::with_capacity(4 + secret.len()));
    body.extend_from_slice(&method.to_le_bytes());
    body.extend_from_slice(&0u16.to_le_bytes());
    body.extend_from_slice(secret);
    let mut text = Zeroizing::new(datum(0, kind::KEY, 0, &body));
    let mac = BoxCipher::new(key.into())
        .encrypt_inout_detached(nonce.into(), &[], text.as_mut_slice().into())
        .expect("CCM takes texts up to 16 MiB");
    datum(role, kind::BOX, 1, &[nonce.as_slice(), mac.as_slice(), text.as_slice()].concat())
}

/// The key in the body of a box with its method, or nothing if `key` does not open it.
pub(super) fn open(key: &[u8; 32], body: &[u8]) -> Option<(u16, Zeroizing<Vec<u8>>)> {
    let (nonce, rest) = body.split_first_chunk::<NONCE_BYTES>()?;
    let (mac, text) = rest.split_first_chunk::<MAC_BYTES>()?;
    let mut text = Zeroizing::new(text.to_vec());
    BoxCipher::new(key.into())
        .decrypt_inout_detached(nonce.into(), &[], text.as_mut_slice().into(), mac.into())
        .ok()?;
    let (head, secret) = text.split_first_chunk::<KEY_DATUM_HEADER>()?;
    Some((u16::from_le_bytes([head[8], head[9]]), Zeroizing::new(secret.to_vec())))
}
