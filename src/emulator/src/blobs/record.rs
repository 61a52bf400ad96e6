//! What is known of blobs, snapshots and containers, as their records keep it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::copy_state::{CopyState, Incremental};

/// What kind of blob it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) enum BlobKind {
    #[default]
    BlockBlob,
    PageBlob,
}

/// What callers may set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Properties {
    pub kind: BlobKind,
    pub content_type: Option<String>,
    pub content_encoding: Option<String>,
    pub content_language: Option<String>,
    pub content_disposition: Option<String>,
    pub cache_control: Option<String>,
    /// Base64; only if a caller gave it.
    pub content_md5: Option<String>,
    pub metadata: BTreeMap<String, String>,
    /// Ids and lengths of the blocks it was put together from.
    pub blocks: Vec<(String, u64)>,
    pub tier: Option<String>,
    /// Its way out of the archive.
    pub rehydration: Option<Rehydration>,
    /// Id and source of the copy it came from.
    pub copy: Option<(String, String)>,
    /// How that copy stands; none: it came off at once.
    pub copy_state: Option<CopyState>,
    /// What it is bound to if it came by incremental copies.
    pub incremental: Option<Incremental>,
    /// Of a draft that becomes a page blob: first byte and end of the pages that were written.
    #[serde(skip)]
    pub pages: Vec<(u64, u64)>,
    /// Of a draft that becomes a page blob: its sequence number.
    #[serde(skip)]
    pub sequence: u64,
}

/// A way out of the archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rehydration {
    pub tier: String,
    pub until: Timestamp,
}

/// A lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lease {
    pub id: String,
    /// Seconds; `None` for ever.
    pub secs: Option<i64>,
    /// When it ends; `None` for ever.
    pub until: Option<Timestamp>,
    pub is_broken: bool,
}

impl Lease {
    pub fn new(id: String, secs: Option<i64>, now: Timestamp) -> Self {
        let until = |secs| now.saturating_add(SignedDuration::from_secs(secs));
        let until = secs.map(|secs| until(secs).unwrap_or(Timestamp::MAX));
        Lease { id, secs, until, is_broken: false }
    }

    /// Whether nobody else may write.
    pub fn is_held(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// How a blob stands to its snapshots, and a page blob to its writers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Versions {
    /// The number that writers of pages may ask for.
    pub sequence: u64,
    /// How many snapshots there have been.
    pub epoch: u64,
    /// How many there had been when it was last written whole.
    pub born: u64,
    /// The last one's identity, also after it is gone.
    pub last_snapshot: Option<String>,
}

/// What is known of a blob, a snapshot or a container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) version: u32,
    pub name: String,
    pub etag: String,
    pub modified: Timestamp,
    pub created: Timestamp,
    pub bytes: u64,
    pub(super) file_time: (i64, i64),
    pub properties: Properties,
    pub lease: Option<Lease>,
    #[serde(default)]
    pub versions: Versions,
}

impl Record {
    /// Dates it anew.
    pub fn touch(&mut self, now: Timestamp) {
        self.etag = new_etag();
        self.modified = now;
    }
}

pub(super) fn new_etag() -> String {
    format!("\"0x{}\"", &uuid::Uuid::new_v4().simple().to_string().to_uppercase()[..15])
}
