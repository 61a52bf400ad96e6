//! What the program logs: to standard error as `-v` asks for it, and to a file. Neither holds a
//! secret; the file is its owner's all the same, since it tells what is where.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use disk_prep::noun::{Diagnose, ErrorKind, Hint};
use disk_prep::sys::hold::hold;
use rustix::fs::OFlags;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use super::screen::{LogLines, logged};

/// Sends what the program logs to standard error, once `-v` was said, and to a file that was named.
pub(super) fn log(verbose: u8, file: Option<&Path>) -> Result<(), LogFileError> {
    // What the libraries below say goes unread here: it may hold addresses with secrets.
    let told = |level, others| Targets::new().with_target("azseed", level).with_default(others);
    let screen = match verbose {
        0 => told(LevelFilter::OFF, LevelFilter::OFF),
        1 => told(LevelFilter::INFO, LevelFilter::OFF),
        _ => told(LevelFilter::DEBUG, LevelFilter::WARN),
    };
    let screen = layer().with_writer(LogLines::default).with_ansi(false).with_filter(screen);
    let kept = file.map(open).transpose()?.map(|file| {
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
    options.append(true).create(true).mode(0o600);
    options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed());
    let file = options.open(path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    if !about.is_file() || about.nlink() != 1 {
        return Err(failed(io::Error::other("it is no plain file with one name")));
    }
    Ok(file)
}

/// Lines of the log in a file, one event each.
struct FileLines(Arc<Mutex<File>>);

impl Write for FileLines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        hold(&self.0).write_all(logged(bytes).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        hold(&self.0).flush()
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
        Some(Hint::new("name a file in a folder that you can write to with `--log-file`"))
    }
}
