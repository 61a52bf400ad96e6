//! A point becomes a disk again, and that disk is backed up from its first moment. The point is copied
//! to a blob that will be the new disk's copy, that to the new disk, and both get a snapshot: so the
//! first round of the new disk sends only what changed. Ended anywhere, the next run goes on.

use std::sync::Arc;

use uuid::Uuid;

use super::chain::{Chain, Mode, OWNER, POINT, Pending};
use super::checked::Check;
use super::compare::compare;
use super::error::Error;
use super::keeper::Keeper;
use super::pages::{Counts, Side};
use super::points::DiskPoint;
use super::record::Verify;
use super::transfer::{Filled, Transfer, point_of};
use super::watch::{Step, Watch};
use crate::azure::{PageBlob, PageFacts};

/// What is restored, and to where.
#[derive(Debug)]
pub struct Restoration<'a> {
    /// The point.
    pub point: &'a DiskPoint,
    /// The copy that has it.
    pub copy: &'a Arc<dyn PageBlob>,
    /// The new disk.
    pub disk: &'a Arc<dyn PageBlob>,
    /// The new disk's own copy; none if it is not to be backed up.
    pub onward: Option<&'a Arc<dyn PageBlob>>,
    /// The identity of the new disk's backup.
    pub backup: Uuid,
    /// The id of this run, fresh.
    pub run: Uuid,
    /// The id of the last run of this machine.
    pub former: Option<Uuid>,
    /// Whether the service copies.
    pub by_service: bool,
    /// What is read back.
    pub verify: Verify,
    /// What is compared with what is read of the point.
    pub check: Option<Check<'a>>,
}

/// A disk that was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MadeDisk {
    /// What went through this machine.
    pub counts: Counts,
    /// The new disk's first snapshot, from which its backup goes on; none without a backup.
    pub snapshot: Option<String>,
    /// Bytes that were compared afterwards; none if that was not asked for.
    pub proven_bytes: Option<u64>,
    /// Whether all of the point was compared with its digest table.
    pub is_compared: bool,
    /// Whether it was whole before.
    pub was_there: bool,
}

impl Restoration<'_> {
    /// Does it (S2 to S5).
    pub fn make(&self, watch: &dyn Watch) -> Result<MadeDisk, Error> {
        let Some(onward) = self.onward else { return self.alone(watch) };
        if let Some(snapshot) = self.ended(onward)? {
            let proven_bytes = self.prove_again(onward, &snapshot, watch)?;
            let (counts, snapshot) = (Counts::default(), Some(snapshot));
            let is_compared = false;
            return Ok(MadeDisk { counts, snapshot, proven_bytes, is_compared, was_there: true });
        }
        let point = self.point.backup_snapshot.as_str();
        let first = self.transfer((self.copy, point), onward, self.check).make(watch)?;
        let is_compared = first.is_compared;
        watch.step(Step::PointCopied)?;
        let counts = first.counts;
        let keeper = self.keep(onward, first, watch)?;
        let own = point_of(onward.as_ref(), &self.point.source_snapshot, keeper.id)?;
        watch.step(Step::PointKept)?;
        // Once is enough, and where the service has copied the point this machine reads it here.
        let check = self.check.filter(|_| !is_compared);
        let second = self.transfer((onward, &own), self.disk, check).make(watch)?;
        let is_compared = is_compared || second.is_compared;
        watch.step(Step::DiskCopied)?;
        let counts = counts.plus(second.counts);
        // Else the machine may have written to it before its first snapshot.
        let is_sure = second.keeper.is_some();
        let (snapshot, is_sure) = match self.first_snapshot()? {
            Some(snapshot) => (snapshot, is_sure),
            None => (self.take(second.keeper.as_ref().map(|keeper| keeper.id))?, is_sure),
        };
        drop(second.keeper);
        watch.step(Step::DiskSnapshot)?;
        let proven_bytes = self.prove((onward, &own), Some(&snapshot), watch)?;
        self.join(onward, &snapshot, is_sure || proven_bytes.is_some(), keeper.id)?;
        watch.step(Step::DiskBaseline)?;
        let snapshot = Some(snapshot);
        Ok(MadeDisk { counts, snapshot, proven_bytes, is_compared, was_there: false })
    }

    /// The disk only.
    fn alone(&self, watch: &dyn Watch) -> Result<MadeDisk, Error> {
        let point = self.point.backup_snapshot.as_str();
        let filled = self.transfer((self.copy, point), self.disk, self.check).make(watch)?;
        let (counts, is_compared) = (filled.counts, filled.is_compared);
        let was_there = filled.keeper.is_none();
        watch.step(Step::DiskCopied)?;
        let mut proven_bytes = None;
        if self.verify == Verify::Full {
            // What is read is what was written, as long as the lease is held.
            let _lease = self.keep(self.disk, filled, watch)?;
            proven_bytes = self.prove((self.copy, point), None, watch)?;
        }
        Ok(MadeDisk { counts, snapshot: None, proven_bytes, is_compared, was_there })
    }

    fn transfer<'r>(
        &'r self,
        (from, snapshot): (&'r Arc<dyn PageBlob>, &'r str),
        to: &'r Arc<dyn PageBlob>,
        check: Option<Check<'r>>,
    ) -> Transfer<'r> {
        Transfer {
            from,
            snapshot,
            to,
            mark: &self.point.backup_snapshot,
            run: self.run,
            former: self.former,
            by_service: self.by_service,
            verify: self.verify,
            check,
        }
    }

    fn keep(
        &self,
        blob: &Arc<dyn PageBlob>,
        filled: Filled,
        watch: &dyn Watch,
    ) -> Result<Keeper, Error> {
        match filled.keeper {
            Some(keeper) => Ok(keeper),
            None => Keeper::take(blob, self.run, self.former, watch),
        }
    }

    fn facts(&self, blob: &Arc<dyn PageBlob>) -> Result<PageFacts, Error> {
        let facts = blob.facts(None).map_err(|source| Error::of(blob.as_ref(), source))?;
        facts.ok_or_else(|| Error::NoSource { blob: blob.address() })
    }

    /// The first snapshot of the new disk, if all of this was done before.
    fn ended(&self, onward: &Arc<dyn PageBlob>) -> Result<Option<String>, Error> {
        let failed = |source| Error::of(onward.as_ref(), source);
        let Some(facts) = onward.facts(None).map_err(failed)? else { return Ok(None) };
        let own = Chain::parse(&facts.metadata);
        let own = own.filter(|chain| chain.id == self.backup.to_string());
        Ok(own.and_then(|chain| chain.baseline.or(chain.pending.map(|pending| pending.snapshot))))
    }

    /// A snapshot of the new disk that a run before has taken.
    fn first_snapshot(&self) -> Result<Option<String>, Error> {
        let all = self.disk.snapshots();
        let all = all.map_err(|source| Error::of(self.disk.as_ref(), source))?;
        let own = self.backup.to_string();
        let mut ours = all.into_iter().filter(|one| one.metadata.get(OWNER) == Some(&own));
        Ok(ours.next().map(|one| one.id))
    }

    fn take(&self, lease: Option<Uuid>) -> Result<String, Error> {
        let mut metadata = self.facts(self.disk)?.metadata;
        metadata.insert(OWNER.to_owned(), self.backup.to_string());
        let taken = self.disk.snapshot(&metadata, lease);
        taken.map_err(|source| Error::of(self.disk.as_ref(), source))
    }

    /// The copy says that it is that of the new disk. Where it is not sure that it holds the disk's
    /// snapshot, the first round makes sure by sending all of it.
    fn join(
        &self,
        onward: &Arc<dyn PageBlob>,
        snapshot: &str,
        is_sure: bool,
        lease: Uuid,
    ) -> Result<(), Error> {
        let pending = Pending { snapshot: snapshot.to_owned(), mode: Some(Mode::All) };
        let chain = Chain {
            id: self.backup.to_string(),
            source: self.disk.address(),
            baseline: is_sure.then(|| snapshot.to_owned()),
            pending: (!is_sure).then_some(pending),
        };
        let etag = self.facts(onward)?.etag;
        let said = onward.set_metadata(&chain.metadata(), &etag, Some(lease));
        said.map_err(|source| Error::of(onward.as_ref(), source))
    }

    fn prove(
        &self,
        (blob, own): (&Arc<dyn PageBlob>, &str),
        snapshot: Option<&str>,
        watch: &dyn Watch,
    ) -> Result<Option<u64>, Error> {
        if self.verify != Verify::Full {
            return Ok(None);
        }
        equal((blob.as_ref(), Some(own)), (self.disk.as_ref(), snapshot), watch).map(Some)
    }

    /// A disk that a run before has restored is compared as it was then: by its first snapshot, or, once
    /// its backup has gone on from that, by what that backup began with.
    fn prove_again(
        &self,
        onward: &Arc<dyn PageBlob>,
        snapshot: &str,
        watch: &dyn Watch,
    ) -> Result<Option<u64>, Error> {
        if self.verify != Verify::Full {
            return Ok(None);
        }
        let point = (self.copy.as_ref(), Some(self.point.backup_snapshot.as_str()));
        let all = onward.snapshots().map_err(|source| Error::of(onward.as_ref(), source))?;
        let mut points = all.iter().filter_map(|own| Some((own, own.metadata.get(POINT)?)));
        let is_first = |of: &String| *of == self.point.source_snapshot;
        if points.clone().all(|(_, of)| is_first(of)) {
            return equal(point, (self.disk.as_ref(), Some(snapshot)), watch).map(Some);
        }
        match points.find(|(_, of)| is_first(of)) {
            Some((own, _)) => equal(point, (onward.as_ref(), Some(&own.id)), watch).map(Some),
            None => {
                watch.say("Not compared: the disk has gone on, and what it began with is let go");
                Ok(None)
            }
        }
    }
}

/// The bytes of two contents that are the same.
fn equal(one: Side<'_>, other: Side<'_>, watch: &dyn Watch) -> Result<u64, Error> {
    let found = compare(one, other, None, watch)?;
    match found.first() {
        None => Ok(found.compared_bytes),
        Some(offset) => Err(Error::ReadBack { blob: other.0.address(), offset }),
    }
}
