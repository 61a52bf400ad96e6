//! The recovery password: the 48 digits that unlock a volume. A secret: cleared on drop, never
//! displayed. Source of the form: `bitlocker-volume` 7.

use std::fmt;
use std::str::FromStr;

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::InvalidNoun;

/// 48 digits in 8 groups; each group is a 16-bit word times eleven.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct RecoveryPassword([u8; 16]);

/// Eight groups of six with a hyphen between them.
const DIGITS: usize = 8 * 6 + 7;
const RULE: &str = "eight groups of six digits, each divisible by 11 and below 720896";

impl RecoveryPassword {
    /// Makes the password of a 16-byte recovery key.
    pub fn from_key(key: [u8; 16]) -> Self {
        RecoveryPassword(key)
    }

    /// The recovery key behind the digits.
    pub fn key(&self) -> &[u8; 16] {
        &self.0
    }

    /// The 48 digits. The one way to see them; the caller keeps them off screens and logs.
    pub fn reveal(&self) -> Zeroizing<String> {
        // Room for all digits, so that no part is left behind in a smaller buffer.
        let mut digits = Zeroizing::new(String::with_capacity(DIGITS));
        for word in self.0.as_chunks::<2>().0 {
            let mut rest = u32::from(u16::from_le_bytes(*word)) * 11;
            let mut group = Zeroizing::new([0u8; 6]);
            for digit in group.iter_mut().rev() {
                *digit = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
            if !digits.is_empty() {
                digits.push('-');
            }
            digits.extend(group.iter().map(|digit| char::from(*digit)));
        }
        digits
    }
}

impl fmt::Debug for RecoveryPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl FromStr for RecoveryPassword {
    type Err = InvalidNoun;
    fn from_str(text: &str) -> Result<Self, InvalidNoun> {
        let fault = || InvalidNoun::new("recovery password", "***", RULE);
        let mut key = Zeroizing::new([0u8; 16]);
        let mut groups = text.trim().split('-');
        for word in key.chunks_exact_mut(2) {
            let group = groups.next().ok_or_else(fault)?;
            if group.len() != 6 || !group.bytes().all(|digit| digit.is_ascii_digit()) {
                return Err(fault());
            }
            let value: u32 = group.parse().map_err(|_| fault())?;
            let quotient = u16::try_from(value / 11).map_err(|_| fault())?;
            if !value.is_multiple_of(11) {
                return Err(fault());
            }
            word.copy_from_slice(&quotient.to_le_bytes());
        }
        groups.next().is_none().then(|| RecoveryPassword(*key)).ok_or_else(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &str = "002816-008470-014124-019778-025432-031086-036740-042394";

    #[test]
    fn the_known_password_stands_for_the_known_key() {
        let key: [u8; 16] = std::array::from_fn(|at| at as u8);
        assert_eq!(RecoveryPassword::from_key(key).reveal().as_str(), KNOWN);
        assert_eq!(KNOWN.parse::<RecoveryPassword>().unwrap().key(), &key);
    }

    #[test]
    fn a_malformed_password_is_refused_and_never_shown() {
        for bad in [
            "",
            "002816",
            "002817-008470-014124-019778-025432-031086-036740-042394",
            "720896-008470-014124-019778-025432-031086-036740-042394",
            "002816-008470-014124-019778-025432-031086-036740-042394-000000",
            "00281 -008470-014124-019778-025432-031086-036740-042394",
        ] {
            let error = bad.parse::<RecoveryPassword>().unwrap_err();
            assert!(!error.to_string().contains("008470"), "{error}");
        }
        assert_eq!(format!("{:?}", KNOWN.parse::<RecoveryPassword>().unwrap()), "***");
    }
}
