//! Why a drive cannot be laid out.

use crate::noun::{Diagnose, ErrorKind};

/// Why a drive cannot be laid out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The drive has no room for the volume.
    #[error("A drive of {disk_bytes} bytes is too small, it needs {needed_bytes}")]
    DiskTooSmall {
        /// The drive, bytes.
        disk_bytes: u64,
        /// The least that would do, bytes.
        needed_bytes: u64,
    },
    /// Only whole sectors make a drive.
    #[error("A drive of {disk_bytes} bytes is not whole sectors of 512 bytes")]
    DiskNotWholeSectors {
        /// The drive, bytes.
        disk_bytes: u64,
    },
    /// The table could not be encoded.
    #[error("Cannot encode the partition table")]
    Encode {
        /// What the encoder said.
        #[source]
        source: gptman::Error,
    },
}

impl Diagnose for Error {
    fn code(&self) -> &'static str {
        match self {
            Error::DiskTooSmall { .. } => "disk-too-small",
            Error::DiskNotWholeSectors { .. } => "disk-not-whole-sectors",
            Error::Encode { .. } => "partition-table-encode",
        }
    }
    fn kind(&self) -> ErrorKind {
        match self {
            Error::DiskTooSmall { .. } | Error::DiskNotWholeSectors { .. } => ErrorKind::Guard,
            Error::Encode { .. } => ErrorKind::Failed,
        }
    }
}
