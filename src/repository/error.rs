//! What can go wrong with a repository.

use std::io;
use std::path::PathBuf;

use disk_prep::noun::{Diagnose, ErrorKind, Hint, count};

/// The error of this room.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each sentence names its fields")]
pub enum Error {
    /// What the library says, in its own words.
    #[error("{action} failed: {}", words(fault))]
    Library { action: &'static str, fault: Box<rustic_core::RusticError> },
    /// The store failed below the library.
    #[error("Cannot use {path}")]
    Store {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The blob service failed below the library.
    #[error(transparent)]
    Service { source: crate::azure::Error },
    /// The disk is full.
    #[error("There is no room left for {path}")]
    Full { path: PathBuf },
    /// The password is another.
    #[error("The password does not open the repository")]
    WrongPassword,
    /// The check found something.
    #[error("The check of the repository found {}: {}", count(remarks.len(), "fault"), remarks.join("; "))]
    Damaged { remarks: Vec<String> },
    /// A pattern that cannot be used.
    #[error(transparent)]
    Pattern { source: super::InvalidPattern },
    /// A source path that the format cannot hold.
    #[error("The path {path:?} cannot be backed up: it is not UTF-8")]
    SourceName { path: PathBuf },
}

/// What the library says, on one line and without the headings of its own report.
fn words(fault: &rustic_core::RusticError) -> String {
    let all = fault.display_log();
    let plain = all.strip_prefix("Error: ").unwrap_or(&all);
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Diagnose for Error {
    fn code(&self) -> &'static str {
        match self {
            Error::Library { .. } => "repository-failed",
            Error::Store { .. } => "repository-store",
            Error::Service { source } => source.code(),
            Error::Full { .. } => "repository-full",
            Error::WrongPassword => "repository-password",
            Error::Damaged { .. } => "repository-damaged",
            Error::SourceName { .. } => "source-name",
            Error::Pattern { .. } => "exclude-invalid",
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Error::Library { .. } | Error::Store { .. } => ErrorKind::Failed,
            Error::Service { source } => source.kind(),
            Error::Full { .. } => ErrorKind::Resumable,
            Error::WrongPassword => ErrorKind::NotAllowed,
            Error::Damaged { .. } => ErrorKind::Difference,
            Error::SourceName { .. } | Error::Pattern { .. } => ErrorKind::Usage,
        }
    }

    fn hint(&self) -> Option<Hint> {
        let text = match self {
            Error::Service { source } => return source.hint(),
            Error::Full { .. } => "free space there, then run the same command again",
            Error::WrongPassword => "name the right one with `--password-file`",
            Error::Pattern { .. } => {
                "a pattern matches whole names: `*.tmp`, `app/cache`, `/srv/app/**/cache`"
            }
            Error::SourceName { .. } => "name a folder above it as the source",
            _ => return None,
        };
        Some(Hint::new(text))
    }
}
