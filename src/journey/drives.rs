//! The drives that a call names: each is found once, by what a journal knows of it if need be, and
//! carried from there on.

use std::path::Path;

use disk_prep::drive::{Drive, DriveName, Ejected, Error as DriveError, Kernel, NamedDrive, eject};
use disk_prep::journal::JournalFolder;
use disk_prep::known::find_known;
use uuid::Uuid;

use super::desk::Desk;
use super::share::meant;
use crate::check::drive::{DriveList, TakenDrives};
use crate::outcome::Failure;
use crate::staging::Staging;
use crate::state::{State, StateError};

/// What the names of a preparation lead to.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The drives, in the order of their names.
    pub drives: Vec<NamedDrive>,
    /// Names that lead to none; an earlier run may have set that drive aside.
    pub absent: Vec<DriveName>,
}

/// Finds the drives of a preparation; the journals of its own come first.
pub(super) fn find_all(names: &[DriveName], journals: &[JournalFolder]) -> Result<Found, Failure> {
    let mut found = Found::default();
    for name in names {
        match find_known(name, journals) {
            Ok(drive) => found.drives.push(drive),
            Err(disk_prep::Error::Drive(DriveError::NoSuchDrive { .. })) => {
                found.absent.push(name.clone());
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

/// The journals of every seed that this machine remembers, behind those of the own one: an image
/// whose drive went into another job is that drive, not a new one with the name of its file.
pub(super) fn journals_here(own: Option<&JournalFolder>, state: &State) -> Vec<JournalFolder> {
    let known = state.staging_paths().into_iter();
    let others = known.filter_map(|path| Some(Staging::open(&path).ok()?.journals()));
    // A damaged one of another seed stops nothing here; its own commands tell it.
    let others = others.filter(|journals| journals.survey().is_ok());
    own.cloned().into_iter().chain(others).collect()
}

/// The drives that are named, each with what speaks for and against it.
pub fn list(names: &[DriveName], desk: &Desk<'_>) -> Result<DriveList, Failure> {
    if names.is_empty() {
        return Ok(DriveList::of(&Kernel::here(), &held_here(desk)?)?);
    }
    Ok(DriveList::of_named(&known_names(names, desk)?, &held_here(desk)?)?)
}

/// Drives that are sealed or begun for a job that this machine knows. Who has no state directory
/// yet, and may not make one, knows of none.
pub fn held_here(desk: &Desk<'_>) -> Result<TakenDrives, Failure> {
    let state = match desk.state() {
        Err(StateError::NoHome) => return Ok(TakenDrives::default()),
        state => state?,
    };
    Ok(TakenDrives(state.drives_held(Uuid::nil())?))
}

/// Makes a drive ready to be taken out.
pub fn take_out(name: &DriveName, desk: &Desk<'_>) -> Result<Ejected, Failure> {
    let names = known_names(std::slice::from_ref(name), desk)?;
    Ok(eject(names.first().unwrap_or(name))?)
}

/// The same names; an image, or a device without a serial of its own, has the one that a journal has
/// for it.
pub(super) fn known_names(names: &[DriveName], desk: &Desk<'_>) -> Result<Vec<DriveName>, Failure> {
    let is_bare = |name: &DriveName| matches!(name, DriveName::Path { serial: None, .. });
    let state = match desk.state() {
        _ if !names.iter().any(is_bare) => None,
        Err(StateError::NoHome) => None,
        state => Some(state?),
    };
    let journals = state.map(|state| journals_here(None, &state)).unwrap_or_default();
    let known = |name: &DriveName| match name {
        DriveName::Path { path, serial: None, bytes } if !journals.is_empty() => {
            let serial = Some(find_known(name, &journals)?.drive.serial);
            Ok(DriveName::Path { path: path.clone(), serial, bytes: *bytes })
        }
        other => Ok(other.clone()),
    };
    names.iter().map(known).collect()
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
        let staging = desk.enter(&meant(path, desk)?)?;
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
