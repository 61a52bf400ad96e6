//! Why a volume cannot be made, or its key not be regained.

use std::io;

use crate::kernels::CipherKeyError;
use crate::noun::{Diagnose, ErrorKind};

/// Why a volume cannot be made, or its key not be regained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The metadata does not fit.
    #[error("A volume of {volume_bytes} bytes is too small, it needs {needed_bytes}")]
    VolumeTooSmall {
        /// The volume, bytes.
        volume_bytes: u64,
        /// The least that would do, bytes.
        needed_bytes: u64,
    },
    /// Only whole sectors make a volume.
    #[error("A volume of {volume_bytes} bytes is not whole sectors of 512 bytes")]
    VolumeNotWholeSectors {
        /// The volume, bytes.
        volume_bytes: u64,
    },
    /// The file system's clusters do not suit the places of the metadata.
    #[error("Clusters of {cluster_bytes} bytes do not suit a volume, only 512 to 8192 do")]
    ClusterSize {
        /// What was given, bytes.
        cluster_bytes: u64,
    },
    /// The description would not be read back by Windows.
    #[error("A volume description of {characters} characters is too long, 100 fit")]
    DescriptionTooLong {
        /// UTF-16 units given.
        characters: usize,
    },
    /// The time has no place in the format.
    #[error("The time {created} cannot be written as a FILETIME")]
    Time {
        /// The time given.
        created: jiff::Timestamp,
    },
    /// The caller's random source failed.
    #[error("Cannot draw random bytes for the volume keys")]
    Randomness {
        /// What the source said.
        #[source]
        source: io::Error,
    },
    /// The volume key does not fit its cipher.
    #[error("The volume key cannot be used")]
    Key {
        /// Why.
        #[source]
        source: CipherKeyError,
    },
    /// The block in the journal is not what `encode_metadata` made.
    #[error("The kept metadata block is damaged at byte {at}")]
    DamagedBlock {
        /// Where it stopped making sense.
        at: usize,
    },
    /// The password is not the one the block was made with.
    #[error("The recovery password does not open the kept metadata block")]
    WrongPassword,
}

impl Diagnose for Error {
    fn code(&self) -> &'static str {
        match self {
            Error::VolumeTooSmall { .. } => "volume-too-small",
            Error::VolumeNotWholeSectors { .. } => "volume-not-whole-sectors",
            Error::ClusterSize { .. } => "volume-cluster-size",
            Error::DescriptionTooLong { .. } => "volume-description",
            Error::Time { .. } => "volume-time",
            Error::Randomness { .. } => "volume-randomness",
            Error::Key { .. } => "volume-key",
            Error::DamagedBlock { .. } => "kept-metadata-damaged",
            Error::WrongPassword => "kept-metadata-password",
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Error::VolumeTooSmall { .. } | Error::VolumeNotWholeSectors { .. } => ErrorKind::Guard,
            Error::ClusterSize { .. } | Error::DescriptionTooLong { .. } => ErrorKind::Usage,
            Error::WrongPassword => ErrorKind::NotAllowed,
            _ => ErrorKind::Failed,
        }
    }
}
