//! Where in a container a repository lies.

use std::fmt;
use std::str::FromStr;

use super::blob_path::{ContainerName, check_blob_name};
use super::invalid::InvalidNoun;

const RULE: &str = "folders divided by `/`, as in the names of blobs, and none of ours, `azseed/`; \
                    `/` is the container itself";
/// Our own blobs lie below it (`design` 7).
const OURS: &str = "azseed";

/// What stands before every blob of a repository: nothing, or folders with a slash behind each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryPrefix(String);

impl RepositoryPrefix {
    /// As it stands before a name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for RepositoryPrefix {
    /// Where the repository of a vault lies.
    fn default() -> Self {
        RepositoryPrefix("repo/".to_owned())
    }
}

impl FromStr for RepositoryPrefix {
    type Err = InvalidNoun;

    /// Takes it with slashes around or without, as users of restic write it.
    fn from_str(text: &str) -> Result<Self, InvalidNoun> {
        let inner = text.trim_start_matches('/').trim_end_matches('/');
        if inner.is_empty() && text.contains('/') {
            return Ok(RepositoryPrefix(String::new()));
        }
        let container = ContainerName::new("any").expect("three letters are the name of one");
        let is_ours = inner.split('/').next() == Some(OURS);
        match check_blob_name(&container, &format!("{inner}/config")) {
            Ok(()) if !is_ours => Ok(RepositoryPrefix(format!("{inner}/"))),
            _ => Err(InvalidNoun::new("prefix of a repository", text, RULE)),
        }
    }
}

impl fmt::Display for RepositoryPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "/" } else { &self.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_around_it_do_not_count_and_our_own_folder_is_none() {
        for (text, prefix) in [
            ("repo", "repo/"),
            ("/repo/", "repo/"),
            ("a/b", "a/b/"),
            ("/", ""),
            ("azseed2", "azseed2/"),
        ] {
            let parsed: RepositoryPrefix = text.parse().unwrap();
            assert_eq!(parsed.as_str(), prefix, "{text}");
            assert_eq!(parsed.to_string().parse::<RepositoryPrefix>().unwrap(), parsed);
        }
        for text in ["", "azseed", "/azseed/x", "a//b", "../x", "a\\b", "a/./b", "\n"] {
            assert!(text.parse::<RepositoryPrefix>().is_err(), "{text:?}");
        }
        assert_eq!(RepositoryPrefix::default(), "repo".parse().unwrap());
    }
}
