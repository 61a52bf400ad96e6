//! Whether anybody else has a file open for writing: the kernel grants a read lease only where
//! nobody has (`fcntl(2)`, "Leases"). It sees every writer of a local file, whatever name and
//! namespace it came by: programs, loop devices, swap.

use std::ffi::c_int;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;

const F_SETSIG: c_int = 10;
const F_SETLEASE: c_int = 1024;
const F_RDLCK: c_int = 0;
const F_UNLCK: c_int = 2;
/// The signal of a lease that is broken: one that nobody dies of.
const SIGURG: c_int = 23;

// SAFETY: the C library that the standard library is linked with has it in this form.
#[expect(unsafe_code, reason = "no crate of ours wraps leases")]
unsafe extern "C" {
    fn fcntl(file: c_int, command: c_int, ...) -> c_int;
}

/// Whether somebody else writes to the file, which was opened for reading only; `None` where it
/// cannot be told: on file systems without leases, and for the files of other users.
pub fn is_written(file: &File) -> io::Result<Option<bool>> {
    set(file, F_SETSIG, SIGURG)?;
    match set(file, F_SETLEASE, F_RDLCK) {
        Ok(()) => set(file, F_SETLEASE, F_UNLCK).map(|()| Some(false)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Some(true)),
        Err(_) => Ok(None),
    }
}

#[expect(unsafe_code, reason = "there is no safe wrapper of this call")]
fn set(file: &File, command: c_int, value: c_int) -> io::Result<()> {
    // SAFETY: these commands take one integer and touch no memory of ours; the descriptor is open
    // for as long as `file` lives.
    match unsafe { fcntl(file.as_raw_fd(), command, value) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_is_seen_until_it_closes_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("drive.img");
        let writer = File::create(&path).unwrap();
        let reader = File::open(&path).unwrap();
        assert_eq!(is_written(&reader).unwrap(), Some(true));
        drop(writer);
        assert_eq!(is_written(&reader).unwrap(), Some(false));
        let again = File::options().read(true).write(true).open(&path);
        assert!(again.is_ok(), "no lease is left");
    }
}
