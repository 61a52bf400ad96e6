//! Drives that are begun stay as they were begun: what a call asks otherwise is refused before
//! anything is written, all of it at once.

use std::fmt::Display;

use disk_prep::drive::NamedDrive;
use disk_prep::journal::{Begun, CopyState, JournalFolder, KeptPassword};
use disk_prep::manifest::Profile;
use disk_prep::noun::{Diagnose, ErrorKind, Hint, Serial, typed};

use super::options::PrepOptions;
use crate::journey::settings::{Contradicted, Given, settle};
use crate::outcome::{Attendant, Failure};

/// Flags that say something else than the journals of drives.
#[derive(Debug, thiserror::Error)]
#[error("{}", all.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
struct Otherwise {
    serial: Serial,
    all: Vec<Contradicted>,
}

impl Diagnose for Otherwise {
    fn code(&self) -> &'static str {
        "drive-begun-otherwise"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        let given_up = typed(["azseed", "drive", "release", self.serial.as_str()]);
        Some(Hint::new(format!(
            "run it without, and the drive stays as it is; or give it up with `{given_up}`, and run \
             this again"
        )))
    }
}

/// Refuses what is asked otherwise of drives that are begun in this job.
pub(super) fn expect_as_begun(
    found: &[NamedDrive],
    folder: &JournalFolder,
    options: &PrepOptions,
    attendant: &dyn Attendant,
) -> Result<(), Failure> {
    for NamedDrive { drive, .. } in found {
        let Some(history) = folder.survey_of(&drive.serial)? else { continue };
        if matches!(history.state, CopyState::Released | CopyState::SetAside) {
            continue;
        }
        let all = differences(&history.begun, options, attendant);
        if !all.is_empty() {
            return Err(Otherwise { serial: drive.serial.clone(), all }.into());
        }
    }
    Ok(())
}

fn differences(
    begun: &Begun,
    options: &PrepOptions,
    attendant: &dyn Attendant,
) -> Vec<Contradicted> {
    let record = format!("drive {} was begun with", begun.serial);
    let is_sealed = matches!(begun.recovery_password, KeptPassword::Sealed { .. });
    [
        compare(&options.cipher, begun.cipher, &record, attendant),
        compare(&options.profile.clone().map(word), word(begun.profile), &record, attendant),
        options
            .wipe
            .clone()
            .zip(begun.wipe)
            .and_then(|(asked, held)| compare(&asked, held, &record, attendant)),
        switched(&options.omit_zeros, begun.omit_zeros, &record, attendant),
        options
            .recipient
            .clone()
            .and_then(|asked| switched(&asked.map(|_| true), is_sealed, &record, attendant)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn compare<T: Display + Clone>(
    asked: &Given<T>,
    held: T,
    record: &str,
    attendant: &dyn Attendant,
) -> Option<Contradicted> {
    settle(Some(asked.clone()), Some(held), record, attendant).err()
}

/// The same of a switch; one that is off asks for nothing.
fn switched(
    asked: &Given<bool>,
    held: bool,
    record: &str,
    attendant: &dyn Attendant,
) -> Option<Contradicted> {
    let word = |is_on: bool| if is_on { "on" } else { "off" };
    let record = format!("{record} it");
    if !asked.value {
        return None;
    }
    compare(&asked.clone().map(word), word(held), &record, attendant)
}

fn word(profile: Profile) -> &'static str {
    match profile {
        Profile::Legacy => "legacy",
        Profile::Modern => "modern",
    }
}
