//! The points of a backup: the snapshots of its copy, and of the copies before it.

use std::sync::Arc;

use disk_prep::noun::VaultName;
use jiff::Timestamp;

use super::chain::POINT;
use super::error::Error;
use crate::azure::{PageBlob, SnapshotFacts};

/// A point that can be restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskPoint {
    /// The source's snapshot, which is the point's time.
    pub source_snapshot: String,
    /// The copy's snapshot.
    pub backup_snapshot: String,
    /// Its length.
    pub bytes: u64,
    /// Which copy has it; 1 is the first.
    pub generation: u32,
}

impl DiskPoint {
    /// When the disk was so.
    pub fn time(&self) -> Option<Timestamp> {
        self.source_snapshot.parse().ok()
    }
}

/// All points of a backup, the oldest first: of the copies of these names, the first one first, which
/// stand beside the copy that goes on.
pub fn points(names: &[String], newest: &Arc<dyn PageBlob>) -> Result<Vec<DiskPoint>, Error> {
    let mut all = Vec::new();
    for (name, generation) in names.iter().zip(1..) {
        let copy = newest.beside(name);
        let found = copy.snapshots().map_err(|source| Error::of(copy.as_ref(), source))?;
        let point = |own: SnapshotFacts| {
            let source_snapshot = own.metadata.get(POINT)?.clone();
            let (backup_snapshot, bytes) = (own.id, own.bytes);
            Some(DiskPoint { source_snapshot, backup_snapshot, bytes, generation })
        };
        all.extend(found.into_iter().filter_map(point));
    }
    all.sort_by_cached_key(|own| (own.time(), own.generation, own.backup_snapshot.clone()));
    Ok(all)
}

/// The point that a time means: the last one that is not later.
pub fn point_at<'a>(
    name: &VaultName,
    points: &'a [DiskPoint],
    at: Timestamp,
) -> Result<&'a DiskPoint, Error> {
    let is_before = |own: &&DiskPoint| own.time().is_some_and(|time| time <= at);
    let found = points.iter().rev().find(is_before);
    found.ok_or_else(|| Error::NoPoint { name: name.clone(), at })
}
