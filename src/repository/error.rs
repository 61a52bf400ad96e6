//! What can go wrong with a repository.

use std::io;
use std::path::PathBuf;

use disk_prep::noun::{Diagnose, ErrorKind, Hint, count};
use disk_prep::sys::beneath::Unexpected;

/// The error of this room.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
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
    /// The folder that is restored to.
    #[error("Cannot restore to {}", path.display())]
    Target {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The disk that is restored to is full.
    #[error("There is no room left for {} and what comes after it", path.display())]
    TargetFull { path: PathBuf },
    /// The library panicked.
    #[error("{action} failed: the library of the repository's format gave up on what it found")]
    GaveUp { action: &'static str },
    /// The password is another.
    #[error("The password does not open the repository")]
    WrongPassword,
    /// No key file is left, or none that a program of this format wrote.
    #[error("The repository has no key that could be tried: without one nobody can read it")]
    NoKey,
    /// The check found something.
    #[error("The check of the repository found {}: {}", count(remarks.len(), "fault"), remarks.join("; "))]
    Damaged { remarks: Vec<String> },
    /// A blob has another content than it was written with.
    #[error("Blob {path} is not what its name says: it was cut short or changed behind our back")]
    Changed { path: String },
    /// The key that the repository was opened with.
    #[error("Key {} is the one that opens the repository now", id.get(..8).unwrap_or(id))]
    OwnKey { id: String },
    /// A path that a snapshot does not hold.
    #[error("The snapshot holds no {}", path.display())]
    NoPath { path: PathBuf },
    /// Patterns that leave nothing of a snapshot.
    #[error("Nothing of the snapshot is left without {patterns}")]
    AllExcluded { patterns: String },
    /// A pattern that cannot be used.
    #[error(transparent)]
    Pattern { source: super::pattern::InvalidPattern },
    /// A source path that the format cannot hold.
    #[error("The path {path:?} cannot be backed up: it is not UTF-8")]
    SourceName { path: PathBuf },
}

/// What the library says, on one line and without the headings of its own report.
fn words(fault: &rustic_core::RusticError) -> String {
    let all = fault.display_log();
    plain(all.strip_prefix("Error: ").unwrap_or(&all))
}

/// What the library says, without the headings of its own report and without advice for a program
/// that is not there.
pub(super) fn plain(text: &str) -> String {
    let (head, report) = text.split_once("`rustic_core` experienced").unwrap_or((text, ""));
    let message = report.split_once("Message:\n").map_or("", |(_, own)| own);
    let message = message.split("\n\n").next().unwrap_or_default();
    let mut plain = format!("{head}{message}").split_whitespace().collect::<Vec<_>>().join(" ");
    for advice in [
        " Can be a parallel backup job.",
        " To repair: 'rustic repair index'.",
        " Run prune to correct this!",
    ] {
        plain = plain.replace(advice, "");
    }
    plain
}

impl Error {
    /// Whether it is of what was asked, and not of the repository.
    pub fn is_of_call(&self) -> bool {
        matches!(
            self,
            Error::NoPath { .. }
                | Error::AllExcluded { .. }
                | Error::Pattern { .. }
                | Error::Target { .. }
                | Error::TargetFull { .. }
                | Error::OwnKey { .. }
        )
    }

    /// What stands in the store where a plain file must be, if that is the reason.
    fn unexpected(&self) -> Option<&Unexpected> {
        match self {
            Error::Store { source, .. } => Unexpected::of(source),
            _ => None,
        }
    }
}

impl Diagnose for Error {
    fn code(&self) -> &'static str {
        if let Some(unexpected) = self.unexpected() {
            return unexpected.code();
        }
        match self {
            Error::Library { .. } => "repository-failed",
            Error::Store { .. } => "repository-store",
            Error::Service { source } => source.code(),
            Error::Full { .. } => "repository-full",
            Error::Target { .. } => "restore-target",
            Error::TargetFull { .. } => "restore-full",
            Error::GaveUp { .. } => "repository-gave-up",
            Error::WrongPassword => "repository-password",
            Error::NoKey => "repository-no-key",
            Error::Damaged { .. } => "repository-damaged",
            Error::Changed { .. } => "repository-blob-changed",
            Error::SourceName { .. } => "source-name",
            Error::OwnKey { .. } => "key-in-use",
            Error::NoPath { .. } => "snapshot-path-missing",
            Error::AllExcluded { .. } => "exclude-everything",
            Error::Pattern { .. } => "exclude-invalid",
        }
    }

    fn kind(&self) -> ErrorKind {
        if let Some(unexpected) = self.unexpected() {
            return unexpected.kind();
        }
        match self {
            Error::Library { .. }
            | Error::Store { .. }
            | Error::Target { .. }
            | Error::GaveUp { .. } => ErrorKind::Failed,
            Error::Service { source } => source.kind(),
            Error::Full { .. } | Error::TargetFull { .. } => ErrorKind::Resumable,
            Error::WrongPassword => ErrorKind::NotAllowed,
            Error::NoPath { .. } => ErrorKind::NotFound,
            Error::NoKey | Error::Damaged { .. } | Error::Changed { .. } => ErrorKind::Difference,
            Error::SourceName { .. }
            | Error::Pattern { .. }
            | Error::AllExcluded { .. }
            | Error::OwnKey { .. } => ErrorKind::Usage,
        }
    }

    fn hint(&self) -> Option<Hint> {
        if let Some(unexpected) = self.unexpected() {
            return unexpected.hint();
        }
        let text = match self {
            Error::Service { source } => return source.hint(),
            Error::TargetFull { .. } => {
                "free space there, then run the same command again: it goes on where it stopped"
            }
            Error::Full { .. } => return Some(Hint::FreeSpace),
            Error::OwnKey { .. } => {
                "open it with another password, or give it a new one with `azseed vault key rotate --new-password-file FILE`"
            }
            Error::NoPath { .. } => "list what it holds with `azseed vault ls SNAPSHOT`",
            Error::Changed { .. } => {
                "see what it touches with `azseed vault check`, then mend it with \
                 `azseed vault check --repair`"
            }
            Error::NoKey => {
                "put a file of `keys` back: one lies in the staging path, below `repo/keys`, and \
                 a service with soft delete or versions still has its own"
            }
            Error::WrongPassword => "name the right one with `--password-file`",
            Error::Pattern { .. } => {
                "a pattern matches whole names: `*.tmp`, `app/cache`, `/srv/app/**/cache`"
            }
            Error::SourceName { .. } => "name a folder above it as the source",
            Error::AllExcluded { .. } => {
                "name fewer patterns; one without a slash first matches at any depth"
            }
            _ => return None,
        };
        Some(Hint::new(text))
    }
}
