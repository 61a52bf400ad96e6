//! Files without names, for what a run need not hold in memory.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{CWD, MemfdFlags, Mode, OFlags};
use rustix::io::Errno;

/// Where there is room on a disk if the folder itself can hold no such file, as on network shares.
const ELSEWHERE: &str = "/var/tmp";

/// A private file that is gone with its last handle: in `folder`, else on another disk, else in
/// memory.
pub fn nameless(folder: impl AsFd) -> io::Result<File> {
    let made = in_folder(folder, ".").or_else(|_| in_folder(CWD, ELSEWHERE));
    Ok(made.or_else(|_| rustix::fs::memfd_create("azseed", MemfdFlags::CLOEXEC))?.into())
}

fn in_folder(at: impl AsFd, path: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    rustix::fs::openat(at, path, flags, Mode::RUSR | Mode::WUSR)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{FileExt, MetadataExt};

    use super::*;

    #[test]
    fn where_a_folder_can_hold_none_it_lies_elsewhere() {
        let folder = tempfile::tempdir().unwrap();
        // Nobody can make a file there, root neither.
        for place in [folder.path().to_owned(), "/proc/self".into()] {
            let file = nameless(File::open(place).unwrap()).unwrap();
            file.write_all_at(b"kept", 5).unwrap();
            let mut back = [1; 9];
            file.read_exact_at(&mut back, 0).unwrap();
            assert_eq!(&back, b"\0\0\0\0\0kept");
            let about = file.metadata().unwrap();
            assert_eq!((about.nlink(), about.mode() & 0o077), (0, 0));
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
