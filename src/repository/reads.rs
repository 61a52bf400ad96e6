//! Files of a source, open to be read. What fails as a share or a disk does that may come back is
//! tried again with a new handle, since the old one may be stale for ever.

use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use disk_prep::sys::again::{Patience, is_passing};
use rustix::fs::{Mode, OFlags};

/// What files lie on. Passed in, so that tests can let it fail.
pub(super) trait Disk: Send + Sync {
    /// Opens what was a file when it was listed.
    fn open(&self, path: &Path) -> io::Result<File> {
        open_file(path)
    }
    /// Reads on.
    fn read(&self, file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
        file.read(buffer)
    }
    /// Waits before something is tried again.
    fn wait(&self, time: Duration) {
        std::thread::sleep(time);
    }
}

struct RealDisk;

impl Disk for RealDisk {}

/// All reads of one backup.
pub(super) struct Reads {
    disk: Box<dyn Disk>,
    patience: Patience,
}

impl Default for Reads {
    fn default() -> Self {
        Reads::of(Box::new(RealDisk))
    }
}

impl Reads {
    /// Reads from there.
    pub fn of(disk: Box<dyn Disk>) -> Self {
        Reads { disk, patience: Patience::default() }
    }

    fn again<T>(&self, attempt: impl FnMut(usize) -> io::Result<T>) -> io::Result<T> {
        self.patience.again(is_passing, |time| self.disk.wait(time), attempt)
    }
}

/// Opens what was a file when it was listed. What is none any more is neither followed nor waited
/// for.
pub(super) fn open_file(path: &Path) -> io::Result<File> {
    let flags =
        OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("it is no file any more"))
    }
}

/// An open file.
pub(super) struct OpenFile {
    reads: Arc<Reads>,
    path: PathBuf,
    file: File,
    inode: u64,
    at: u64,
}

impl OpenFile {
    /// Opens it.
    pub fn open(reads: &Arc<Reads>, path: &Path) -> io::Result<Self> {
        let opened = reads.again(|_| {
            let file = reads.disk.open(path)?;
            let inode = file.metadata()?.ino();
            Ok((file, inode))
        });
        let (file, inode) = opened?;
        Ok(OpenFile { reads: Arc::clone(reads), path: path.to_owned(), file, inode, at: 0 })
    }

    /// Reads on.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let OpenFile { reads, path, file, inode, at } = self;
        let count = reads.again(|attempt| {
            if attempt > 0 {
                let mut anew = reads.disk.open(path)?;
                if anew.metadata()?.ino() != *inode {
                    return Err(io::Error::other("another file took its place"));
                }
                anew.seek(SeekFrom::Start(*at))?;
                *file = anew;
            }
            reads.disk.read(file, buffer)
        })?;
        *at += count as u64;
        Ok(count)
    }

    /// What it is now.
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::sync::Mutex;

    use rustix::io::Errno;

    /// A disk that fails so often, and the waits since.
    #[derive(Clone, Default)]
    struct Failing(Arc<Mutex<(usize, usize, Vec<u128>)>>);

    const ERROR: Errno = Errno::IO;

    impl Failing {
        fn next(&self, pick: fn(&mut (usize, usize, Vec<u128>)) -> &mut usize) -> io::Result<()> {
            let mut state = self.0.lock().unwrap();
            let left = pick(&mut state);
            match *left {
                0 => Ok(()),
                _ => {
                    *left -= 1;
                    Err(ERROR.into())
                }
            }
        }
    }

    impl Disk for Failing {
        fn open(&self, path: &Path) -> io::Result<File> {
            self.next(|state| &mut state.0)?;
            open_file(path)
        }
        fn read(&self, file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
            // A part of what was asked for moves on, as a failing disk may leave it.
            if let Err(error) = self.next(|state| &mut state.1) {
                file.read_exact(&mut [0; 3])?;
                return Err(error);
            }
            file.read(buffer)
        }
        fn wait(&self, time: Duration) {
            self.0.lock().unwrap().2.push(time.as_millis());
        }
    }

    /// The content, or the error, and the waits.
    fn read(path: &Path, opens: usize, reads: usize) -> (io::Result<Vec<u8>>, Vec<u128>) {
        let disk = Failing::default();
        disk.0.lock().unwrap().0 = opens;
        let content = OpenFile::open(&Arc::new(Reads::of(Box::new(disk.clone()))), path);
        let content = content.and_then(|mut file| {
            let (mut content, mut piece) = (Vec::new(), [0; 4]);
            loop {
                let is_second = content.len() == 4;
                if is_second {
                    disk.0.lock().unwrap().1 = reads;
                }
                match file.read(&mut piece)? {
                    0 => return Ok(content),
                    count => content.extend_from_slice(&piece[..count]),
                }
            }
        });
        let waits = std::mem::take(&mut disk.0.lock().unwrap().2);
        (content, waits)
    }

    #[test]
    fn what_fails_for_a_while_is_read_whole_and_what_goes_on_failing_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, b"a file of some bytes").unwrap();
        for (opens, reads, waits) in [
            (0, 0, &[][..]),
            (1, 0, &[200]),
            (0, 1, &[200]),
            (3, 0, &[200, 1000, 4000]),
            (0, 3, &[200, 1000, 4000]),
            (1, 2, &[200, 200, 1000]),
        ] {
            let (content, waited) = read(&path, opens, reads);
            assert_eq!((&content.unwrap()[..], &waited[..]), (&b"a file of some bytes"[..], waits));
        }
        for (opens, reads) in [(4, 0), (0, 4)] {
            let (content, waited) = read(&path, opens, reads);
            assert_eq!(content.unwrap_err().raw_os_error(), Some(ERROR.raw_os_error()));
            assert_eq!(waited, [200, 1000, 4000]);
        }
    }

    #[test]
    fn another_file_of_that_name_is_not_read_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, b"a file of some bytes").unwrap();
        let disk = Failing::default();
        let reads = Arc::new(Reads::of(Box::new(disk.clone())));
        let mut file = OpenFile::open(&reads, &path).unwrap();
        assert_eq!(file.read(&mut [0; 4]).unwrap(), 4);
        fs::write(folder.path().join("other"), b"A FILE OF SOME BYTES").unwrap();
        fs::rename(folder.path().join("other"), &path).unwrap();
        disk.0.lock().unwrap().1 = 1;
        let error = file.read(&mut [0; 4]).unwrap_err();
        assert_eq!(error.to_string(), "another file took its place");
    }
}
