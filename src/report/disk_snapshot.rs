//! Snapshots of disks by hand, as a person and a script see them.

use disk_prep::noun::ByteSize;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::journey::disk_snapshot::{HandSnapshot, HandSnapshots, SnapshotDeed};
use crate::outcome::Outcome;

/// A snapshot of a disk.
#[derive(Serialize, JsonSchema)]
pub(super) struct DiskSnapshotRecord<'a> {
    /// The disk: account, container and blob, or `managed-disk:` and its resource id.
    source: String,
    /// `made`, `there` or `deleted`.
    deed: &'a str,
    /// Its identity, which is its time.
    snapshot: &'a str,
    /// Its length.
    bytes: u64,
    /// The backup that goes on from it, by name if this machine knows it; null if none does.
    owner: Option<&'a str>,
    /// The snapshot of a source that it is equal to; null if it is no point of a backup.
    point: Option<&'a str>,
}

impl Record for DiskSnapshotRecord<'_> {
    const TYPE: &'static str = "disk-snapshot";
}

impl Outcome for HandSnapshots {
    fn lines(&self) -> Vec<String> {
        let HandSnapshots { source, all, deed } = self;
        let one = |own: &HandSnapshot| match deed {
            SnapshotDeed::Made => format!("Snapshot {} of {source} was taken", own.facts.id),
            SnapshotDeed::Deleted => format!("Snapshot {} of {source} was deleted", own.facts.id),
            SnapshotDeed::Listed => {
                let owner =
                    own.owner.as_ref().map(|name| format!("  the backup {name} goes on from it"));
                let point = own.point.as_ref().map(|time| format!("  the point of {time}"));
                let more = [owner, point].into_iter().flatten().collect::<String>();
                format!("{}  {}{more}", own.facts.id, ByteSize(own.facts.bytes))
            }
        };
        match all.is_empty() {
            true => vec![format!("{source} has no snapshot")],
            false => all.iter().map(one).collect(),
        }
    }

    fn json(&self) -> Vec<Value> {
        let deed = match self.deed {
            SnapshotDeed::Made => "made",
            SnapshotDeed::Listed => "there",
            SnapshotDeed::Deleted => "deleted",
        };
        let one = |own: &HandSnapshot| {
            line(&DiskSnapshotRecord {
                source: self.source.to_string(),
                deed,
                snapshot: &own.facts.id,
                bytes: own.facts.bytes,
                owner: own.owner.as_deref(),
                point: own.point.as_deref(),
            })
        };
        self.all.iter().map(one).collect()
    }
}
