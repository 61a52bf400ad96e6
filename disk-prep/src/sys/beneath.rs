//! A folder that others may write to, held open. Everything in it is reached from its handle,
//! by relative paths of plain names, and no symbolic link is followed on the way: whatever a
//! stranger puts there, nothing outside of the folder is opened, made, changed or removed.
//!
//! The path of the folder itself was named by the caller and is resolved like any other.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, ResolveFlags, Stat};
use rustix::io::Errno;

use super::durable::Access;
use crate::noun::{Diagnose, ErrorKind, Hint};

/// What an entry is, without following a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A plain file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A FIFO, a socket or a device.
    Special,
}

impl Kind {
    fn of(mode: u32) -> Self {
        match FileType::from_raw_mode(mode) {
            FileType::RegularFile => Kind::File,
            FileType::Directory => Kind::Folder,
            FileType::Symlink => Kind::Link,
            _ => Kind::Special,
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Kind::File => "a file",
            Kind::Folder => "a folder",
            Kind::Link => "a symbolic link",
            Kind::Special => "a FIFO, a socket or a device",
        })
    }
}

/// Facts of an entry, without following a link.
#[derive(Debug, Clone, Copy)]
pub struct About {
    /// What it is.
    pub kind: Kind,
    /// Bytes of a file.
    pub bytes: u64,
    /// Names that lead to it.
    pub link_count: u64,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Device and inode.
    pub id: (u64, u64),
    /// Modification time, in seconds and nanoseconds.
    pub mtime: (i64, u32),
}

impl About {
    fn of(stat: &Stat) -> Self {
        About {
            kind: Kind::of(stat.st_mode),
            bytes: stat.st_size as u64,
            // Some processors have it in 32 bits.
            #[allow(clippy::unnecessary_cast)]
            link_count: stat.st_nlink as u64,
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            id: (stat.st_dev, stat.st_ino),
            mtime: (stat.st_mtime, stat.st_mtime_nsec as u32),
        }
    }
}

/// Why an entry is not what was expected; it travels inside an [`io::Error`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unexpected {
    /// A link, a FIFO, a device, or a folder where a file must be, and the like.
    #[error("it is {found}, not {expected}")]
    Kind {
        /// What must be there.
        expected: Kind,
        /// What is there.
        found: Kind,
    },
    /// A file that other names lead to as well.
    #[error("it has {link_count} names, and only a file with one is taken")]
    Links {
        /// How many.
        link_count: u64,
    },
    /// More than the caller takes into memory.
    #[error("it has {bytes} bytes, more than the {most} that such a file may have")]
    Large {
        /// How many it has.
        bytes: u64,
        /// How many it may have.
        most: u64,
    },
    /// A path that is not made of plain names only.
    #[error("{path:?} is no path of plain names below the folder")]
    Path {
        /// The path.
        path: PathBuf,
    },
}

impl From<Unexpected> for io::Error {
    fn from(unexpected: Unexpected) -> Self {
        io::Error::new(io::ErrorKind::InvalidData, unexpected)
    }
}

impl Unexpected {
    /// The reason inside an error of this room, if it is one.
    pub fn of(error: &io::Error) -> Option<&Unexpected> {
        error.get_ref()?.downcast_ref()
    }
}

impl Diagnose for Unexpected {
    fn code(&self) -> &'static str {
        match self {
            Unexpected::Kind { .. } => "foreign-kind",
            Unexpected::Links { .. } => "foreign-links",
            Unexpected::Large { .. } => "foreign-size",
            Unexpected::Path { .. } => "foreign-path",
        }
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Guard
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new("find out who put it there; azseed does not, and touches nothing of it"))
    }
}

/// Where the kernel shows the handles of a process.
const HANDLES: &str = "/proc/self/fd";

/// The name of what a path leads to by a handle, for messages; any other path is its own name.
pub fn named(path: &Path) -> PathBuf {
    let is_handle = path.parent() == Some(Path::new(HANDLES));
    let name = is_handle.then(|| std::fs::read_link(path).ok()).flatten();
    name.unwrap_or_else(|| path.to_owned())
}

/// A folder, held open.
#[derive(Debug)]
pub struct Folder {
    handle: OwnedFd,
    path: PathBuf,
}

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC).union(OFlags::RDONLY);

impl Folder {
    /// Opens a folder that the caller named; links on the way to it are followed.
    pub fn open(path: &Path) -> io::Result<Self> {
        let handle = rustix::fs::openat(CWD, path, FOLDER, Mode::empty())?;
        Ok(Folder { handle, path: path.to_owned() })
    }

    /// The path by which it was opened, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The handle.
    pub fn handle(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }

    /// A path that leads to this folder by its handle as long as that is open, whatever stands at
    /// its name by then.
    pub fn handle_path(&self) -> PathBuf {
        PathBuf::from(format!("{HANDLES}/{}", self.handle.as_raw_fd()))
    }

    /// A second handle of the same folder.
    pub fn again(&self) -> io::Result<Self> {
        Ok(Folder { handle: self.handle.try_clone()?, path: self.path.clone() })
    }

    /// Opens a folder below; an empty path is this one.
    pub fn folder(&self, below: &Path) -> io::Result<Self> {
        if below.as_os_str().is_empty() {
            return self.again();
        }
        let handle = self.reach(below, FOLDER, Mode::empty());
        let handle = handle.map_err(|error| self.explain(below, Kind::Folder, error))?;
        Ok(Folder { handle, path: self.path.join(below) })
    }

    /// Opens a folder below and makes what is missing of the way to it, with this mode whatever
    /// the umask; what is there keeps its mode.
    pub fn make_folder(&self, below: &Path, mode: u32) -> io::Result<Self> {
        let mut folder = self.again()?;
        for name in plain_names(below)? {
            let name = Path::new(name);
            let mode = Mode::from_raw_mode(mode);
            match rustix::fs::mkdirat(&folder.handle, name, mode) {
                Ok(()) => {
                    let made = folder.folder(name)?;
                    rustix::fs::fchmod(&made.handle, mode)?;
                    folder.sync()?;
                    folder = made;
                }
                Err(Errno::EXIST) => folder = folder.folder(name)?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(folder)
    }

    /// Opens a plain file that has no other name, to read; never waits for a FIFO.
    pub fn file(&self, below: &Path) -> io::Result<File> {
        let file = self.linked_file(below)?;
        match About::of(&rustix::fs::fstat(&file)?).link_count {
            // A file that was just removed has none; it is still the file that was there.
            0 | 1 => Ok(file),
            link_count => Err(Unexpected::Links { link_count }.into()),
        }
    }

    /// Opens a plain file to read, however many names lead to it; never waits for a FIFO.
    pub fn linked_file(&self, below: &Path) -> io::Result<File> {
        self.plain_file(below, OFlags::RDONLY)
    }

    /// Opens a plain file that has no other name, to read and write.
    pub fn writable_file(&self, below: &Path) -> io::Result<File> {
        let file = self.plain_file(below, OFlags::RDWR)?;
        match About::of(&rustix::fs::fstat(&file)?).link_count {
            0 | 1 => Ok(file),
            link_count => Err(Unexpected::Links { link_count }.into()),
        }
    }

    fn plain_file(&self, below: &Path, access: OFlags) -> io::Result<File> {
        // A FIFO would keep us waiting, and opening a device can do things by itself.
        let flags = access | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let found = self.about(below)?.kind;
        if found != Kind::File {
            return Err(Unexpected::Kind { expected: Kind::File, found }.into());
        }
        let file = self.reach(below, flags, Mode::empty());
        let file = File::from(file.map_err(|error| self.explain(below, Kind::File, error))?);
        let found = About::of(&rustix::fs::fstat(&file)?).kind;
        if found != Kind::File {
            return Err(Unexpected::Kind { expected: Kind::File, found }.into());
        }
        Ok(file)
    }

    /// Reads a whole plain file of at most so many bytes.
    pub fn read(&self, below: &Path, most: u64) -> io::Result<Vec<u8>> {
        let file = self.file(below)?;
        let bytes = file.metadata()?.len();
        if bytes > most {
            return Err(Unexpected::Large { bytes, most }.into());
        }
        // A file may say any size and hold nothing: room is made as it is read.
        let mut content = Vec::with_capacity(bytes.min(1 << 20) as usize);
        let read = file.take(most + 1).read_to_end(&mut content)? as u64;
        if read > most {
            return Err(Unexpected::Large { bytes: read, most }.into());
        }
        Ok(content)
    }

    /// Makes a file that must not be there, with its mode whatever the umask; the name is durable.
    pub fn create_new(&self, below: &Path, access: Access) -> io::Result<File> {
        let file = self.create(below, access)?;
        file.sync_all()?;
        self.parent(below)?.sync()?;
        Ok(file)
    }

    /// Makes a file that must not be there, with its mode whatever the umask; neither file nor
    /// name is durable yet.
    pub fn create(&self, below: &Path, access: Access) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(access.mode());
        let file = self.reach(below, flags, mode)?;
        rustix::fs::fchmod(&file, mode)?;
        Ok(File::from(file))
    }

    /// Replaces a file with `content`, whole or not at all.
    pub fn write(&self, below: &Path, content: &[u8], access: Access) -> io::Result<()> {
        self.write_by(below, access, |file| file.write_all(content))
    }

    /// Replaces a file by what is written, whole or not at all.
    pub fn write_by<T>(
        &self,
        below: &Path,
        access: Access,
        write: impl FnOnce(&mut File) -> io::Result<T>,
    ) -> io::Result<T> {
        let folder = self.parent(below)?;
        let name = below.file_name().unwrap_or_default();
        let mut draft = name.to_owned();
        draft.push(format!(".{}.new", std::process::id()));
        // A draft of a killed run with our process id may lie there, with any mode.
        folder.remove_file(Path::new(&draft)).or_else(unless_missing)?;
        let written = folder.create(Path::new(&draft), access).and_then(|mut file| {
            let told = write(&mut file)?;
            file.sync_all()?;
            Ok(told)
        });
        let written = written.and_then(|told| {
            folder.rename(Path::new(&draft), Path::new(name))?;
            folder.sync()?;
            Ok(told)
        });
        if written.is_err() {
            // The first error is the one to tell.
            let _ = folder.remove_file(Path::new(&draft));
        }
        written
    }

    /// Gives an entry another name below the same folder; what had the name is replaced.
    pub fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (one, other) = (self.parent(from)?, self.parent(to)?);
        let (from, to) = (last_name(from)?, last_name(to)?);
        Ok(rustix::fs::renameat(&one.handle, from, &other.handle, to)?)
    }

    /// Removes a file, or a link itself.
    pub fn remove_file(&self, below: &Path) -> io::Result<()> {
        let folder = self.parent(below)?;
        Ok(rustix::fs::unlinkat(&folder.handle, last_name(below)?, AtFlags::empty())?)
    }

    /// Removes an empty folder.
    pub fn remove_folder(&self, below: &Path) -> io::Result<()> {
        let folder = self.parent(below)?;
        Ok(rustix::fs::unlinkat(&folder.handle, last_name(below)?, AtFlags::REMOVEDIR)?)
    }

    /// What an entry is; a link is not followed.
    pub fn about(&self, below: &Path) -> io::Result<About> {
        if below.as_os_str().is_empty() {
            return Ok(About::of(&rustix::fs::fstat(&self.handle)?));
        }
        let name = last_name(below)?;
        let look = |folder: &OwnedFd| rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW);
        // Of a name in this very folder nothing lies on the way.
        let is_here = below.as_os_str() == name;
        let stat = if is_here { look(&self.handle)? } else { look(&self.parent(below)?.handle)? };
        Ok(About::of(&stat))
    }

    /// What an entry is, if it is there.
    pub fn find(&self, below: &Path) -> io::Result<Option<About>> {
        self.about(below).map(Some).or_else(|error| unless_missing(error).map(|()| None))
    }

    /// The names in the folder, sorted by their bytes.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        self.each_name(|name| names.push(name.to_owned()))?;
        names.sort();
        Ok(names)
    }

    /// Tells each name in the folder, in any order.
    pub fn each_name(&self, mut take: impl FnMut(&OsStr)) -> io::Result<()> {
        // Reading moves the position of a handle; this one is opened anew each time.
        let handle = rustix::fs::openat(&self.handle, c".", FOLDER, Mode::empty())?;
        for entry in Dir::new(handle)? {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes());
            if name != "." && name != ".." {
                take(name);
            }
        }
        Ok(())
    }

    /// Makes the names in the folder durable.
    pub fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.handle)?)
    }

    /// The folder that the last name of a path stands in.
    fn parent(&self, below: &Path) -> io::Result<Folder> {
        self.folder(below.parent().unwrap_or(Path::new("")))
    }

    /// Opens `below` without following any link.
    pub(super) fn reach(
        &self,
        below: &Path,
        flags: OFlags,
        mode: Mode,
    ) -> rustix::io::Result<OwnedFd> {
        let names = plain_names(below).map_err(|_| Errno::XDEV)?;
        let flags = flags | OFlags::NOFOLLOW;
        let beneath =
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        match rustix::fs::openat2(&self.handle, below, flags, mode, beneath) {
            // Kernels before 5.6, and sandboxes that do not know the call.
            Err(Errno::NOSYS | Errno::PERM) => self.reach_by_steps(&names, flags, mode),
            reached => reached,
        }
    }

    fn reach_by_steps(
        &self,
        names: &[&OsStr],
        flags: OFlags,
        mode: Mode,
    ) -> rustix::io::Result<OwnedFd> {
        let Some((last, way)) = names.split_last() else {
            return Err(Errno::INVAL);
        };
        let step = FOLDER | OFlags::NOFOLLOW;
        let mut at: Option<OwnedFd> = None;
        for name in way {
            let from = at.as_ref().map_or(self.handle.as_fd(), |at| at.as_fd());
            at = Some(rustix::fs::openat(from, *name, step, Mode::empty())?);
        }
        let from = at.as_ref().map_or(self.handle.as_fd(), |at| at.as_fd());
        rustix::fs::openat(from, *last, flags, mode)
    }

    /// Says what is there instead, where that is why it could not be opened.
    fn explain(&self, below: &Path, expected: Kind, error: Errno) -> io::Error {
        if let (Errno::XDEV, Err(outside)) = (error, plain_names(below)) {
            return outside;
        }
        if matches!(error, Errno::LOOP | Errno::NOTDIR | Errno::NXIO | Errno::ISDIR) {
            let mut way = PathBuf::new();
            for part in below.components() {
                way.push(part);
                let expected = if way == below { expected } else { Kind::Folder };
                match self.about_by_steps(&way) {
                    Ok(found) if found != expected => {
                        return Unexpected::Kind { expected, found }.into();
                    }
                    Ok(_) => {}
                    Err(_) => break,
                }
            }
        }
        error.into()
    }

    fn about_by_steps(&self, below: &Path) -> io::Result<Kind> {
        let names = plain_names(below)?;
        let handle = self.reach_by_steps(&names, OFlags::PATH | OFlags::NOFOLLOW, Mode::empty())?;
        Ok(Kind::of(rustix::fs::fstat(&handle)?.st_mode))
    }
}

/// The names of a path below a folder; `..`, a root or an empty path is no such path.
fn plain_names(below: &Path) -> io::Result<Vec<&OsStr>> {
    let name = |part| match part {
        Component::Normal(name) => Some(name),
        _ => None,
    };
    let names: Option<Vec<_>> = below.components().map(name).collect();
    names.ok_or_else(|| Unexpected::Path { path: below.to_owned() }.into())
}

fn last_name(below: &Path) -> io::Result<&OsStr> {
    let names = plain_names(below)?;
    names.last().copied().ok_or_else(|| Unexpected::Path { path: below.to_owned() }.into())
}

fn unless_missing(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

#[cfg(test)]
mod tests;
