//! What fails while a drive is sealed.

use std::error::Error;
use std::fmt;

use crate::device;
use crate::manifest::ManifestError;
use crate::noun::{DriveFault, ErrorKind, Hint, Serial};

/// Why a drive is not sealed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Fault {
    /// What was written last does not read back.
    ReadBack { offset: u64 },
    /// The manifest cannot be read.
    Manifest(ManifestError),
    /// A call to the drive's device failed.
    Device(device::Fault),
}

impl From<device::Fault> for Fault {
    fn from(fault: device::Fault) -> Self {
        Fault::Device(fault)
    }
}

impl DriveFault for Fault {
    fn tell(&self, serial: &Serial, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::ReadBack { offset } => {
                write!(f, "Drive {serial} reads back other bytes than were written at {offset:#x}")
            }
            Fault::Manifest(_) => write!(f, "The manifest of drive {serial} cannot be read"),
            Fault::Device(fault) => fault.tell(serial, f),
        }
    }

    fn cause(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Fault::ReadBack { .. } => None,
            Fault::Manifest(source) => Some(source),
            Fault::Device(fault) => fault.cause(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Fault::ReadBack { .. } => "drive-read-back",
            Fault::Manifest(_) => "manifest-unreadable",
            Fault::Device(fault) => fault.code(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Fault::ReadBack { .. } => ErrorKind::Resumable,
            Fault::Manifest(_) => ErrorKind::Difference,
            Fault::Device(fault) => fault.kind(),
        }
    }

    fn hint(&self, serial: &Serial) -> Option<Hint> {
        match self {
            Fault::ReadBack { .. } => Some(Hint::CheckCable),
            Fault::Manifest(_) => None,
            Fault::Device(fault) => fault.hint(serial),
        }
    }

    fn is_of_the_drive(&self) -> bool {
        matches!(self, Fault::ReadBack { .. } | Fault::Device(_))
    }
}
