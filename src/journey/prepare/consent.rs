//! The serial of each drive that would be formatted is typed before anything is written.

use disk_prep::drive::{Drive, Kind, NamedDrive};
use disk_prep::journal::JournalFolder;
use disk_prep::noun::{ByteSize, Diagnose, ErrorKind, Hint, Serial, visible_line};

use crate::journey::drives::Found;
use crate::outcome::{Attendant, Failure};

/// At a terminal the serial of each drive that would be formatted is typed; in a script nothing
/// is asked. An image that is yet to be made holds nothing.
pub(super) fn consent(
    found: &[NamedDrive],
    erase: &[Serial],
    folder: &JournalFolder,
    attendant: &dyn Attendant,
) -> Result<Vec<Serial>, Failure> {
    let mut typed = Vec::new();
    if !attendant.can_ask() {
        return Ok(typed);
    }
    for NamedDrive { drive, .. } in found {
        let is_known = folder.survey_of(&drive.serial)?.is_some();
        if drive.kind == Kind::NewImage || is_known || erase.contains(&drive.serial) {
            continue;
        }
        if !is_confirmed(drive, attendant) {
            return Err(NotConfirmed { serial: drive.serial.clone() }.into());
        }
        typed.push(drive.serial.clone());
    }
    Ok(typed)
}

/// Refuses a consent for a drive that the call does not name; at a terminal it may be brought later.
pub(super) fn expect_named(
    erase: &[Serial],
    found: &Found,
    attendant: &dyn Attendant,
) -> Result<(), EraseUnnamed> {
    if attendant.can_ask() || !found.absent.is_empty() {
        return Ok(());
    }
    let is_named = |serial: &Serial| found.drives.iter().any(|own| own.drive.serial == *serial);
    match erase.iter().find(|serial| !is_named(serial)) {
        Some(serial) => Err(EraseUnnamed { serial: serial.clone() }),
        None => Ok(()),
    }
}

/// Has the serial of a drive typed before it is formatted.
pub(super) fn is_confirmed(drive: &Drive, attendant: &dyn Attendant) -> bool {
    let model = drive.model.as_deref().unwrap_or("image file");
    let (serial, path, bytes) = (&drive.serial, drive.path.display(), ByteSize(drive.bytes));
    let what = format!("{serial} at {path} ({model}, {bytes}) will be formatted.");
    let question = format!("{}\nType its serial to go on: ", visible_line(&what));
    attendant.ask(&question).as_deref() == Some(drive.serial.as_str())
}

/// A drive that may be erased, and is no drive of the call.
#[derive(Debug, thiserror::Error)]
#[error("--erase names {serial}, and the call has no such drive")]
pub(super) struct EraseUnnamed {
    serial: Serial,
}

impl Diagnose for EraseUnnamed {
    fn code(&self) -> &'static str {
        "erase-unnamed"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new("`--erase` takes the serial of a drive that `--drive` names"))
    }
}

/// The serial was not typed.
#[derive(Debug, thiserror::Error)]
#[error("Drive {serial} was not confirmed; nothing was written")]
pub struct NotConfirmed {
    /// The drive.
    pub serial: Serial,
}

impl Diagnose for NotConfirmed {
    fn code(&self) -> &'static str {
        "drive-not-confirmed"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Guard
    }
}
