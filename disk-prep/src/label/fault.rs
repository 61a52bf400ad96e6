//! What fails while a drive is cleared and labelled.

use crate::noun::{DriveFault, JoinedFault};
use crate::stop::Stopped;
use crate::{device, drive, volume};

/// Why a drive is not labelled: a fault of the rooms below, each in its own words.
#[derive(Debug)]
#[non_exhaustive]
pub enum Fault {
    /// Of the drive.
    Drive(drive::Fault),
    /// Of the volume that it should get.
    Volume(volume::Fault),
    /// Somebody asked to stop.
    Stopped(Stopped),
}

impl From<device::Fault> for Fault {
    fn from(fault: device::Fault) -> Self {
        Fault::Drive(fault.into())
    }
}

impl From<drive::Fault> for Fault {
    fn from(fault: drive::Fault) -> Self {
        Fault::Drive(fault)
    }
}

impl From<volume::Fault> for Fault {
    fn from(fault: volume::Fault) -> Self {
        Fault::Volume(fault)
    }
}

impl From<Stopped> for Fault {
    fn from(stopped: Stopped) -> Self {
        Fault::Stopped(stopped)
    }
}

impl JoinedFault for Fault {
    fn inner(&self) -> &dyn DriveFault {
        match self {
            Fault::Drive(fault) => fault,
            Fault::Volume(fault) => fault,
            Fault::Stopped(stopped) => stopped,
        }
    }
}
