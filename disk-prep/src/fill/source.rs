//! Reads a source file and notices when it is not the file that was planned: another size or time
//! before or after, gone, or unreadable. Such a file is left out of the manifest, never the drive.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{Advice, OFlags, fadvise};

use crate::dataset::{DataFile, modified_ns};

/// Files longer than this do not stay in the page cache when they were read.
const KEEP_CACHED_BELOW: u64 = 64 << 20;

/// The folder that all sources are below, as it was when the pass began.
#[derive(Debug)]
pub struct Root<'a> {
    /// Where it is.
    pub path: &'a Path,
    identity: Option<(u64, u64)>,
}

impl<'a> Root<'a> {
    /// The folder as it is now.
    pub fn new(path: &'a Path) -> Self {
        Root { path, identity: identity(path).ok() }
    }

    /// Whether it is still that folder, with the folder of this file in it, if there is one: a
    /// share that went away answers with an error, or leaves an empty folder in its place.
    pub fn check(&self, planned: &DataFile) -> io::Result<()> {
        if Some(identity(self.path)?) != self.identity {
            return Err(io::Error::other("another folder is in its place"));
        }
        std::fs::read_dir(self.path)?;
        let file = self.path.join(&planned.source);
        match std::fs::metadata(file.parent().unwrap_or(self.path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    std::fs::metadata(path).map(|found| (found.dev(), found.ino()))
}

/// An open source file.
#[derive(Debug)]
pub struct Source<'a> {
    file: File,
    planned: &'a DataFile,
}

impl<'a> Source<'a> {
    /// Opens the file below `root`; the error is the reason why it is left out.
    pub fn open(root: &Path, planned: &'a DataFile) -> Result<Self, String> {
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(OFlags::NOFOLLOW.bits() as i32)
            .open(root.join(&planned.source))
            .map_err(unreadable)?;
        let source = Source { file, planned };
        source.check()?;
        // Only a hint to the kernel; reading goes on without it.
        let _ = fadvise(&source.file, 0, None, Advice::Sequential);
        Ok(source)
    }

    /// Reads all of `buffer` from byte `at`.
    pub fn read(&self, at: u64, buffer: &mut [u8]) -> Result<(), String> {
        self.file.read_exact_at(buffer, at).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => "it shrank while it was read".to_owned(),
            _ => unreadable(error),
        })
    }

    /// Checks once more that it is still the file that was planned.
    pub fn finish(self) -> Result<(), String> {
        self.check()?;
        if self.planned.bytes > KEEP_CACHED_BELOW {
            let _ = fadvise(&self.file, 0, None, Advice::DontNeed);
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        let found = self.file.metadata().map_err(unreadable)?;
        if !found.is_file() {
            return Err("it is no longer a regular file".to_owned());
        }
        if found.size() != self.planned.bytes {
            return Err(format!(
                "its size changed from {} to {} bytes",
                self.planned.bytes,
                found.size()
            ));
        }
        if modified_ns(&found) != self.planned.modified_ns {
            return Err("it was modified after it was planned".to_owned());
        }
        Ok(())
    }
}

fn unreadable(error: io::Error) -> String {
    format!("it cannot be read: {error}")
}
