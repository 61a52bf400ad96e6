//! Folders of which a file in them says that what else they hold is not to be backed up, as restic's
//! `--exclude-if-present` and `--exclude-caches` take it.

use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use disk_prep::sys::hold::hold;

use super::pattern::InvalidPattern;
use super::reads::open_file;

/// The file of a cache folder, and what it begins with: <https://bford.info/cachedir/>.
const CACHE: (&str, &[u8]) = ("CACHEDIR.TAG", b"Signature: 8a477f597d28d172789f06886806bc55");

/// A file that marks the folder it lies in.
#[derive(Debug)]
pub(super) struct Mark {
    name: OsString,
    /// What it begins with; without it any content will do.
    header: Option<Vec<u8>>,
    /// The folder that was asked for last: a walk asks for each of its entries.
    last: Mutex<Option<(PathBuf, bool)>>,
}

impl Mark {
    /// Understands `NAME` or `NAME:HEADER`.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let (name, header) = match text.split_once(':') {
            Some((name, header)) => (name, Some(header.as_bytes().to_vec())),
            None => (text, None),
        };
        match name {
            "" => Err(InvalidPattern::Empty),
            name if name.contains('/') => Err(InvalidPattern::Name { text: text.to_owned() }),
            name => Ok(Mark { name: name.into(), header, last: Mutex::default() }),
        }
    }

    /// That of a cache folder.
    pub fn of_caches() -> Self {
        let (name, header) = CACHE;
        Mark { name: name.into(), header: Some(header.to_vec()), last: Mutex::default() }
    }

    /// Whether a path lies in a folder that is marked; the mark itself is kept, so that a restored
    /// folder is marked too.
    pub fn leaves_out(&self, path: &Path) -> bool {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return false };
        if name == self.name {
            return false;
        }
        let mut last = hold(&self.last);
        if let Some((known, is_marked)) = last.as_ref()
            && known == folder
        {
            return *is_marked;
        }
        let is_marked = self.is_in(folder);
        *last = Some((folder.to_owned(), is_marked));
        is_marked
    }

    fn is_in(&self, folder: &Path) -> bool {
        let path = folder.join(AsRef::<OsStr>::as_ref(&self.name));
        let Some(header) = &self.header else { return path.symlink_metadata().is_ok() };
        let mut begin = vec![0; header.len()];
        open_file(&path).is_ok_and(|mut file| file.read_exact(&mut begin).is_ok())
            && begin == *header
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_folder_is_marked_by_a_file_with_the_right_beginning_and_the_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let leaves_out = |text: &str| Mark::parse(text).unwrap().leaves_out(&path("x"));
        assert!(!leaves_out(".nobackup"));
        fs::write(path(".nobackup"), "please").unwrap();
        assert!(leaves_out(".nobackup") && leaves_out(".nobackup:plea"));
        assert!(!leaves_out(".nobackup:no") && !leaves_out(".nobackup:please not"));
        assert!(!Mark::parse(".nobackup").unwrap().leaves_out(&path(".nobackup")));
        let caches = || Mark::of_caches().leaves_out(&path("x"));
        fs::write(path("CACHEDIR.TAG"), "Signature: something else").unwrap();
        assert!(!caches());
        fs::write(path("CACHEDIR.TAG"), [CACHE.1, b"\n# by a program"].concat()).unwrap();
        assert!(caches());
        for text in ["", ":header", "a/b"] {
            assert!(Mark::parse(text).is_err(), "{text:?}");
        }
    }
}
