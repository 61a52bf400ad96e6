//! The work on one drive of a run, and the room that a drive has.

use crate::drive::HeldDrive;
use crate::journal::Claim;
use crate::noun::{DriveError, OnDrive, Serial};
use crate::plan::Room;
use crate::prepare::BegunDrive;
use crate::volume::Fault;
use crate::volume::gpt::DiskLayout;

/// A drive whose thread can be started.
pub(super) struct Work {
    pub held: HeldDrive,
    pub begun: BegunDrive,
    /// Kept until the work is over.
    pub _claim: Claim,
}

impl Work {
    pub fn serial(&self) -> Serial {
        self.held.drive.serial.clone()
    }
}

/// A drive of this size as room for files.
pub fn room(serial: &Serial, drive_bytes: u64) -> Result<Room, DriveError<Fault>> {
    let disk = DiskLayout::plan(drive_bytes).map_err(Fault::Partitions).on(serial)?;
    Ok(Room { serial: serial.clone(), volume_bytes: disk.partition_bytes })
}
