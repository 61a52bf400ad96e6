//! The loops that decide how fast a drive fills: the sector ciphers and the MD5 chains. Pure
//! functions over bytes; what is hashed or enciphered, and when, is decided elsewhere. Each
//! kernel is checked against a slow twin written from the standard.

mod md5_chains;
mod sector_cipher;

pub use md5_chains::{MD5_START, advance_one, advance_two};
pub use sector_cipher::{CipherKeyError, SectorCipher};
