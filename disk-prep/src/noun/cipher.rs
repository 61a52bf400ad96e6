//! The four ciphers a volume may have.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::invalid::InvalidNoun;

/// Encryption method of a volume; the numbers are BitLocker's (`bitlocker-volume` 5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cipher {
    /// What Windows has made by default since 2016, with the longer key.
    #[default]
    XtsAes256,
    /// XTS with the shorter key.
    XtsAes128,
    /// Opens on every Windows since 7.
    CbcAes256,
    /// CBC with the shorter key.
    CbcAes128,
}

impl Cipher {
    /// All of them, the default first.
    pub const ALL: [Cipher; 4] =
        [Cipher::XtsAes256, Cipher::XtsAes128, Cipher::CbcAes256, Cipher::CbcAes128];

    /// BitLocker's number of the method.
    pub const fn method(self) -> u16 {
        match self {
            Cipher::CbcAes128 => 0x8002,
            Cipher::CbcAes256 => 0x8003,
            Cipher::XtsAes128 => 0x8004,
            Cipher::XtsAes256 => 0x8005,
        }
    }

    /// The method of a number, if it is one of the four.
    pub fn from_method(method: u16) -> Option<Self> {
        Cipher::ALL.into_iter().find(|cipher| cipher.method() == method)
    }

    /// Length of the full volume encryption key, bytes.
    pub const fn key_bytes(self) -> usize {
        match self {
            Cipher::CbcAes128 => 16,
            Cipher::CbcAes256 | Cipher::XtsAes128 => 32,
            Cipher::XtsAes256 => 64,
        }
    }

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Cipher::XtsAes256 => "xts-aes-256",
            Cipher::XtsAes128 => "xts-aes-128",
            Cipher::CbcAes256 => "cbc-aes-256",
            Cipher::CbcAes128 => "cbc-aes-128",
        }
    }
}

impl fmt::Display for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Cipher {
    type Err = InvalidNoun;
    fn from_str(text: &str) -> Result<Self, InvalidNoun> {
        Cipher::ALL.into_iter().find(|cipher| cipher.name() == text).ok_or_else(|| {
            InvalidNoun::new("cipher", text, "xts-aes-256, xts-aes-128, cbc-aes-256 or cbc-aes-128")
        })
    }
}
