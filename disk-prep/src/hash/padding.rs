//! How a message ends (RFC 1321, 3.1; FIPS 180-4, 5.1.1).

use sha2::block_api::compress256;

use crate::kernels::advance_one;
use crate::noun::{Md5Digest, Sha256Digest};

/// The last one or two blocks of a message: its tail, 0x80, zeros, the length in bits.
fn padded(tail: &[u8], length_bits: [u8; 8]) -> ([[u8; 64]; 2], usize) {
    let mut bytes = [0u8; 128];
    bytes[..tail.len()].copy_from_slice(tail);
    bytes[tail.len()] = 0x80;
    let count = if tail.len() < 56 { 1 } else { 2 };
    bytes[count * 64 - 8..count * 64].copy_from_slice(&length_bits);
    let (blocks, _) = bytes.as_chunks::<64>();
    ([blocks[0], blocks[1]], count)
}

/// MD5 of a message of so many bytes from its chain behind the whole blocks.
pub fn finished_md5(mut state: [u32; 4], tail: &[u8], bytes: u64) -> Md5Digest {
    let (blocks, count) = padded(tail, bytes.wrapping_mul(8).to_le_bytes());
    advance_one(&mut state, &blocks[..count]);
    let mut digest = [0; 16];
    digest.as_chunks_mut::<4>().0.iter_mut().zip(state).for_each(|(d, s)| *d = s.to_le_bytes());
    Md5Digest::new(digest)
}

/// The same for SHA-256.
pub fn finished_sha256(mut state: [u32; 8], tail: &[u8], bytes: u64) -> Sha256Digest {
    let (blocks, count) = padded(tail, bytes.wrapping_mul(8).to_be_bytes());
    compress256(&mut state, &blocks[..count]);
    let mut digest = [0; 32];
    digest.as_chunks_mut::<4>().0.iter_mut().zip(state).for_each(|(d, s)| *d = s.to_be_bytes());
    Sha256Digest::new(digest)
}
