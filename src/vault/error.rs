//! What can go wrong with a vault.

use std::io;

use disk_prep::noun::{Diagnose, ErrorKind, Hint};

/// The error of this room.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each sentence names its fields")]
pub enum Error {
    #[error("{path} is no file of a repository, so it cannot be part of a seed")]
    ForeignBlob { path: String },
    #[error("{path} is listed twice in the seed")]
    ListedTwice { path: String },
    #[error("{} blobs of the seed are nowhere to be had, the first is {}", paths.len(), first(paths))]
    Missing { paths: Vec<String> },
    #[error("{} blobs were written to the vault and are not there as written, the first is {}", paths.len(), first(paths))]
    NotHeld { paths: Vec<String> },
    #[error("Cannot use blob {path}")]
    Blob {
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("Cannot list the vault")]
    List {
        #[source]
        source: io::Error,
    },
    #[error("Cannot read {path} from the staging path")]
    Spare {
        path: String,
        #[source]
        source: io::Error,
    },
}

fn first(paths: &[String]) -> &str {
    paths.first().map_or("unknown", String::as_str)
}

impl Diagnose for Error {
    fn code(&self) -> &'static str {
        match self {
            Error::ForeignBlob { .. } => "seed-foreign-blob",
            Error::ListedTwice { .. } => "seed-listed-twice",
            Error::Missing { .. } => "seed-blobs-missing",
            Error::NotHeld { .. } => "vault-blobs-differ",
            Error::Blob { .. } => "vault-blob",
            Error::List { .. } => "vault-list",
            Error::Spare { .. } => "staging-read",
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Error::ForeignBlob { .. } | Error::ListedTwice { .. } => ErrorKind::Failed,
            Error::Missing { .. } | Error::Spare { .. } => ErrorKind::Resumable,
            Error::NotHeld { .. } => ErrorKind::Difference,
            Error::Blob { .. } | Error::List { .. } => ErrorKind::Unreachable,
        }
    }

    fn hint(&self) -> Option<Hint> {
        let text = match self {
            Error::Missing { .. } => "name the staging path of the seed with `--staging`",
            Error::NotHeld { .. } => "see that nobody else writes to the vault, then run it again",
            _ => return None,
        };
        Some(Hint::new(text))
    }
}
