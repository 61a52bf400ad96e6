//! Takes an imported seed into the vault (`design` 7). The service proves each blob against the
//! MD5 of the journal while it copies; what it cannot copy is streamed and hashed here; what the
//! import lost comes from the staging path. Packs and indexes first, snapshots last, so that
//! nobody ever sees a snapshot whose data is not there.

use disk_prep::monitor::{Event, Monitor};
use tracing::info;

use super::error::Error;
use super::seed_list::{Marks, SeedList};
use super::shelf::Shelf;
use crate::azure::each_of;
use crate::repository::Rank;

pub use terms::{Estimate, Ingested, Prove, Spare, Taking};

use terms::TASK;
use work::{Progress, Work};

/// Copies at once. The service makes them; here each is a thread that waits.
const COPIES_AT_ONCE: usize = 32;
/// Names of one page of a list ("List Blobs": at most 5,000).
const NAMES_OF_PAGE: u64 = 5_000;

/// Takes all blobs of the seed in, several at once, each kind after the one before. A second call
/// finds the work done; after any failure the same call goes on. No snapshot is written while any
/// other blob is missing.
pub fn ingest(
    seed: &SeedList,
    shelf: &Shelf,
    taking: Taking<'_>,
    monitor: &dyn Monitor,
) -> Result<Ingested, Error> {
    let list = || shelf.held(seed).map_err(|source| Error::List { source });
    shelf.expect_own(seed)?;
    let held = list()?;
    let see = |index: usize, etag: &str| {
        taking.versions.iter().for_each(|versions| versions.see(index, etag));
    };
    let lacking = shelf.lacking(seed, &see).map_err(|source| Error::List { source })?;
    let estimate = estimate(seed, &held, &lacking, shelf.is_in_place());
    if let Some(limit_bytes) = taking.repair_limit.filter(|most| estimate.staging_bytes > *most) {
        let (blobs, bytes) = (estimate.from_staging, estimate.staging_bytes);
        return Err(Error::RepairLimit { blobs, bytes, limit_bytes });
    }
    (taking.tell)(&estimate);
    let work = Work::new(shelf, taking, monitor, seed.bytes());
    monitor.event(&Event::TaskStarted { task: TASK });
    info!(?estimate, "the seed is taken in");
    for (rank, kind) in seed.kinds() {
        if rank == Rank::Snapshot {
            if work.has_missing() {
                break;
            }
            work.prove(&seed.blobs()[kind.clone()])?;
        }
        each_of(kind, COPIES_AT_ONCE, |index| {
            work.bring((index, &seed.blobs()[index]), held.has(index), lacking.has(index))
        })?;
    }
    monitor.event(&Event::TaskFinished { task: TASK });
    let Progress { done, mut missing, .. } = work.ended();
    info!(?done, missing = missing.len(), "the seed was gone through");
    if !missing.is_empty() {
        missing.sort();
        return Err(Error::Missing { paths: missing });
    }
    let paths: Vec<String> = list()?.missing().map(|index| seed.blobs()[index].path()).collect();
    if paths.is_empty() { Ok(done) } else { Err(Error::NotHeld { paths }) }
}

fn estimate(seed: &SeedList, held: &Marks, lacking: &Marks, in_place: bool) -> Estimate {
    let pages = |blobs: usize| (blobs as u64).div_ceil(NAMES_OF_PAGE).max(1);
    let mut all = Estimate {
        blobs: seed.len() as u64,
        lists: 3 * pages(seed.len()),
        in_place,
        ..Estimate::default()
    };
    for (index, blob) in seed.blobs().iter().enumerate() {
        if held.has(index) {
            all.unchanged += 1;
        } else if lacking.has(index) {
            all.from_staging += 1;
            all.staging_bytes = all.staging_bytes.saturating_add(blob.bytes);
        } else {
            all.copies += 1;
            all.copy_bytes = all.copy_bytes.saturating_add(blob.bytes);
        }
    }
    all
}

mod terms;
mod work;

#[cfg(test)]
mod many;
#[cfg(test)]
mod tests;
