//! Papers: files that a call asks for by name, a page to print, a calendar, a job for the office.
//! Each is written whole or not at all, over a plain file or where nothing is, and through no link.

use std::io;
use std::path::{Path, PathBuf};

use disk_prep::noun::{Diagnose, ErrorKind, Hint};
use disk_prep::sys::durable::{self, Access};

/// A paper that was not written.
#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    #[error("{path} is no plain file, so nothing is written there")]
    Kind { path: PathBuf },
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
            PaperError::Write { .. } => "paper-not-written",
        }
    }
    fn kind(&self) -> ErrorKind {
        match self {
            PaperError::Kind { .. } => ErrorKind::Guard,
            PaperError::Write { .. } => ErrorKind::Failed,
        }
    }
    fn hint(&self) -> Option<Hint> {
        let text = "name another file; links, folders and devices are left as they are";
        matches!(self, PaperError::Kind { .. }).then(|| Hint::new(text))
    }
}

/// Refuses a place where no paper can be, before any other work is done for it.
pub fn check(path: &Path) -> Result<(), PaperError> {
    match durable::may_replace(path) {
        Ok(true) => Ok(()),
        Ok(false) => Err(PaperError::Kind { path: path.to_owned() }),
        Err(source) => Err(PaperError::Write { path: path.to_owned(), source }),
    }
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
    }
}
