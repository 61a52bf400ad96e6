//! What goes wrong with one drive: the fault knows what happened, its carrier to which drive. So
//! the rooms that work on a drive need not know which one it is.

use std::error::Error;
use std::fmt;

use super::diagnosis::{Diagnose, ErrorKind, Hint};
use super::serial::Serial;

/// A fault of one drive, told with the serial that only its carrier knows.
pub trait DriveFault: fmt::Debug {
    /// Writes the sentence: what failed on this drive.
    fn tell(&self, serial: &Serial, f: &mut fmt::Formatter<'_>) -> fmt::Result;
    /// What it comes from.
    fn cause(&self) -> Option<&(dyn Error + 'static)> {
        None
    }
    /// Stable, documented, searchable: `drive-in-use`.
    fn code(&self) -> &'static str;
    /// Decides the exit code.
    fn kind(&self) -> ErrorKind;
    /// What to type or do next.
    fn hint(&self, _serial: &Serial) -> Option<Hint> {
        None
    }
    /// Whether the drive itself is at fault, so that another drive may do better.
    fn is_of_the_drive(&self) -> bool {
        false
    }
}

/// A fault over those of the rooms below, each told in its own words.
pub trait JoinedFault: fmt::Debug {
    /// The one that it is.
    fn inner(&self) -> &dyn DriveFault;
}

impl<F: JoinedFault> DriveFault for F {
    fn tell(&self, serial: &Serial, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner().tell(serial, f)
    }
    fn cause(&self) -> Option<&(dyn Error + 'static)> {
        self.inner().cause()
    }
    fn code(&self) -> &'static str {
        self.inner().code()
    }
    fn kind(&self) -> ErrorKind {
        self.inner().kind()
    }
    fn hint(&self, serial: &Serial) -> Option<Hint> {
        self.inner().hint(serial)
    }
    fn is_of_the_drive(&self) -> bool {
        self.inner().is_of_the_drive()
    }
}

/// A drive, and what is wrong with it.
#[derive(Debug)]
pub struct DriveError<F> {
    /// The drive.
    pub serial: Serial,
    /// What is wrong.
    pub fault: F,
}

impl<F> DriveError<F> {
    /// A fault of this drive.
    pub fn new(serial: &Serial, fault: F) -> Self {
        DriveError { serial: serial.clone(), fault }
    }

    /// The same as a fault of a room further up.
    pub fn lift<T>(self) -> DriveError<T>
    where
        F: Into<T>,
    {
        DriveError { serial: self.serial, fault: self.fault.into() }
    }
}

impl<F: DriveFault> fmt::Display for DriveError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.tell(&self.serial, f)
    }
}

impl<F: DriveFault> Error for DriveError<F> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.fault.cause()
    }
}

impl<F: DriveFault> Diagnose for DriveError<F> {
    fn code(&self) -> &'static str {
        self.fault.code()
    }
    fn kind(&self) -> ErrorKind {
        self.fault.kind()
    }
    fn hint(&self) -> Option<Hint> {
        self.fault.hint(&self.serial)
    }
}

/// Says of which drive a fault is.
pub trait OnDrive<T, F> {
    /// The fault as the error of this drive.
    fn on(self, serial: &Serial) -> Result<T, DriveError<F>>;
}

impl<T, F: DriveFault> OnDrive<T, F> for Result<T, F> {
    fn on(self, serial: &Serial) -> Result<T, DriveError<F>> {
        self.map_err(|fault| DriveError::new(serial, fault))
    }
}
