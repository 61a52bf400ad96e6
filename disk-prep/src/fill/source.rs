//! Reads a source file and notices when it is not the file that was planned: another size or time
//! before or after, another kind, gone, or unreadable. Such a file is left out of the manifest,
//! never the drive. A read that fails as a share or a disk does that may come back is tried again
//! first. Sources are reached from the handle of their folder, and no link is followed.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Advice, fadvise};

use crate::dataset::{DataFile, modified_ns};
use crate::journal::{FileChange, LeftOut};
use crate::stop::StopFlag;
use crate::sys::again::{Patience, is_passing};
use crate::sys::beneath::{Folder, Unexpected};
use crate::world::World;

/// Files longer than this do not stay in the page cache when they were read.
const KEEP_CACHED_BELOW: u64 = 64 << 20;

/// The folder that all sources are below, as it was when the pass began.
pub struct Root<'a> {
    /// Where it is.
    pub path: &'a Path,
    folder: io::Result<Folder>,
    world: &'a dyn World,
    stop: &'a StopFlag,
    patience: Patience,
}

impl<'a> Root<'a> {
    /// The folder as it is now.
    pub fn new(path: &'a Path, world: &'a dyn World, stop: &'a StopFlag) -> Self {
        Root { path, folder: Folder::open(path), world, stop, patience: Patience::default() }
    }

    /// Whether it is still that folder, with the folder of this file in it, if there is one: a
    /// share that went away answers with an error, or leaves an empty folder in its place.
    pub fn check(&self, planned: &DataFile) -> io::Result<()> {
        let folder = self.anew()?;
        std::fs::read_dir(self.path)?;
        match folder.about(planned.source.parent().unwrap_or(Path::new(""))) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) if Unexpected::of(&error).is_some() => Ok(()),
            about => about.map(drop),
        }
    }

    /// The same folder with a new handle.
    fn anew(&self) -> io::Result<Folder> {
        let identity = |folder: &Folder| folder.about(Path::new("")).map(|about| about.id);
        let folder = Folder::open(self.path)?;
        // A handle that went stale with its share does not say any more which folder it was.
        let known = self.folder.as_ref().map(identity);
        match known {
            Ok(Ok(known)) if known != identity(&folder)? => {
                Err(io::Error::other("another folder is in its place"))
            }
            _ => Ok(folder),
        }
    }

    fn open(&self, planned: &DataFile, attempt: usize) -> io::Result<File> {
        match &self.folder {
            Ok(folder) if attempt == 0 => self.world.open(folder, &planned.source),
            _ => self.world.open(&self.anew()?, &planned.source),
        }
    }

    /// Does something until it works, fails for good, or has failed too often.
    fn again<T>(&self, attempt: impl FnMut(usize) -> Result<T, Fault>) -> Result<T, Fault> {
        let may_pass = |fault: &Fault| match fault {
            Fault::Read(error) => is_passing(error) && !self.stop.is_asked(),
            Fault::Changed(_) => false,
        };
        self.patience.again(may_pass, |time| self.world.wait(time), attempt)
    }
}

/// Why a file is left out, while it may still come back.
enum Fault {
    Read(io::Error),
    Changed(LeftOut),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Fault::Read(error)
    }
}

impl From<Fault> for LeftOut {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Read(error) => {
                LeftOut::new(FileChange::FileUnreadable, format!("it cannot be read: {error}"))
            }
            Fault::Changed(why) => why,
        }
    }
}

fn changed(change: FileChange, reason: impl Into<String>) -> Fault {
    Fault::Changed(LeftOut::new(change, reason))
}

/// An open source file.
pub struct Source<'a> {
    file: File,
    inode: u64,
    root: &'a Root<'a>,
    planned: &'a DataFile,
}

impl<'a> Source<'a> {
    /// Opens the file; the error is the reason why it is left out.
    pub fn open(root: &'a Root<'a>, planned: &'a DataFile) -> Result<Self, LeftOut> {
        let opened = root.again(|attempt| {
            let file = root.open(planned, attempt)?;
            let inode = check(&file, planned)?;
            Ok(Source { file, inode, root, planned })
        });
        let source = opened.map_err(LeftOut::from)?;
        // Only a hint to the kernel; reading goes on without it.
        let _ = fadvise(&source.file, 0, None, Advice::Sequential);
        Ok(source)
    }

    /// Reads all of `buffer` from byte `at`.
    pub fn read(&mut self, at: u64, buffer: &mut [u8]) -> Result<(), LeftOut> {
        let (root, source) = (self.root, &self.planned.source);
        let read = root.again(|attempt| {
            self.reopen(attempt)?;
            match root.world.read(&self.file, source, at, buffer) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    Err(changed(FileChange::FileShrank, "it shrank while it was read"))
                }
                read => Ok(read?),
            }
        });
        read.map_err(LeftOut::from)
    }

    /// Checks once more that it is still the file that was planned.
    pub fn finish(mut self) -> Result<(), LeftOut> {
        let root = self.root;
        let checked = root.again(|attempt| {
            self.reopen(attempt)?;
            check(&self.file, self.planned)
        });
        checked.map_err(LeftOut::from)?;
        if self.planned.bytes > KEEP_CACHED_BELOW {
            let _ = fadvise(&self.file, 0, None, Advice::DontNeed);
        }
        Ok(())
    }

    /// After a failure the same file with a new handle: the old one may be stale for ever.
    fn reopen(&mut self, attempt: usize) -> Result<(), Fault> {
        if attempt == 0 {
            return Ok(());
        }
        let file = self.root.open(self.planned, attempt)?;
        if check(&file, self.planned)? != self.inode {
            return Err(changed(FileChange::FileReplaced, "another file took its place"));
        }
        self.file = file;
        Ok(())
    }
}

/// Checks that it is the file that was planned; returns its inode.
fn check(file: &File, planned: &DataFile) -> Result<u64, Fault> {
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(changed(FileChange::FileNotRegular, "it is no longer a regular file"));
    }
    if found.size() != planned.bytes {
        let (before, now) = (planned.bytes, found.size());
        return Err(changed(
            FileChange::FileResized,
            format!("its size changed from {before} to {now} bytes"),
        ));
    }
    if modified_ns(&found) != planned.modified_ns {
        return Err(changed(FileChange::FileModified, "it was modified after it was planned"));
    }
    Ok(found.ino())
}
