//! What the program logs: to standard error as `-v` asks for it, and to a file. Neither holds a
//! secret; the file is its owner's all the same, since it tells what is where. A file that is large
//! becomes an old one, and of those a few are kept.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use disk_prep::noun::{Diagnose, ErrorKind, Hint};
use disk_prep::sys::hold::hold;
use rustix::fs::{FlockOperation, OFlags, flock};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use super::screen::{LogLines, logged};

/// Beyond so many bytes the log goes on in a new file.
const MOST_BYTES: u64 = 16 << 20;
/// What was told a person, in the log.
pub(super) const TOLD: &str = "azseed::told";
/// Old files that are kept; `FILE.1` is the newest.
const KEPT: u32 = 4;

/// Sends what the program logs to standard error, once `-v` was said, and to a file that was named.
pub(super) fn log(verbose: u8, file: Option<&Path>) -> Result<(), LogFileError> {
    // What the libraries below say goes unread here: it may hold addresses with secrets.
    let told = |level, others| Targets::new().with_target("azseed", level).with_default(others);
    let screen = match verbose {
        0 => told(LevelFilter::OFF, LevelFilter::OFF),
        1 => told(LevelFilter::INFO, LevelFilter::OFF),
        _ => told(LevelFilter::DEBUG, LevelFilter::WARN),
    };
    // What the screen has told itself is not told there again.
    let screen = screen.with_target(TOLD, LevelFilter::OFF);
    let screen = layer().with_writer(LogLines::default).with_ansi(false).with_filter(screen);
    let kept = file.map(|path| LogFile::open(path, MOST_BYTES)).transpose()?.map(|file| {
        let file = Arc::new(Mutex::new(file));
        let level = if verbose > 1 { LevelFilter::DEBUG } else { LevelFilter::INFO };
        let lines = layer().with_writer(move || FileLines(Arc::clone(&file))).with_ansi(false);
        lines.with_filter(told(level, LevelFilter::OFF))
    });
    // Only the first call of a process sets it, and there is only one.
    let _ = tracing_subscriber::registry().with(screen).with(kept).try_init();
    Ok(())
}

/// Opens a log to go on at its end. A link is not followed: the folder may be anybody's.
fn open(path: &Path) -> Result<File, LogFileError> {
    let failed = |source| LogFileError { path: path.to_owned(), source };
    let mut options = OpenOptions::new();
    options.append(true).read(true).create(true).mode(0o600);
    options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
    let file = options.open(path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    if !about.is_file() || about.nlink() != 1 {
        return Err(failed(io::Error::other("it is no plain file with one name")));
    }
    Ok(file)
}

/// Whether a file is empty or begins with the day and time of a line: no journal, record or drive is
/// taken for a log.
fn is_log(file: &File) -> io::Result<bool> {
    let mut start = [0; 20];
    let length = file.read_at(&mut start, 0)?;
    let is_as = |(byte, form): (&u8, &u8)| match form {
        b'0' => byte.is_ascii_digit(),
        form => byte == form,
    };
    Ok(length == 0 || start[..length].iter().zip(b"0000-00-00T00:00:00.").all(is_as))
}

/// A file of the log, for which several processes may write.
struct LogFile {
    path: PathBuf,
    file: File,
    most_bytes: u64,
}

impl LogFile {
    fn open(path: &Path, most_bytes: u64) -> Result<Self, LogFileError> {
        let file = open(path)?;
        let failed = |source| LogFileError { path: path.to_owned(), source };
        if !is_log(&file).map_err(failed)? {
            return Err(failed(io::Error::other("it has something else in it than a log")));
        }
        Ok(LogFile { path: path.to_owned(), file, most_bytes })
    }

    fn add(&mut self, line: &str) -> io::Result<()> {
        let bytes = self.file.metadata()?.len();
        // Who cannot turn it goes on in the large one.
        if bytes > 0
            && bytes.saturating_add(line.len() as u64) > self.most_bytes
            && let Ok(file) = self.turned()
        {
            self.file = file;
        }
        self.file.write_all(line.as_bytes())
    }

    /// A new file, with the old one beside it. Of several processes one turns it, and the others
    /// find the new one.
    fn turned(&self) -> io::Result<File> {
        flock(&self.file, FlockOperation::LockExclusive)?;
        let (own, there) = (self.file.metadata()?, fs::symlink_metadata(&self.path));
        if there.is_ok_and(|there| (there.dev(), there.ino()) == (own.dev(), own.ino())) {
            for number in (1..KEPT).rev() {
                // There need not be one.
                let _ = fs::rename(self.old(number), self.old(number + 1));
            }
            fs::rename(&self.path, self.old(1))?;
        }
        let file = open(&self.path).map_err(|error| error.source);
        flock(&self.file, FlockOperation::Unlock)?;
        file
    }

    fn old(&self, number: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }
}

/// Lines of the log in a file, one event each.
struct FileLines(Arc<Mutex<LogFile>>);

impl Write for FileLines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        hold(&self.0).add(&logged(bytes))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The file of the log cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("Cannot write the log {path}")]
pub struct LogFileError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

impl Diagnose for LogFileError {
    fn code(&self) -> &'static str {
        "log-file"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new("name a new file, in a folder that you can write to, with `--log-file`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_log_becomes_an_old_one_and_no_line_of_several_writers_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut writers = [0; 3].map(|_| LogFile::open(&path, 100).unwrap());
        for number in 0..40 {
            writers[number % 3].add(&format!("line {number:02} of the log\n")).unwrap();
        }
        let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        names.sort_by_key(|entry| entry.as_ref().unwrap().file_name());
        let names: Vec<_> = names.iter().map(|entry| entry.as_ref().unwrap().file_name()).collect();
        assert_eq!(names, ["log", "log.1", "log.2", "log.3", "log.4"]);
        // Five lines fit; the newest are kept, each once and in its order within a file.
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        let all: String = ["log.4", "log.3", "log.2", "log.1", "log"].map(read).concat();
        let mut lines: Vec<&str> = all.lines().collect();
        assert!(lines.len() >= 20, "{all}");
        lines.sort();
        let right: Vec<String> =
            (40 - lines.len()..40).map(|number| format!("line {number:02} of the log")).collect();
        assert_eq!(lines, right);
        assert!(fs::metadata(&path).unwrap().len() <= 100);
    }

    #[test]
    fn what_is_no_log_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for (content, is_log) in [
            ("", true),
            ("2026-11-30T23:45:00.123456Z  INFO azseed: begins\n", true),
            ("383b53c0023b378f {\"record\":\"begun\"}\n", false),
            ("{\"version\": 1}", false),
            ("2026-11-30 a page of somebody\n", false),
            ("\0\0\0\0", false),
        ] {
            fs::write(&path, content).unwrap();
            assert_eq!(LogFile::open(&path, 100).is_ok(), is_log, "{content:?}");
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
    }

    #[test]
    fn a_line_longer_than_a_file_is_written_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut log = LogFile::open(&path, 10).unwrap();
        log.add("a line of many letters\n").unwrap();
        log.add("short\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "short\n");
    }
}
