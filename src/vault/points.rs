//! Snapshots as the policy sees them.

use crate::policy::{Origin, Point};
use crate::repository::{SHRUNK_TAG, Snapshot};

/// All snapshots as the policy sees them.
pub fn points(snapshots: &[Snapshot]) -> Vec<Point> {
    let point = |own: &Snapshot| Point {
        id: own.id.clone(),
        origin: origin_of(own),
        time: own.time,
        files: own.files,
        is_shrunk: own.tags.iter().any(|tag| tag == SHRUNK_TAG),
        is_marked: own.tags.iter().any(|tag| tag != SHRUNK_TAG),
    };
    snapshots.iter().map(point).collect()
}

/// What a snapshot was made of.
pub(super) fn origin_of(own: &Snapshot) -> Origin {
    Origin { host: own.host.clone(), paths: own.paths.iter().cloned().collect() }
}
