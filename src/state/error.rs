//! A state directory that cannot be used.

use std::io;
use std::path::{Path, PathBuf};

use disk_prep::noun::{Diagnose, ErrorKind, Hint};

/// A state directory that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// A file in it.
    #[error("Cannot use the state directory at {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The record of a vault.
    #[error("Cannot read {path}, which tells of a vault")]
    Vault {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A record of a staging path, so that nobody knows which drives are another job's.
    #[error("Cannot read {path}, which tells the drives of another job")]
    Record {
        /// The file or the folder of records.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Its file system keeps no modes, or somebody opened it to others.
    #[error("{path} can be read by others, so no recovery password can lie there")]
    Open {
        /// The folder.
        path: PathBuf,
    },
    /// Somebody else can write in it, or put another one in its place.
    #[error("Others can write to the state directory {}: {}", path.display(), why.join(", "))]
    Shared {
        /// The directory.
        path: PathBuf,
        /// The folders, each with who can write there.
        why: Vec<String>,
    },
    /// A record that was made anew for another vault, or another seed, meanwhile.
    #[error("{path} is the record of another vault by now")]
    OtherVault {
        /// The record.
        path: PathBuf,
    },
    /// What was pinned of a staging path.
    #[error("Cannot read {path}, which tells what this machine saw of a staging path")]
    Pin {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A path that no record can hold, since a record is text.
    #[error("{path} is not UTF-8, so no record can hold it")]
    NotText {
        /// The path.
        path: PathBuf,
    },
    /// A journal of another staging path.
    #[error(transparent)]
    Journal(#[from] disk_prep::journal::Error),
    /// Nobody says where it is.
    #[error("There is no state directory: neither XDG_STATE_HOME nor HOME is set")]
    NoHome,
}

/// Refuses a path that no record can hold, before anything is made there.
pub fn expect_text(path: &Path) -> Result<(), StateError> {
    match path.to_str() {
        Some(_) => Ok(()),
        None => Err(StateError::NotText { path: path.to_owned() }),
    }
}

impl Diagnose for StateError {
    fn code(&self) -> &'static str {
        match self {
            StateError::Io { .. } => "state-directory",
            StateError::Record { .. } => "state-record",
            StateError::Vault { .. } => "state-vault",
            StateError::Open { .. } => "state-open",
            StateError::Shared { .. } => "state-shared",
            StateError::OtherVault { .. } => "state-other-vault",
            StateError::Pin { .. } => "state-pin",
            StateError::NotText { .. } => "path-not-text",
            StateError::Journal(error) => error.code(),
            StateError::NoHome => "state-no-home",
        }
    }
    fn kind(&self) -> ErrorKind {
        match self {
            StateError::Io { source, .. } if is_full(source) => ErrorKind::Resumable,
            StateError::Io { .. } => ErrorKind::Failed,
            StateError::Record { .. }
            | StateError::Vault { .. }
            | StateError::Open { .. }
            | StateError::Shared { .. }
            | StateError::OtherVault { .. }
            | StateError::Pin { .. } => ErrorKind::Guard,
            StateError::Journal(error) => error.kind(),
            StateError::NoHome | StateError::NotText { .. } => ErrorKind::Usage,
        }
    }
    fn hint(&self) -> Option<Hint> {
        match self {
            StateError::Record { .. } => Some(Hint::new(
                "make it readable or restore it from a copy; delete it only if no drive of that \
                 job may be lost with it",
            )),
            StateError::Vault { .. } => Some(Hint::new(
                "restore it from a copy, or make it anew with `azseed vault attach --help` and the \
                 vault's name, account and container",
            )),
            StateError::Open { .. } => {
                Some(Hint::new("close it to others, or use `--state` on a file system with modes"))
            }
            StateError::Shared { .. } => Some(Hint::new(
                "root acts on what stands there: close these folders to others, or name another \
                 folder with `--state`",
            )),
            StateError::Pin { .. } => Some(Hint::new(
                "restore it from a copy; if you delete it, look at the staging path yourself before \
                 you give `--shared-staging` again",
            )),
            StateError::Journal(error) => error.hint(),
            StateError::Io { source, .. } if is_full(source) => Some(Hint::FreeSpace),
            StateError::NotText { .. } => Some(Hint::new(
                "name it by another path: a link, or a mount point with a plain name",
            )),
            StateError::Io { .. } => Some(Hint::new("name another one with `--state`")),
            StateError::OtherVault { .. } => Some(Hint::new("see `azseed vault list`")),
            StateError::NoHome => Some(Hint::new("name a folder for it with `--state`")),
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// A file of the state directory that failed.
pub fn io_at(path: &Path) -> impl FnOnce(io::Error) -> StateError {
    let path = path.to_owned();
    move |source| StateError::Io { path, source }
}

/// A record that cannot be read.
pub fn record_at(path: &Path) -> impl FnOnce(io::Error) -> StateError {
    let path = path.to_owned();
    move |source| StateError::Record { path, source }
}
