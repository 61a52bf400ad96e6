//! How much of a repository's data is read when it is checked.

use std::fmt;
use std::str::FromStr;

use super::invalid::InvalidNoun;
use super::size::ByteSize;

const RULE: &str = "a part such as 5%, more than 0 and at most 100, or a size such as 10G";

/// A share of a repository's data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ReadShare {
    /// So many percent of the bytes.
    Percent(f64),
    /// So many bytes.
    Bytes(u64),
}

impl ReadShare {
    /// All of it.
    pub const ALL: ReadShare = ReadShare::Percent(100.0);

    /// Bytes of a whole of so many bytes; `None` if that is all.
    pub fn of(self, whole: u64) -> Option<u64> {
        let bytes = match self {
            // A share of bytes need not be exact.
            ReadShare::Percent(part) => (whole as f64 * part / 100.0).ceil() as u64,
            ReadShare::Bytes(bytes) => bytes,
        };
        (bytes < whole).then_some(bytes)
    }
}

impl FromStr for ReadShare {
    type Err = InvalidNoun;

    fn from_str(text: &str) -> Result<Self, InvalidNoun> {
        let invalid = || InvalidNoun::new("share of the data", text, RULE);
        let Some(number) = text.strip_suffix('%') else {
            let ByteSize(bytes) = text.parse().map_err(|_| invalid())?;
            return if bytes > 0 { Ok(ReadShare::Bytes(bytes)) } else { Err(invalid()) };
        };
        let part: f64 = number.parse().map_err(|_| invalid())?;
        let is_plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let is_part = is_plain && part > 0.0 && part <= 100.0;
        if is_part { Ok(ReadShare::Percent(part)) } else { Err(invalid()) }
    }
}

impl fmt::Display for ReadShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadShare::Percent(part) => write!(f, "{part}%"),
            ReadShare::Bytes(bytes) => write!(f, "{bytes}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_part_or_a_size_and_never_nothing() {
        let parsed = |text: &str| text.parse::<ReadShare>();
        assert_eq!(parsed("100%").unwrap(), ReadShare::ALL);
        assert_eq!(parsed("2.5%").unwrap().of(1000), Some(25));
        assert_eq!(parsed("1G").unwrap().of(2_000_000_000), Some(1_000_000_000));
        assert_eq!(parsed("1G").unwrap().of(5), None);
        assert_eq!(ReadShare::ALL.of(7), None);
        assert_eq!(parsed("1%").unwrap().of(1), None, "a little is not nothing");
        for text in ["", "%", "0%", "101%", "-5%", "nan%", "1e1%", "inf%", "0", "five"] {
            assert!(parsed(text).is_err(), "{text:?}");
        }
    }
}
