//! The loops that decide how fast a drive fills: the sector ciphers and the MD5 chains. Pure
//! functions over bytes; what is hashed or enciphered, and when, is decided elsewhere. Each
//! kernel is checked against a slow twin written from the standard.

mod md5_chains;
mod sector_cipher;

pub use md5_chains::{MD5_START, advance_one, advance_two};
pub use sector_cipher::{CipherKeyError, SectorCipher};

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
