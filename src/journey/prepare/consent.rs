//! The serial of each drive that would be formatted is typed before anything is written.

use disk_prep::drive::{Drive, Kind, NamedDrive};
use disk_prep::journal::JournalFolder;
use disk_prep::noun::{ByteSize, Diagnose, ErrorKind, Serial, visible_line};

use crate::check::drive::told_content;
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
        if !needs_consent(drive, erase, folder)? {
            continue;
        }
        if !is_confirmed(drive, attendant) {
            return Err(NotConfirmed { serial: drive.serial.clone() }.into());
        }
        typed.push(drive.serial.clone());
    }
    Ok(typed)
}

/// Whether a person is asked for the serial of one of these drives.
pub(super) fn is_asked(
    found: &[NamedDrive],
    erase: &[Serial],
    folder: &JournalFolder,
    attendant: &dyn Attendant,
) -> Result<bool, Failure> {
    for NamedDrive { drive, .. } in found.iter().filter(|_| attendant.can_ask()) {
        if needs_consent(drive, erase, folder)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a drive would be formatted, and nobody has said yet that it may be.
fn needs_consent(drive: &Drive, erase: &[Serial], folder: &JournalFolder) -> Result<bool, Failure> {
    let is_known = folder.survey_of(&drive.serial)?.is_some();
    Ok(drive.kind != Kind::NewImage && !is_known && !erase.contains(&drive.serial))
}

/// Tells of a consent for a drive that the call does not name: scripts consent for more than they have.
pub(super) fn tell_unnamed(erase: &[Serial], found: &Found, attendant: &dyn Attendant) {
    let is_named = |serial: &Serial| found.drives.iter().any(|own| own.drive.serial == *serial);
    // At a terminal it may be brought later; one that is not there may be the one that is meant.
    if attendant.can_ask() || !found.absent.is_empty() {
        return;
    }
    for serial in erase.iter().filter(|serial| !is_named(serial)) {
        attendant.warn(&format!("--erase names {serial}, and the call has no such drive"));
    }
}

/// Has the serial of a drive typed before it is formatted.
pub(super) fn is_confirmed(drive: &Drive, attendant: &dyn Attendant) -> bool {
    let model = drive.model.as_deref().unwrap_or("image file");
    let (serial, path, bytes) = (&drive.serial, drive.path.display(), ByteSize(drive.bytes));
    // A drive that cannot be looked at is refused by the run.
    let holds = told_content(drive).ok().flatten();
    let holds = holds.map_or(String::new(), |found| format!(" What is on it goes: {found}."));
    let what = format!("{serial} at {path} ({model}, {bytes}) will be formatted.{holds}");
    let question = format!("{}\nType its serial to go on: ", visible_line(&what));
    attendant.ask(&question).as_deref() == Some(drive.serial.as_str())
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
