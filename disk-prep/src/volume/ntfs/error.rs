//! Why a volume cannot be laid out.

use std::fmt;

use crate::noun::{Diagnose, DrivePath, ErrorKind, Hint, lines};

/// A plan that no volume of this form can hold.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each sentence names its fields")]
pub enum Error {
    /// Names of one folder that are equal once upcased, or stand for a file and a folder.
    #[error("{}", told(clashes))]
    NamesClash { clashes: Vec<Clash> },
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

/// Two paths that cannot both be on one volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// The one, and whether it is a folder.
    pub one: (String, bool),
    /// The other, and whether it is a folder.
    pub other: (String, bool),
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ((one, is_folder), (other, is_other_folder)) = (&self.one, &self.other);
        let kind = |is_folder| if is_folder { "a folder" } else { "a file" };
        if one == other && is_folder == is_other_folder {
            return write!(f, "{one} stands there twice");
        }
        if one == other {
            return write!(f, "{one} would be a file and a folder");
        }
        if is_folder == is_other_folder {
            return write!(f, "{one} and {other} are one name on NTFS, which knows no case");
        }
        let (kind, other_kind) = (kind(*is_folder), kind(*is_other_folder));
        write!(
            f,
            "{one} is {kind} and {other} is {other_kind}, and they are one name on NTFS, which \
             knows no case"
        )
    }
}

fn told(clashes: &[Clash]) -> String {
    match clashes {
        [only] => only.to_string(),
        _ => format!("{} pairs of names clash{}", clashes.len(), lines(clashes)),
    }
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
