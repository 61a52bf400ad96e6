//! The disk's snapshots that a backup has taken: known by its identity in their metadata, taken anew,
//! waited for, and deleted once a later one is held.

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

use super::chain::OWNER;
use super::error::Error;
use super::promote::PROMOTING;
use super::watch::Watch;
use crate::azure::{self, PageBlob, PageFacts, SnapshotFacts};

/// Pauses between two looks at a snapshot that is not whole yet.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The last of our snapshots, if it is later than another one.
pub(super) fn later(ours: &[SnapshotFacts], than: &str) -> Option<String> {
    ours.last().filter(|own| own.id.as_str() > than).map(|own| own.id.clone())
}

/// A disk as one backup sees it.
#[derive(Clone, Copy)]
pub(super) struct Taken<'a> {
    pub source: &'a dyn PageBlob,
    /// The backup's identity.
    pub backup: Uuid,
}

impl Taken<'_> {
    fn failed(&self, source: azure::Error) -> Error {
        Error::of(self.source, source)
    }

    /// What the service says of the disk, if it can be backed up to a blob of that address.
    pub fn disk(&self, target: &str) -> Result<PageFacts, Error> {
        let blob = self.source.address();
        if blob == target {
            return Err(Error::Itself { blob });
        }
        let facts = self.source.facts(None).map_err(|error| self.failed(error))?;
        let Some(facts) = facts else { return Err(Error::NoSource { blob }) };
        if !facts.is_pages {
            return Err(Error::NoPages { blob });
        }
        if facts.metadata.contains_key(PROMOTING) {
            return Err(Error::Promoting { blob });
        }
        Ok(facts)
    }

    /// Our snapshots, the oldest first.
    pub fn all(&self) -> Result<Vec<SnapshotFacts>, Error> {
        let mut all = self.source.snapshots().map_err(|error| self.failed(error))?;
        let own = self.backup.to_string();
        all.retain(|snapshot| snapshot.metadata.get(OWNER) == Some(&own));
        Ok(all)
    }

    /// What the service says of a snapshot, if it is there.
    pub fn facts(&self, snapshot: &str) -> Result<Option<PageFacts>, Error> {
        self.source.facts(Some(snapshot)).map_err(|error| self.failed(error))
    }

    /// A new one. It has the disk's metadata too: a snapshot that is given any has none of its blob.
    pub fn take(&self, facts: &PageFacts) -> Result<String, Error> {
        let mut metadata = facts.metadata.clone();
        metadata.insert(OWNER.to_owned(), self.backup.to_string());
        self.source.snapshot(&metadata, None).map_err(|error| self.failed(error))
    }

    /// The last of ours that is later than the one that is held, which a run that was killed has
    /// taken; else a new one.
    pub fn next(
        &self,
        ours: &[SnapshotFacts],
        held: Option<&str>,
        facts: &PageFacts,
    ) -> Result<String, Error> {
        match later(ours, held.unwrap_or_default()) {
            Some(left) => Ok(left),
            None => self.take(facts),
        }
    }

    /// The service may take its time to make a snapshot one that can be read; the moment that it holds
    /// is that of the call.
    pub fn await_whole(&self, snapshot: &str, watch: &dyn Watch) -> Result<(), Error> {
        let mut pause = FIRST_PAUSE;
        while let Some(percent) =
            self.source.percent(snapshot).map_err(|error| self.failed(error))?
        {
            watch
                .wait(&format!("for the service to make the snapshot whole: {percent} %"), pause)?;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Ok(())
    }

    /// Ends what runs of this backup that were killed have left open; no other goes on while this one
    /// holds the copy.
    pub fn end_left(&self) -> Result<(), Error> {
        let own = self.backup.to_string();
        let mine = |metadata: &BTreeMap<String, String>| metadata.get(OWNER) == Some(&own);
        self.source.end_left(&mine).map_err(|error| self.failed(error))
    }

    /// Deletes those that are older than the one that is held.
    pub fn remove_older(&self, ours: &[SnapshotFacts], held: &str) -> Result<(), Error> {
        for own in ours.iter().filter(|own| own.id.as_str() < held) {
            let removed = self.source.remove_snapshot(&own.id);
            removed.map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    /// One that was held is gone.
    pub fn lost(&self, snapshot: &str) -> Error {
        Error::BaselineLost { blob: self.source.address(), snapshot: snapshot.to_owned() }
    }
}
