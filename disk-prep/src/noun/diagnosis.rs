//! What every error of the house can say of itself beside its sentence: a stable code, the
//! kind that decides the exit code, whether to try again, and the next command to type.

use std::fmt;

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

/// Whether trying again can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// The same call gives the same answer.
    Never,
    /// The same call may succeed later.
    Later,
    /// After somebody mended what the message names.
    AfterFix,
}

/// The next command to type, or the next thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint(String);

impl Hint {
    /// A hint is one sentence without a final full stop.
    pub fn new(text: impl Into<String>) -> Self {
        Hint(text.into())
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Implemented by the error enum of every room.
pub trait Diagnose: std::error::Error {
    /// Stable, documented, searchable: `drive-in-use`.
    fn code(&self) -> &'static str;
    /// Decides the exit code.
    fn kind(&self) -> ErrorKind;
    /// Whether trying again can help.
    fn retry(&self) -> Retry {
        match self.kind() {
            ErrorKind::Busy | ErrorKind::Unreachable | ErrorKind::Resumable => Retry::Later,
            ErrorKind::Failed | ErrorKind::Difference => Retry::Never,
            _ => Retry::AfterFix,
        }
    }
    /// What to type or do next.
    fn hint(&self) -> Option<Hint> {
        None
    }
}
