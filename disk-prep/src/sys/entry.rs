//! One name in a folder that is held open: looked at, made, replaced, removed. No link is ever
//! followed, nothing that is there is opened but plain files and folders, and a name is a plain
//! name by its type: what a stranger called an entry cannot lead elsewhere.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::beneath::{Folder, Kind, Unexpected};

/// The most bytes that Linux takes for one name, `NAME_MAX` of `linux/limits.h`.
const MOST_NAME_BYTES: usize = 255;

/// The name of an entry: not empty, not `.` or `..`, without a slash or a NUL, and not too long.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(OsString);

/// Why a name is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each sentence says it")]
pub enum NameFault {
    #[error("its name is empty")]
    Empty,
    #[error("its name is a step to another folder")]
    Step,
    #[error("its name has a slash")]
    Slash,
    #[error("its name has a NUL character")]
    Nul,
    #[error("its name is longer than {MOST_NAME_BYTES} bytes")]
    Long,
}

impl Name {
    /// Takes a name that somebody gave.
    pub fn new(name: &OsStr) -> Result<Self, NameFault> {
        let bytes = name.as_bytes();
        if bytes.is_empty() {
            Err(NameFault::Empty)
        } else if matches!(bytes, b"." | b"..") {
            Err(NameFault::Step)
        } else if bytes.contains(&b'/') {
            Err(NameFault::Slash)
        } else if bytes.contains(&0) {
            Err(NameFault::Nul)
        } else if bytes.len() > MOST_NAME_BYTES {
            Err(NameFault::Long)
        } else {
            Ok(Name(name.to_owned()))
        }
    }

    /// It.
    pub fn as_os_str(&self) -> &OsStr {
        &self.0
    }

    /// It as a path of one part.
    pub fn as_path(&self) -> &Path {
        Path::new(&self.0)
    }
}

/// What is neither file, folder nor symbolic link; a device with its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Special {
    /// A FIFO.
    Fifo,
    /// A socket.
    Socket,
    /// A block device.
    Block(u64),
    /// A character device.
    Character(u64),
}

impl std::fmt::Display for Special {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Special::Fifo => "a FIFO",
            Special::Socket => "a socket",
            Special::Block(_) | Special::Character(_) => "a device",
        })
    }
}

/// All that the kernel says of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// What it is.
    pub kind: Kind,
    /// Which special file, if it is one.
    pub special: Option<Special>,
    /// Bytes of a file.
    pub bytes: u64,
    /// Names that lead to it.
    pub link_count: u64,
    /// Permission bits, with those for set-ID and sticky.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Device and inode.
    pub id: (u64, u64),
    /// Modification time, in seconds and nanoseconds.
    pub mtime: (i64, u32),
}

impl Facts {
    fn of(stat: &Stat) -> Self {
        let kind = FileType::from_raw_mode(stat.st_mode);
        let special = match kind {
            FileType::Fifo => Some(Special::Fifo),
            FileType::Socket => Some(Special::Socket),
            FileType::BlockDevice => Some(Special::Block(stat.st_rdev)),
            FileType::CharacterDevice => Some(Special::Character(stat.st_rdev)),
            _ => None,
        };
        Facts {
            kind: match kind {
                FileType::RegularFile => Kind::File,
                FileType::Directory => Kind::Folder,
                FileType::Symlink => Kind::Link,
                _ => Kind::Special,
            },
            special,
            bytes: u64::try_from(stat.st_size).unwrap_or(0),
            // Some processors have it in 32 bits.
            #[allow(clippy::unnecessary_cast)]
            link_count: stat.st_nlink as u64,
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            id: (stat.st_dev, stat.st_ino),
            mtime: (stat.st_mtime, stat.st_mtime_nsec as u32),
        }
    }

    /// Of what is open.
    pub fn of_open(handle: impl std::os::fd::AsFd) -> io::Result<Self> {
        Ok(Facts::of(&rustix::fs::fstat(handle)?))
    }
}

/// Writes all that the file system of a folder holds back; an error may be of anything in it that
/// could not be written since the folder was opened.
pub fn sync_all(folder: &Folder) -> io::Result<()> {
    Ok(rustix::fs::syncfs(folder.handle())?)
}

/// One name in a folder.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// The folder.
    pub folder: &'a Folder,
    /// The name.
    pub name: &'a Name,
}

impl<'a> Entry<'a> {
    /// The entry of that name.
    pub fn new(folder: &'a Folder, name: &'a Name) -> Self {
        Entry { folder, name }
    }

    /// What is there, if anything is.
    pub fn facts(&self) -> io::Result<Option<Facts>> {
        match rustix::fs::statat(self.folder.handle(), &self.name.0, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(Facts::of(&stat))),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens a plain file to read, if possible without leaving a trace in its times.
    pub fn open(&self) -> io::Result<File> {
        let flags = OFlags::RDONLY;
        // Only the owner and root may ask for that.
        match self.open_as(flags | OFlags::NOATIME) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => self.open_as(flags),
            opened => opened,
        }
    }

    /// Opens a plain file to read and write.
    pub fn open_writable(&self) -> io::Result<File> {
        self.open_as(OFlags::RDWR)
    }

    fn open_as(&self, access: OFlags) -> io::Result<File> {
        // A FIFO would keep us waiting, and opening a device can do things by itself.
        if let Some(facts) = self.facts()?
            && facts.kind != Kind::File
        {
            return Err(Unexpected::Kind { expected: Kind::File, found: facts.kind }.into());
        }
        let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = rustix::fs::openat(self.folder.handle(), &self.name.0, flags, Mode::empty())?;
        let found = Facts::of_open(&file)?.kind;
        if found != Kind::File {
            return Err(Unexpected::Kind { expected: Kind::File, found }.into());
        }
        Ok(File::from(file))
    }

    /// Makes a file that must not be there, for its owner alone.
    pub fn create(&self) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o600);
        let file =
            rustix::fs::openat(self.folder.handle(), &self.name.0, flags | OFlags::NOFOLLOW, mode)?;
        Ok(File::from(file))
    }

    /// Opens a folder.
    pub fn folder(&self) -> io::Result<Folder> {
        self.folder.folder(self.name.as_path())
    }

    /// Makes a folder that must not be there; the umask takes from the mode.
    pub fn make_folder(&self, mode: u32) -> io::Result<()> {
        let mode = Mode::from_raw_mode(mode);
        Ok(rustix::fs::mkdirat(self.folder.handle(), &self.name.0, mode)?)
    }

    /// Makes a symbolic link that must not be there.
    pub fn make_link(&self, target: &Path) -> io::Result<()> {
        Ok(rustix::fs::symlinkat(target, self.folder.handle(), &self.name.0)?)
    }

    /// Where a symbolic link leads.
    pub fn link_target(&self) -> io::Result<PathBuf> {
        let target = rustix::fs::readlinkat(self.folder.handle(), &self.name.0, Vec::new())?;
        Ok(OsString::from_vec(target.into_bytes()).into())
    }

    /// Makes a special file that must not be there, for its owner alone.
    pub fn make_special(&self, special: Special) -> io::Result<()> {
        let (kind, device) = match special {
            Special::Fifo => (FileType::Fifo, 0),
            Special::Socket => (FileType::Socket, 0),
            Special::Block(device) => (FileType::BlockDevice, device),
            Special::Character(device) => (FileType::CharacterDevice, device),
        };
        let mode = Mode::from_raw_mode(0o600);
        Ok(rustix::fs::mknodat(self.folder.handle(), &self.name.0, kind, mode, device)?)
    }

    /// Makes this a second name of `other`, of which a link itself is meant; it must not be there.
    pub fn link_to(&self, other: &Entry<'_>) -> io::Result<()> {
        Ok(rustix::fs::linkat(
            other.folder.handle(),
            &other.name.0,
            self.folder.handle(),
            &self.name.0,
            AtFlags::empty(),
        )?)
    }

    /// Gives it another name in the same folder; a file or link that has that name is replaced.
    pub fn rename(&self, to: &Name) -> io::Result<()> {
        let folder = self.folder.handle();
        Ok(rustix::fs::renameat(folder, &self.name.0, folder, &to.0)?)
    }

    /// Removes what is no folder; of a link the link itself.
    pub fn remove(&self) -> io::Result<()> {
        let removed = rustix::fs::unlinkat(self.folder.handle(), &self.name.0, AtFlags::empty());
        Ok(removed?)
    }

    /// Removes an empty folder.
    pub fn remove_folder(&self) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(self.folder.handle(), &self.name.0, AtFlags::REMOVEDIR)?)
    }

    /// Holds what is there without opening it: no FIFO waits and no device notices.
    pub(super) fn hold(&self) -> io::Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(self.folder.handle(), &self.name.0, flags, Mode::empty())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn only_plain_names_are_names() {
        let fault = |name: &[u8]| Name::new(OsStr::from_bytes(name)).err();
        assert_eq!(fault(b""), Some(NameFault::Empty));
        assert_eq!(fault(b"."), Some(NameFault::Step));
        assert_eq!(fault(b".."), Some(NameFault::Step));
        assert_eq!(fault(b"/etc"), Some(NameFault::Slash));
        assert_eq!(fault(b"a/../b"), Some(NameFault::Slash));
        assert_eq!(fault(b"a\0b"), Some(NameFault::Nul));
        assert_eq!(fault(&[b'a'; 256]), Some(NameFault::Long));
        for name in [&b"..."[..], b" ", b"\xff\n", &[b'a'; 255]] {
            assert_eq!(fault(name), None, "{name:?}");
        }
    }

    #[test]
    fn links_are_seen_and_never_followed_and_special_files_are_not_opened() {
        let outer = tempfile::tempdir().unwrap();
        fs::write(outer.path().join("secret"), b"secret").unwrap();
        fs::create_dir(outer.path().join("in")).unwrap();
        let folder = Folder::open(&outer.path().join("in")).unwrap();
        let name = |text: &str| Name::new(OsStr::new(text)).unwrap();
        let (link, fifo) = (name("link"), name("fifo"));
        let (link, fifo) = (Entry::new(&folder, &link), Entry::new(&folder, &fifo));
        link.make_link(Path::new("../secret")).unwrap();
        fifo.make_special(Special::Fifo).unwrap();
        assert_eq!(link.facts().unwrap().unwrap().kind, Kind::Link);
        assert_eq!(link.link_target().unwrap(), Path::new("../secret"));
        assert_eq!(fifo.facts().unwrap().unwrap().special, Some(Special::Fifo));
        for entry in [link, fifo] {
            assert!(entry.open().is_err() && entry.open_writable().is_err());
            assert!(entry.create().is_err() && entry.folder().is_err());
        }
        link.remove().unwrap();
        assert_eq!(fs::read(outer.path().join("secret")).unwrap(), b"secret");
    }
}
