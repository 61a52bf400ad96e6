//! Reads a source file and notices when it is not the file that was planned: another size or time
//! before or after, another kind, gone, or unreadable. Such a file is left out of the manifest,
//! never the drive. A read that fails as a share or a disk does that may come back is tried again
//! first. Sources are reached from the handle of their folder, and no link is followed.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Advice, fadvise};

use crate::dataset::{DEVICE, DataFile, modified_ns};
use crate::journal::{FileChange, LeftOut};
use crate::stop::StopFlag;
use crate::sys::again::{Patience, is_passing};
use crate::sys::beneath::{Folder, Unexpected};
use crate::sys::block::{block_bytes, open_block};
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
        let open = |folder: &Folder| match planned.modified_ns == DEVICE {
            true => open_block(folder, &planned.source),
            false => self.world.open(folder, &planned.source),
        };
        match &self.folder {
            Ok(folder) if attempt == 0 => open(folder),
            _ => open(&self.anew()?),
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
                let change = match Unexpected::of(&error) {
                    Some(_) => FileChange::FileNotRegular,
                    None => FileChange::FileUnreadable,
                };
                LeftOut::new(change, format!("it cannot be read: {error}"))
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
    let is_device = planned.modified_ns == DEVICE;
    let now = if is_device { block_bytes(file)? } else { found.size() };
    if now != planned.bytes {
        let before = planned.bytes;
        return Err(changed(
            FileChange::FileResized,
            format!("its size changed from {before} to {now} bytes"),
        ));
    }
    if is_device {
        return Ok(found.rdev());
    }
    if modified_ns(&found) != planned.modified_ns {
        return Err(changed(FileChange::FileModified, "it was modified after it was planned"));
    }
    Ok(found.ino())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::FileExt;

    use super::*;
    use crate::fill::stream::FileStream;
    use crate::journal::Stream;
    use crate::world::RealWorld;

    /// Reads fail until the file was replaced under its name.
    struct Replacing<'a>(&'a Path, std::sync::atomic::AtomicBool);

    impl World for Replacing<'_> {
        fn random(&self, bytes: &mut [u8]) -> io::Result<()> {
            RealWorld.random(bytes)
        }
        fn now(&self) -> jiff::Timestamp {
            RealWorld.now()
        }
        fn stretch(
            &self,
            password: &crate::noun::RecoveryPassword,
            salt: &[u8; 16],
        ) -> crate::volume::bitlocker::write::StretchedKey {
            RealWorld.stretch(password, salt)
        }
        fn wait(&self, _time: std::time::Duration) {}
        fn read(&self, file: &File, _source: &Path, at: u64, to: &mut [u8]) -> io::Result<()> {
            if !self.1.swap(true, std::sync::atomic::Ordering::Relaxed) {
                replace(self.0);
                return Err(io::Error::from_raw_os_error(rustix::io::Errno::IO.raw_os_error()));
            }
            file.read_exact_at(to, at)
        }
    }

    fn set_time(path: &Path) {
        let times = fs::FileTimes::new().set_modified(std::time::UNIX_EPOCH);
        File::options().write(true).open(path).unwrap().set_times(times).unwrap();
    }

    /// Another file of the same length and time.
    fn replace(path: &Path) {
        let other = path.with_extension("other");
        fs::write(&other, b"four").unwrap();
        set_time(&other);
        fs::rename(&other, path).unwrap();
    }

    #[test]
    fn each_change_of_a_source_has_its_code() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        let planned = DataFile::sample("f", 4);
        let stop = StopFlag::default();
        let read = |world: &dyn World, spoil: &dyn Fn()| {
            drop(fs::remove_dir(&path));
            fs::write(&path, b"four").unwrap();
            set_time(&path);
            let root = Root::new(folder.path(), world, &stop);
            let early = Source::open(&root, &planned);
            spoil();
            let late = Source::open(&root, &planned).map(drop);
            let read = early.and_then(|mut source| {
                source.read(0, &mut [0; 4])?;
                source.finish()
            });
            let code = |end: Result<(), LeftOut>| end.map_err(|why| why.change.code());
            (code(read), code(late))
        };
        let remove = || fs::remove_file(&path).unwrap();
        let (ok, both) = (Ok(()), |code| (Err(code), Err(code)));
        assert_eq!(read(&RealWorld, &|| ()), (ok, ok));
        assert_eq!(read(&RealWorld, &remove), (ok, Err("file-unreadable")), "an open one stays");
        assert_eq!(
            read(&RealWorld, &|| fs::write(&path, b"fo").unwrap()),
            (Err("file-shrank"), Err("file-resized"))
        );
        let modify = || fs::write(&path, b"five").unwrap();
        assert_eq!(read(&RealWorld, &modify), both("file-modified"));
        let become_folder = || {
            remove();
            fs::create_dir(&path).unwrap();
        };
        assert_eq!(read(&RealWorld, &become_folder), (ok, Err("file-not-regular")));
        let replacing = Replacing(&path, false.into());
        assert_eq!(read(&replacing, &|| ()), (Err("file-replaced"), ok));
    }

    #[test]
    fn a_stream_whose_state_is_damaged_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let stop = StopFlag::default();
        let root = Root::new(folder.path(), &RealWorld, &stop);
        let planned = DataFile::sample("f", 4);
        let begun = Stream { hash_state: vec![1, 2, 3], ..Stream::default() };
        let stream = FileStream::open(&root, &planned, Some(&begun));
        assert_eq!(stream.fault().map(|why| why.change.code()), Some("stream-lost"));
    }
}
