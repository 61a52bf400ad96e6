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
        assert!(Serial::new("A B").is_err());
        assert!(Serial::new("   ").is_err());
        assert!(Serial::new("Ä1").is_err());
    }
}
