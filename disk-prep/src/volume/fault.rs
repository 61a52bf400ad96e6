//! Why a drive cannot get a volume of ours.

use std::error::Error;
use std::fmt;

use super::{bitlocker, gpt, ntfs};
use crate::noun::{Diagnose, DriveFault, ErrorKind, Hint, Serial};

/// Why a drive cannot get a volume of ours.
#[derive(Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The drive's size allows no partitions of ours.
    Partitions(gpt::Error),
    /// The encrypted volume could not be made, or its key not regained.
    Volume(bitlocker::write::Error),
    /// The file system could not be planned.
    Layout(ntfs::Error),
}

impl Fault {
    fn inner(&self) -> &(dyn Diagnose + 'static) {
        match self {
            Fault::Partitions(source) => source,
            Fault::Volume(source) => source,
            Fault::Layout(source) => source,
        }
    }
}

impl DriveFault for Fault {
    fn tell(&self, serial: &Serial, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Partitions(_) => write!(f, "Drive {serial} cannot be partitioned"),
            Fault::Volume(_) => write!(f, "The encrypted volume of drive {serial} cannot be made"),
            Fault::Layout(_) => write!(f, "The volume of drive {serial} cannot be laid out"),
        }
    }

    fn cause(&self) -> Option<&(dyn Error + 'static)> {
        Some(self.inner())
    }

    fn code(&self) -> &'static str {
        self.inner().code()
    }

    fn kind(&self) -> ErrorKind {
        self.inner().kind()
    }

    fn hint(&self, _: &Serial) -> Option<Hint> {
        self.inner().hint()
    }
}
