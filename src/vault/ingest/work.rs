//! One blob of a seed on its way into the vault, and what all of them share: how far the work is,
//! and how much content may be in memory at once.

use std::sync::{Condvar, Mutex};

use bytes::Bytes;
use disk_prep::monitor::{Event, Monitor};
use disk_prep::noun::Sha256Digest;
use disk_prep::sys::hold::hold;
use md5::{Digest, Md5};
use sha2::Sha256;

use super::terms::{Ingested, TASK, Taking};
use crate::azure::Copied;
use crate::vault::error::Error;
use crate::vault::seed_list::SeedBlob;
use crate::vault::shelf::Shelf;

/// Content that is in memory at once, however many blobs it is of; one that is larger is there
/// alone.
const MEMORY_BYTES: u64 = 64 << 20;

/// Whether content is that blob's: its length and MD5 as the journal has them, its SHA-256 as its
/// name has it.
fn is_content(blob: &SeedBlob, content: &Bytes) -> bool {
    content.len() as u64 == blob.bytes
        && Md5::digest(content).as_slice() == blob.md5.bytes()
        && blob.place.is_named_by(Sha256Digest::new(Sha256::digest(content).into()))
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
pub(super) struct Progress {
    pub done: Ingested,
    pub missing: Vec<String>,
    bytes: u64,
    repaired_bytes: u64,
}

/// What each of those at work needs.
pub(super) struct Work<'a> {
    shelf: &'a Shelf,
    taking: Taking<'a>,
    monitor: &'a dyn Monitor,
    total_bytes: u64,
    progress: Mutex<Progress>,
    memory: Room,
}

impl<'a> Work<'a> {
    pub fn new(
        shelf: &'a Shelf,
        taking: Taking<'a>,
        monitor: &'a dyn Monitor,
        total_bytes: u64,
    ) -> Self {
        let (progress, memory) = (Mutex::default(), Room::of(MEMORY_BYTES));
        Work { shelf, taking, monitor, total_bytes, progress, memory }
    }

    /// Brings one blob into the vault, unless it is there, and counts it.
    pub fn bring(
        &self,
        (index, blob): (usize, &SeedBlob),
        is_held: bool,
        is_lacking: bool,
    ) -> Result<(), Error> {
        let came = if is_held { Came::Unchanged } else { self.take(blob, is_lacking)? };
        if let Some(versions) = self.taking.versions {
            match came {
                // Its content was compared, so the version that was seen before is what it is.
                Came::Copied | Came::Streamed => {}
                Came::Unchanged => versions.forget(index),
                Came::Repaired | Came::Missing => versions.reject(index),
            }
        }
        self.count(blob, came);
        Ok(())
    }

    /// Asks whether these snapshots may be shown, all else being there. One that is nowhere to be had
    /// is told later.
    pub fn prove(&self, snapshots: &[SeedBlob]) -> Result<(), Error> {
        let Some(prove) = self.taking.prove else { return Ok(()) };
        let mut all = Vec::new();
        for blob in snapshots {
            let failed = |source| Error::Blob { path: blob.path(), source };
            let unreadable = |source| Error::Spare { path: blob.path(), source };
            let seen = self.shelf.imported(blob).map_err(failed)?.map(|seen| seen.content);
            let content = match seen.filter(|content| is_content(blob, content)) {
                Some(content) => Some(content),
                None => (self.taking.spare)(&blob.path()).map_err(unreadable)?,
            };
            let content = content.filter(|content| is_content(blob, content));
            all.extend(content.map(|content| (blob.place.id.to_string(), content)));
        }
        prove(all)
    }

    fn take(&self, blob: &SeedBlob, is_lacking: bool) -> Result<Came, Error> {
        let failed = |source| Error::Blob { path: blob.path(), source };
        let copied = match (is_lacking, self.shelf.is_in_place()) {
            (true, _) => Copied::Absent,
            (false, true) => Copied::Unsupported,
            (false, false) => self.shelf.copy(blob).map_err(failed)?,
        };
        if copied == Copied::Done {
            return Ok(Came::Copied);
        }
        let _room = self.memory.take(blob.bytes);
        if copied == Copied::Unsupported {
            let seen = self.shelf.imported(blob).map_err(failed)?;
            if let Some(seen) = seen.filter(|seen| is_content(blob, &seen.content)) {
                self.shelf.accept(blob, seen).map_err(failed)?;
                return Ok(Came::Streamed);
            }
        }
        let unreadable = |source| Error::Spare { path: blob.path(), source };
        let content = (self.taking.spare)(&blob.path()).map_err(unreadable)?;
        let Some(content) = content.filter(|content| is_content(blob, content)) else {
            return Ok(Came::Missing);
        };
        self.allow_repair(blob)?;
        self.shelf.write(blob, content).map_err(failed)?;
        Ok(Came::Repaired)
    }

    /// Counts bytes from the staging path before they are sent, since a copy may find out only now
    /// that the import has a blob wrong.
    fn allow_repair(&self, blob: &SeedBlob) -> Result<(), Error> {
        let mut progress = hold(&self.progress);
        let bytes = progress.repaired_bytes.saturating_add(blob.bytes);
        match self.taking.repair_limit.filter(|limit| bytes > *limit) {
            Some(limit_bytes) => {
                let blobs = progress.done.repaired + 1;
                Err(Error::RepairLimit { blobs, bytes, limit_bytes })
            }
            None => {
                progress.repaired_bytes = bytes;
                Ok(())
            }
        }
    }

    /// Counts it, and tells of it while nobody else does, so that bytes never go back.
    fn count(&self, blob: &SeedBlob, came: Came) {
        let mut progress = hold(&self.progress);
        match came {
            Came::Unchanged => progress.done.unchanged += 1,
            Came::Copied => progress.done.copied += 1,
            Came::Streamed => progress.done.streamed += 1,
            Came::Repaired => progress.done.repaired += 1,
            Came::Missing => progress.missing.push(blob.path()),
        }
        progress.bytes = progress.bytes.saturating_add(blob.bytes);
        let (done_bytes, total_bytes) = (progress.bytes, self.total_bytes);
        self.monitor.event(&Event::TaskBytes { task: TASK, done_bytes, total_bytes });
    }

    pub fn has_missing(&self) -> bool {
        !hold(&self.progress).missing.is_empty()
    }

    pub fn ended(&self) -> Progress {
        std::mem::take(&mut *hold(&self.progress))
    }
}

/// Room for so many bytes.
#[derive(Debug)]
struct Room {
    most_bytes: u64,
    taken_bytes: Mutex<u64>,
    freed: Condvar,
}

/// A part of it, given back when dropped.
#[derive(Debug)]
struct Taken<'a> {
    room: &'a Room,
    bytes: u64,
}

impl Room {
    fn of(most_bytes: u64) -> Self {
        Room { most_bytes, taken_bytes: Mutex::new(0), freed: Condvar::new() }
    }

    /// Waits until there is room. What is larger than all of it gets all of it.
    fn take(&self, bytes: u64) -> Taken<'_> {
        let bytes = bytes.min(self.most_bytes);
        let mut taken = hold(&self.taken_bytes);
        while *taken + bytes > self.most_bytes {
            taken = self.freed.wait(taken).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        *taken += bytes;
        Taken { room: self, bytes }
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        *hold(&self.room.taken_bytes) -= self.bytes;
        self.room.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_blob_waits_for_all_of_the_room_and_small_ones_share_it() {
        let room = Room::of(10);
        let (one, two) = (room.take(4), room.take(6));
        std::thread::scope(|scope| {
            let large = scope.spawn(|| {
                let _large = room.take(1_000);
                *hold(&room.taken_bytes)
            });
            drop(one);
            assert!(!large.is_finished() || *hold(&room.taken_bytes) == 6);
            drop(two);
            assert_eq!(large.join().unwrap(), 10);
        });
        assert_eq!(*hold(&room.taken_bytes), 0);
    }
}
