//! A point goes over the disk itself. What the disk holds gets a snapshot first, and only what differs
//! is written, so the next round sends no more than that. The disk says that it is under way: until it
//! is whole, no point is made of it.

use std::sync::Arc;

use uuid::Uuid;

use super::apply::Application;
use super::compare::compare;
use super::engine::Via;
use super::error::Error;
use super::keeper::Keeper;
use super::pages::Counts;
use super::points::DiskPoint;
use super::record::Verify;
use super::watch::{Step, Watch};
use crate::azure::{PageBlob, PageFacts};

/// Metadata of a disk that a point is being put over: the point, and the disk's snapshot from before.
pub(super) const PROMOTING: &str = "bk_promoting";
/// Metadata of a disk that a point was put over: the same two.
const PROMOTED: &str = "bk_promoted";
/// Metadata of the disk's snapshot from before: whose backup put a point over it.
const BEFORE: &str = "bk_before";

/// What goes over what.
#[derive(Debug)]
pub struct Promotion<'a> {
    /// The point.
    pub point: &'a DiskPoint,
    /// The copy that has it.
    pub copy: &'a Arc<dyn PageBlob>,
    /// The disk.
    pub disk: &'a Arc<dyn PageBlob>,
    /// The backup's identity.
    pub backup: Uuid,
    /// The id of this run, fresh.
    pub run: Uuid,
    /// The id of the last run of this machine.
    pub former: Option<Uuid>,
    /// What is read back.
    pub verify: Verify,
}

/// A disk that is as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promoted {
    /// The disk's snapshot from before.
    pub before: String,
    /// What was done.
    pub counts: Counts,
    /// Bytes that were compared afterwards; none if that was not asked for.
    pub proven_bytes: Option<u64>,
    /// Whether a run before had begun it.
    pub is_resumed: bool,
}

impl Promotion<'_> {
    fn facts(&self) -> Result<PageFacts, Error> {
        let facts = self.disk.facts(None);
        let facts = facts.map_err(|source| Error::of(self.disk.as_ref(), source))?;
        facts.ok_or_else(|| Error::NoSource { blob: self.disk.address() })
    }

    /// The snapshot from before, if a run has begun to put this point over the disk. Refuses a disk
    /// that is in use, or that another point is being put over.
    pub fn begun(&self) -> Result<Option<String>, Error> {
        let facts = self.facts()?;
        if !facts.is_pages {
            return Err(Error::NoPages { blob: self.disk.address() });
        }
        let Some(mark) = facts.metadata.get(PROMOTING) else {
            // The lease of a run that was killed before it could say so is taken over.
            let is_ours = || self.former.is_some_and(|id| self.disk.renew_lease(id).is_ok());
            return match facts.is_leased && !is_ours() {
                true => Err(Error::InUse { blob: self.disk.address() }),
                false => Ok(None),
            };
        };
        match mark.split_once(' ') {
            Some((point, before)) if point == self.point.backup_snapshot => {
                Ok(Some(before.to_owned()))
            }
            _ => Err(Error::Promoting { blob: self.disk.address() }),
        }
    }

    /// Does it.
    pub fn make(&self, watch: &dyn Watch) -> Result<Promoted, Error> {
        let (copy, disk) = (self.copy.as_ref(), self.disk.as_ref());
        let of_disk = |source| Error::of(disk, source);
        let id = self.point.backup_snapshot.as_str();
        let begun = self.begun()?;
        let is_resumed = begun.is_some();
        if !is_resumed && let Some(before) = self.made_before(watch)? {
            let (counts, proven_bytes) = (Counts::default(), Some(self.point.bytes));
            return Ok(Promoted { before, counts, proven_bytes, is_resumed });
        }
        let keeper = Keeper::take(self.disk, self.run, self.former, watch)?;
        let before = match begun {
            Some(before) => before,
            None => self.begin(keeper.id, watch)?,
        };
        let bytes = self.point.bytes;
        if self.facts()?.bytes != bytes {
            disk.resize(bytes, keeper.id).map_err(of_disk)?;
        }
        let application = Application {
            source: copy,
            target: disk,
            content: (copy, Some(id)),
            from: None,
            to: id,
            bytes,
            via: Via::Client,
            keeper: &keeper,
            verify: self.verify,
            watch,
        };
        let counts = application.level().map_err(|error| keeper.because(error))?;
        watch.step(Step::Applied)?;
        keeper.check()?;
        let mut proven_bytes = None;
        if self.verify == Verify::Full {
            let found = compare((copy, Some(id)), (disk, None), None, watch)?;
            if let Some(offset) = found.first() {
                return Err(Error::ReadBack { blob: disk.address(), offset });
            }
            proven_bytes = Some(found.compared_bytes);
        }
        let facts = self.facts()?;
        let mut metadata = facts.metadata.clone();
        metadata.remove(PROMOTING);
        metadata.insert(PROMOTED.to_owned(), format!("{id} {before}"));
        disk.set_metadata(&metadata, &facts.etag, Some(keeper.id)).map_err(of_disk)?;
        watch.step(Step::Promoted)?;
        Ok(Promoted { before, counts, proven_bytes, is_resumed })
    }

    /// The snapshot from before, if this point was put over the disk and the disk is still equal to it.
    fn made_before(&self, watch: &dyn Watch) -> Result<Option<String>, Error> {
        let facts = self.facts()?;
        let mark = facts.metadata.get(PROMOTED).and_then(|mark| mark.split_once(' '));
        let is_meant = |(point, _): &(&str, &str)| *point == self.point.backup_snapshot.as_str();
        let Some((point, before)) = mark.filter(is_meant) else { return Ok(None) };
        if facts.bytes != self.point.bytes {
            return Ok(None);
        }
        let (copy, disk) = (self.copy.as_ref(), self.disk.as_ref());
        let found = compare((copy, Some(point)), (disk, None), None, watch)?;
        Ok(found.first().is_none().then(|| before.to_owned()))
    }

    /// What the disk holds is kept, and the disk says what comes over it.
    fn begin(&self, lease: Uuid, watch: &dyn Watch) -> Result<String, Error> {
        let of_disk = |source| Error::of(self.disk.as_ref(), source);
        let facts = self.facts()?;
        let mut metadata = facts.metadata.clone();
        metadata.insert(BEFORE.to_owned(), self.backup.to_string());
        let before = self.disk.snapshot(&metadata, Some(lease)).map_err(of_disk)?;
        watch.step(Step::Before)?;
        let mut metadata = facts.metadata;
        let mark = format!("{} {before}", self.point.backup_snapshot);
        metadata.insert(PROMOTING.to_owned(), mark);
        let etag = self.facts()?.etag;
        self.disk.set_metadata(&metadata, &etag, Some(lease)).map_err(of_disk)?;
        watch.step(Step::Promoting)?;
        Ok(before)
    }
}
