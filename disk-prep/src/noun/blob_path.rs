//! Where a file becomes a blob: container and blob name. Rules: `azure-import-export` 2.4.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::character::UnfitCharacter;
use super::invalid::InvalidNoun;
use super::names::name;
use crate::limits;

name!(
    /// Name of a blob container.
    ContainerName,
    "container name",
    "3 to 63 lower-case letters, digits and single hyphens, a letter or digit at both ends, or $root",
    |text| text == "$root" || {
        (3..=63).contains(&text.len())
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !text.starts_with('-')
            && !text.ends_with('-')
            && !text.contains("--")
    }
);

/// A blob: its container and its name within it. Written `container/name`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BlobPath {
    container: ContainerName,
    name: String,
}

const RULE: &str = "container/name; the name has 1 to 1024 characters, at most 254 segments, \
                    none of them empty, `.` or `..`, no backslash, control character, character \
                    for private use or noncharacter, and does not end in a dot or slash; in \
                    $root it has no slash";

/// Why Azure does not take a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BlobFault {
    /// No name, or one that is too long.
    #[error(
        "the blob's name has {length} characters, Azure takes at most {}",
        limits::BLOB_NAME_CHARACTERS
    )]
    Length {
        /// How many it has.
        length: usize,
    },
    /// Too many parts between slashes.
    #[error(
        "the blob's name has {count} parts between slashes, Azure takes at most {}",
        limits::BLOB_NAME_SEGMENTS
    )]
    Segments {
        /// How many it has.
        count: usize,
    },
    /// A part that is empty, `.` or `..`.
    #[error("the blob's name has a part that is empty, `.` or `..`")]
    Part,
    /// A dot at the end.
    #[error("the blob's name ends in a dot")]
    Dot,
    /// A backslash.
    #[error("the blob's name has a backslash, which Azure takes for a slash")]
    Backslash,
    /// A character that XML cannot hold or Azure refuses.
    #[error("the blob's name has {0}")]
    Character(UnfitCharacter),
    /// A folder in the root container.
    #[error("the container $root takes no folders")]
    Folder,
}

/// Checks a blob's name within its container. Source: Azure, "Naming and referencing containers,
/// blobs, and metadata".
pub fn check_blob_name(container: &ContainerName, name: &str) -> Result<(), BlobFault> {
    let length = name.encode_utf16().count();
    if length == 0 || length > limits::BLOB_NAME_CHARACTERS {
        return Err(BlobFault::Length { length });
    }
    let count = name.split('/').count();
    if count > limits::BLOB_NAME_SEGMENTS {
        return Err(BlobFault::Segments { count });
    }
    if name.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Err(BlobFault::Part);
    }
    if name.ends_with('.') {
        return Err(BlobFault::Dot);
    }
    if name.contains('\\') {
        return Err(BlobFault::Backslash);
    }
    if let Some(character) = UnfitCharacter::find(name) {
        return Err(BlobFault::Character(character));
    }
    let is_root = container.as_str() == "$root";
    if is_root && count > 1 { Err(BlobFault::Folder) } else { Ok(()) }
}

impl BlobPath {
    /// Checks the blob name; the container is checked already.
    pub fn new(container: ContainerName, name: &str) -> Result<Self, InvalidNoun> {
        match check_blob_name(&container, name) {
            Ok(()) => Ok(BlobPath { container, name: name.to_owned() }),
            Err(_) => Err(InvalidNoun::new("blob path", name, RULE)),
        }
    }

    /// A path whose parts are those of a path that was checked.
    pub(crate) fn of_parts(container: &ContainerName, parts: [&str; 2]) -> Self {
        BlobPath { container: container.clone(), name: parts.concat() }
    }

    /// The container.
    pub fn container(&self) -> &ContainerName {
        &self.container
    }

    /// The name within the container, `/` between segments.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for BlobPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.container, self.name)
    }
}

impl FromStr for BlobPath {
    type Err = InvalidNoun;
    fn from_str(text: &str) -> Result<Self, InvalidNoun> {
        let (container, name) =
            text.split_once('/').ok_or_else(|| InvalidNoun::new("blob path", text, RULE))?;
        BlobPath::new(ContainerName::new(container)?, name)
    }
}

impl TryFrom<String> for BlobPath {
    type Error = InvalidNoun;
    fn try_from(text: String) -> Result<Self, InvalidNoun> {
        text.parse()
    }
}

impl From<BlobPath> for String {
    fn from(path: BlobPath) -> String {
        path.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_path_is_a_container_and_a_clean_name() {
        let path: BlobPath = "seed/repo/data/3f/3f00".parse().unwrap();
        assert_eq!((path.container().as_str(), path.name()), ("seed", "repo/data/3f/3f00"));
        for bad in [
            "seed",
            "seed/",
            "se/x",
            "seed/a//b",
            "seed/../b",
            "seed/a.",
            "seed/a\\b",
            "Seed/a",
            "seed/a\u{fffe}",
            "seed/\u{e000}",
            "$root/a/b",
        ] {
            assert!(bad.parse::<BlobPath>().is_err(), "{bad}");
        }
        assert!(format!("seed/{}", "x".repeat(1025)).parse::<BlobPath>().is_err());
        assert!(format!("seed/{}x", "x/".repeat(254)).parse::<BlobPath>().is_err());
    }
}
