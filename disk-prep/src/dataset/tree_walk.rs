//! Walks a folder: each entry in the order of the names, a folder before what is in it. Entries
//! are looked at by the handle of their folder, and no link is followed.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::file::Facts;
use crate::sys::beneath::{Folder, Kind};

/// Folders that are held open on the way to the one that is walked.
const HELD: usize = 32;

/// What was found.
pub struct Found<'a> {
    /// Its path below the folder that is walked.
    pub path: &'a Path,
    /// What it is.
    pub kind: Kind,
    /// Its length and time, if it is a file.
    pub facts: Facts,
}

/// A folder on the way.
struct Level {
    /// Held open, if it is near.
    folder: Option<Folder>,
    /// Bytes of its path.
    path_bytes: usize,
    names: Names,
    next: usize,
}

/// The names in a folder, one behind the other.
#[derive(Default)]
struct Names {
    bytes: Vec<u8>,
    ends: Vec<(usize, usize)>,
}

impl Names {
    fn of(folder: &Folder) -> io::Result<Self> {
        let mut names = Names::default();
        folder.each_name(|name| {
            let at = names.bytes.len();
            names.bytes.extend_from_slice(name.as_bytes());
            names.ends.push((at, names.bytes.len()));
        })?;
        let bytes = &names.bytes;
        names.ends.sort_unstable_by(|one, other| bytes[one.0..one.1].cmp(&bytes[other.0..other.1]));
        Ok(names)
    }
}

/// Tells of everything below a folder; a fault with the path that it is of. What `take` says of a
/// folder decides whether it is walked.
pub fn walk<E>(
    root: &Path,
    mut take: impl FnMut(Result<Found<'_>, (PathBuf, io::Error)>) -> Result<Walk, E>,
) -> Result<(), E> {
    let opened = Folder::open(root).and_then(|folder| Ok((Names::of(&folder)?, folder)));
    let (names, top) = match opened {
        Ok(opened) => opened,
        Err(error) => return take(Err((root.to_owned(), error))).map(drop),
    };
    let mut path: Vec<u8> = Vec::new();
    let mut levels = vec![Level { folder: None, path_bytes: 0, names, next: 0 }];
    while let Some(level) = levels.last_mut() {
        path.truncate(level.path_bytes);
        let Some(&(from, to)) = level.names.ends.get(level.next) else {
            levels.pop();
            continue;
        };
        level.next += 1;
        let name = OsStr::from_bytes(&level.names.bytes[from..to]);
        let about = match &mut level.folder {
            Some(folder) => folder.about(Path::new(name)),
            none => top
                .folder(below(&path))
                .and_then(|folder| none.insert(folder).about(Path::new(name))),
        };
        if !path.is_empty() {
            path.push(b'/');
        }
        path.extend_from_slice(name.as_bytes());
        let own = below(&path);
        let about = match about {
            Ok(about) => about,
            Err(error) => {
                take(Err((root.join(own), error)))?;
                continue;
            }
        };
        let facts = Facts::of(&about);
        if take(Ok(Found { path: own, kind: about.kind, facts }))? == Walk::Pass
            || about.kind != Kind::Folder
        {
            continue;
        }
        let opened = top.folder(own).and_then(|folder| Ok((Names::of(&folder)?, folder)));
        match opened {
            Ok((names, folder)) => {
                let folder = Some(folder);
                levels.push(Level { folder, path_bytes: path.len(), names, next: 0 });
                if let Some(far) = levels.len().checked_sub(HELD + 1) {
                    levels[far].folder = None;
                }
            }
            Err(error) => drop(take(Err((root.join(own), error)))?),
        }
    }
    Ok(())
}

/// Whether a folder is walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Walk {
    /// It is.
    Enter,
    /// It is passed over; nothing else for what is no folder.
    Pass,
}

fn below(path: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(path))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn seen(root: &Path, passed: &str) -> Vec<String> {
        let mut seen = Vec::new();
        walk::<()>(root, |found| {
            let found = found.unwrap();
            seen.push(format!("{:?} {}", found.kind, found.path.display()));
            Ok(if found.path == Path::new(passed) { Walk::Pass } else { Walk::Enter })
        })
        .unwrap();
        seen
    }

    #[test]
    fn folders_come_before_what_is_in_them_and_in_the_order_of_their_names() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["b", "a/z", "a/c/d", "a.txt", "never/x"] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, b"x").unwrap();
        }
        std::os::unix::fs::symlink("a", folder.path().join("link")).unwrap();
        let all = [
            "Folder a",
            "Folder a/c",
            "File a/c/d",
            "File a/z",
            "File a.txt",
            "File b",
            "Link link",
            "Folder never",
        ];
        assert_eq!(seen(folder.path(), "never"), all);
    }

    #[test]
    fn a_tree_deeper_than_what_is_held_open_is_walked_whole() {
        let folder = tempfile::tempdir().unwrap();
        let deep = vec!["d"; 3 * HELD].join("/");
        fs::create_dir_all(folder.path().join(&deep)).unwrap();
        let mut at = folder.path().to_owned();
        for _ in 0..3 * HELD {
            fs::write(at.join("e"), b"x").unwrap();
            at.push("d");
        }
        let seen = seen(folder.path(), "");
        assert_eq!(seen.len(), 6 * HELD);
        assert_eq!(seen.iter().filter(|line| line.starts_with("File")).count(), 3 * HELD);
    }

    #[test]
    fn what_is_no_folder_is_told_with_its_path() {
        let missing = Path::new("/nowhere/at/all");
        let mut faults = Vec::new();
        walk::<()>(missing, |found| {
            faults.extend(found.err().map(|(path, error)| (path, error.kind())));
            Ok(Walk::Enter)
        })
        .unwrap();
        assert_eq!(faults, [(missing.to_owned(), io::ErrorKind::NotFound)]);
    }
}
