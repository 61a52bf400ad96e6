//! Takes an imported seed into the vault (`design` 7). The service proves each blob against the
//! MD5 of the journal while it copies; what it cannot copy is streamed and hashed here; what the
//! import lost comes from the staging path. Packs and indexes first, snapshots last, so that
//! nobody ever sees a snapshot whose data is not there.

use std::collections::BTreeSet;
use std::io;
use std::sync::Mutex;

use bytes::Bytes;
use disk_prep::monitor::{Event, Monitor};
use disk_prep::sys::hold::hold;
use md5::{Digest, Md5};
use tracing::info;

use super::error::Error;
use super::shelf::{SeedBlob, Shelf, is_held};
use crate::azure::{Copied, each};
use crate::repository::{Rank, rank};

/// Copies at once.
const COPIES_AT_ONCE: usize = 8;
const TASK: &str = "ingest";

/// Where a blob that the import lost is looked for: the staging path. `None` if it is not there.
pub type Spare<'a> = &'a (dyn Fn(&str) -> io::Result<Option<Bytes>> + Sync);

/// How the blobs of a seed came into the vault. Counts of blobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ingested {
    /// Already held, with equal length and MD5.
    pub unchanged: u64,
    /// Copied and proven by the service.
    pub copied: u64,
    /// Read from the import, hashed and written by us.
    pub streamed: u64,
    /// Taken from the staging path, since the import had them wrong or not at all.
    pub repaired: u64,
}

/// Takes all blobs of the seed in, several at once, each kind after the one before. A second call
/// finds the work done; after any failure the same call goes on. No snapshot is written while any
/// other blob is missing.
pub fn ingest(
    seed: &[SeedBlob],
    shelf: &Shelf,
    spare: Spare<'_>,
    monitor: &dyn Monitor,
) -> Result<Ingested, Error> {
    let ordered = in_order(seed)?;
    let list = || shelf.held().map_err(|source| Error::List { source });
    let held = list()?;
    let total_bytes = seed.iter().map(|blob| blob.bytes).sum();
    let work = Work {
        shelf,
        spare,
        monitor,
        total_bytes,
        progress: Mutex::default(),
        in_memory: Mutex::new(()),
    };
    monitor.event(&Event::TaskStarted { task: TASK });
    info!(blobs = seed.len(), held = held.len(), "the seed is taken in");
    for kind in ordered.chunk_by(|one, other| one.0 == other.0) {
        if kind[0].0 == Rank::Snapshot && work.has_missing() {
            break;
        }
        each(kind, COPIES_AT_ONCE, |(_, blob)| {
            let came = if is_held(&held, blob) { Came::Unchanged } else { work.take(blob)? };
            work.count(blob, came);
            Ok(())
        })?;
    }
    monitor.event(&Event::TaskFinished { task: TASK });
    let Progress { done, mut missing, .. } = work.ended();
    info!(?done, missing = missing.len(), "the seed was gone through");
    if !missing.is_empty() {
        missing.sort();
        return Err(Error::Missing { paths: missing });
    }
    let held = list()?;
    let paths: Vec<String> =
        seed.iter().filter(|blob| !is_held(&held, blob)).map(|blob| blob.path.clone()).collect();
    if paths.is_empty() { Ok(done) } else { Err(Error::NotHeld { paths }) }
}

fn in_order(seed: &[SeedBlob]) -> Result<Vec<(Rank, &SeedBlob)>, Error> {
    let mut seen = BTreeSet::new();
    let mut ordered = Vec::with_capacity(seed.len());
    for blob in seed {
        let foreign = || Error::ForeignBlob { path: blob.path.clone() };
        ordered.push((rank(&blob.path).ok_or_else(foreign)?, blob));
        if !seen.insert(blob.path.as_str()) {
            return Err(Error::ListedTwice { path: blob.path.clone() });
        }
    }
    ordered.sort_by(|one, other| (one.0, &one.1.path).cmp(&(other.0, &other.1.path)));
    Ok(ordered)
}

fn is_content(blob: &SeedBlob, content: &Bytes) -> bool {
    content.len() as u64 == blob.bytes && Md5::digest(content).as_slice() == blob.md5.bytes()
}

/// How one blob came into the vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Came {
    Unchanged,
    Copied,
    Streamed,
    Repaired,
    /// Neither the import nor the staging path has it.
    Missing,
}

/// How far the work is.
#[derive(Debug, Default)]
struct Progress {
    done: Ingested,
    missing: Vec<String>,
    bytes: u64,
}

/// What each of those at work needs.
struct Work<'a> {
    shelf: &'a Shelf,
    spare: Spare<'a>,
    monitor: &'a dyn Monitor,
    total_bytes: u64,
    progress: Mutex<Progress>,
    /// Held by whoever has a blob's content in memory: one at a time, however many copies the
    /// service makes.
    in_memory: Mutex<()>,
}

impl Work<'_> {
    /// Brings one blob into the vault.
    fn take(&self, blob: &SeedBlob) -> Result<Came, Error> {
        let failed = |source| Error::Blob { path: blob.path.clone(), source };
        let copied = self.shelf.copy(blob).map_err(failed)?;
        if copied == Copied::Done {
            return Ok(Came::Copied);
        }
        let _one = hold(&self.in_memory);
        if copied == Copied::Unsupported {
            let content = self.shelf.imported(&blob.path).map_err(failed)?;
            if let Some(content) = content.filter(|content| is_content(blob, content)) {
                self.shelf.write(blob, content).map_err(failed)?;
                return Ok(Came::Streamed);
            }
        }
        let unreadable = |source| Error::Spare { path: blob.path.clone(), source };
        let content = (self.spare)(&blob.path).map_err(unreadable)?;
        let Some(content) = content.filter(|content| is_content(blob, content)) else {
            return Ok(Came::Missing);
        };
        self.shelf.write(blob, content).map_err(failed)?;
        Ok(Came::Repaired)
    }

    /// Counts it, and tells of it while nobody else does, so that bytes never go back.
    fn count(&self, blob: &SeedBlob, came: Came) {
        let mut progress = hold(&self.progress);
        match came {
            Came::Unchanged => progress.done.unchanged += 1,
            Came::Copied => progress.done.copied += 1,
            Came::Streamed => progress.done.streamed += 1,
            Came::Repaired => progress.done.repaired += 1,
            Came::Missing => progress.missing.push(blob.path.clone()),
        }
        progress.bytes += blob.bytes;
        let (done_bytes, total_bytes) = (progress.bytes, self.total_bytes);
        self.monitor.event(&Event::TaskBytes { task: TASK, done_bytes, total_bytes });
    }

    fn has_missing(&self) -> bool {
        !hold(&self.progress).missing.is_empty()
    }

    fn ended(&self) -> Progress {
        std::mem::take(&mut *hold(&self.progress))
    }
}

#[cfg(test)]
mod tests;
