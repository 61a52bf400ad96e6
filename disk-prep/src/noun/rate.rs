//! How fast something may go: a size a second.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use super::invalid::InvalidNoun;
use super::size::ByteSize;

const RULE: &str = "a size a second, such as 5M for bytes or 100Mbit for bits";

/// Bytes a second, at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate(NonZeroU64);

impl Rate {
    /// Bytes a second.
    pub fn bytes(self) -> u64 {
        self.0.get()
    }
}

impl FromStr for Rate {
    type Err = InvalidNoun;

    /// Reads a size in bytes, or with `bit` at its end in bits.
    fn from_str(text: &str) -> Result<Self, InvalidNoun> {
        let wrong = || InvalidNoun::new("rate", text, RULE);
        let plain = text.trim().strip_suffix("/s").unwrap_or(text.trim());
        let (size, parts) = match plain.strip_suffix("bit") {
            Some(bits) => (bits, 8),
            None => (plain, 1),
        };
        let size: ByteSize = size.parse().map_err(|_| wrong())?;
        NonZeroU64::new(size.0 / parts).map(Rate).ok_or_else(wrong)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_in_bytes_or_in_bits() {
        let bytes = |text: &str| text.parse::<Rate>().map(Rate::bytes).map_err(|own| own.noun);
        assert_eq!(bytes("5M"), Ok(5_000_000));
        assert_eq!(bytes("5Mi/s"), Ok(5 << 20));
        assert_eq!(bytes("100Mbit"), Ok(12_500_000));
        assert_eq!(bytes("1.5Mbit"), Ok(187_500));
        assert_eq!("2K".parse::<Rate>().unwrap().to_string(), "2000");
        for wrong in ["", "0", "7bit", "fast", "-1", "bit", "5Mb"] {
            assert_eq!(bytes(wrong), Err("rate"), "{wrong}");
        }
    }
}
