//! What fails while a drive is filled.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::journal::LeftOut;
use crate::noun::{Diagnose, DriveFault, DrivePath, ErrorKind, Hint, Serial};
use crate::stop::Stopped;
use crate::{device, journal};

/// Why a drive is not full.
#[derive(Debug)]
#[non_exhaustive]
pub enum Fault {
    /// With `--strict`, a source file that changed costs the drive.
    SourceChanged { path: DrivePath, why: LeftOut },
    /// The folder of all sources went away, as when a share is unmounted.
    SourceGone { path: PathBuf, source: io::Error },
    /// The system gives no further thread.
    Thread { source: io::Error },
    /// A call to the drive's device failed.
    Device(device::Fault),
    /// A record cannot be written.
    Journal(journal::Error),
    /// Somebody asked to stop.
    Stopped(Stopped),
}

impl From<device::Fault> for Fault {
    fn from(fault: device::Fault) -> Self {
        Fault::Device(fault)
    }
}

impl From<journal::Error> for Fault {
    fn from(error: journal::Error) -> Self {
        Fault::Journal(error)
    }
}

impl From<Stopped> for Fault {
    fn from(stopped: Stopped) -> Self {
        Fault::Stopped(stopped)
    }
}

impl DriveFault for Fault {
    fn tell(&self, serial: &Serial, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::SourceChanged { path, why } => {
                write!(f, "{path} changed while it was copied to drive {serial}: {why}")
            }
            Fault::SourceGone { path, .. } => {
                let path = path.display();
                write!(f, "The source {path} went away while drive {serial} was filled")
            }
            Fault::Thread { .. } => write!(f, "Cannot make a thread for drive {serial}"),
            Fault::Device(fault) => fault.tell(serial, f),
            Fault::Journal(error) => write!(f, "{error}"),
            Fault::Stopped(stopped) => stopped.tell(serial, f),
        }
    }

    fn cause(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Fault::SourceGone { source, .. } | Fault::Thread { source } => Some(source),
            Fault::Device(fault) => fault.cause(),
            Fault::Journal(error) => error.source(),
            Fault::SourceChanged { .. } | Fault::Stopped(_) => None,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Fault::SourceChanged { .. } => "source-changed",
            Fault::SourceGone { .. } => "source-gone",
            Fault::Thread { .. } => "thread-not-made",
            Fault::Device(fault) => fault.code(),
            Fault::Journal(error) => error.code(),
            Fault::Stopped(stopped) => stopped.code(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Fault::SourceChanged { .. } | Fault::SourceGone { .. } | Fault::Thread { .. } => {
                ErrorKind::Resumable
            }
            Fault::Device(fault) => fault.kind(),
            Fault::Journal(error) => error.kind(),
            Fault::Stopped(stopped) => stopped.kind(),
        }
    }

    fn hint(&self, serial: &Serial) -> Option<Hint> {
        match self {
            Fault::SourceChanged { .. } | Fault::Thread { .. } => None,
            Fault::SourceGone { .. } => Some(Hint::BringBack),
            Fault::Device(fault) => fault.hint(serial),
            Fault::Journal(error) => error.hint(),
            Fault::Stopped(stopped) => stopped.hint(serial),
        }
    }

    fn is_of_the_drive(&self) -> bool {
        matches!(self, Fault::SourceChanged { .. } | Fault::Device(_))
    }
}
