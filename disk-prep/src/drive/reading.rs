//! Reads of the kernel's files that decide something. What the kernel does not have is `None`;
//! what is there and cannot be read, or is not what it must be, is an error that names it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::error::Error;

/// Attributes are short; a longer one is cut.
const MOST_TEXT: usize = 4096;

/// Whether the kernel says by this error that it has no such thing, or that the device has gone.
pub(super) fn is_absent(error: &io::Error) -> bool {
    let absent = [Errno::NOENT, Errno::NOTDIR, Errno::NODEV, Errno::NXIO, Errno::OPNOTSUPP];
    absent.iter().any(|own| error.raw_os_error() == Some(own.raw_os_error()))
}

/// The error of a file of the kernel's.
pub(super) fn unreadable(path: &Path, source: io::Error) -> Error {
    Error::KernelUnreadable { path: path.to_owned(), source }
}

/// The same for content that is not what it must be.
pub(super) fn malformed(path: &Path, what: impl Into<String>) -> Error {
    unreadable(path, io::Error::new(io::ErrorKind::InvalidData, what.into()))
}

fn known<T>(path: &Path, result: io::Result<T>) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(unreadable(path, error)),
    }
}

/// A whole file.
pub(super) fn bytes(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    known(path, fs::read(path))
}

/// One attribute; `None` also if it is empty.
pub(super) fn text(path: &Path) -> Result<Option<String>, Error> {
    let bytes = bytes(path)?;
    Ok(bytes.and_then(|bytes| {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MOST_TEXT)]).into_owned();
        let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        (!text.is_empty()).then(|| text.to_owned())
    }))
}

/// One attribute that is a number.
pub(super) fn number(path: &Path) -> Result<Option<u64>, Error> {
    let parse = |text: String| {
        text.parse().map_err(|_| malformed(path, format!("{} is no number", plain(&text))))
    };
    text(path)?.map(parse).transpose()
}

/// Whether there is something at a path.
pub(super) fn exists(path: &Path) -> Result<bool, Error> {
    Ok(known(path, fs::symlink_metadata(path))?.is_some())
}

/// What lies in a folder, in order; nothing if there is no folder.
pub(super) fn children(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let Some(entries) = known(folder, fs::read_dir(folder))? else { return Ok(Vec::new()) };
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths =
        paths.collect::<io::Result<Vec<_>>>().map_err(|error| unreadable(folder, error))?;
    paths.sort();
    Ok(paths)
}

/// Text from a device or a mount table, safe on a terminal: what cannot be printed becomes `?`.
pub(super) fn plain(text: &str) -> String {
    let is_odd = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffd}')
    };
    text.chars().take(256).map(|c| if is_odd(c) { '?' } else { c }).collect()
}

/// The same of bytes.
pub(super) fn plain_bytes(bytes: &[u8]) -> String {
    plain(&String::from_utf8_lossy(bytes))
}
