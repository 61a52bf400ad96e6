//! The serial number of a drive: the one name by which people, journals and the service know it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::invalid::InvalidNoun;

/// A drive's serial number as printed on its label: 1 to 64 printable ASCII characters, no blanks.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Serial(String);

impl Serial {
    /// Cuts the padding blanks off (ATA pads with them) and checks the rest.
    pub fn new(text: &str) -> Result<Self, InvalidNoun> {
        let text = text.trim();
        let fits = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        fits.then(|| Serial(text.to_owned())).ok_or_else(|| {
            InvalidNoun::new("serial number", text, "1 to 64 printable ASCII characters, no blanks")
        })
    }

    /// The serial as it is printed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A file stem for state files: characters other than letters, digits, `-`, `_`, `.` and a leading
    /// dot become `%XX`, so no serial can leave its folder.
    pub fn file_stem(&self) -> String {
        let mut stem = String::with_capacity(self.0.len());
        for (at, byte) in self.0.bytes().enumerate() {
            let plain = byte.is_ascii_alphanumeric()
                || byte == b'-'
                || byte == b'_'
                || (byte == b'.' && at > 0);
            if plain {
                stem.push(char::from(byte));
            } else {
                stem.push_str(&format!("%{byte:02X}"));
            }
        }
        stem
    }

    /// The serial that has this file stem.
    pub fn of_file_stem(stem: &str) -> Option<Self> {
        let mut bytes = Vec::with_capacity(stem.len());
        let mut rest = stem.as_bytes();
        while let [first, after @ ..] = rest {
            rest = match (*first, after) {
                (b'%', [high, low, after @ ..]) => {
                    let digit = |own: u8| char::from(own).to_digit(16);
                    bytes.push(u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()?);
                    after
                }
                (plain, after) => {
                    bytes.push(plain);
                    after
                }
            };
        }
        let serial = Serial::new(std::str::from_utf8(&bytes).ok()?).ok()?;
        (serial.file_stem() == stem).then_some(serial)
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Serial {
    type Err = InvalidNoun;
    fn from_str(text: &str) -> Result<Self, InvalidNoun> {
        Serial::new(text)
    }
}

impl TryFrom<String> for Serial {
    type Error = InvalidNoun;
    fn try_from(text: String) -> Result<Self, InvalidNoun> {
        Serial::new(&text)
    }
}

impl From<Serial> for String {
    fn from(serial: Serial) -> String {
        serial.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_cannot_leave_its_folder() {
        assert_eq!(Serial::new("  WD-WX41A4 ").unwrap().as_str(), "WD-WX41A4");
        assert_eq!(Serial::new("../a/b").unwrap().file_stem(), "%2E.%2Fa%2Fb");
        for text in ["../a/b", "WX-1_2.3", "a%41", ".x"] {
            let serial = Serial::new(text).unwrap();
            assert_eq!(Serial::of_file_stem(&serial.file_stem()), Some(serial));
        }
        for stem in ["", "%", "%4", "%41", "a b", "%2g", "\u{e9}"] {
            assert_eq!(Serial::of_file_stem(stem), None, "{stem}");
        }
        assert!(Serial::new("A B").is_err());
        assert!(Serial::new("   ").is_err());
        assert!(Serial::new("Ä1").is_err());
    }
}
