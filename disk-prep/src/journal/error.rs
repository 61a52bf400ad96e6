//! Why the records of a drive cannot be used: its journal, its plan file, the folder that they lie
//! in, the claims there.

use std::io;
use std::path::{Path, PathBuf};

use super::fault::JournalFault;
use super::holder::Holder;
use super::keeper::KeeperError;
use crate::noun::{Diagnose, ErrorKind, Hint, Serial, typed};
use crate::sys::beneath::Unexpected;

/// Why a journal, a plan file or a claim cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each sentence names its fields")]
pub enum Error {
    /// A journal or plan file is damaged.
    #[error("The {} {} cannot be used: {fault}", what(path), path.display())]
    Damaged { path: PathBuf, fault: JournalFault },
    /// A journal or plan file could not be read or written.
    #[error("Cannot use {path}")]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The folder for journals cannot be written at all.
    #[error("No journal can be written in {path}; nothing was begun")]
    NotWritable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// Another run holds the journal.
    #[error("{what} is held by another run")]
    Held { what: String },
    /// Another run has claimed a drive, the planning of files or the making of jobs.
    #[error("{what} is claimed by process {} on {} since {:.0}", .holder.process, .holder.host, .holder.since)]
    Claimed { what: String, path: PathBuf, holder: Box<Holder> },
    /// The folder for journals does not keep files private.
    #[error("{path} does not keep file modes, so a recovery password would be readable by others")]
    ModesIgnored { path: PathBuf },
    /// The recovery password of a new drive could not be sealed or put away.
    #[error("The recovery password of drive {serial} cannot be kept")]
    PasswordNotKept {
        serial: Serial,
        #[source]
        source: KeeperError,
    },
    /// The journal holds the recovery password only sealed, and it was not opened.
    #[error("The recovery password of drive {serial} cannot be opened")]
    PasswordSealed {
        serial: Serial,
        #[source]
        source: KeeperError,
    },
}

impl Error {
    /// What is wrong when nothing can be written into a folder of journals.
    pub(super) fn not_written(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
                Error::NotWritable { path, source }
            }
            _ => Error::File { path, source },
        }
    }

    /// What stands in the folder where a plain file must be, if that is the reason.
    fn unexpected(&self) -> Option<&Unexpected> {
        match self {
            Error::File { source, .. } | Error::NotWritable { source, .. } => {
                Unexpected::of(source)
            }
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
            Error::Damaged { .. } => "journal-damaged",
            Error::File { .. } => "journal-file",
            Error::NotWritable { .. } => "journals-not-writable",
            Error::Held { .. } => "held-by-another-run",
            Error::Claimed { .. } => "claimed-by-another-run",
            Error::ModesIgnored { .. } => "modes-ignored",
            Error::PasswordNotKept { source, .. } | Error::PasswordSealed { source, .. } => {
                source.inner().code()
            }
        }
    }

    fn kind(&self) -> ErrorKind {
        if let Some(unexpected) = self.unexpected() {
            return unexpected.kind();
        }
        match self {
            Error::Damaged { .. } => ErrorKind::Failed,
            Error::File { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                ErrorKind::Failed
            }
            Error::File { .. } => ErrorKind::Resumable,
            Error::NotWritable { .. } | Error::ModesIgnored { .. } => ErrorKind::Guard,
            Error::Held { .. } | Error::Claimed { .. } => ErrorKind::Busy,
            Error::PasswordNotKept { source, .. } | Error::PasswordSealed { source, .. } => {
                source.inner().kind()
            }
        }
    }

    fn hint(&self) -> Option<Hint> {
        if let Some(unexpected) = self.unexpected() {
            return unexpected.hint();
        }
        Some(match self {
            Error::Damaged { fault: JournalFault::OtherName { .. }, .. } => {
                Hint::new("it is a copy, or was renamed: move it out of the folder")
            }
            Error::Damaged { path, .. } => match drive_of(path) {
                Some(serial) => Hint::new(format!(
                    "restore it from a copy; without one `{}` gives its drive up",
                    typed(["azseed", "drive", "release", serial.as_str()])
                )),
                None => Hint::new("restore it from a copy, or move it out of the folder"),
            },
            Error::PasswordNotKept { source, .. } | Error::PasswordSealed { source, .. } => {
                return source.inner().hint();
            }
            Error::File { source, .. } => Hint::of_io(source).unwrap_or(Hint::BringBack),
            Error::NotWritable { .. } => Hint::new(
                "make it writable; the data of a path that must stay as it is can be adopted into \
                 another with `azseed stage adopt`",
            ),
            Error::Held { .. } => Hint::OtherRun,
            Error::Claimed { path, .. } => Hint::new(format!(
                "wait until that run has ended; if it is dead, `azseed drive release SERIAL` with a \
                 drive that it had frees its claims (this one is {})",
                path.display()
            )),
            Error::ModesIgnored { .. } => Hint::new(
                "give an age recipient to seal it for with `--encrypt-keys-for`, or of a repository \
                 the password with `--password-file`; or use `--staging` elsewhere",
            ),
        })
    }
}

/// What a file of the folder is, by its name.
fn what(path: &Path) -> &'static str {
    match path.extension() {
        Some(end) if end == "plan" => "plan",
        _ => "journal",
    }
}

/// The drive whose journal or plan has this name.
fn drive_of(path: &Path) -> Option<Serial> {
    let is_of_drive = path.extension().is_some_and(|end| end == "journal" || end == "plan");
    path.file_stem().filter(|_| is_of_drive)?.to_str().and_then(Serial::of_file_stem)
}
