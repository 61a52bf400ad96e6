//! Files that a call names: tables, certificates, lists of patterns. Any path can be named, that of a
//! device without an end too, so no more is read than such a file may hold.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// Bytes of a text that somebody has written, at most.
pub const MOST_BYTES: u64 = 16 << 20;

/// Opens what a path names; of a pipe that nobody writes to nothing comes, instead of a wait.
fn open(path: &Path) -> io::Result<File> {
    let file =
        OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits() as i32).open(path)?;
    // Of a pipe that somebody writes to, as a shell's, all is waited for.
    let flags = rustix::fs::fcntl_getfl(&file)?;
    rustix::fs::fcntl_setfl(&file, flags - OFlags::NONBLOCK)?;
    Ok(file)
}

/// Reads a file of so many bytes at most.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let text = format!("it is larger than {most} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    Ok(bytes)
}

/// Reads a text.
pub fn read_text(path: &Path) -> io::Result<String> {
    read_text_within(path, MOST_BYTES)
}

/// Reads a text of so many bytes at most.
pub fn read_text_within(path: &Path, most: u64) -> io::Result<String> {
    String::from_utf8(read(path, most)?)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_an_end_is_refused_and_an_empty_one_is_read() {
        assert_eq!(read_text(Path::new("/dev/null")).unwrap(), "");
        for endless in ["/dev/zero", "/dev/full"] {
            let refused = read_text(Path::new(endless)).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::FileTooLarge, "{endless}");
        }
        assert!(read_text(Path::new("/")).is_err());
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let owner = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        let fifo = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, fifo, owner, 0).unwrap();
        assert_eq!(read_text(&pipe).unwrap(), "", "nobody writes to it, and nobody is waited for");
        let path = folder.path().join("text");
        std::fs::write(&path, "1234").unwrap();
        assert_eq!(read(&path, 4).unwrap(), b"1234");
        assert!(read(&path, 3).is_err());
        std::fs::write(&path, b"\xff").unwrap();
        assert_eq!(read_text(&path).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
