//! What is on a drive, for a person: partition tables, what the volume says of itself, and with
//! the recovery password the file system. Judges nothing; `verify` does. What cannot be read is
//! told beside what can.

use crate::device::Device;
use crate::drive::{Drive, Look, find_content};
use crate::limits::DATA_PARTITION_START;
use crate::noun::RecoveryPassword;
use crate::verify::open;
use crate::volume::bitlocker::unlock::{self, VolumeMetadata};
use crate::volume::gpt::{BASIC_DATA, OtherLayout, PartitionTables, other_layout, read_gpt};
use crate::volume::view::{
    FileSystemFacts, FileView, Unreadable, VolumePlace, unlock as open_volume,
};
use crate::world::{RealWorld, World};
use crate::{DriveError, Error};

/// What was found on a drive.
#[derive(Debug)]
pub struct Inspection {
    /// The drive.
    pub drive: Drive,
    /// What makes it not blank; `None` for a blank drive.
    pub content: Option<String>,
    /// Both partition tables, if one at least is whole.
    pub tables: Option<PartitionTables>,
    /// What stands in the place of a GPT.
    pub other: Option<OtherLayout>,
    /// The volume.
    pub volume: VolumeFound,
    /// The file system, if the volume was unlocked.
    pub files: Option<Files>,
    /// Why less than all could be looked at, although the drive or its key was there.
    pub fault: Option<DriveError>,
}

/// What was found where a volume should begin.
#[derive(Debug)]
pub enum VolumeFound {
    /// No BitLocker volume.
    None,
    /// A BitLocker volume, and what it says of itself.
    BitLocker(Box<VolumeMetadata>),
    /// A BitLocker volume that is not read, or what may be one.
    Closed(unlock::Error),
}

/// A file system that was looked into.
#[derive(Debug)]
pub struct Files {
    /// What it says of itself.
    pub facts: FileSystemFacts,
    /// Path and length of every file.
    pub list: Vec<(String, u64)>,
    /// What cannot be read.
    pub unreadable: Vec<Unreadable>,
}

/// Looks at a drive; `password` opens its volume.
pub fn inspect(
    drive: Drive,
    password: impl FnOnce(&Drive) -> Result<Option<RecoveryPassword>, Error>,
) -> Result<Inspection, Error> {
    let device = open(&drive)?;
    let sight = Look::at(&drive, |bytes| RealWorld.random(bytes))?;
    let (content, mut fault) = match find_content(&device, sight) {
        Ok(content) => (content, None),
        Err(fault) => {
            let content = Some("not known, it cannot be read".to_owned());
            (content, Some(DriveError::new(&drive.serial, fault.into())))
        }
    };
    let tables = Some(read_gpt(&device)).filter(|tables| tables.best().is_some());
    let other = if tables.is_none() { other_layout(&device) } else { None };
    let (volume, place) = find_volume(&device, tables.as_ref(), other.as_ref());
    let mut files = None;
    if let (VolumeFound::BitLocker(_), Some(password)) = (&volume, password(&drive)?) {
        match look(&device, place, &password) {
            Ok(found) => files = Some(found),
            Err(error) => fault = Some(DriveError::new(&drive.serial, error.into())),
        }
    }
    Ok(Inspection { drive, content, tables, other, volume, files, fault })
}

fn look(
    device: &dyn Device,
    place: VolumePlace,
    password: &RecoveryPassword,
) -> Result<Files, crate::volume::view::ViewError> {
    let volume = open_volume(device, place, password)?;
    let view = FileView::open(&volume)?;
    let list = view.files.iter().map(|(path, file)| (path, file.bytes)).collect();
    Ok(Files { facts: view.facts, list, unreadable: view.unreadable })
}

/// The first BitLocker volume among all places where one may begin.
fn find_volume(
    device: &dyn Device,
    tables: Option<&PartitionTables>,
    other: Option<&OtherLayout>,
) -> (VolumeFound, VolumePlace) {
    let mut places: Vec<(u64, Result<u64, unlock::Error>)> = Vec::new();
    if let Some(table) = tables.and_then(PartitionTables::best) {
        let mut partitions: Vec<_> = table.partitions.iter().collect();
        partitions.sort_by_key(|partition| partition.kind != BASIC_DATA);
        places.extend(partitions.iter().map(|own| (own.start, Ok(own.bytes))));
    }
    if let Some(OtherLayout::MasterBootRecord(partitions)) = other {
        places.extend(partitions.iter().map(|own| (own.start, Ok(own.bytes))));
    }
    if tables.is_none() {
        // Where a volume lies that takes the whole drive, or ours if both tables are gone.
        let bare = |start| (start, VolumeMetadata::own_bytes(device, start));
        places.extend([0, DATA_PARTITION_START].map(bare));
    }
    let mut doubt = (VolumeFound::None, VolumePlace { start: 0, bytes: 0 });
    for (start, bytes) in places {
        let place = VolumePlace { start, bytes: *bytes.as_ref().unwrap_or(&0) };
        match bytes.and_then(|bytes| VolumeMetadata::read(device, start, bytes)) {
            Ok(metadata) => return (VolumeFound::BitLocker(Box::new(metadata)), place),
            Err(unlock::Error::NotBitLocker | unlock::Error::Place { .. }) => {}
            // Behind the end of a small drive lies nothing.
            Err(unlock::Error::Read { .. }) if start >= device.size() => {}
            Err(error) if matches!(doubt.0, VolumeFound::None) => {
                doubt = (VolumeFound::Closed(error), place);
            }
            Err(_) => {}
        }
    }
    doubt
}
