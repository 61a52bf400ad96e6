//! The loops that decide how fast a drive fills: the sector ciphers and the MD5 chains. Pure
//! functions over bytes; what is hashed or enciphered, and when, is decided elsewhere. Each
//! kernel is checked against a slow twin written from the standard.

mod ladder;
mod md5_chains;
mod md5_lanes;
mod md5_steps;
mod sector_cipher;
mod sha256_streams;
mod three_digests;
#[cfg(target_arch = "x86_64")]
mod xts_lanes;

pub use ladder::Rung;
pub use md5_chains::{MD5_START, advance_one};
pub use md5_lanes::{Md5Lane, advance_md5_lanes, md5_lane_count};
pub use sector_cipher::{CipherKeyError, SectorCipher};
pub use sha256_streams::{Sha256Stream, advance_sha256_streams};
pub use three_digests::{advance_three, has_three_at_once};

/// Blocks of 64 bytes that every kernel goes over before the next ones: 16 KiB of one message stay in
/// the nearest cache, those of sixteen in the second.
pub const STEP_BLOCKS: usize = 256;

/// SHA-256 before the first byte (FIPS 180-4, 5.3.3).
pub const SHA256_START: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];
