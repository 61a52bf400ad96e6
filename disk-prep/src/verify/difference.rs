//! What can differ on a drive, each in a sentence.

use std::fmt;

use crate::error::Fault;
use crate::noun::{DriveError, Serial};
use crate::volume::gpt::TableDoubt;
use crate::volume::view::{Damage, Unreadable};

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each sentence names its fields")]
pub enum Difference {
    PartitionTable { copy: &'static str, fault: String },
    Layout { doubt: TableDoubt },
    DiskGuid,
    HeaderHash { place: String },
    Unreadable { path: String, fault: String },
    MetadataCopies { intact: usize },
    FileSystem { file: String, fault: String },
    ManifestMissing { path: String },
    ManifestHash { expected: String, actual: String },
    ManifestForm { fault: String },
    DriveId { manifest: String, drive: String },
    FileMissing { path: String },
    FileLength { path: String, expected: u64, actual: u64 },
    Block { path: String, offset: u64, bytes: u64 },
    FileMd5 { path: String },
    FileSha256 { path: String },
    DamagedBefore { path: String },
    NotInManifest { path: String },
    NotInJournal { path: String },
    Extra { path: String },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::PartitionTable { copy, fault } => {
                write!(f, "the {copy} partition table is damaged: {fault}")
            }
            Difference::Layout { doubt } => write!(f, "{doubt}"),
            Difference::DamagedBefore { path } => write!(
                f,
                "{path} of the repository was damaged before it was copied: its SHA-256 is not its name"
            ),
            Difference::DiskGuid => write!(f, "the disk GUID is not the one in the journal"),
            Difference::HeaderHash { place } => {
                write!(f, "the bytes at {place} of the drive are not those of the header hash")
            }
            Difference::Unreadable { path, fault } => {
                let path = if path.is_empty() { "\\" } else { path };
                write!(f, "{path} cannot be read: {fault}")
            }
            Difference::MetadataCopies { intact } => {
                write!(f, "only {intact} of the 3 BitLocker metadata blocks are intact")
            }
            Difference::FileSystem { file, fault } => {
                write!(f, "{file} of the file system is damaged: {fault}")
            }
            Difference::ManifestMissing { path } => write!(f, "there is no manifest {path}"),
            Difference::ManifestHash { expected, actual } => {
                write!(f, "the manifest has the hash {actual}, the journal says {expected}")
            }
            Difference::ManifestForm { fault } => write!(f, "the manifest cannot be read: {fault}"),
            Difference::DriveId { manifest, drive } => {
                write!(f, "the manifest is for drive {manifest}, this is {drive}")
            }
            Difference::FileMissing { path } => write!(f, "{path} is missing"),
            Difference::FileLength { path, expected, actual } => {
                write!(f, "{path} has {actual} bytes, it should have {expected}")
            }
            Difference::Block { path, offset, bytes } => {
                write!(f, "{path} differs in the {bytes} bytes from {offset} on")
            }
            Difference::FileMd5 { path } => {
                write!(f, "{path} has another MD5 than the journal or manifest says")
            }
            Difference::FileSha256 { path } => {
                write!(f, "{path} has another SHA-256 than the journal says")
            }
            Difference::NotInManifest { path } => write!(f, "{path} is not in the manifest"),
            Difference::NotInJournal { path } => write!(f, "{path} is not in the journal"),
            Difference::Extra { path } => {
                write!(f, "{path} is on the drive, but nobody put it there")
            }
        }
    }
}

impl From<Unreadable> for Difference {
    fn from(unreadable: Unreadable) -> Self {
        Difference::Unreadable { path: unreadable.path, fault: unreadable.fault }
    }
}

impl From<Damage> for Difference {
    fn from(Damage { file, fault }: Damage) -> Self {
        Difference::FileSystem { file: file.to_owned(), fault }
    }
}

/// What keeps a file from being compared is a difference like any other; a wish to stop is
/// none.
pub(super) fn unreadable(serial: &Serial, path: String, fault: Fault) -> Result<Difference, Fault> {
    if let Fault::Stopped(_) = fault {
        return Err(fault);
    }
    let error = DriveError::new(serial, fault);
    let mut fault = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(error) = source {
        fault = format!("{fault}: {error}");
        source = error.source();
    }
    Ok(Difference::Unreadable { path, fault })
}
