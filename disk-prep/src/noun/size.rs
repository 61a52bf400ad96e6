//! Sizes as people write them: `K M G T` are powers of 1000, `Ki Mi Gi Ti` powers of 1024.

use std::fmt;
use std::str::FromStr;

use super::invalid::InvalidNoun;

/// A number of bytes, written for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ByteSize(pub u64);

const UNITS: [(&str, u64); 8] = [
    ("Ti", 1 << 40),
    ("Gi", 1 << 30),
    ("Mi", 1 << 20),
    ("Ki", 1 << 10),
    ("T", 1_000_000_000_000),
    ("G", 1_000_000_000),
    ("M", 1_000_000),
    ("K", 1_000),
];

impl FromStr for ByteSize {
    type Err = InvalidNoun;
    fn from_str(text: &str) -> Result<Self, InvalidNoun> {
        let fault = || {
            InvalidNoun::new(
                "size",
                text,
                "a number with K, M, G, T (powers of 1000) or Ki, Mi, Gi, Ti",
            )
        };
        let plain = text.trim().strip_suffix('B').unwrap_or(text.trim());
        let (digits, unit) = UNITS
            .iter()
            .find_map(|(name, unit)| plain.strip_suffix(name).map(|digits| (digits, *unit)))
            .unwrap_or((plain, 1));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() || fraction.len() > 9 {
            return Err(fault());
        }
        let whole: u64 = whole.parse().map_err(|_| fault())?;
        let mut bytes = whole.checked_mul(unit).ok_or_else(fault)?;
        if !fraction.is_empty() {
            let scale = 10u128.pow(fraction.len() as u32);
            let part: u64 = fraction.parse().map_err(|_| fault())?;
            let part = u128::from(part) * u128::from(unit) / scale;
            bytes = u64::try_from(part)
                .ok()
                .and_then(|part| bytes.checked_add(part))
                .ok_or_else(fault)?;
        }
        Ok(ByteSize(bytes))
    }
}

impl fmt::Display for ByteSize {
    /// Three significant figures at least, decimal units, rounded: `1.25 GB`, `512 B`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, unit) in &UNITS[4..] {
            if self.0 >= *unit {
                let decimals = match self.0 / unit {
                    0..=9 => 2,
                    10..=99 => 1,
                    _ => 0,
                };
                let (unit, scale) = (u128::from(*unit), 10u128.pow(decimals));
                let rounded = (u128::from(self.0) * scale + unit / 2) / unit;
                let (whole, rest) = (rounded / scale, rounded % scale);
                let width = decimals as usize;
                return match decimals {
                    0 => write!(f, "{whole} {name}B"),
                    _ => write!(f, "{whole}.{rest:0width$} {name}B"),
                };
            }
        }
        write!(f, "{} B", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_both_kinds_are_read() {
        for (text, bytes) in [
            ("400M", 400_000_000),
            ("1Mi", 1 << 20),
            ("1.5G", 1_500_000_000),
            ("0.5Ki", 512),
            ("12T", 12_000_000_000_000),
            ("7", 7),
            ("2KB", 2000),
        ] {
            assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
        }
        for bad in ["", "M", "-1M", "1X", "99999999T", "1.M5", ".5G"] {
            assert!(bad.parse::<ByteSize>().is_err(), "{bad}");
        }
        assert_eq!(ByteSize(1_256_000_000).to_string(), "1.26 GB");
        assert_eq!(ByteSize(3_999_999_000_000).to_string(), "4.00 TB");
        assert_eq!(ByteSize(12_340_000).to_string(), "12.3 MB");
        assert_eq!(ByteSize(419_430_400).to_string(), "419 MB");
        assert_eq!(ByteSize(999).to_string(), "999 B");
    }
}
