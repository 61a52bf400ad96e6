//! A round whose point is a whole copy of the disk, a blob of its own: it needs no difference and no
//! snapshot that was held before. The blob gets a snapshot, which is the point. Ended anywhere, the next
//! run goes on.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::chain::{BACKUP, POINT, SOURCE};
use super::cost::written_bytes;
use super::error::Error;
use super::keeper::Keeper;
use super::pages::Counts;
use super::points::{Copies, points};
use super::prove::{Proven, prove};
use super::record::Verify;
use super::round::Made;
use super::scratch::Readable;
use super::taken::Taken;
use super::transfer::{Filled, Transfer};
use super::watch::{Step, Watch};
use crate::azure::PageBlob;

/// What a round works on.
#[derive(Debug)]
pub struct WholeRound<'a> {
    /// What is backed up.
    pub source: &'a Arc<dyn PageBlob>,
    /// The copies there are.
    pub copies: &'a Copies,
    /// What is leased.
    pub lock: &'a Arc<dyn PageBlob>,
    /// The backup's identity.
    pub backup: Uuid,
    /// The id of this run, fresh.
    pub run: Uuid,
    /// The id of the last run of this machine.
    pub former: Option<Uuid>,
    /// Whether the service copies.
    pub by_service: bool,
    /// What is read back.
    pub verify: Verify,
}

impl WholeRound<'_> {
    /// Makes a point.
    pub fn make(&self, watch: &dyn Watch) -> Result<Made, Error> {
        let taken = Taken { source: self.source.as_ref(), backup: self.backup };
        let disk = taken.disk(&self.lock.address())?;
        let keeper = Keeper::beside(self.lock, self.run, self.former, watch)?;
        taken.end_left()?;
        let before = points(self.copies, self.lock)?;
        let held = before.last().map(|own| own.source_snapshot.as_str());
        let ours = taken.all()?;
        // A run that was killed after its point left the one before.
        taken.remove_older(&ours, held.unwrap_or_default())?;
        let is_left = ours.last().is_some_and(|own| Some(own.id.as_str()) > held);
        let snapshot = taken.next(&ours, held, &disk)?;
        watch.step(Step::Snapshot)?;
        taken.await_whole(&snapshot, watch)?;
        let copy = self.lock.beside(&self.copies.name_of(&snapshot));
        let Filled { counts, keeper: filled, .. } =
            self.transfer(&snapshot, &copy).make(watch).map_err(|error| keeper.because(error))?;
        watch.step(Step::Copied)?;
        let filled = match filled {
            Some(keeper) => keeper,
            None => Keeper::take(&copy, self.run, self.former, watch)?,
        };
        let point = self.point(&copy, &snapshot, filled.id)?;
        drop(filled);
        watch.step(Step::Point)?;
        keeper.check()?;
        taken.remove_older(&ours, &snapshot)?;
        watch.step(Step::Released)?;
        drop(keeper);
        let facts = taken.facts(&snapshot)?.ok_or_else(|| taken.lost(&snapshot))?;
        let proven = self.prove((&copy, &point), (&snapshot, facts.bytes), watch)?;
        Ok(Made {
            by_service: counts.requests == 0,
            counts: self.told(&copy, (&point, facts.bytes), counts)?,
            point,
            bytes: facts.bytes,
            is_first: held.is_none(),
            is_resumed: is_left,
            proven,
            source_snapshot: snapshot,
        })
    }

    fn transfer<'r>(&'r self, snapshot: &'r str, to: &'r Arc<dyn PageBlob>) -> Transfer<'r> {
        Transfer {
            from: self.source,
            snapshot,
            to,
            mark: snapshot,
            run: self.run,
            former: self.former,
            by_service: self.by_service,
            verify: self.verify,
            check: None,
        }
    }

    /// The snapshot of a whole copy; made if there is none.
    fn point(
        &self,
        copy: &Arc<dyn PageBlob>,
        snapshot: &str,
        lease: Uuid,
    ) -> Result<String, Error> {
        let failed = |source| Error::of(copy.as_ref(), source);
        let all = copy.snapshots().map_err(failed)?;
        let there = all.iter().find(|own| own.metadata.get(POINT).is_some_and(|of| of == snapshot));
        if let Some(own) = there {
            return Ok(own.id.clone());
        }
        let metadata = BTreeMap::from([
            (POINT.to_owned(), snapshot.to_owned()),
            (BACKUP.to_owned(), self.backup.to_string()),
            (SOURCE.to_owned(), self.source.address()),
        ]);
        copy.snapshot(&metadata, Some(lease)).map_err(failed)
    }

    /// What was written, by whoever wrote it.
    fn told(
        &self,
        copy: &Arc<dyn PageBlob>,
        (point, bytes): (&str, u64),
        counts: Counts,
    ) -> Result<Counts, Error> {
        if counts.requests > 0 {
            return Ok(counts);
        }
        let written_bytes = written_bytes(copy.as_ref(), Some(point), bytes)?;
        Ok(Counts { written_bytes, requests: 1, ..counts })
    }

    fn prove(
        &self,
        (copy, point): (&Arc<dyn PageBlob>, &str),
        (snapshot, bytes): (&str, u64),
        watch: &dyn Watch,
    ) -> Result<Option<Proven>, Error> {
        if self.verify == Verify::None {
            return Ok(None);
        }
        let own = Readable::of(self.source, snapshot, bytes, self.backup, watch)?;
        let proven = prove(&own, copy.as_ref(), point, watch)?;
        own.end()?;
        Ok(Some(proven))
    }
}
