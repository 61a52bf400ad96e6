//! How the format encrypts (`staging-repository` 2): a nonce, the content by AES-256 in counter mode,
//! and a code over it by Poly1305-AES.

use std::io;

use aes256ctr_poly1305aes::aead::AeadInPlace;
use aes256ctr_poly1305aes::{Aes256CtrPoly1305Aes, Nonce, Tag};
use rustix::rand::{GetRandomFlags, getrandom};

const NONCE_BYTES: usize = 16;
const TAG_BYTES: usize = 16;
/// What is encrypted has so many bytes more than its content.
pub(super) const SEAL_BYTES: u32 = 32;

/// Encrypts these parts as one.
pub(super) fn encrypt(cipher: &Aes256CtrPoly1305Aes, parts: &[&[u8]]) -> io::Result<Vec<u8>> {
    let mut nonce = Nonce::default();
    let mut left = nonce.as_mut_slice();
    while !left.is_empty() {
        let given = getrandom(&mut *left, GetRandomFlags::empty())?;
        left = &mut left[given..];
    }
    let length = parts.iter().map(|part| part.len()).sum::<usize>();
    let mut sealed = Vec::with_capacity(NONCE_BYTES + length + TAG_BYTES);
    sealed.extend_from_slice(&nonce);
    parts.iter().for_each(|part| sealed.extend_from_slice(part));
    let tag = cipher.encrypt_in_place_detached(&nonce, &[], &mut sealed[NONCE_BYTES..]);
    sealed.extend_from_slice(&tag.map_err(io::Error::other)?);
    Ok(sealed)
}

/// Decrypts into a room that is emptied first; `None` if it is not what was encrypted with this key.
pub(super) fn decrypt(
    cipher: &Aes256CtrPoly1305Aes,
    sealed: &[u8],
    content: &mut Vec<u8>,
) -> Option<()> {
    let (nonce, rest) = sealed.split_at_checked(NONCE_BYTES)?;
    let (inner, tag) = rest.split_at_checked(rest.len().checked_sub(TAG_BYTES)?)?;
    content.clear();
    content.extend_from_slice(inner);
    let (nonce, tag) = (Nonce::from_slice(nonce), Tag::from_slice(tag));
    cipher.decrypt_in_place_detached(nonce, &[], content, tag).ok()
}
