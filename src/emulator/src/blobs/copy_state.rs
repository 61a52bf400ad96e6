//! How a copy by the service stands, as it is kept with the blob that it makes ("Copy Blob",
//! "Incremental Copy Blob").

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Where a copy stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum CopyStatus {
    Pending,
    Success,
    Failed,
    Aborted,
}

impl CopyStatus {
    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            CopyStatus::Pending => "pending",
            CopyStatus::Success => "success",
            CopyStatus::Failed => "failed",
            CopyStatus::Aborted => "aborted",
        }
    }
}

/// The blob that a copy reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CopySource {
    pub account: String,
    pub container: String,
    pub name: String,
    pub snapshot: Option<String>,
    pub etag: String,
}

/// A copy that did not come off at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CopyState {
    pub status: CopyStatus,
    pub done_bytes: u64,
    pub total_bytes: u64,
    /// Why it failed.
    pub description: Option<String>,
    pub begun: Timestamp,
    pub ended: Option<Timestamp>,
    pub from: CopySource,
    /// It is to fail on its way.
    pub is_doomed: bool,
}

/// What a blob that came by incremental copies is bound to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Incremental {
    /// Account, container and name of the source.
    pub source: (String, String, String),
    /// The source's snapshot that was copied last.
    pub last: String,
    /// How many snapshots the source had had then.
    pub last_epoch: u64,
    /// The own snapshot that was made of it.
    pub own: String,
}
