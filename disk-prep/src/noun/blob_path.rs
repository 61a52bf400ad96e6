//! Where a file becomes a blob: container and blob name. Rules: `azure-import-export` 2.4.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::InvalidNoun;
use super::names::name;

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
                    none of them empty, `.` or `..`, and does not end in a dot or slash";

impl BlobPath {
    /// Checks the blob name; the container is checked already.
    pub fn new(container: ContainerName, name: &str) -> Result<Self, InvalidNoun> {
        let length = name.encode_utf16().count();
        let fits = (1..=1024).contains(&length)
            && name.split('/').count() <= 254
            && name.split('/').all(|segment| !matches!(segment, "" | "." | ".."))
            && !name.ends_with('.')
            && !name.contains('\\')
            && !name.chars().any(char::is_control);
        fits.then(|| BlobPath { container, name: name.to_owned() })
            .ok_or_else(|| InvalidNoun::new("blob path", name, RULE))
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
        for bad in
            ["seed", "seed/", "se/x", "seed/a//b", "seed/../b", "seed/a.", "seed/a\\b", "Seed/a"]
        {
            assert!(bad.parse::<BlobPath>().is_err(), "{bad}");
        }
        assert!(format!("seed/{}", "x".repeat(1025)).parse::<BlobPath>().is_err());
        assert!(format!("seed/{}x", "x/".repeat(254)).parse::<BlobPath>().is_err());
    }
}
