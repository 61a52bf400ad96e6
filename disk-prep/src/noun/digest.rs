//! Digests as values: upper-case hexadecimal for the manifest's MD5, lower-case for SHA-256,
//! as the formats that carry them write them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::invalid::InvalidNoun;

macro_rules! digest {
    ($(#[$doc:meta])* $name:ident, $bytes:literal, $noun:literal, $rule:literal, $form:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// Wraps the raw digest.
            pub const fn new(bytes: [u8; $bytes]) -> Self {
                $name(bytes)
            }
            /// The raw digest.
            pub const fn bytes(&self) -> &[u8; $bytes] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, $form, byte))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidNoun;
            /// Either case; blanks around it are cut off, since published manifests have them.
            fn from_str(text: &str) -> Result<Self, InvalidNoun> {
                let mut bytes = [0u8; $bytes];
                parse_hex(text.trim(), &mut bytes)
                    .then_some($name(bytes))
                    .ok_or_else(|| InvalidNoun::new($noun, text, $rule))
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidNoun;
            fn try_from(text: String) -> Result<Self, InvalidNoun> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(digest: $name) -> String {
                digest.to_string()
            }
        }
    };
}

digest!(
    /// An MD5 digest, written as 32 upper-case hexadecimal digits.
    Md5Digest, 16, "MD5", "32 hexadecimal digits", "{:02X}"
);
digest!(
    /// A SHA-256 digest, written as 64 lower-case hexadecimal digits.
    Sha256Digest, 32, "SHA-256", "64 hexadecimal digits", "{:02x}"
);

/// Bytes as upper-case hexadecimal digits, as manifests and jobs carry the hashes of a drive.
pub fn hex_upper(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn parse_hex(text: &str, bytes: &mut [u8]) -> bool {
    let digits = text.as_bytes();
    if digits.len() != bytes.len() * 2 {
        return false;
    }
    let value = |digit: u8| char::from(digit).to_digit(16);
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        match (value(pair[0]), value(pair[1])) {
            (Some(high), Some(low)) => *byte = (high << 4 | low) as u8,
            _ => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_what_it_writes_in_either_case() {
        let digest: Md5Digest = " d41d8cd98f00b204e9800998ecf8427e".parse().unwrap();
        assert_eq!(digest.to_string(), "D41D8CD98F00B204E9800998ECF8427E");
        assert!("d41d8cd98f00b204e9800998ecf8427".parse::<Md5Digest>().is_err());
        assert!("g41d8cd98f00b204e9800998ecf8427e".parse::<Md5Digest>().is_err());
    }
}
