//! A sealed drive as others see it: partition table, unlocked volume, file system through the
//! crate `ntfs`. Shares nothing with the writer but nouns, so it can prove what was written. The
//! drive may be hostile: nothing it says is followed out of it, or for ever.

mod files;
mod found;
mod nodes;
mod parts;
mod proof;
mod records;
mod sentry;
mod time;
mod walk;

use super::bitlocker::unlock::UnlockedVolume;
use super::gpt::{OtherLayout, other_layout};
use super::gpt::{PartitionTables, read_gpt};
use crate::device::Device;
use crate::noun::RecoveryPassword;

pub use files::FoundFiles;
pub use found::{Damage, FileSystemFacts, FoundFile, Unreadable, ViewError};

/// Basic data, the only kind of partition that is looked into.
const BASIC_DATA: uuid::Uuid = uuid::uuid!("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7");

/// Where the volume of a drive lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VolumePlace {
    /// First byte on the drive.
    pub start: u64,
    /// Length.
    pub bytes: u64,
}

/// The tables of a drive, and the place of its first data partition.
pub fn find_volume(device: &dyn Device) -> Result<(PartitionTables, VolumePlace), ViewError> {
    let tables = read_gpt(device);
    let Some(table) = tables.best() else {
        let fault = tables.primary.as_ref().err().map(ToString::to_string).unwrap_or_default();
        return Err(match other_layout(device) {
            Some(OtherLayout::MasterBootRecord(_)) => ViewError::MasterBootRecord,
            Some(OtherLayout::NoPartitions(what)) => ViewError::NoPartitions { what },
            None => ViewError::NoTable { fault },
        });
    };
    let first = table.partitions.iter().find(|partition| partition.kind == BASIC_DATA);
    let place =
        first.map(|partition| VolumePlace { start: partition.start, bytes: partition.bytes });
    place.map(|place| (tables, place)).ok_or(ViewError::NoPartition)
}

/// Opens the volume at its place.
pub fn unlock<'d>(
    device: &'d dyn Device,
    place: VolumePlace,
    password: &RecoveryPassword,
) -> Result<UnlockedVolume<'d>, ViewError> {
    Ok(UnlockedVolume::open(device, place.start, place.bytes, password)?)
}

/// The files of an unlocked volume.
#[derive(Debug)]
pub struct FileView<'v> {
    volume: &'v UnlockedVolume<'v>,
    /// Facts about the file system.
    pub facts: FileSystemFacts,
    /// Every file but those of the system, by path: `\folder\name`.
    pub files: FoundFiles,
    /// What cannot be read, up to a thousand.
    pub unreadable: Vec<Unreadable>,
    /// Files and folders that can be read and of which something is not right, up to a thousand.
    pub odd: Vec<Unreadable>,
}

impl<'v> FileView<'v> {
    /// Walks all folders. What cannot be read is told in the view; an error means that nothing
    /// can be.
    pub fn open(volume: &'v UnlockedVolume<'v>) -> Result<Self, ViewError> {
        let walked = walk::walk(volume)?;
        let walk::Walked { facts, files, unreadable, odd } = walked;
        Ok(FileView { volume, facts, files, unreadable, odd })
    }

    /// What is damaged in the files of the system itself, whether they are needed to read the
    /// others or not; nothing more once somebody wants to stop.
    pub fn damages(&self, is_stopped: &dyn Fn() -> bool) -> Vec<Damage> {
        proof::damages(self.volume, is_stopped)
    }

    /// Fills `buffer` with a file's bytes from `at` on; behind its runs is zero.
    pub fn read(&self, file: &FoundFile, at: u64, buffer: &mut [u8]) -> Result<(), ViewError> {
        file.read(self.volume, at, buffer)
    }
}
