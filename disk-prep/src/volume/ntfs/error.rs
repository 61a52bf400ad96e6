//! Why a volume cannot be laid out.

use crate::noun::{Diagnose, DrivePath, ErrorKind, Hint};

/// A plan that no volume of this form can hold.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each sentence names its fields")]
pub enum Error {
    /// Two names of one folder are equal once upcased, or one is a file and a folder.
    #[error("{one} and {other} are one name on NTFS, which knows no case")]
    NamesClash { one: String, other: String },
    /// A name that NTFS gives to its own files.
    #[error("{path} has the name of {system}, a system file of NTFS")]
    SystemName { path: String, system: &'static str },
    /// Not enough clusters.
    #[error("The volume has {actual} clusters, the plan needs {needed}")]
    TooSmall { needed: u64, actual: u64 },
    /// Clusters that are no power of two from 512 to 65536, or too many of them.
    #[error("Clusters of {cluster_bytes} bytes do not suit a volume of {volume_bytes} bytes")]
    ClusterSize { cluster_bytes: u32, volume_bytes: u64 },
    /// A label of more than 32 units.
    #[error("The label {label:?} is too long, 32 characters fit")]
    Label { label: String },
    /// Pinned ranges that overlap, lie in the boot area or lie outside.
    #[error(
        "The pinned range at cluster {first_cluster} overlaps another or the boot area, or leaves \
         the volume"
    )]
    Pinned { first_cluster: u64 },
    /// So many runs that the file record overflows.
    #[error("The file record of {path} would not fit, it has {runs} runs")]
    Record { path: DrivePath, runs: usize },
    /// An index so large and so far away that its place overflows the record of its folder.
    #[error("The record of folder {path} would have {actual} bytes, it has room for {expected}")]
    FolderRecord { path: String, expected: usize, actual: usize },
}

impl Diagnose for Error {
    fn code(&self) -> &'static str {
        match self {
            Error::NamesClash { .. } => "ntfs-names-clash",
            Error::SystemName { .. } => "ntfs-system-name",
            Error::TooSmall { .. } => "ntfs-too-small",
            Error::ClusterSize { .. } => "ntfs-cluster-size",
            Error::Label { .. } => "ntfs-label",
            Error::Pinned { .. } => "ntfs-pinned",
            Error::Record { .. } | Error::FolderRecord { .. } => "ntfs-record",
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Error::NamesClash { .. } | Error::SystemName { .. } | Error::Label { .. } => {
                ErrorKind::Usage
            }
            Error::TooSmall { .. } => ErrorKind::Resumable,
            _ => ErrorKind::Failed,
        }
    }

    fn hint(&self) -> Option<Hint> {
        match self {
            Error::NamesClash { .. } | Error::SystemName { .. } => {
                Some(Hint::new("rename one of them, or leave it out of the data set"))
            }
            _ => None,
        }
    }
}
