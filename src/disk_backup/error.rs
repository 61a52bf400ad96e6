//! What can go wrong with a disk's backup.

use disk_prep::noun::{Diagnose, ErrorKind, Hint, VaultName};

use crate::azure::{self, PageBlob};

/// The error of this room.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error("Cannot use {blob}")]
    Blob {
        blob: String,
        #[source]
        source: azure::Error,
    },
    #[error("{blob} does not exist")]
    NoSource { blob: String },
    #[error("{blob} is no page blob")]
    NoPages { blob: String },
    #[error("{blob} is there and is no backup of {source_blob} by this program")]
    Foreign { blob: String, source_blob: String },
    #[error("{blob} is to be the backup of itself")]
    Itself { blob: String },
    #[error("The snapshot {snapshot} of {blob}, which the backup holds, is gone")]
    BaselineLost { blob: String, snapshot: String },
    #[error("{blob} does not tell what changed since the snapshot {snapshot}: {code}")]
    NoDifference { blob: String, snapshot: String, code: String },
    #[error("The list of changed pages of {blob} cannot be: {rule}, at byte {offset}")]
    List { blob: String, rule: &'static str, offset: u64 },
    #[error("The copy of {blob} by the service came to nothing: {why}")]
    Copy { blob: String, why: String },
    #[error("{blob} reads back different from what was sent, at byte {offset}")]
    ReadBack { blob: String, offset: u64 },
    #[error("{blob} arrives with another MD5 than the service tells, at byte {offset}")]
    Transport { blob: String, offset: u64 },
    #[error("Another run holds the backup {name}")]
    Busy { name: VaultName },
    #[error("There is no disk backup {name} on this machine")]
    Unknown { name: VaultName },
    #[error("The disk backup {name} is another one: {what}")]
    Asked { name: VaultName, what: String },
    #[error("The right to write to {blob} was lost in mid-run")]
    LeaseLost { blob: String },
    #[error("Stopped before the round was done")]
    Stopped,
}

/// What the service says to who writes under a lease that is not the blob's any more.
const LEASE_LOST: [&str; 4] = [
    "LeaseIdMismatchWithBlobOperation",
    "LeaseNotPresentWithBlobOperation",
    "LeaseLost",
    "LeaseIdMissing",
];

impl Error {
    /// What the service says of a blob.
    pub(super) fn of(blob: &dyn PageBlob, source: azure::Error) -> Self {
        match &source {
            azure::Error::Refused { code, .. } if LEASE_LOST.contains(&code.as_str()) => {
                Error::LeaseLost { blob: blob.address() }
            }
            _ => Error::Blob { blob: blob.address(), source },
        }
    }
}

impl Diagnose for Error {
    fn code(&self) -> &'static str {
        match self {
            Error::Blob { source, .. } => source.code(),
            Error::NoSource { .. } => "disk-source-missing",
            Error::NoPages { .. } => "disk-no-page-blob",
            Error::Foreign { .. } => "disk-target-foreign",
            Error::Itself { .. } => "disk-target-is-source",
            Error::BaselineLost { .. } => "disk-baseline-lost",
            Error::NoDifference { .. } => "disk-difference-refused",
            Error::List { .. } => "disk-pages-impossible",
            Error::Copy { .. } => "disk-copy-failed",
            Error::ReadBack { .. } => "disk-read-back",
            Error::Transport { .. } => "disk-transport",
            Error::Busy { .. } => "disk-backup-busy",
            Error::Unknown { .. } => "disk-backup-unknown",
            Error::Asked { .. } => "disk-backup-other",
            Error::LeaseLost { .. } => "disk-lease-lost",
            Error::Stopped => "disk-round-stopped",
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Error::Blob { source, .. } => source.kind(),
            Error::NoSource { .. } | Error::Unknown { .. } => ErrorKind::NotFound,
            Error::NoPages { .. } | Error::Foreign { .. } => ErrorKind::Guard,
            Error::Itself { .. } | Error::Asked { .. } => ErrorKind::Usage,
            Error::BaselineLost { .. } | Error::NoDifference { .. } => ErrorKind::Resumable,
            Error::List { .. } | Error::Transport { .. } => ErrorKind::Failed,
            Error::Copy { .. } => ErrorKind::Refused,
            Error::ReadBack { .. } => ErrorKind::Difference,
            Error::Busy { .. } | Error::LeaseLost { .. } => ErrorKind::Busy,
            Error::Stopped => ErrorKind::Interrupted,
        }
    }

    fn hint(&self) -> Option<Hint> {
        let text = match self {
            Error::Blob { source, .. } => return source.hint(),
            Error::NoSource { .. } => "check account, container and name of the source",
            Error::NoPages { .. } => "only page blobs have snapshots that tell what changed",
            Error::Foreign { .. } => {
                "name another blob with `--to ACCOUNT/CONTAINER/BLOB`; this one is left alone"
            }
            Error::Itself { .. } => "name another account, container or blob with `--to`",
            Error::BaselineLost { .. } | Error::NoDifference { .. } => {
                "`azseed disk-backup run NAME --full` makes a whole new copy beside the old one, \
                 whose points stay"
            }
            Error::Copy { .. } => "run the same command again, it begins the copy anew",
            Error::ReadBack { .. } | Error::Transport { .. } | Error::List { .. } => {
                "run the same command again; no point was made of it"
            }
            Error::Busy { .. } => return Some(Hint::OtherRun),
            Error::Unknown { .. } => "`azseed disk-backup list` names those that are there",
            Error::Asked { .. } => "leave the flag out, or `azseed disk-backup release NAME` first",
            Error::LeaseLost { .. } | Error::Stopped => {
                "nothing was written since; run the same command again, it goes on"
            }
        };
        Some(Hint::new(text))
    }
}
