//! A path on the drive's NTFS volume. Rules: `ntfs-write-once` 1.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::character::UnfitCharacter;
use super::invalid::InvalidNoun;
use crate::limits;

/// A path below the root of the volume, written `\folder\file` as in the manifest. Every
/// component can be held by NTFS and opened by Windows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DrivePath(String);

/// Why NTFS or Windows cannot hold a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameFault {
    /// No characters at all, `.` or `..`.
    #[error("empty, `.` or `..`")]
    Empty,
    /// More than 255 UTF-16 units.
    #[error("longer than 255 UTF-16 units")]
    TooLong,
    /// One of `/ \ : * ? " < > |`.
    #[error("it has one of / \\ : * ? \" < > |")]
    Reserved,
    /// A character that XML cannot hold or Azure refuses.
    #[error("it has {0}")]
    Character(UnfitCharacter),
    /// Ends in a dot or a blank.
    #[error("it ends in a dot or a blank")]
    Trailing,
    /// A DOS device name.
    #[error(
        "it is a device name of Windows (CON, PRN, AUX, NUL, COM0-9, LPT0-9, also with ¹ ² ³, \
         CONIN$, CONOUT$)"
    )]
    Device,
}

/// Checks one component of a path.
pub fn check_name(name: &str) -> Result<(), NameFault> {
    if matches!(name, "" | "." | "..") {
        return Err(NameFault::Empty);
    }
    if name.encode_utf16().count() > 255 {
        return Err(NameFault::TooLong);
    }
    if let Some(character) = UnfitCharacter::find(name) {
        return Err(NameFault::Character(character));
    }
    if name.contains(['/', '\\', ':', '*', '?', '"', '<', '>', '|']) {
        return Err(NameFault::Reserved);
    }
    if name.ends_with(['.', ' ']) {
        return Err(NameFault::Trailing);
    }
    if is_device(name) { Err(NameFault::Device) } else { Ok(()) }
}

/// Whether Windows takes a name for a device, whatever stands behind a dot, and blanks before it
/// (Microsoft, "Naming Files, Paths, and Namespaces").
pub(super) fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end_matches(' ').to_ascii_uppercase();
    if matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$") {
        return true;
    }
    let number = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    let mut digits = number.unwrap_or_default().chars();
    match (digits.next(), digits.next()) {
        // The digits of Latin-1 in superscript count as digits.
        (Some(digit), None) => digit.is_ascii_digit() || matches!(digit, '¹' | '²' | '³'),
        _ => false,
    }
}

impl DrivePath {
    /// Makes a path of its components.
    pub fn from_components<'a>(
        components: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, InvalidNoun> {
        let mut path = String::new();
        for component in components {
            if check_name(component).is_err() {
                return Err(fault(component));
            }
            path.push('\\');
            path.push_str(component);
        }
        if path.is_empty() { Err(fault("")) } else { Ok(DrivePath(path)) }
    }

    /// A path whose parts are those of a path that was checked: up to the last backslash, the name.
    pub(crate) fn of_parts(folder: &str, name: &str) -> Self {
        DrivePath([folder, name].concat())
    }

    /// Its two parts: up to the last backslash, and the name.
    pub fn parts(&self) -> (&str, &str) {
        self.0.split_at(self.0.rfind('\\').map_or(0, |at| at + 1))
    }

    /// The components from the root down; never empty.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0[1..].split('\\')
    }

    /// Whether programs of Windows may fail with it, as they have no room for longer paths.
    pub fn is_long(&self) -> bool {
        self.0.encode_utf16().count() > limits::WINDOWS_PATH_CHARACTERS
    }

    /// The path with its leading backslash.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn fault(text: &str) -> InvalidNoun {
    InvalidNoun::new(
        "path on the drive",
        text,
        "\\folder\\file; names of 1 to 255 UTF-16 units without / \\ : * ? \" < > |, control \
         characters, characters for private use, noncharacters, a final dot or blank, and no \
         device names of Windows",
    )
}

impl fmt::Display for DrivePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for DrivePath {
    type Err = InvalidNoun;
    fn from_str(text: &str) -> Result<Self, InvalidNoun> {
        let rest = text.strip_prefix('\\').ok_or_else(|| fault(text))?;
        DrivePath::from_components(rest.split('\\'))
    }
}

impl TryFrom<String> for DrivePath {
    type Error = InvalidNoun;
    fn try_from(text: String) -> Result<Self, InvalidNoun> {
        text.parse()
    }
}

impl From<DrivePath> for String {
    fn from(path: DrivePath) -> String {
        path.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_windows_cannot_open_are_refused_with_the_reason() {
        for (name, fault) in [
            ("", NameFault::Empty),
            ("..", NameFault::Empty),
            ("a:b", NameFault::Reserved),
            ("a.", NameFault::Trailing),
            ("a ", NameFault::Trailing),
            ("con", NameFault::Device),
            ("Com1.txt", NameFault::Device),
        ] {
            assert_eq!(check_name(name), Err(fault), "{name:?}");
        }
        for device in [
            "PRN",
            "aux.tar.gz",
            "NUL .txt",
            "nul. .x",
            "com0",
            "LPT9",
            "lpt0.a",
            "COM¹",
            "lpt².txt",
            "COM³.tar.gz",
            "COM1 .",
            "conin$",
            "CONOUT$.log",
        ] {
            let fault = check_name(device).unwrap_err();
            assert!(matches!(fault, NameFault::Device | NameFault::Trailing), "{device}: {fault}");
        }
        for (name, told) in [
            ("a\u{1}", "it has U+0001, a control character"),
            ("tab\u{81}end", "it has U+0081, a control character"),
            ("odd\u{fffe}", "it has U+FFFE, a noncharacter"),
        ] {
            assert_eq!(check_name(name).unwrap_err().to_string(), told);
            assert!(format!("\\a\\{name}").parse::<DrivePath>().is_err(), "{name:?}");
        }
        assert_eq!(check_name(&"x".repeat(256)), Err(NameFault::TooLong));
        for good in [
            "COM10",
            "COM",
            "COM⁴",
            "COMx",
            "NUL1",
            "CON$",
            "a.nul",
            "console",
            "ä\u{1F600}",
            &"x".repeat(255),
        ] {
            assert_eq!(check_name(good), Ok(()), "{good}");
        }
        let path: DrivePath = "\\seed\\repo\\config".parse().unwrap();
        assert_eq!(path.components().collect::<Vec<_>>(), ["seed", "repo", "config"]);
        assert!("seed\\repo".parse::<DrivePath>().is_err());
        assert!("\\seed\\\\repo".parse::<DrivePath>().is_err());
    }
}
