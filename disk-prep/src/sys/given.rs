//! Files that a call names: tables, certificates, lists of patterns. Any path can be named, that of a
//! device without an end too, so no more is read than such a file may hold.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

/// Bytes of a text that somebody has written, at most.
pub const MOST_BYTES: u64 = 16 << 20;

/// Somebody who writes to a pipe is waited for so long.
const PATIENCE: Duration = Duration::from_secs(3);

/// Opens what a path names. Of a pipe that somebody writes to, as a shell's, all is waited for; one
/// that nobody writes to is no empty file.
fn open(path: &Path) -> io::Result<impl Read> {
    let mut file =
        OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits() as i32).open(path)?;
    let mut first = Vec::new();
    if file.metadata()?.file_type().is_fifo() {
        let began = Instant::now();
        let mut byte = [0];
        loop {
            match file.read(&mut byte) {
                Ok(0) if began.elapsed() > PATIENCE => {
                    let text = "it is a pipe, and nothing was written to it";
                    return Err(io::Error::new(io::ErrorKind::TimedOut, text));
                }
                Ok(0) => sleep(Duration::from_millis(20)),
                Ok(_) => break first.extend(byte),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
    }
    let flags = rustix::fs::fcntl_getfl(&file)?;
    rustix::fs::fcntl_setfl(&file, flags - OFlags::NONBLOCK)?;
    Ok(io::Cursor::new(first).chain(file))
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
        let refused = read_text(&pipe).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::TimedOut, "nobody writes to it");
        // Somebody comes late, and writes late.
        let late = std::thread::spawn({
            let pipe = pipe.clone();
            move || {
                sleep(Duration::from_millis(100));
                let mut file = OpenOptions::new().write(true).open(pipe).unwrap();
                sleep(Duration::from_millis(100));
                io::Write::write_all(&mut file, b"late").unwrap();
            }
        });
        assert_eq!(read_text(&pipe).unwrap(), "late");
        late.join().unwrap();
        let path = folder.path().join("text");
        std::fs::write(&path, "1234").unwrap();
        assert_eq!(read(&path, 4).unwrap(), b"1234");
        assert!(read(&path, 3).is_err());
        std::fs::write(&path, b"\xff").unwrap();
        assert_eq!(read_text(&path).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
