//! The form of a security descriptor that stands by itself: owner, group and who is let in.

use crate::volume::fields::{u16_at, u32_at};

const RELATIVE: u16 = 0x8000;
const HAS_LIST: u16 = 4;

/// Hashes of the two descriptors that stand in records of the system, for those that may be read
/// only and for others, as `mkntfs` (`sd.c`) writes them.
const OF_THE_SYSTEM: [u32; 2] = [0x32fe_c6cb, 0x3414_c8f7];

/// Whether the bytes are a descriptor of the system's own.
pub(super) fn is_of_the_system(bytes: &[u8]) -> bool {
    OF_THE_SYSTEM.contains(&hash(bytes))
}

/// The hash of a descriptor, as the file system makes it.
pub(super) fn hash(descriptor: &[u8]) -> u32 {
    let words = descriptor.chunks_exact(4).map(|word| u32_at(word, 0));
    words.fold(0, |hash, word| hash.rotate_left(3).wrapping_add(word))
}

/// Whether the bytes are a security descriptor.
pub(super) fn is_descriptor(bytes: &[u8]) -> bool {
    if bytes.len() < 20 || bytes[0] != 1 || u16_at(bytes, 2) & RELATIVE == 0 {
        return false;
    }
    let part = |at: usize| bytes.get(u32_at(bytes, at) as usize..).filter(|part| !part.is_empty());
    let is_known = |at| part(at).is_some_and(|part| sid_bytes(part).is_some());
    let lets_in = u16_at(bytes, 2) & HAS_LIST == 0 || part(16).is_some_and(is_list);
    is_known(4) && is_known(8) && lets_in
}

/// Bytes of the identifier at the beginning.
pub(super) fn sid_bytes(bytes: &[u8]) -> Option<usize> {
    let (&revision, &parts) = (bytes.first()?, bytes.get(1)?);
    let length = 8 + 4 * usize::from(parts);
    (revision == 1 && parts <= 15 && length <= bytes.len()).then_some(length)
}

/// Whether there is a list of who may what at the beginning.
fn is_list(bytes: &[u8]) -> bool {
    if bytes.len() < 8 || !matches!(bytes[0], 2 | 4) {
        return false;
    }
    let (length, count) = (usize::from(u16_at(bytes, 2)), u16_at(bytes, 4));
    let Some(mut rest) = bytes.get(8..length) else { return false };
    for _ in 0..count {
        if rest.len() < 8 {
            return false;
        }
        let (kind, length) = (rest[0], usize::from(u16_at(rest, 2)));
        if length < 8 || length > rest.len() {
            return false;
        }
        let who = sid_bytes(&rest[8..length]);
        // Allowed, denied, watched: the mask, and who.
        if kind <= 2 && who != Some(length - 8) {
            return false;
        }
        rest = &rest[length..];
    }
    true
}
