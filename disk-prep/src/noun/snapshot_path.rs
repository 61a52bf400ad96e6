//! A snapshot as it is named on the command line, and a path in it: `ID`, `ID:/PATH`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::invalid::InvalidNoun;

const RULE: &str = "the beginning of an id or latest, and a whole path in it behind a colon";
/// The newest.
const LATEST: &str = "latest";

/// A snapshot, and what is meant of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SnapshotPath {
    /// The beginning of its id; the newest if there is none.
    pub id: Option<String>,
    /// A path in it; all of it if there is none.
    pub path: Option<PathBuf>,
}

impl FromStr for SnapshotPath {
    type Err = InvalidNoun;

    fn from_str(text: &str) -> Result<Self, InvalidNoun> {
        let (id, path) = match text.split_once(':') {
            Some((id, path)) => (id, Some(path)),
            None => (text, None),
        };
        if path.is_some_and(|path| !path.starts_with('/')) {
            return Err(InvalidNoun::new("snapshot", text, RULE));
        }
        let id = (id != LATEST).then(|| id.to_owned());
        Ok(SnapshotPath { id, path: path.map(PathBuf::from) })
    }
}

impl fmt::Display for SnapshotPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id.as_deref().unwrap_or(LATEST))?;
        self.path.as_ref().map_or(Ok(()), |path| write!(f, ":{}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stands_behind_a_colon_and_is_whole() {
        let parsed = |text: &str| text.parse::<SnapshotPath>();
        assert_eq!(parsed("latest").unwrap(), SnapshotPath::default());
        assert_eq!(parsed("ab12").unwrap().id.as_deref(), Some("ab12"));
        let own = parsed("latest:/srv/a:b").unwrap();
        assert_eq!((own.id.as_deref(), own.path), (None, Some(PathBuf::from("/srv/a:b"))));
        assert_eq!(parsed("").unwrap().id.as_deref(), Some(""), "the beginning of any");
        for text in [":", "ab12:", "ab12:srv"] {
            assert!(parsed(text).is_err(), "{text:?}");
        }
        assert_eq!(parsed("ab:/x").unwrap().to_string(), "ab:/x");
    }
}
