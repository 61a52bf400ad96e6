//! What every error of the house can say of itself beside its sentence: a stable code, the
//! kind that decides the exit code, and the next command to type.

use std::borrow::Cow;
use std::fmt;
use std::path::PathBuf;

use super::invalid::InvalidNoun;
use super::serial::Serial;

/// The kinds of failure, each with one exit code (`reference`, "Exit codes").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Failed for a reason of no other kind.
    Failed,
    /// Wrong flags, names, rows or passwords.
    Usage,
    /// Done, but data was left out or a drive set aside.
    LeftOut,
    /// Refused by a safety guard; nothing was written.
    Guard,
    /// Verification found a difference.
    Difference,
    /// Stopped in a state that can be resumed.
    Resumable,
    /// The drive, job, snapshot or file does not exist.
    NotFound,
    /// Another run holds it.
    Busy,
    /// Not signed in, not allowed, or the password does not open.
    NotAllowed,
    /// The service refused by a rule of its own.
    Refused,
    /// The service or network cannot be reached.
    Unreachable,
    /// A person asked to stop.
    Interrupted,
}

/// The next command to type, or the next thing to do: one sentence without a final full stop.
/// What several rooms advise is worded here.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Hint {
    /// What is on a drive may go.
    Erase(Serial),
    /// A drive failed in a way that a cable may be the reason of.
    CheckCable,
    /// A source went away.
    BringBack,
    /// A file system is full.
    FreeSpace,
    /// Whoever runs this may not do it.
    NotPermitted,
    /// Another run has it.
    OtherRun,
    /// What the kernel says of drives cannot be read.
    KernelTables,
    /// A file with a secret is open to others.
    MakePrivate(PathBuf),
    /// A repository's password is asked for.
    PasswordFile,
    /// What one room alone advises.
    Text(Cow<'static, str>),
}

impl Hint {
    /// The advice of one room.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Hint::Text(text.into())
    }

    /// What a failure of a file system asks for, where that alone tells it.
    pub fn of_io(error: &std::io::Error) -> Option<Self> {
        use std::io::ErrorKind::{PermissionDenied, QuotaExceeded, StorageFull};
        match error.kind() {
            StorageFull | QuotaExceeded => Some(Hint::FreeSpace),
            PermissionDenied => Some(Hint::NotPermitted),
            _ => None,
        }
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Hint::Erase(serial) => {
                return write!(f, "if all that is on it may go, add `--erase {serial}`");
            }
            Hint::MakePrivate(path) => return write!(f, "run `chmod 600 {}`", path.display()),
            Hint::CheckCable => {
                "check cable and power and run the same command again; if it fails again, take \
                 another drive"
            }
            Hint::BringBack => {
                "bring it back, as by mounting it again, then run the same command again"
            }
            Hint::FreeSpace => "free space there, then run the same command again",
            Hint::NotPermitted => "run it as root, or as the user whom it belongs to",
            Hint::OtherRun => "wait until the other run has ended",
            Hint::KernelTables => {
                "run as root with `/proc` and `/sys` mounted; if what the message names belongs to \
                 one drive, unplug that drive"
            }
            Hint::PasswordFile => "name its file with `--password-file`",
            Hint::Text(text) => text,
        })
    }
}

/// Implemented by the error enum of every room.
pub trait Diagnose: std::error::Error {
    /// Stable, documented, searchable: `drive-in-use`.
    fn code(&self) -> &'static str;
    /// Decides the exit code.
    fn kind(&self) -> ErrorKind;
    /// What to type or do next.
    fn hint(&self) -> Option<Hint> {
        None
    }
}

impl Diagnose for InvalidNoun {
    fn code(&self) -> &'static str {
        "invalid-name"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
}
