//! Why a volume does not open, or cannot be read.

use std::io;

use super::protector::Protector;
use crate::noun::{Diagnose, ErrorKind};

/// Why a volume does not open, or cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The place given is not whole sectors on the drive.
    #[error("There is no volume of {bytes} bytes at {offset:#x} of this drive")]
    Place {
        /// First byte on the drive.
        offset: u64,
        /// Length asked for.
        bytes: u64,
    },
    /// The device failed.
    #[error("Cannot read the volume at {offset:#x}")]
    Read {
        /// Where, bytes from the start of the volume.
        offset: u64,
        /// What the device said.
        #[source]
        source: io::Error,
    },
    /// The partition holds something else.
    #[error("The partition does not begin with a BitLocker volume")]
    NotBitLocker,
    /// A kind of volume that the import service would not take, or no tool of ours reads.
    #[error("The volume has {actual:#x} as its {field}, which is not supported")]
    Unsupported {
        /// Which field.
        field: &'static str,
        /// What it holds.
        actual: u64,
    },
    /// Metadata that contradicts itself.
    #[error("The metadata at {offset:#x} of the volume is damaged in its {field}")]
    Damaged {
        /// Where the block begins, bytes from the start of the volume.
        offset: u64,
        /// Which field.
        field: &'static str,
    },
    /// The password is not the volume's.
    #[error("The recovery password does not open the volume")]
    WrongPassword,
    /// No protector of the volume is a recovery password.
    #[error("The volume has no recovery password, only: {}", list(protectors))]
    NoRecoveryPassword {
        /// What unlocks it.
        protectors: Vec<Protector>,
    },
    /// A stick's kind of volume, with a FAT file system around it.
    #[error("The volume is BitLocker To Go, which is not read")]
    ToGo,
    /// The form that Windows Vista made.
    #[error(
        "The volume is BitLocker of the first version, as Windows Vista made it, which is not read"
    )]
    FirstVersion,
    /// Only the used space was encrypted, and is listed elsewhere.
    #[error("The volume is BitLocker that was told to encrypt used space only and has not ended")]
    UsedSpaceOnly,
    /// Sectors that the import service does not take.
    #[error("The volume is BitLocker with sectors of {actual} bytes; only 512 are read")]
    SectorSize {
        /// Bytes of a sector.
        actual: u64,
    },
    /// The key lies on the volume in the clear.
    #[error("The protection of the volume is suspended, its key is not protected")]
    Suspended,
    /// The read passes the end of the volume.
    #[error("A read of {length} bytes at {offset:#x} passes the end of the volume")]
    PastEnd {
        /// Where the read begins, bytes.
        offset: u64,
        /// Bytes asked for.
        length: usize,
    },
}

fn list(protectors: &[Protector]) -> String {
    if protectors.is_empty() {
        return "none".to_owned();
    }
    protectors.iter().map(Protector::to_string).collect::<Vec<_>>().join(", ")
}

impl Diagnose for Error {
    fn code(&self) -> &'static str {
        match self {
            Error::Place { .. } => "volume-place",
            Error::Read { .. } => "volume-read",
            Error::NotBitLocker => "volume-not-bitlocker",
            Error::Unsupported { .. } => "volume-unsupported",
            Error::Damaged { .. } => "volume-metadata-damaged",
            Error::WrongPassword => "volume-wrong-password",
            Error::NoRecoveryPassword { .. } => "volume-no-recovery-password",
            Error::ToGo => "volume-to-go",
            Error::FirstVersion => "volume-first-version",
            Error::UsedSpaceOnly => "volume-used-space-only",
            Error::SectorSize { .. } => "volume-sector-size",
            Error::Suspended => "volume-suspended",
            Error::PastEnd { .. } => "volume-past-end",
        }
    }
    fn kind(&self) -> ErrorKind {
        match self {
            Error::WrongPassword | Error::NoRecoveryPassword { .. } => ErrorKind::NotAllowed,
            _ => ErrorKind::Difference,
        }
    }
}
