//! A blob that is made of a snapshot of another, by the service or through this machine. While it is
//! being filled, it says what with; a run that finds that goes on, and what is foreign is refused.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::apply::Application;
use super::chain::POINT;
use super::checked::Check;
use super::compare::compare;
use super::engine::Via;
use super::error::Error;
use super::keeper::Keeper;
use super::pages::Counts;
use super::record::Verify;
use super::watch::Watch;
use crate::azure::{self, Made, PageBlob, PageFacts, SnapshotFacts};

/// Metadata of a blob that is being filled: with what.
const FILLING: &str = "bk_filling";
/// Metadata of a blob that was filled: with what.
const FILLED: &str = "bk_filled";
/// The longest pause between two looks at a copy by the service.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What a blob is being filled with, if it says so.
pub fn filled_with(facts: &PageFacts) -> Option<&str> {
    facts.metadata.get(FILLING).map(String::as_str)
}

/// From where to where.
pub(super) struct Transfer<'a> {
    pub from: &'a Arc<dyn PageBlob>,
    /// The snapshot that is copied.
    pub snapshot: &'a str,
    pub to: &'a Arc<dyn PageBlob>,
    /// What the new blob is being filled with; the same for a run that goes on.
    pub mark: &'a str,
    pub run: Uuid,
    pub former: Option<Uuid>,
    pub by_service: bool,
    pub verify: Verify,
    /// What is compared with what is read; nothing can be where the service copies.
    pub check: Option<Check<'a>>,
}

/// A blob that is whole.
pub(super) struct Filled {
    pub counts: Counts,
    /// Held since before its last byte was written; `None` if a run before had filled it, and
    /// nobody knows who has written to it since.
    pub keeper: Option<Keeper>,
    /// Whether all of it was compared while it was read.
    pub is_compared: bool,
}

impl Filled {
    /// By a run before.
    fn before() -> Self {
        Filled { counts: Counts::default(), keeper: None, is_compared: false }
    }
}

impl Transfer<'_> {
    fn of_target(&self, source: azure::Error) -> Error {
        Error::of(self.to.as_ref(), source)
    }

    /// What is there, if it is ours.
    fn look(&self) -> Result<Option<PageFacts>, Error> {
        let facts = self.to.facts(None).map_err(|error| self.of_target(error))?;
        let Some(facts) = facts else { return Ok(None) };
        let is_ours = [FILLING, FILLED]
            .iter()
            .any(|name| facts.metadata.get(*name).is_some_and(|mark| mark == self.mark));
        if is_ours && facts.is_pages {
            return Ok(Some(facts));
        }
        Err(Error::Taken { blob: self.to.address() })
    }

    /// A managed disk that was begun and can be written no more: a run was killed after it had brought
    /// all of it, or somebody ended the upload before. What it holds tells which.
    fn sealed(&self, watch: &dyn Watch) -> Result<Filled, Error> {
        let (from, to) = (self.from.as_ref(), self.to.as_ref());
        let found = compare((from, Some(self.snapshot)), (to, None), None, watch)?;
        if let Some(offset) = found.first() {
            return Err(Error::UploadEnded { disk: to.address(), offset });
        }
        self.said_whole(None)?;
        Ok(Filled::before())
    }

    fn said_whole(&self, lease: Option<Uuid>) -> Result<(), Error> {
        let whole = BTreeMap::from([(FILLED.to_owned(), self.mark.to_owned())]);
        let said = self.to.set_metadata(&whole, &self.there()?.etag, lease);
        said.map_err(|error| self.of_target(error))
    }

    fn there(&self) -> Result<PageFacts, Error> {
        self.look()?.ok_or_else(|| Error::NoSource { blob: self.to.address() })
    }

    /// Fills it.
    pub fn make(&self, watch: &dyn Watch) -> Result<Filled, Error> {
        let begun = self.look()?;
        if begun.as_ref().is_some_and(|facts| facts.metadata.contains_key(FILLED)) {
            return Ok(Filled::before());
        }
        let (from, to) = (self.from.as_ref(), self.to.as_ref());
        let facts = from.facts(Some(self.snapshot)).map_err(|source| Error::of(from, source))?;
        let gone = || Error::PointGone { blob: from.address(), snapshot: self.snapshot.to_owned() };
        let bytes = facts.ok_or_else(gone)?.bytes;
        if begun.as_ref().is_some_and(|facts| facts.is_sealed) {
            return self.sealed(watch);
        }
        let by_service = self.by_service && !to.is_managed();
        let is_copy = begun.as_ref().map_or(by_service, |facts| facts.copy.is_some());
        let metadata = BTreeMap::from([(FILLING.to_owned(), self.mark.to_owned())]);
        let made = match (begun, is_copy) {
            (Some(_), _) => Made::New,
            (None, true) => {
                let source =
                    from.source(self.snapshot).map_err(|source| Error::of(from, source))?;
                to.copy_from(&source, &metadata).map_err(|error| self.of_target(error))?
            }
            (None, false) => to.create(bytes, &metadata).map_err(|error| self.of_target(error))?,
        };
        if made == Made::There {
            // It is ours, or this refuses it.
            self.look()?;
        }
        if is_copy {
            copied(from, to, || self.there(), watch)?;
        }
        let keeper = Keeper::take(self.to, self.run, self.former, watch)?;
        let application = Application {
            source: from,
            target: to,
            content: (from, Some(self.snapshot)),
            from: None,
            to: self.snapshot,
            bytes,
            via: Via::Client,
            keeper: &keeper,
            verify: self.verify,
            watch,
        };
        let (counts, is_compared) = match &self.check {
            _ if is_copy => (Counts::default(), false),
            Some(check) => application.fill_checked(check)?,
            None => (application.fill()?, false),
        };
        self.said_whole(Some(keeper.id))?;
        Ok(Filled { counts, keeper: Some(keeper), is_compared })
    }
}

/// Waits until the service has copied; `look` tells of the copy, and that it is ours. One that came
/// to nothing is empty and is deleted, so that the next run begins anew.
pub(super) fn copied(
    from: &dyn PageBlob,
    to: &dyn PageBlob,
    look: impl Fn() -> Result<PageFacts, Error>,
    watch: &dyn Watch,
) -> Result<(), Error> {
    let mut pause = Duration::from_millis(200);
    loop {
        let facts = look()?;
        match facts.copy {
            Some(copy) if copy.is_pending => {
                let what = format!("for the service to copy: {}", copy.progress);
                watch.wait(&what, pause)?;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Some(azure::CopyFacts { failure: Some(why), .. }) => {
                let removed = to.remove(&facts.etag);
                removed.map_err(|source| Error::of(to, source))?;
                return Err(Error::Copy { blob: from.address(), why });
            }
            _ => return Ok(()),
        }
    }
}

/// A copy's snapshot of a snapshot of its source; made if there is none.
pub(super) fn point_of(copy: &dyn PageBlob, snapshot: &str, lease: Uuid) -> Result<String, Error> {
    let all = copy.snapshots().map_err(|source| Error::of(copy, source))?;
    let is_it =
        |own: &&SnapshotFacts| own.metadata.get(POINT).is_some_and(|point| point == snapshot);
    if let Some(own) = all.iter().find(is_it) {
        return Ok(own.id.clone());
    }
    let metadata = BTreeMap::from([(POINT.to_owned(), snapshot.to_owned())]);
    copy.snapshot(&metadata, Some(lease)).map_err(|source| Error::of(copy, source))
}
