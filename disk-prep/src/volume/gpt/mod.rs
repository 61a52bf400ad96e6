//! The partition table: where the volume lies on a drive, both copies of the table as bytes,
//! and a reader of its own that trusts nothing (`azure-import-export` 3.2; UEFI 2.10, 5.3).

mod layout;
mod other;
mod read;

use crate::noun::{Diagnose, ErrorKind};

pub use layout::{DiskLayout, EncodedTables, TableGuids, encode};
pub use other::{MbrPartition, OtherLayout, other_layout};
pub use read::{Partition, PartitionTable, PartitionTables, TableDoubt, TableFault, read_gpt};

/// Partition type Microsoft Reserved.
pub const MICROSOFT_RESERVED: uuid::Uuid = uuid::uuid!("e3c9e316-0b5c-4db8-817d-f92df00215ae");
/// Partition type basic data.
pub const BASIC_DATA: uuid::Uuid = uuid::uuid!("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7");

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
