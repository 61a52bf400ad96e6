//! Makes a new image file: whole and locked before it has its name, and never in the place of
//! something else. A run that is killed leaves no image or a whole one.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FlockOperation, OFlags, flock, linkat};
use rustix::io::Errno;

use super::error::Error;
use super::medium::folder_of;
use crate::sys::durable::sync_folder;

/// Whether files may be made without a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nameless {
    Try,
    #[cfg(test)]
    Never,
}

/// Makes an image of so many bytes and returns it, open and locked.
pub(super) fn make(path: &Path, bytes: u64) -> Result<File, Error> {
    make_by(path, bytes, Nameless::Try)
}

fn make_by(path: &Path, bytes: u64, nameless: Nameless) -> Result<File, Error> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => Error::ImageAppeared { path: path.to_owned() },
        io::ErrorKind::WouldBlock => Error::Held { what: format!("The image {}", path.display()) },
        _ => Error::Open { path: path.to_owned(), source },
    };
    let (file, draft) = match nameless {
        Nameless::Try => match open_nameless(path).map_err(failed)? {
            Some(file) => (file, None),
            None => open_draft(path).map_err(failed)?,
        },
        #[cfg(test)]
        Nameless::Never => open_draft(path).map_err(failed)?,
    };
    flock(&file, FlockOperation::NonBlockingLockExclusive)
        .map_err(io::Error::from)
        .and_then(|()| file.set_len(bytes))
        .and_then(|()| file.sync_all())
        .and_then(|()| give_name(&file, draft.as_deref(), path))
        .and_then(|()| sync_folder(folder_of(path)))
        .map_err(failed)?;
    Ok(file)
}

/// A file without a name in the folder of `path`; `None` where there can be none.
fn open_nameless(path: &Path) -> io::Result<Option<File>> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600).custom_flags(OFlags::TMPFILE.bits() as i32);
    match options.open(folder_of(path)) {
        Ok(file) => Ok(Some(file)),
        Err(error) => match Errno::from_io_error(&error) {
            Some(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOENT | Errno::NOSYS) => {
                Ok(None)
            }
            _ => Err(error),
        },
    }
}

/// Elsewhere it is made under a name of its own beside `path`. What a killed run left there is
/// taken up if it is empty, or holds nothing but a hole.
fn open_draft(path: &Path) -> io::Result<(File, Option<PathBuf>)> {
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".azseed-new");
    let draft = folder_of(path).join(name);
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600).custom_flags(OFlags::NOFOLLOW.bits() as i32);
    let file = match options.create_new(true).open(&draft) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let file = options.create_new(false).open(&draft)?;
            let about = file.metadata()?;
            if !about.is_file() || about.nlink() != 1 || about.blocks() != 0 {
                return Err(error);
            }
            file
        }
        file => file?,
    };
    Ok((file, Some(draft)))
}

/// Gives the file its name, in nobody's place.
fn give_name(file: &File, draft: Option<&Path>, path: &Path) -> io::Result<()> {
    let Some(draft) = draft else {
        let own = format!("/proc/self/fd/{}", file.as_raw_fd());
        return Ok(linkat(CWD, own, CWD, path, AtFlags::SYMLINK_FOLLOW)?);
    };
    match rename_new(draft, path) {
        // Such a file system may have hard links; without either nothing is as sure.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            fs::hard_link(draft, path)?;
            fs::remove_file(draft)
        }
        Err(Errno::EXIST) => {
            fs::remove_file(draft)?;
            Err(Errno::EXIST.into())
        }
        result => Ok(result?),
    }
}

fn rename_new(from: &Path, to: &Path) -> rustix::io::Result<()> {
    rustix::fs::renameat_with(CWD, from, CWD, to, rustix::fs::RenameFlags::NOREPLACE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noun::Diagnose;

    fn names(folder: &Path) -> Vec<OsString> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect()
    }

    #[test]
    fn an_image_is_whole_and_locked_when_it_gets_its_name() {
        for nameless in [Nameless::Try, Nameless::Never] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("S1.img");
            let file = make_by(&path, 300 << 20, nameless).unwrap();
            let about = fs::metadata(&path).unwrap();
            assert_eq!((about.len(), about.mode() & 0o777), (300 << 20, 0o600));
            assert_eq!(about.ino(), file.metadata().unwrap().ino());
            assert_eq!(names(folder.path()), ["S1.img"]);
            let other = File::open(&path).unwrap();
            assert!(flock(&other, FlockOperation::NonBlockingLockExclusive).is_err());
        }
    }

    #[test]
    fn somebodys_file_keeps_its_place_and_its_bytes() {
        for nameless in [Nameless::Try, Nameless::Never] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("S1.img");
            fs::write(&path, "somebody's").unwrap();
            let error = make_by(&path, 300 << 20, nameless).unwrap_err();
            assert_eq!(error.code(), "image-appeared");
            assert_eq!(fs::read(&path).unwrap(), b"somebody's");
            assert_eq!(names(folder.path()), ["S1.img"]);
        }
    }

    #[test]
    fn the_draft_of_a_killed_run_is_taken_up_and_one_with_data_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let (path, draft) =
            (folder.path().join("S1.img"), folder.path().join(".S1.img.azseed-new"));
        for left in [0, 300 << 20] {
            File::create(&draft).unwrap().set_len(left).unwrap();
            make_by(&path, 210 << 20, Nameless::Never).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().len(), 210 << 20);
            fs::remove_file(&path).unwrap();
        }
        fs::write(&draft, vec![1; 5000]).unwrap();
        let error = make_by(&path, 210 << 20, Nameless::Never).unwrap_err();
        assert_eq!((error.code(), path.exists()), ("image-appeared", false));
        assert_eq!(fs::read(&draft).unwrap(), vec![1; 5000]);
    }
}
