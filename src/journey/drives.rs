//! The drives that a call names: each is found once, by what a journal knows of it if need be, and
//! carried from there on.

use std::path::Path;

use disk_prep::drive::{Drive, DriveName, Error as DriveError, NamedDrive};
use disk_prep::journal::JournalFolder;
use disk_prep::known::find_known;

use super::desk::Desk;
use crate::outcome::Failure;
use crate::staging::Staging;
use crate::state::State;

/// What the names of a preparation lead to.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The drives, in the order of their names.
    pub drives: Vec<NamedDrive>,
    /// Names that lead to none; an earlier run may have set that drive aside.
    pub absent: Vec<DriveName>,
}

/// Finds the drives of a preparation.
pub(super) fn find_all(names: &[DriveName], journals: &JournalFolder) -> Result<Found, Failure> {
    let mut found = Found::default();
    for name in names {
        match find_known(name, std::slice::from_ref(journals)) {
            Ok(drive) => found.drives.push(drive),
            Err(disk_prep::Error::Drive(DriveError::NoSuchDrive { .. })) => {
                found.absent.push(name.clone());
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

/// Finds a drive that is read back, and the staging path that it was filled from: the one that is
/// named, else the one that this machine remembers for it.
pub(super) fn find_filled(
    name: &DriveName,
    staging: Option<&Path>,
    state: &State,
    desk: &Desk<'_>,
) -> Result<(Drive, Option<Staging>), Failure> {
    if let Some(path) = staging {
        let staging = desk.enter(path)?;
        let found = find_known(name, &[staging.journals()])?;
        return Ok((found.drive, Some(staging)));
    }
    let found = find_known(name, &[]);
    if let Ok(NamedDrive { drive, .. }) = &found
        && let Some(path) = state.staging_with(&drive.serial)?
    {
        return Ok((drive.clone(), Some(desk.enter(&path)?)));
    }
    // No record has its serial; a journal may have its partition table.
    for path in state.staging_paths() {
        let Ok(staging) = desk.enter(&path) else { continue };
        let Ok(known) = find_known(name, &[staging.journals()]) else { continue };
        if found.as_ref().map_or(true, |found| found.drive.serial != known.drive.serial) {
            return Ok((known.drive, Some(staging)));
        }
    }
    Ok((found?.drive, None))
}
