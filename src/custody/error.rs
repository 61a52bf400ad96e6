//! Why a custody log cannot be read or added to.

use std::io;
use std::path::PathBuf;

use disk_prep::journal;
use disk_prep::noun::{Diagnose, ErrorKind, Hint};
use disk_prep::sys::beneath::Unexpected;

use crate::state::StateError;

/// Why a custody log cannot be read or added to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The log or a report.
    #[error("Cannot use {path}, of the custody log")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another run writes it, or a claim cannot be made.
    #[error(transparent)]
    Claim(#[from] journal::Error),
    /// What this machine remembers of it.
    #[error(transparent)]
    State(#[from] StateError),
}

impl Error {
    /// Whether it only says that nothing may be written there, by a mode or a mount.
    pub fn is_read_only(&self) -> bool {
        match self {
            Error::Io { source, .. } => matches!(
                source.kind(),
                io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied
            ),
            Error::Claim(journal::Error::NotWritable { source, .. }) => {
                Unexpected::of(source).is_none()
            }
            _ => false,
        }
    }
}

impl Diagnose for Error {
    fn code(&self) -> &'static str {
        match self {
            Error::Io { source, .. } => {
                Unexpected::of(source).map_or("custody-log", Diagnose::code)
            }
            Error::Claim(error) => error.code(),
            Error::State(error) => error.code(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Error::Io { source, .. } => {
                Unexpected::of(source).map_or(ErrorKind::Failed, Diagnose::kind)
            }
            Error::Claim(error) => error.kind(),
            Error::State(error) => error.kind(),
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Error::Io { source, .. } => Unexpected::of(source).and_then(Diagnose::hint),
            Error::Claim(error) => error.hint(),
            Error::State(error) => error.hint(),
        }
    }
}
