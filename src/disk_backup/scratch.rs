//! A disk whose snapshots cannot be read, as some premium accounts have them: the service copies the
//! snapshot to a blob beside the disk, and that is read. It has the backup's name, so one that a killed
//! run has left is gone on with, or deleted by the next.

use std::collections::BTreeMap;
use std::sync::Arc;

use disk_prep::limits::PAGE_BYTES;
use uuid::Uuid;

use super::error::Error;
use super::pages::Side;
use super::transfer::copied;
use super::watch::Watch;
use crate::azure::{self, PageBlob, PageFacts};

/// Metadata of the copy: of which snapshot it is.
const OF: &str = "bk_scratch";
/// What the service says where a snapshot cannot be read.
const UNREADABLE: &str = "InvalidOperation";

/// Where the bytes of a snapshot are read.
pub(super) struct Readable<'a> {
    source: &'a Arc<dyn PageBlob>,
    snapshot: &'a str,
    /// The copy that is read in its place.
    scratch: Option<Arc<dyn PageBlob>>,
}

fn named(source: &Arc<dyn PageBlob>, backup: Uuid) -> Arc<dyn PageBlob> {
    source.beside(&format!("azseed/scratch-{backup}"))
}

fn of_snapshot(facts: &PageFacts, snapshot: &str) -> bool {
    facts.metadata.get(OF).is_some_and(|own| own == snapshot)
}

impl<'a> Readable<'a> {
    /// Finds out, and has the service copy where it must be.
    pub fn of(
        source: &'a Arc<dyn PageBlob>,
        snapshot: &'a str,
        bytes: u64,
        backup: Uuid,
        watch: &dyn Watch,
    ) -> Result<Self, Error> {
        let of_source = |error| Error::of(source.as_ref(), error);
        let probe = match bytes {
            0 => Ok(()),
            _ => source.read(Some(snapshot), 0, PAGE_BYTES).map(drop),
        };
        match probe {
            Ok(()) => return Ok(Readable { source, snapshot, scratch: None }),
            Err(azure::Error::Refused { code, .. }) if code == UNREADABLE => {}
            Err(error) => return Err(of_source(error)),
        }
        let scratch = named(source, backup);
        let failed = |error| Error::of(scratch.as_ref(), error);
        let there = scratch.facts(None).map_err(failed)?;
        if let Some(old) = there.filter(|facts| !of_snapshot(facts, snapshot)) {
            scratch.remove(&old.etag).map_err(failed)?;
        }
        let metadata = BTreeMap::from([(OF.to_owned(), snapshot.to_owned())]);
        let from = source.source(snapshot).map_err(of_source)?;
        scratch.copy_from(&from, &metadata).map_err(failed)?;
        let look = || {
            let facts = scratch.facts(None).map_err(failed)?;
            facts.ok_or_else(|| Error::NoSource { blob: scratch.address() })
        };
        copied(source.as_ref(), scratch.as_ref(), look, watch)?;
        Ok(Readable { source, snapshot, scratch: Some(scratch) })
    }

    /// Without finding out: nobody reads the bytes here.
    pub fn plain(source: &'a Arc<dyn PageBlob>, snapshot: &'a str) -> Self {
        Readable { source, snapshot, scratch: None }
    }

    /// What an earlier step of a run has left, to be ended.
    pub fn left(source: &'a Arc<dyn PageBlob>, snapshot: &'a str, backup: Uuid) -> Self {
        Readable { source, snapshot, scratch: Some(named(source, backup)) }
    }

    /// What is read.
    pub fn side(&self) -> Side<'_> {
        match &self.scratch {
            Some(scratch) => (scratch.as_ref(), None),
            None => (self.source.as_ref(), Some(self.snapshot)),
        }
    }

    /// Deletes the copy, if there is one.
    pub fn end(self) -> Result<(), Error> {
        let Some(scratch) = self.scratch else { return Ok(()) };
        let failed = |error| Error::of(scratch.as_ref(), error);
        match scratch.facts(None).map_err(failed)? {
            Some(facts) => scratch.remove(&facts.etag).map_err(failed),
            None => Ok(()),
        }
    }
}
