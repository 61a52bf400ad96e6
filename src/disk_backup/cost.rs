//! What a point costs: bytes that only it holds, as far as the service tells differences.

use super::error::Error;
use super::listing::{Counted, Spans, bytes_of, in_step, listed};
use super::points::DiskPoint;
use super::ranges::shared;
use crate::azure::{PageBlob, PageState};

/// Bytes that are written in a copy or in a snapshot of it, which are what is billed.
pub fn written_bytes(
    copy: &dyn PageBlob,
    snapshot: Option<&str>,
    bytes: u64,
) -> Result<u64, Error> {
    let mut written = 0;
    listed(copy, snapshot, None, bytes, |part| {
        let own = part.iter().filter(|range| range.state == PageState::Written);
        written += own.map(|range| range.end - range.start).sum::<u64>();
        Ok(())
    })?;
    Ok(written)
}

/// Bytes that are freed when a snapshot goes: pages that were written since the one before that
/// stays, and changed again until the one after. Without one before, all that it has.
pub fn freed_bytes(
    copy: &dyn PageBlob,
    before: Option<&str>,
    point: &DiskPoint,
    after: Option<&DiskPoint>,
) -> Result<u64, Error> {
    let own = Some(point.backup_snapshot.as_str());
    let bytes = match after {
        Some(after) => after.bytes,
        None => copy
            .facts(None)
            .map_err(|source| Error::of(copy, source))?
            .map_or(point.bytes, |facts| facts.bytes),
    };
    let later = after.map(|own| own.backup_snapshot.as_str());
    let mut held = Spans::read((copy, own), before, point.bytes, Counted::Written);
    let mut changed = Spans::read((copy, later), own, bytes, Counted::All);
    let mut freed = 0;
    in_step(&mut held, &mut changed, point.bytes.min(bytes), |held, changed| {
        freed += bytes_of(&shared(held, changed));
        Ok(())
    })?;
    // What lies beyond a disk that became shorter is no page of the later one.
    in_step(&mut held, &mut Spans::held(Vec::new()), point.bytes, |held, _| {
        freed += bytes_of(held);
        Ok(())
    })?;
    Ok(freed)
}
