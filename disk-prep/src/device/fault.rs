//! What fails when a drive is read or written.

use std::error::Error;
use std::fmt;
use std::io;

use crate::noun::{DriveFault, ErrorKind, Hint, Serial};

/// A call to a drive's device that failed.
#[derive(Debug)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each sentence names its fields")]
pub enum Fault {
    /// A read from the drive failed.
    Read { offset: u64, source: io::Error },
    /// A write to the drive failed.
    Write { offset: u64, source: io::Error },
    /// The drive did not confirm what was written.
    Flush { source: io::Error },
}

impl DriveFault for Fault {
    fn tell(&self, serial: &Serial, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Read { offset, .. } => write!(f, "Cannot read drive {serial} at {offset:#x}"),
            Fault::Write { offset, .. } => write!(f, "Cannot write drive {serial} at {offset:#x}"),
            Fault::Flush { .. } => write!(f, "Drive {serial} cannot flush what was written"),
        }
    }

    fn cause(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Fault::Read { source, .. } | Fault::Write { source, .. } | Fault::Flush { source } => {
                Some(source)
            }
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Fault::Read { .. } => "drive-read-failed",
            Fault::Write { .. } => "drive-write-failed",
            Fault::Flush { .. } => "drive-flush-failed",
        }
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::Resumable
    }

    fn hint(&self, _: &Serial) -> Option<Hint> {
        match self {
            Fault::Read { .. } => None,
            Fault::Write { .. } | Fault::Flush { .. } => Some(Hint::CheckCable),
        }
    }

    fn is_of_the_drive(&self) -> bool {
        true
    }
}
