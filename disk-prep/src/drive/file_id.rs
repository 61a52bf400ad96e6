//! A file by its numbers, whatever it is called.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::sys::loops::Backing;

/// A file, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileId {
    /// Its file system.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
}

impl FileId {
    /// The file that a path leads to.
    pub fn at(path: &Path) -> io::Result<Self> {
        fs::metadata(path).map(|about| FileId::of(&about))
    }

    /// The file that this was read of.
    pub fn of(about: &fs::Metadata) -> Self {
        FileId { device: about.dev(), inode: about.ino() }
    }

    /// The file that a loop device says it is made of.
    pub(super) fn of_backing(own: Backing) -> Self {
        FileId { device: own.device, inode: own.inode }
    }
}
