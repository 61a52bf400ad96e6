//! Owner, mode, times and extended attributes of what is held open, or of a name that must not
//! be opened (links, FIFOs, devices). No link is followed.

use std::ffi::{CStr, CString, OsString};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use rustix::fs::{AtFlags, Gid, Mode, Timespec, Timestamps, Uid, XattrFlags};
use rustix::io::Errno;

use super::entry::{Entry, Facts};

/// The most bytes that Linux takes for the names of one file's extended attributes, and for one
/// value: `XATTR_LIST_MAX` and `XATTR_SIZE_MAX` of `linux/limits.h`.
const MOST_BYTES: usize = 1 << 16;

/// What is given attributes.
#[derive(Debug, Clone, Copy)]
pub enum AttributeHolder<'a> {
    /// A file or a folder that is open.
    Open(BorrowedFd<'a>),
    /// An entry that is not opened.
    Named(Entry<'a>),
}

impl AttributeHolder<'_> {
    /// What the kernel says of it.
    pub fn facts(&self) -> io::Result<Facts> {
        match self {
            AttributeHolder::Open(handle) => Facts::of_open(handle),
            AttributeHolder::Named(entry) => entry.facts()?.ok_or_else(|| Errno::NOENT.into()),
        }
    }

    /// Gives it to an owner, a group, or both.
    pub fn set_owner(&self, uid: Option<u32>, gid: Option<u32>) -> io::Result<()> {
        // The highest number stands for no change.
        let (uid, gid) = (uid.filter(|id| *id != u32::MAX), gid.filter(|id| *id != u32::MAX));
        let (uid, gid) = (uid.map(Uid::from_raw), gid.map(Gid::from_raw));
        match self {
            AttributeHolder::Open(handle) => rustix::fs::fchown(handle, uid, gid)?,
            AttributeHolder::Named(entry) => {
                let (folder, name) = (entry.folder.handle(), entry.name.as_os_str());
                rustix::fs::chownat(folder, name, uid, gid, AtFlags::SYMLINK_NOFOLLOW)?;
            }
        }
        Ok(())
    }

    /// Sets permission bits, set-ID and sticky bits. Links have none.
    pub fn set_mode(&self, mode: u32) -> io::Result<()> {
        let mode = Mode::from_raw_mode(mode);
        match self {
            AttributeHolder::Open(handle) => rustix::fs::fchmod(handle, mode)?,
            AttributeHolder::Named(entry) => {
                // The call that would take a name and follow no link is newer than most kernels.
                let held = entry.hold()?;
                rustix::fs::chmod(format!("/proc/self/fd/{}", held.as_raw_fd()), mode)?;
            }
        }
        Ok(())
    }

    /// Sets the times of access and modification, each in seconds and nanoseconds.
    pub fn set_times(&self, atime: (i64, u32), mtime: (i64, u32)) -> io::Result<()> {
        let time = |(secs, nanos): (i64, u32)| Timespec { tv_sec: secs, tv_nsec: nanos.into() };
        let times = Timestamps { last_access: time(atime), last_modification: time(mtime) };
        match self {
            AttributeHolder::Open(handle) => rustix::fs::futimens(handle, &times)?,
            AttributeHolder::Named(entry) => {
                let (folder, name) = (entry.folder.handle(), entry.name.as_os_str());
                rustix::fs::utimensat(folder, name, &times, AtFlags::SYMLINK_NOFOLLOW)?;
            }
        }
        Ok(())
    }

    /// The names of its extended attributes; none where the file system has no such thing.
    pub fn extended_names(&self) -> io::Result<Vec<CString>> {
        let mut list = vec![0; MOST_BYTES];
        let listed = match self {
            AttributeHolder::Open(handle) => rustix::fs::flistxattr(handle, &mut list[..]),
            AttributeHolder::Named(entry) => rustix::fs::llistxattr(place(entry), &mut list[..]),
        };
        let length = match listed {
            Ok(length) => length,
            Err(Errno::NOTSUP) => 0,
            Err(error) => return Err(error.into()),
        };
        let names = list[..length].split_inclusive(|byte| *byte == 0);
        Ok(names
            .filter_map(|name| CStr::from_bytes_with_nul(name).ok())
            .map(CStr::to_owned)
            .collect())
    }

    /// The value of an extended attribute.
    pub fn extended(&self, name: &CStr) -> io::Result<Vec<u8>> {
        let mut value = vec![0; MOST_BYTES];
        let length = match self {
            AttributeHolder::Open(handle) => rustix::fs::fgetxattr(handle, name, &mut value[..])?,
            AttributeHolder::Named(entry) => {
                rustix::fs::lgetxattr(place(entry), name, &mut value[..])?
            }
        };
        value.truncate(length);
        Ok(value)
    }

    /// Sets an extended attribute.
    pub fn set_extended(&self, name: &CStr, value: &[u8]) -> io::Result<()> {
        let any = XattrFlags::empty();
        match self {
            AttributeHolder::Open(handle) => rustix::fs::fsetxattr(handle, name, value, any)?,
            AttributeHolder::Named(entry) => rustix::fs::lsetxattr(place(entry), name, value, any)?,
        }
        Ok(())
    }

    /// Removes an extended attribute.
    pub fn remove_extended(&self, name: &CStr) -> io::Result<()> {
        match self {
            AttributeHolder::Open(handle) => rustix::fs::fremovexattr(handle, name)?,
            AttributeHolder::Named(entry) => rustix::fs::lremovexattr(place(entry), name)?,
        }
        Ok(())
    }
}

/// A path of an entry that begins at its folder's handle; calls that follow no link at a path's
/// end stay there.
fn place(entry: &Entry<'_>) -> PathBuf {
    let mut path =
        OsString::from(format!("/proc/self/fd/{}/", entry.folder.handle().as_raw_fd())).into_vec();
    path.extend_from_slice(entry.name.as_os_str().as_encoded_bytes());
    OsString::from_vec(path).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::beneath::Folder;
    use crate::sys::entry::{Name, Special};
    use std::ffi::OsStr;
    use std::fs;
    use std::os::fd::AsFd;
    use std::path::Path;

    #[test]
    fn attributes_go_to_the_entry_and_never_to_where_a_link_leads() {
        let outer = tempfile::tempdir().unwrap();
        fs::write(outer.path().join("outside"), b"x").unwrap();
        fs::create_dir(outer.path().join("in")).unwrap();
        let before = fs::metadata(outer.path().join("outside")).unwrap();
        let folder = Folder::open(&outer.path().join("in")).unwrap();
        let names = ["link", "fifo", "file"].map(|name| Name::new(OsStr::new(name)).unwrap());
        let [link, fifo, file] = &names;
        let link = Entry::new(&folder, link);
        link.make_link(Path::new("../outside")).unwrap();
        AttributeHolder::Named(link).set_times((1, 2), (3, 4)).unwrap();
        assert_eq!(link.facts().unwrap().unwrap().mtime, (3, 4));
        let after = fs::metadata(outer.path().join("outside")).unwrap();
        assert_eq!(before.modified().unwrap(), after.modified().unwrap());
        let fifo = Entry::new(&folder, fifo);
        fifo.make_special(Special::Fifo).unwrap();
        AttributeHolder::Named(fifo).set_mode(0o640).unwrap();
        assert_eq!(fifo.facts().unwrap().unwrap().mode, 0o640);
        let file = Entry::new(&folder, file).create().unwrap();
        let held = AttributeHolder::Open(file.as_fd());
        held.set_mode(0o4755).unwrap();
        held.set_times((5, 6), (-7, 8)).unwrap();
        let facts = held.facts().unwrap();
        assert_eq!((facts.mode, facts.mtime), (0o4755, (-7, 8)));
    }
}
