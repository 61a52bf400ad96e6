//! What is on a drive, for a person: partition tables, what the volume says of itself, and with
//! the recovery password the file system. Judges nothing; `verify` does.

use crate::Error;
use crate::drive::{Drive, DriveName, Look, find, find_content};
use crate::noun::RecoveryPassword;
use crate::verify::{from_view, open};
use crate::volume::bitlocker::unlock::VolumeMetadata;
use crate::volume::gpt::PartitionTables;
use crate::volume::view::{FileSystemFacts, FileView, find_volume, unlock};
use crate::world::{RealWorld, World};

/// What was found on a drive.
#[derive(Debug)]
pub struct Inspection {
    /// The drive.
    pub drive: Drive,
    /// What makes it not blank; `None` for a blank drive.
    pub content: Option<String>,
    /// Both partition tables, if one at least is whole.
    pub tables: Option<PartitionTables>,
    /// What the BitLocker volume says of itself.
    pub volume: Option<VolumeMetadata>,
    /// The file system, if the volume was unlocked.
    pub files: Option<Files>,
}

/// A file system that was looked into.
#[derive(Debug)]
pub struct Files {
    /// What it says of itself.
    pub facts: FileSystemFacts,
    /// Path and length of every file.
    pub list: Vec<(String, u64)>,
}

/// Looks at a drive; `password` opens its volume.
pub fn inspect(
    name: &DriveName,
    password: impl FnOnce(&Drive) -> Result<Option<RecoveryPassword>, Error>,
) -> Result<Inspection, Error> {
    let drive = find(name)?;
    let device = open(&drive)?;
    let look = Look::at(&drive, |bytes| RealWorld.random(bytes))?;
    let content = find_content(&device, look).map_err(|source| Error::Read {
        serial: drive.serial.clone(),
        offset: 0,
        source,
    })?;
    let mut found = Inspection { drive, content, tables: None, volume: None, files: None };
    let Ok((tables, place)) = find_volume(&device) else { return Ok(found) };
    found.tables = Some(tables);
    found.volume = VolumeMetadata::read(&device, place.start, place.bytes).ok();
    if found.volume.is_none() {
        return Ok(found);
    }
    if let Some(password) = password(&found.drive)? {
        let volume =
            unlock(&device, place, &password).map_err(|error| from_view(&found.drive, error))?;
        let view = FileView::open(&volume).map_err(|error| from_view(&found.drive, error))?;
        let list = view.files.iter().map(|(path, file)| (path.clone(), file.bytes)).collect();
        found.files = Some(Files { facts: view.facts, list });
    }
    Ok(found)
}
