//! The sources of a backup. The library leaves out what it cannot read and only logs it; here it
//! reads through a wrapper that keeps each such file with its path and the reason. The library
//! also forgets mode and times of the folders that were named; here they are entries like others.

use std::collections::VecDeque;
use std::error::Error as _;
use std::fmt::Display;
use std::fs;
use std::io::{self, Read};
use std::iter::Peekable;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use rustic_core::repofile::{Metadata, Node, NodeType};
use rustic_core::{
    BackupOptions, LocalSource, ReadSource, ReadSourceEntry, ReadSourceOpen, RusticResult,
};

type Inner = <LocalSource as ReadSource>::Open;

/// What could not be read, in the order in which it was met.
#[derive(Debug, Clone, Default)]
struct Lost(Arc<Mutex<Vec<String>>>);

impl Lost {
    fn add(&self, what: String) {
        self.0.lock().expect("no holder of this lock can panic").push(what);
    }

    fn add_file(&self, path: &Path, reason: &dyn Display) {
        self.add(format!("{}: {reason}", path.display()));
    }
}

/// Files of the source machine, with an account of what could not be read.
pub(super) struct Sources {
    files: LocalSource,
    roots: Vec<PathBuf>,
    lost: Lost,
}

impl Sources {
    /// The files below `paths`, as the options choose them.
    pub(super) fn open(options: &BackupOptions, paths: &[PathBuf]) -> RusticResult<Self> {
        let files = LocalSource::new(
            options.ignore_save_opts,
            &options.excludes,
            &options.ignore_filter_opts,
            paths,
        )?;
        Ok(Sources { files, roots: paths.to_vec(), lost: Lost::default() })
    }

    /// What could not be read: the path, a colon, the reason.
    pub(super) fn lost(self) -> Vec<String> {
        std::mem::take(&mut *self.lost.0.lock().expect("no holder of this lock can panic"))
    }
}

impl ReadSource for Sources {
    type Open = Opening;
    type Iter = Entries;

    fn size(&self) -> RusticResult<Option<u64>> {
        self.files.size()
    }

    fn entries(&self) -> Entries {
        let mut roots: Vec<PathBuf> =
            self.roots.iter().filter(|path| path.is_dir()).cloned().collect();
        roots.sort();
        Entries {
            files: self.files.entries().peekable(),
            roots: roots.into(),
            lost: self.lost.clone(),
        }
    }
}

/// Walks the sources, in the order of their paths.
pub(super) struct Entries {
    files: Peekable<<LocalSource as ReadSource>::Iter>,
    /// Folders that were named and have not come yet.
    roots: VecDeque<PathBuf>,
    lost: Lost,
}

impl Iterator for Entries {
    type Item = RusticResult<ReadSourceEntry<Opening>>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = match self.files.peek() {
            Some(Ok(entry)) => Some(entry.path.as_path()),
            _ => None,
        };
        if self.roots.front().is_some_and(|root| next.is_none_or(|next| *root < *next)) {
            let root = self.roots.pop_front()?;
            return match folder(&root) {
                Ok(node) => Some(Ok(ReadSourceEntry { path: root, node, open: None })),
                // The walk says why it cannot be read.
                Err(_) => self.next(),
            };
        }
        let entry = self.files.next()?;
        Some(match entry {
            Ok(ReadSourceEntry { path, node, open }) => {
                let lost = self.lost.clone();
                let open = open.map(|file| Opening { file, path: path.clone(), lost });
                Ok(ReadSourceEntry { path, node, open })
            }
            Err(error) => {
                // The walk's own error names the path; the library's sentence around it does not.
                let reason = error.source().map_or_else(|| error.to_string(), <_>::to_string);
                self.lost.add(reason);
                Err(error)
            }
        })
    }
}

/// A folder that was named, as the library describes the folders below it. The format has modes
/// in the form of Go: permissions, and bits of its own for the rest.
fn folder(path: &Path) -> io::Result<Node> {
    const GO_FOLDER: u32 = 1 << 31;
    const GO_SPECIAL: [(u32, u32); 3] = [(0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20)];
    let about = fs::metadata(path)?;
    let special = GO_SPECIAL.iter().filter(|(bit, _)| about.mode() & bit != 0);
    let mode = special.fold(GO_FOLDER | (about.mode() & 0o777), |mode, (_, own)| mode | own);
    let time = |secs, nanos| Timestamp::new(secs, i32::try_from(nanos).unwrap_or(0)).ok();
    let about = Metadata {
        mode: Some(mode),
        mtime: time(about.mtime(), about.mtime_nsec()),
        ctime: time(about.ctime(), about.ctime_nsec()),
        uid: Some(about.uid()),
        gid: Some(about.gid()),
        inode: about.ino(),
        ..Metadata::default()
    };
    let name = path.file_name().unwrap_or_default();
    Ok(Node::new_node(name, NodeType::Dir, about))
}

/// A file about to be read.
pub(super) struct Opening {
    file: Inner,
    path: PathBuf,
    lost: Lost,
}

impl ReadSourceOpen for Opening {
    type Reader = Reading<<Inner as ReadSourceOpen>::Reader>;

    fn open(self) -> RusticResult<Self::Reader> {
        let Opening { file, path, lost } = self;
        match file.open() {
            Ok(file) => Ok(Reading { file, path, lost }),
            Err(error) => {
                let reason = error.source().map_or_else(|| error.to_string(), <_>::to_string);
                lost.add_file(&path, &reason);
                Err(error)
            }
        }
    }
}

/// A file being read.
pub(super) struct Reading<R> {
    file: R,
    path: PathBuf,
    lost: Lost,
}

impl<R: Read> Read for Reading<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer).inspect_err(|error| {
            // An interrupted call is repeated by the caller; any other ends the file.
            if error.kind() != io::ErrorKind::Interrupted {
                self.lost.add_file(&self.path, error);
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost_of(paths: &[PathBuf]) -> Vec<String> {
        let sources = Sources::open(&BackupOptions::default(), paths).unwrap();
        for entry in sources.entries().flatten() {
            let Some(open) = entry.open else { continue };
            if let Ok(mut file) = open.open() {
                let _ = file.read_to_end(&mut Vec::new());
            }
        }
        sources.lost()
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named_once_and_a_readable_one_is_not() {
        // The kernel opens this file for reading and then refuses to read it, to root as well.
        let unreadable = std::fs::canonicalize("/proc/self").unwrap().join("clear_refs");
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("readable"), b"x").unwrap();
        let lost = lost_of(&[folder.path().to_owned(), unreadable.clone()]);
        let [only] = lost.as_slice() else { panic!("{lost:?}") };
        assert!(only.starts_with(&format!("{}: Invalid argument", unreadable.display())), "{only}");
    }

    #[test]
    fn a_file_that_went_away_between_listing_and_reading_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gone");
        std::fs::write(&path, b"x").unwrap();
        let sources =
            Sources::open(&BackupOptions::default(), std::slice::from_ref(&path)).unwrap();
        let entry = sources.entries().next().unwrap().unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(entry.open.unwrap().open().is_err());
        let lost = sources.lost();
        assert!(lost[0].starts_with(&format!("{}: ", path.display())), "{lost:?}");
        assert!(lost[0].contains("No such file"), "{lost:?}");
    }

    #[test]
    fn a_source_that_is_not_there_is_named() {
        let lost = lost_of(&[PathBuf::from("/nowhere/at/all")]);
        assert!(lost.len() == 1 && lost[0].contains("/nowhere/at/all"), "{lost:?}");
    }
}
