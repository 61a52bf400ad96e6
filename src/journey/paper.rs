//! Papers: files that a call asks for by name, a page to print, a calendar, a job for the office.
//! Each is written whole or not at all, over a page or where nothing is, and through no link.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use disk_prep::journal::begins_as_journal;
use disk_prep::noun::{Diagnose, ErrorKind, Hint};
use disk_prep::sys::durable::{self, Access};

/// Bytes of a paper at most.
const MOST_BYTES: u64 = 16 << 20;

/// A paper that was not written.
#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    #[error("{path} is no plain file, so nothing is written there")]
    Kind { path: PathBuf },
    #[error("{path} has a drive, a journal or a record in it, so nothing is written there")]
    Other { path: PathBuf },
    #[error("Cannot write {path}")]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl Diagnose for PaperError {
    fn code(&self) -> &'static str {
        match self {
            PaperError::Kind { .. } => "paper-not-plain",
            PaperError::Other { .. } => "paper-in-the-way",
            PaperError::Write { .. } => "paper-not-written",
        }
    }
    fn kind(&self) -> ErrorKind {
        match self {
            PaperError::Kind { .. } | PaperError::Other { .. } => ErrorKind::Guard,
            PaperError::Write { .. } => ErrorKind::Failed,
        }
    }
    fn hint(&self) -> Option<Hint> {
        let text = match self {
            PaperError::Kind { .. } => {
                "name another file; links, folders and devices are left as they are"
            }
            PaperError::Other { .. } => "name another file",
            PaperError::Write { .. } => return None,
        };
        Some(Hint::new(text))
    }
}

/// Refuses a place where no paper can be, before any other work is done for it.
pub fn check(path: &Path) -> Result<(), PaperError> {
    let unwritten = |source| PaperError::Write { path: path.to_owned(), source };
    match durable::may_replace(path).map_err(unwritten)? {
        false => Err(PaperError::Kind { path: path.to_owned() }),
        true if has_more(path).map_err(unwritten)? => {
            Err(PaperError::Other { path: path.to_owned() })
        }
        true => Ok(()),
    }
}

/// Whether what is there is no page: it is large, no text, a journal, or a record as azseed writes it.
fn has_more(path: &Path) -> io::Result<bool> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let mut start = Vec::new();
    file.take(MOST_BYTES + 1).read_to_end(&mut start)?;
    let is_text = std::str::from_utf8(&start).is_ok() && !start.contains(&0);
    let is_record = start.starts_with(b"{") || begins_as_journal(&start);
    Ok(start.len() as u64 > MOST_BYTES || !is_text || is_record)
}

/// Writes it; a plain file that is there is replaced.
pub fn write(path: &Path, text: &str) -> Result<(), PaperError> {
    check(path)?;
    durable::write(path, text.as_bytes(), Access::Public)
        .map_err(|source| PaperError::Write { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paper_replaces_a_plain_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        write(&at("page"), "one").unwrap();
        write(&at("page"), "two").unwrap();
        assert_eq!(std::fs::read_to_string(at("page")).unwrap(), "two");
        std::os::unix::fs::symlink(at("page"), at("link")).unwrap();
        std::os::unix::fs::symlink(at("nowhere"), at("dangling")).unwrap();
        std::fs::create_dir(at("folder")).unwrap();
        for name in ["link", "dangling", "folder"] {
            let refused = write(&at(name), "three").unwrap_err();
            assert_eq!((refused.code(), refused.kind()), ("paper-not-plain", ErrorKind::Guard));
        }
        assert_eq!(std::fs::read_to_string(at("page")).unwrap(), "two");
        assert!(!at("nowhere").exists());
        assert_eq!(write(&at("no/page"), "x").unwrap_err().code(), "paper-not-written");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 4, "no draft is left");
        for content in
            ["{\"version\": 1}", "383b53c0023b378f {\"record\":\"begun\"}\n", "\0\0EFI PART"]
        {
            std::fs::write(at("page"), content).unwrap();
            assert_eq!(write(&at("page"), "three").unwrap_err().code(), "paper-in-the-way");
            assert_eq!(std::fs::read_to_string(at("page")).unwrap(), content);
        }
    }
}
