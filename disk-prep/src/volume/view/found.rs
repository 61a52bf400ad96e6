//! What is found on a drive, and why some of it is not.

use std::error::Error;
use std::fmt;

use super::super::bitlocker::unlock::{self, UnlockedVolume};
use crate::noun::{Diagnose, DriveFault, ErrorKind, Hint, Serial, typed};

/// Why a drive cannot be seen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ViewError {
    /// Neither copy of the partition table is whole.
    #[error("{fault}")]
    NoTable {
        /// What is wrong with the first copy.
        fault: String,
    },
    /// No partition holds data.
    #[error("There is no data partition")]
    NoPartition,
    /// The drive has a partition table of the old kind.
    #[error("The drive has an MBR partition table; a drive for the service has a GPT")]
    MasterBootRecord,
    /// A volume begins at the drive's first byte.
    #[error("The drive has no partition table, but {what} from its first byte on")]
    NoPartitions {
        /// What begins there.
        what: &'static str,
    },
    /// The volume does not open.
    #[error(transparent)]
    Unlock(#[from] unlock::Error),
    /// The file system is damaged.
    #[error("The file system is damaged: {fault}")]
    FileSystem {
        /// What was found.
        fault: String,
    },
}

/// The same, told of a drive.
impl DriveFault for ViewError {
    fn tell(&self, serial: &Serial, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ViewError::NoTable { .. } | ViewError::NoPartition => {
                write!(f, "Drive {serial} has no partition table with a data partition: {self}")
            }
            ViewError::MasterBootRecord => write!(
                f,
                "Drive {serial} has an MBR partition table; a drive for the service has a GPT"
            ),
            ViewError::NoPartitions { what } => {
                write!(
                    f,
                    "Drive {serial} has no partition table, but {what} from its first byte on"
                )
            }
            ViewError::Unlock(_) => write!(f, "The volume of drive {serial} cannot be unlocked"),
            ViewError::FileSystem { fault } => {
                write!(f, "The file system of drive {serial} cannot be read: {fault}")
            }
        }
    }

    fn cause(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            ViewError::Unlock(source) => Some(source),
            _ => None,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            ViewError::NoTable { .. } | ViewError::NoPartition => "partition-table-unreadable",
            ViewError::MasterBootRecord => "drive-mbr",
            ViewError::NoPartitions { .. } => "drive-without-partitions",
            ViewError::Unlock(source) => source.code(),
            ViewError::FileSystem { .. } => "file-system-unreadable",
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            ViewError::Unlock(source) => source.kind(),
            _ => ErrorKind::Difference,
        }
    }

    fn hint(&self, serial: &Serial) -> Option<Hint> {
        if self.kind() != ErrorKind::Difference {
            return None;
        }
        let release = typed(["azseed", "drive", "release", serial.as_str()]);
        Some(Hint::new(format!(
            "do not ship it: `{release}`, then `azseed prep` with another drive"
        )))
    }
}

/// A file that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// Its length.
    pub bytes: u64,
    /// Where its data lies on the volume: start and length, `None` for a hole.
    pub(super) runs: Vec<(Option<u64>, u64)>,
    /// Data that lies in the record itself.
    pub(super) resident: Option<Vec<u8>>,
}

impl FoundFile {
    /// Where its data begins on the volume.
    pub fn first_byte(&self) -> u64 {
        self.runs.first().and_then(|(place, _)| *place).unwrap_or(0)
    }

    /// Fills `buffer` with its bytes from `at` on; behind its runs is zero.
    pub(super) fn read(
        &self,
        volume: &UnlockedVolume<'_>,
        at: u64,
        buffer: &mut [u8],
    ) -> Result<(), ViewError> {
        if let Some(resident) = &self.resident {
            let from = usize::try_from(at).unwrap_or(usize::MAX).min(resident.len());
            let length = buffer.len().min(resident.len() - from);
            buffer[..length].copy_from_slice(&resident[from..from + length]);
            buffer[length..].fill(0);
            return Ok(());
        }
        let (mut at, mut rest) = (at, buffer);
        let mut before = 0u64;
        for &(place, length) in &self.runs {
            let end = before.saturating_add(length);
            if !rest.is_empty() && at < end && at >= before {
                let inside = at - before;
                let count = (length - inside).min(rest.len() as u64);
                let (piece, later) = rest.split_at_mut(count as usize);
                match place {
                    Some(place) => volume.read_at(place.saturating_add(inside), piece)?,
                    None => piece.fill(0),
                }
                rest = later;
                at += count;
            }
            before = end;
        }
        rest.fill(0);
        Ok(())
    }
}

/// What the file system says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSystemFacts {
    /// The label.
    pub label: String,
    /// Version, as `3.1`.
    pub version: String,
    /// Serial number.
    pub serial: u64,
    /// Bytes of a cluster.
    pub cluster_bytes: u32,
    /// Bytes of all sectors that it counts.
    pub bytes: u64,
}

/// A file, or the rest of a folder, that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The file or folder; empty for the whole file system.
    pub path: String,
    /// Why.
    pub fault: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() { "\\" } else { &self.path };
        write!(f, "{path} cannot be read: {}", self.fault)
    }
}

/// Something that is wrong with a file of the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub file: &'static str,
    /// What is wrong.
    pub fault: String,
}
