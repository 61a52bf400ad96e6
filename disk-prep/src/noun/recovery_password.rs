//! The recovery password: the 48 digits that unlock a volume. A secret: cleared on drop, never
//! displayed. Source of the form: `bitlocker-volume` 7.

use std::fmt;
use std::str::FromStr;

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::invalid::InvalidNoun;

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

impl RecoveryPassword {
    /// Finds the one password in a text file as people keep them: plain, or as Windows saves it,
    /// in UTF-8 or UTF-16 with text and an identifier around it, blanks or dashes between the
    /// groups. Errors: there is none, or more than one.
    pub fn find_in(file: &[u8]) -> Result<Self, InvalidNoun> {
        let text = decoded(file);
        let mut found: Option<RecoveryPassword> = None;
        let mut groups: Vec<&str> = Vec::new();
        let is_word = |letter: char| letter.is_alphanumeric();
        let mut rest = text.as_str();
        while let Some(start) = rest.find(is_word) {
            let (between, from) = rest.split_at(start);
            let length = from.find(|letter| !is_word(letter)).unwrap_or(from.len());
            let (word, after) = from.split_at(length);
            if !between.chars().all(is_separator) {
                take(&mut groups, &mut found)?;
            }
            rest = after;
            if !word.bytes().all(|digit| digit.is_ascii_digit()) {
                take(&mut groups, &mut found)?;
            } else if word.len() == 48 {
                take(&mut groups, &mut found)?;
                groups.extend((0..8).map(|at| &word[at * 6..at * 6 + 6]));
                take(&mut groups, &mut found)?;
            } else {
                groups.push(word);
            }
        }
        take(&mut groups, &mut found)?;
        found.ok_or_else(|| InvalidNoun::new("recovery password", "***", RULE))
    }
}

/// Takes groups of digits that stood together: eight are a password, and so are each eight of
/// several that stand one after the other; any other number is none.
fn take(groups: &mut Vec<&str>, found: &mut Option<RecoveryPassword>) -> Result<(), InvalidNoun> {
    let (passwords, rest) = groups.as_chunks::<8>();
    if rest.is_empty() && groups.iter().all(|group| group.len() == 6) {
        for password in passwords {
            let password = Zeroizing::new(password.join("-")).parse()?;
            if found.replace(password).is_some_and(|other| Some(other) != *found) {
                return Err(InvalidNoun::new("recovery password", "***", RULE));
            }
        }
    }
    groups.clear();
    Ok(())
}

/// What may stand between two groups; also the dashes that word processors make.
fn is_separator(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// A text in UTF-8 or UTF-16, by its byte order mark or by its zeros.
fn decoded(file: &[u8]) -> Zeroizing<String> {
    let wide = |bytes: &[u8], read: fn([u8; 2]) -> u16| {
        let (pairs, _) = bytes.as_chunks::<2>();
        let units: Zeroizing<Vec<u16>> =
            pairs.iter().map(|pair| read(*pair)).collect::<Vec<_>>().into();
        Zeroizing::new(String::from_utf16_lossy(&units))
    };
    match file {
        [0xff, 0xfe, text @ ..] => wide(text, u16::from_le_bytes),
        [0xfe, 0xff, text @ ..] => wide(text, u16::from_be_bytes),
        [first, 0, ..] if *first != 0 => wide(file, u16::from_le_bytes),
        [0, second, ..] if *second != 0 => wide(file, u16::from_be_bytes),
        text => {
            let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
            Zeroizing::new(String::from_utf8_lossy(text).into_owned())
        }
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
    fn a_file_as_windows_or_a_person_saves_it_holds_the_password() {
        let windows = format!(
            "BitLocker Drive Encryption recovery key\r\n\r\nTo verify that this is the correct \
             recovery key, compare the start of the following identifier with the identifier \
             value displayed on your PC.\r\n\r\nIdentifier:\r\n\r\n\t\
             12345678-1234-123456-123456-123456789012\r\n\r\nRecovery Key:\r\n\r\n\t{KNOWN}\r\n\r\n"
        );
        let utf16 = |text: &str, mark: &[u8]| {
            let units = text.encode_utf16().flat_map(u16::to_le_bytes);
            mark.iter().copied().chain(units).collect::<Vec<u8>>()
        };
        let be: Vec<u8> = [0xfe, 0xff]
            .into_iter()
            .chain(windows.encode_utf16().flat_map(u16::to_be_bytes))
            .collect();
        let spaced = KNOWN.replace('-', " \u{2013} ");
        for file in [
            format!("{KNOWN}\n").into_bytes(),
            format!("\u{feff}{KNOWN}\r\n").into_bytes(),
            utf16(&windows, &[0xff, 0xfe]),
            utf16(&windows, &[]),
            be,
            windows.clone().into_bytes(),
            KNOWN.replace('-', "").into_bytes(),
            KNOWN.replace('-', "\r\n").into_bytes(),
            spaced.into_bytes(),
            format!("{KNOWN}\n{KNOWN}.").into_bytes(),
        ] {
            let found = RecoveryPassword::find_in(&file).unwrap();
            assert_eq!(found.reveal().as_str(), KNOWN, "{}", String::from_utf8_lossy(&file));
        }
    }

    #[test]
    fn a_file_with_none_or_two_passwords_or_other_digits_is_refused() {
        let other = RecoveryPassword::from_key([7; 16]).reveal().to_string();
        for file in [
            Vec::new(),
            b"recovery".to_vec(),
            vec![0xff; 156],
            [0xff, 0xfe, 0x31].to_vec(),
            format!("{KNOWN}\n\nor: {other}").into_bytes(),
            format!("{KNOWN}-000000").into_bytes(),
            KNOWN.as_bytes()[..48].to_vec(),
            KNOWN.replace("002816", "002817").into_bytes(),
            format!("{KNOWN}1").into_bytes(),
        ] {
            let error = RecoveryPassword::find_in(&file).unwrap_err();
            assert!(!error.to_string().contains("008470"), "{error}");
        }
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
