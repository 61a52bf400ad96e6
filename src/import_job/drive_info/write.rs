//! The journals of our drives in the forms of both versions of the tool, for the portal.

use disk_prep::noun::JobName;
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::import_job::DriveEntry;

/// The vocabulary that both versions name.
const VOCABULARY: &str = "2013-02-01";

/// Whose form a journal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The first version's, for blobs: a journal for each drive.
    First,
    /// The second version's: one journal for all drives.
    Second,
}

/// A file that holds the keys of drives.
#[derive(Debug)]
pub struct Journal {
    /// Its name.
    pub name: String,
    /// What it holds; cleared when this is dropped.
    pub text: Zeroizing<String>,
}

/// The journals of drives that were sealed then: in the first form one for each drive, in the second
/// one for all, and in both a file for each drive.
pub fn journals(form: Form, job: &JobName, drives: &[(DriveEntry, Timestamp)]) -> Vec<Journal> {
    let mut all = Vec::new();
    for (drive, at) in drives {
        let stem = drive.serial.file_stem();
        let name = match form {
            Form::First => format!("{stem}_DriveInfo_{stem}.xml"),
            Form::Second => format!("{stem}.xml"),
        };
        all.push(Journal { name, text: record(drive, *at) });
        if form == Form::First {
            let text = whole(std::slice::from_ref(&(drive, *at)));
            all.push(Journal { name: format!("{stem}.jrn"), text });
        }
    }
    if form == Form::Second {
        let drives: Vec<_> = drives.iter().map(|(drive, at)| (drive, *at)).collect();
        all.push(Journal { name: format!("{job}.jrn"), text: whole(&drives) });
    }
    all
}

fn moment(at: Timestamp) -> String {
    at.strftime("%Y/%m/%d %H:%M:%S%.3f").to_string()
}

/// A journal: how it begins, then the record of each drive.
fn whole(drives: &[(&DriveEntry, Timestamp)]) -> Zeroizing<String> {
    let first = drives.iter().map(|(_, at)| *at).min().unwrap_or_default();
    let begun = format!(
        "[BeginUpdateRecord][{}][Type:NewJournalFile]\r\nVocabularyVersion: {VOCABULARY}\r\n\
         [EndUpdateRecord]\r\n",
        moment(first)
    );
    let records: Vec<Zeroizing<String>> =
        drives.iter().map(|(drive, at)| record(drive, *at)).collect();
    let room = begun.len() + records.iter().map(|record| record.len()).sum::<usize>();
    let mut text = Zeroizing::new(String::with_capacity(room));
    text.push_str(&begun);
    records.iter().for_each(|record| text.push_str(record));
    text
}

/// The record of a drive (`azure-import-export` 5.2).
fn record(drive: &DriveEntry, at: Timestamp) -> Zeroizing<String> {
    let key = drive.recovery_password.reveal();
    let serial = escaped(drive.serial.as_str());
    let manifest = escaped(drive.manifest_file.as_str());
    let header = drive
        .header_hash
        .as_ref()
        .map_or(String::new(), |hash| format!("   <DriveHeaderHash>{hash}</DriveHeaderHash>\r\n"));
    let moment = moment(at);
    let parts: [&str; 12] = [
        "[BeginUpdateRecord][",
        &moment,
        "][Type:ActivityRecord]\r\nActivityId: DriveInfo\r\nDriveState: [BeginValue]\r\n\
         <?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<Drive>\r\n   <DriveId>",
        &serial,
        "</DriveId>\r\n   <BitLockerKey>",
        &key,
        "</BitLockerKey>\r\n   <ManifestFile>",
        &manifest,
        "</ManifestFile>\r\n   <ManifestHash>",
        &drive.manifest_hash,
        "</ManifestHash>\r\n",
        &header,
    ];
    let end = "</Drive>\r\n[EndValue]\r\nSaveCommandOutput: Completed\r\n[EndUpdateRecord]\r\n";
    // With room for all, so that no part of the key is left behind in a smaller buffer.
    let room = parts.iter().map(|part| part.len()).sum::<usize>() + end.len();
    let mut text = Zeroizing::new(String::with_capacity(room));
    parts.iter().for_each(|part| text.push_str(part));
    text.push_str(end);
    text
}

fn escaped(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}
