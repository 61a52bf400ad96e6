//! Drives that are begun stay as they were begun: what a call asks otherwise is refused before
//! anything is written, all of it at once.

use std::fmt::Display;
use std::path::Path;

use disk_prep::dataset::{ListedFile, Listing};
use disk_prep::drive::NamedDrive;
use disk_prep::journal::{Begun, CopyState, JournalFolder, KeptPassword};
use disk_prep::manifest::Profile;
use disk_prep::noun::{BlobType, Diagnose, ErrorKind, Hint, Serial, count, typed};

use super::options::PrepOptions;
use crate::journey::settings::{Contradicted, Given, settle};
use crate::journey::work::Work;
use crate::outcome::{Attendant, Failure};

/// Files that are named in a refusal, at most.
const MOST_TOLD: usize = 5;

/// Flags, or rows of a data set, that say something else than the journals of drives.
#[derive(Debug, thiserror::Error)]
#[error("{}", all.join("; "))]
struct Otherwise {
    serial: Serial,
    all: Vec<String>,
    /// What leaves the drive as it is.
    way_back: &'static str,
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
            "{}, and the drive stays as it is; or give it up with `{given_up}`, and run this again",
            self.way_back
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
            let all = all.iter().map(ToString::to_string).collect();
            let way_back = "run it without";
            return Err(Otherwise { serial: drive.serial.clone(), all, way_back }.into());
        }
    }
    Ok(())
}

/// Refuses rows of a data set that say otherwise of a file than when its drive was begun. The files
/// of a seed do not change.
pub(super) fn expect_rows_as_begun(work: &Work, folder: &JournalFolder) -> Result<(), Failure> {
    if work.staging.is_some() {
        return Ok(());
    }
    for history in folder.survey()? {
        if matches!(history.state, CopyState::Released | CopyState::SetAside) {
            continue;
        }
        let (serial, plan) = (history.begun.serial.clone(), folder.read_plan(&history)?);
        let mut found = plan.files.iter().filter_map(|file| row_difference(&serial, file, work));
        let mut all: Vec<String> = found.by_ref().take(MOST_TOLD).collect();
        match found.count() {
            _ if all.is_empty() => continue,
            0 => {}
            more => all.push(format!("and {}", count(more, "more file"))),
        }
        return Err(Otherwise { serial, all, way_back: "put the rows back as they were" }.into());
    }
    Ok(())
}

/// What the rows say of a file, and what a drive has of it. One that is gone from its source is
/// none of theirs any more.
fn row_difference(serial: &Serial, file: ListedFile<'_>, work: &Work) -> Option<String> {
    if *file.listing() == Listing::SideFile {
        return None;
    }
    let path = file.path();
    let Some(at) = work.set.files.find(file.path_parts()) else {
        let is_there = work.set.root.join(file.source()).symlink_metadata().is_ok();
        return is_there.then(|| format!("no row is for {path}, which drive {serial} has"));
    };
    let row = work.set.files.at(at);
    let words = |asked: &dyn Display, held: &dyn Display| {
        format!("{path} is to become {asked}, and drive {serial} has it as {held}")
    };
    if row.blob() != file.blob() {
        return Some(words(&row.blob(), &file.blob()));
    }
    let kind = |own: ListedFile<'_>| {
        let kind = match own.blob_type() {
            BlobType::BlockBlob => "a block blob",
            BlobType::PageBlob => "a page blob",
        };
        format!("{kind} with {}", own.disposition().name())
    };
    let (asked, held) = (kind(row), kind(file));
    if asked != held {
        return Some(words(&asked, &held));
    }
    let sides = beside(row).into_iter().zip(beside(file)).zip(["metadata", "properties"]);
    let ((asked, held), what) = sides.into_iter().find(|((asked, held), _)| asked != held)?;
    let told = |own: Option<&Path>| {
        own.map_or("none".to_owned(), |own| Path::new("/").join(own).display().to_string())
    };
    let (asked, held) = (told(asked), told(held));
    Some(format!("the {what} of {path} are {asked}, and drive {serial} was begun with {held}"))
}

/// The files with its metadata and its properties.
fn beside(file: ListedFile<'_>) -> [Option<&Path>; 2] {
    match file.listing() {
        Listing::Blob { metadata, properties, .. } => {
            [metadata, properties].map(|own| own.as_deref().map(|own| own.source.as_path()))
        }
        Listing::SideFile => [None; 2],
    }
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
