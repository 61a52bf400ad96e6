//! Drives by what a journal knows of them: an image, or a device without a serial of its own, is
//! the drive whose disk GUID its partition table has. Opens for reading only.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;

use crate::Error;
use crate::device::FileDevice;
use crate::drive::{self, DriveName, Kind, NamedDrive};
use crate::journal::{CopyState, JournalFolder};
use crate::noun::Serial;
use crate::volume::gpt::{PartitionTables, read_gpt};

/// Finds the drive of that name. A name without a serial may stand for a drive that one of these
/// journals has.
pub fn find_known(name: &DriveName, journals: &[JournalFolder]) -> Result<NamedDrive, Error> {
    let found = NamedDrive::find(name);
    let DriveName::Path { path, serial: None, bytes } = name else { return Ok(found?) };
    // A device that says its own serial is that drive, whatever was copied onto it.
    let says_its_own = matches!(&found, Ok(NamedDrive { drive, .. }) if drive.kind == Kind::Block);
    let is_nameless = matches!(&found, Ok(_) | Err(drive::Error::NoSerial { .. }));
    if says_its_own || !is_nameless {
        return Ok(found?);
    }
    let tables = match tables(path) {
        Ok(Some(tables)) => tables,
        Ok(None) => return Ok(found?),
        // An image that is yet to be made.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found?),
        Err(source) => return Err(drive::Error::Open { path: path.clone(), source }.into()),
    };
    match serial_of(&tables, journals)? {
        Some(serial) => {
            let (path, serial, bytes) = (path.clone(), Some(serial), *bytes);
            Ok(NamedDrive::find(&DriveName::Path { path, serial, bytes })?)
        }
        None => Ok(found?),
    }
}

/// The partition tables of what lies there, if it can have any.
pub(crate) fn tables(path: &Path) -> io::Result<Option<PartitionTables>> {
    let mut options = OpenOptions::new();
    // A pipe in the place of an image would be waited for.
    options.read(true).custom_flags(OFlags::NONBLOCK.bits() as i32);
    let file = options.open(path)?;
    let kind = file.metadata()?.file_type();
    if !kind.is_file() && !kind.is_block_device() {
        return Ok(None);
    }
    let tables = read_gpt(&FileDevice::new(file)?);
    Ok(Some(tables).filter(|tables| tables.best().is_some()))
}

fn serial_of(
    tables: &PartitionTables,
    journals: &[JournalFolder],
) -> Result<Option<Serial>, Error> {
    for folder in journals {
        let mut histories = folder.survey()?.into_iter();
        let own = histories.find(|history| {
            !matches!(history.state, CopyState::SetAside | CopyState::Released)
                && tables.names_disk(history.begun.disk_guid)
        });
        if let Some(history) = own {
            return Ok(Some(history.begun.serial));
        }
    }
    Ok(None)
}
