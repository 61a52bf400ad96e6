//! What a journal says of a drive, and what may be wrong with it.

use std::fmt;

use disk_prep::noun::{Diagnose, DrivePath, ErrorKind, Hint, RecoveryPassword, Serial};
use zeroize::Zeroizing;

use crate::import_job::DriveEntry;

/// Drives in one file, at most; the tool has letters for twenty-five.
pub(super) const MOST_DRIVES: usize = 1000;

/// What is wrong with a journal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// Neither UTF-8 nor UTF-16.
    #[error("it is no text in UTF-8 or UTF-16")]
    Encoding,
    /// Markup that ends too early, has a document type, or is none.
    #[error("its XML is cut short or is none")]
    Xml,
    /// Nothing in it tells of a drive.
    #[error("it tells of no drive: it is no journal of WAImportExport, or cut short")]
    NoDrive,
    /// More than any tool writes.
    #[error("it tells of more than {MOST_DRIVES} drives")]
    ManyDrives,
    /// The tool had not come to its end with a drive.
    #[error("drive {serial} was not finished by the tool that wrote it")]
    Unfinished {
        /// The drive, as the journal has it.
        serial: String,
    },
    /// A drive without one of what a job needs, or with another thing in its place.
    #[error("the {field} of drive {serial} is missing or is none")]
    Field {
        /// The drive, as the journal has it.
        serial: String,
        /// The element.
        field: &'static str,
    },
    /// The key was blotted out, as in what people publish.
    #[error("the key of drive {serial} is blotted out")]
    Blotted {
        /// The drive.
        serial: Serial,
    },
    /// One drive with two keys or two manifests.
    #[error("it tells of drive {serial} twice, and not the same")]
    Twice {
        /// The drive.
        serial: Serial,
    },
}

impl Diagnose for Fault {
    fn code(&self) -> &'static str {
        match self {
            Fault::Unfinished { .. } => "tool-journal-unfinished",
            Fault::Blotted { .. } => "tool-journal-blotted",
            Fault::Twice { .. } => "tool-journal-twice",
            _ => "tool-journal-invalid",
        }
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new(match self {
            Fault::Unfinished { .. } => "let the tool go on with it: `/resumesession`",
            Fault::Blotted { .. } => "use the journal as the tool wrote it, kept with mode 0600",
            Fault::Twice { .. } => "name the journal of the last session only",
            _ => "name the `.jrn` or the `_DriveInfo_` file that the tool wrote, whole",
        }))
    }
}

/// The elements of a drive as they stand there; the names are compared without case. The key is
/// cleared when this is dropped.
#[derive(Default)]
pub(super) struct Found {
    pub serial: Option<String>,
    pub key: Option<Zeroizing<String>>,
    pub manifest: Option<String>,
    pub hash: Option<String>,
    pub header_hash: Option<String>,
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Found({:?})", self.serial)
    }
}

impl Found {
    /// What it is called in a message, whatever it is.
    pub fn called(&self) -> String {
        let serial = self.serial.clone().unwrap_or_default();
        let short: String = serial.chars().take(64).collect();
        if short.is_empty() { "?".to_owned() } else { short }
    }

    /// The drive as a job takes it, every part of it checked.
    pub fn checked(&self) -> Result<DriveEntry, Fault> {
        let missing = |field| Fault::Field { serial: self.called(), field };
        let serial = self.serial.as_deref().and_then(|text| Serial::new(text).ok());
        let serial = serial.ok_or(missing("DriveId"))?;
        let key = self.key.as_ref().map(|key| key.trim()).unwrap_or_default();
        if !key.is_empty() && key.bytes().all(|sign| sign == b'*') {
            return Err(Fault::Blotted { serial });
        }
        let recovery_password: RecoveryPassword =
            key.parse().map_err(|_| missing("BitLockerKey"))?;
        let manifest = self.manifest.as_deref().map(str::trim).unwrap_or_default();
        let manifest_file: DrivePath = manifest.parse().map_err(|_| missing("ManifestFile"))?;
        let hash = self.hash.as_deref().map(str::trim).unwrap_or_default();
        let is_hash = matches!(hash.len(), 32 | 64) && is_hex(hash);
        let manifest_hash =
            is_hash.then(|| hash.to_ascii_uppercase()).ok_or(missing("ManifestHash"))?;
        let header = self.header_hash.as_deref().map(str::trim).unwrap_or_default();
        let is_header = header.split(';').all(is_range) && header.len() < 4096;
        let header_hash = match (header.is_empty(), is_header) {
            (true, _) => None,
            (false, true) => Some(header.to_owned()),
            (false, false) => return Err(missing("DriveHeaderHash")),
        };
        Ok(DriveEntry { serial, recovery_password, manifest_file, manifest_hash, header_hash })
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// `offset:length:HEX`.
fn is_range(range: &str) -> bool {
    let parts: Vec<&str> = range.split(':').collect();
    let is_number = |text: &str| text.parse::<u64>().is_ok();
    matches!(parts[..], [offset, length, hash]
        if is_number(offset) && is_number(length) && hash.len() == 128 && is_hex(hash))
}
