//! What lies behind an error of this room, where one of its kind has several reasons.

use disk_prep::noun::VaultName;

/// What is wrong with a record.
#[derive(Debug, thiserror::Error)]
pub enum RecordFault {
    /// It was cut off, or written by something else.
    #[error("it was cut off or damaged")]
    Damaged(#[source] serde_json::Error),
    /// Nothing can be read of it.
    #[error("it is no file")]
    NoFile,
    /// It speaks of another backup.
    #[error("it is the one of {0}")]
    OtherName(VaultName),
}

/// What keeps a disk from having another snapshot ("Snapshot Blob", premium accounts).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotRule {
    /// One in ten minutes.
    Rate,
    /// A hundred.
    Count,
}

impl SnapshotRule {
    /// The one that a code of the service speaks of.
    pub fn of(code: &str) -> Option<Self> {
        match code {
            // The service has spelled it both ways.
            "SnapshotOperationRateExceeded" | "SnaphotOperationRateExceeded" => {
                Some(SnapshotRule::Rate)
            }
            "SnapshotCountExceeded" => Some(SnapshotRule::Count),
            _ => None,
        }
    }

    /// The rule in words.
    pub fn words(self) -> &'static str {
        match self {
            SnapshotRule::Rate => "its account gives a disk one in ten minutes",
            SnapshotRule::Count => "its account gives a disk no more than it has",
        }
    }
}
