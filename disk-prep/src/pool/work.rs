//! The work on one drive of a run, and the room that a drive has.

use crate::Error;
use crate::drive::HeldDrive;
use crate::journal::{Claim, DrivePlan, Journal};
use crate::noun::Serial;
use crate::plan::Room;
use crate::volume::gpt::DiskLayout;

/// A drive whose thread can be started.
pub(super) struct Work {
    pub held: HeldDrive,
    pub journal: Journal,
    pub plan: DrivePlan,
    /// Kept until the work is over.
    pub _claim: Claim,
}

impl Work {
    pub fn serial(&self) -> Serial {
        self.held.drive.serial.clone()
    }
}

/// A drive of this size as room for files.
pub fn room(serial: &Serial, drive_bytes: u64) -> Result<Room, Error> {
    let disk = DiskLayout::plan(drive_bytes)
        .map_err(|source| Error::Partitions { serial: serial.clone(), source })?;
    Ok(Room { serial: serial.clone(), volume_bytes: disk.partition_bytes })
}
