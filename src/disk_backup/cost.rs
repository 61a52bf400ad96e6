//! What a point costs: bytes that only it holds, as far as the service tells differences.

use super::apply::{allocated, listed};
use super::error::Error;
use super::points::DiskPoint;
use super::ranges::{Span, joined, shared};
use crate::azure::{PageBlob, PageState};

/// Bytes that are written in a copy or in a snapshot of it, which are what is billed.
pub fn written_bytes(
    copy: &dyn PageBlob,
    snapshot: Option<&str>,
    bytes: u64,
) -> Result<u64, Error> {
    Ok(allocated(copy, snapshot, bytes)?.iter().map(|span| span.1 - span.0).sum())
}

/// Bytes that are freed when a snapshot goes: pages that were written since the one before that
/// stays, and changed again until the one after. Without one before, all that it has.
pub fn freed_bytes(
    copy: &dyn PageBlob,
    before: Option<&str>,
    point: &DiskPoint,
    after: Option<&DiskPoint>,
) -> Result<u64, Error> {
    let own = point.backup_snapshot.as_str();
    let mut held: Vec<Span> = Vec::new();
    listed(copy, Some(own), before, point.bytes, |part| {
        let written = part.iter().filter(|range| range.state == PageState::Written);
        held.extend(written.map(|range| (range.start, range.end)));
        Ok(())
    })?;
    let bytes = match after {
        Some(after) => after.bytes,
        None => copy
            .facts(None)
            .map_err(|source| Error::of(copy, source))?
            .map_or(point.bytes, |facts| facts.bytes),
    };
    let mut changed: Vec<Span> = Vec::new();
    let later = after.map(|own| own.backup_snapshot.as_str());
    listed(copy, later, Some(own), bytes, |part| {
        changed.extend(part.iter().map(|range| (range.start, range.end)));
        Ok(())
    })?;
    // What lies beyond a disk that became shorter is no page of the later one.
    if bytes < point.bytes {
        changed.push((bytes, point.bytes));
    }
    let freed = shared(&joined(&held, &[]), &joined(&changed, &[]));
    Ok(freed.iter().map(|span| span.1 - span.0).sum())
}
