//! A round that the service makes by itself: told of a new snapshot of the disk, it brings the copy to
//! it and makes the point ("Incremental Copy Blob"). Nothing of the copy can be written, so what it
//! holds is told by its points, and a blob beside it is leased in its place. Ended anywhere, the next
//! run goes on.

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::cost::written_bytes;
use super::error::Error;
use super::keeper::Keeper;
use super::listing::{listed, refused};
use super::pages::Counts;
use super::points::{Copies, DiskPoint, points};
use super::prove::{Proven, prove};
use super::record::Verify;
use super::round::Made;
use super::scratch::Readable;
use super::taken::Taken;
use super::watch::{Step, Watch};
use crate::azure::{self, PageBlob, PageFacts, PageState};

/// The longest pause between two looks at a copy.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What a round works on.
#[derive(Debug)]
pub struct ServiceRound<'a> {
    /// What is backed up.
    pub source: &'a Arc<dyn PageBlob>,
    /// The copy.
    pub target: &'a Arc<dyn PageBlob>,
    /// The copy's name.
    pub name: &'a str,
    /// What is leased.
    pub lock: &'a Arc<dyn PageBlob>,
    /// The backup's identity.
    pub backup: Uuid,
    /// The id of this run, fresh.
    pub run: Uuid,
    /// The id of the last run of this machine.
    pub former: Option<Uuid>,
    /// What is read back.
    pub verify: Verify,
    /// The source's snapshot that the copies before this one hold: a whole new one begins with a later.
    pub older: Option<String>,
}

impl ServiceRound<'_> {
    /// Makes a point.
    pub fn make(&self, watch: &dyn Watch) -> Result<Made, Error> {
        let taken = Taken { source: self.source.as_ref(), backup: self.backup };
        let disk = taken.disk(&self.target.address())?;
        let keeper = Keeper::beside(self.lock, self.run, self.former, watch)?;
        let was_pending = self.await_copied(watch)?;
        let before = self.points()?;
        let held = before.last().map(|own| own.source_snapshot.as_str());
        let ours = taken.all()?;
        if let Some(held) = held {
            if !ours.iter().any(|own| own.id == held) {
                return Err(taken.lost(held));
            }
            // A run that was killed after its point left the one before.
            taken.remove_older(&ours, held)?;
        }
        let passed = held.or(self.older.as_deref());
        let is_left = ours.last().is_some_and(|own| Some(own.id.as_str()) > passed);
        let snapshot = taken.next(&ours, passed, &disk)?;
        watch.step(Step::Snapshot)?;
        taken.await_whole(&snapshot, watch)?;
        keeper.check()?;
        self.begin(&snapshot, held).map_err(|error| keeper.because(error))?;
        watch.step(Step::Pending)?;
        self.await_copied(watch)?;
        let after = self.points()?;
        let point = after.iter().find(|own| own.source_snapshot == snapshot);
        let point = point.ok_or_else(|| self.failed("no snapshot came of it".to_owned()))?;
        watch.step(Step::Point)?;
        keeper.check()?;
        taken.remove_older(&ours, &snapshot)?;
        watch.step(Step::Released)?;
        drop(keeper);
        let proven = self.prove(point, watch)?;
        Ok(Made {
            counts: self.counts(before.last(), point)?,
            point: point.backup_snapshot.clone(),
            bytes: point.bytes,
            is_first: held.is_none(),
            by_service: true,
            is_resumed: was_pending || is_left,
            proven,
            source_snapshot: snapshot,
        })
    }

    fn of_target(&self, source: azure::Error) -> Error {
        Error::of(self.target.as_ref(), source)
    }

    fn failed(&self, why: String) -> Error {
        Error::Copy { blob: self.source.address(), why }
    }

    /// The points of the copy that goes on; those of a blob that is another's are none.
    fn points(&self) -> Result<Vec<DiskPoint>, Error> {
        let (names, source) = (vec![self.name.to_owned()], self.source.address());
        points(&Copies::ByService { names, source }, self.target)
    }

    fn facts(&self) -> Result<Option<PageFacts>, Error> {
        self.target.facts(None).map_err(|error| self.of_target(error))
    }

    fn begin(&self, snapshot: &str, held: Option<&str>) -> Result<(), Error> {
        let of_source = |source| Error::of(self.source.as_ref(), source);
        let from = self.source.source(snapshot).map_err(of_source)?;
        self.target.copy_changes(&from).map_err(|source| match source {
            azure::Error::Failing { status: 501, .. } => {
                Error::NotServed { blob: self.target.address(), call: "Incremental Copy Blob" }
            }
            azure::Error::Refused { code, .. } if code == "IncrementalCopyBlobMismatch" => {
                let (blob, source_blob) = (self.target.address(), self.source.address());
                Error::Foreign { blob, source_blob }
            }
            source => refused(self.source.as_ref(), held, source),
        })
    }

    /// Waits until nothing is copied any more; whether something was. One that failed has made no
    /// point, and the next call of the same goes on from the point before.
    fn await_copied(&self, watch: &dyn Watch) -> Result<bool, Error> {
        let (mut pause, mut was_pending) = (Duration::from_millis(200), false);
        loop {
            let Some(facts) = self.facts()? else { return Ok(was_pending) };
            if !facts.is_incremental {
                let (blob, source_blob) = (self.target.address(), self.source.address());
                return Err(Error::Foreign { blob, source_blob });
            }
            let Some(copy) = facts.copy.filter(|copy| copy.is_pending) else {
                return Ok(was_pending);
            };
            was_pending = true;
            watch.wait(&format!("for the service to copy: {}", copy.progress), pause)?;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// What the service wrote, as it tells it itself.
    fn counts(&self, before: Option<&DiskPoint>, point: &DiskPoint) -> Result<Counts, Error> {
        let target = self.target.as_ref();
        let own = Some(point.backup_snapshot.as_str());
        let mut counts = Counts { requests: 1, ..Counts::default() };
        let Some(before) = before else {
            counts.written_bytes = written_bytes(target, own, point.bytes)?;
            return Ok(counts);
        };
        listed(target, own, Some(&before.backup_snapshot), point.bytes, |part| {
            for range in part {
                let bytes = range.end - range.start;
                match range.state {
                    PageState::Written => counts.written_bytes += bytes,
                    PageState::Cleared => counts.cleared_bytes += bytes,
                }
            }
            Ok(())
        })?;
        Ok(counts)
    }

    /// No byte went through this machine, so whatever is to be read back is all of both.
    fn prove(&self, point: &DiskPoint, watch: &dyn Watch) -> Result<Option<Proven>, Error> {
        if self.verify == Verify::None {
            return Ok(None);
        }
        let snapshot = point.source_snapshot.as_str();
        let own = Readable::of(self.source, snapshot, point.bytes, self.backup, watch)?;
        let proven = prove(&own, self.target.as_ref(), &point.backup_snapshot, watch)?;
        own.end()?;
        Ok(Some(proven))
    }
}
