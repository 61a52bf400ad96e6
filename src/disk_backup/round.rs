//! One round of a disk's backup: the numbered steps in the order that loses nothing. A snapshot of
//! the source is compared with the one that the copy holds, what changed goes into the copy, the copy
//! gets a snapshot, its metadata say so, and only then is the source's former snapshot deleted. Ended
//! anywhere, the next run goes on.

use std::sync::Arc;

use uuid::Uuid;

use super::apply::Application;
use super::chain::{Chain, Mode, Pending};
use super::cost::written_bytes;
use super::engine::Via;
use super::error::Error;
use super::keeper::Keeper;
use super::pages::{Counts, Side};
use super::prove::{Proven, prove};
use super::record::Verify;
use super::scratch::Readable;
use super::taken::{Taken, later};
use super::transfer::{copied, point_of};
use super::untouched::check_untouched;
use super::watch::{Step, Watch};
use crate::azure::{self, Made as BlobMade, PageBlob, PageFacts, SnapshotFacts};

/// What a round works on.
#[derive(Debug)]
pub struct Round<'a> {
    /// What is backed up.
    pub source: &'a Arc<dyn PageBlob>,
    /// The copy.
    pub target: &'a Arc<dyn PageBlob>,
    /// The backup's identity.
    pub backup: Uuid,
    /// The id of this run, fresh.
    pub run: Uuid,
    /// The id of the last run of this machine.
    pub former: Option<Uuid>,
    /// How what changed is found out.
    pub mode: Mode,
    /// Whether the service makes the first copy.
    pub by_service: bool,
    /// Who carries the bytes of a first copy that the service does not make.
    pub first_via: Via,
    /// Who carries those of a later round.
    pub via: Via,
    /// What is read back.
    pub verify: Verify,
    /// Whether the copy is a whole new one beside an older: it begins with a snapshot of now.
    pub is_anew: bool,
}

/// A point that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// The source's snapshot.
    pub source_snapshot: String,
    /// The copy's snapshot, which is equal to it.
    pub point: String,
    /// Its length.
    pub bytes: u64,
    /// What was done.
    pub counts: Counts,
    /// Whether it is the first one.
    pub is_first: bool,
    /// Whether the service wrote all that was written, and this machine none of it.
    pub by_service: bool,
    /// Whether a round that was begun before was gone on with.
    pub is_resumed: bool,
    /// What was compared afterwards; none if that was not asked for.
    pub proven: Option<Proven>,
}

impl Round<'_> {
    /// Makes a point.
    pub fn make(&self, watch: &dyn Watch) -> Result<Made, Error> {
        let facts = self.taken().disk(&self.target.address())?;
        match self.chain()? {
            Some((chain, _)) if chain.baseline.is_some() => self.next(&facts, watch),
            begun => self.first(&facts, begun, watch),
        }
    }

    fn of_source(&self, source: azure::Error) -> Error {
        Error::of(self.source.as_ref(), source)
    }

    fn of_target(&self, source: azure::Error) -> Error {
        Error::of(self.target.as_ref(), source)
    }

    /// What the copy says of itself; one that is not ours is refused.
    fn chain(&self) -> Result<Option<(Chain, PageFacts)>, Error> {
        let facts = self.target.facts(None).map_err(|error| self.of_target(error))?;
        let Some(facts) = facts else { return Ok(None) };
        let chain = Chain::parse(&facts.metadata)
            .filter(|chain| chain.id == self.backup.to_string() && facts.is_pages);
        let foreign =
            || Error::Foreign { blob: self.target.address(), source_blob: self.source.address() };
        Ok(Some((chain.ok_or_else(foreign)?, facts)))
    }

    fn taken(&self) -> Taken<'_> {
        Taken { source: self.source.as_ref(), backup: self.backup }
    }

    fn say(&self, chain: &Chain, lease: Option<Uuid>) -> Result<(), Error> {
        let (_, facts) = self.chain()?.ok_or_else(|| self.gone())?;
        let said = self.target.set_metadata(&chain.metadata(), &facts.etag, lease);
        said.map_err(|error| self.of_target(error))
    }

    fn gone(&self) -> Error {
        Error::NoSource { blob: self.target.address() }
    }

    /// The copy's snapshot of a snapshot of the source; made if there is none.
    fn point(&self, snapshot: &str, lease: Uuid) -> Result<String, Error> {
        point_of(self.target.as_ref(), snapshot, lease)
    }

    fn keep(&self, watch: &dyn Watch) -> Result<Keeper, Error> {
        Keeper::take(self.target, self.run, self.former, watch)
    }

    /// The first copy (F1 to F6).
    fn first(
        &self,
        facts: &PageFacts,
        begun: Option<(Chain, PageFacts)>,
        watch: &dyn Watch,
    ) -> Result<Made, Error> {
        let is_resumed = begun.is_some();
        let wanted = begun.as_ref().and_then(|(chain, _)| chain.pending.clone());
        let known = match &wanted {
            Some(pending) => {
                self.taken().facts(&pending.snapshot)?.map(|_| pending.snapshot.clone())
            }
            None if self.is_anew => None,
            None => self.taken().all()?.last().map(|own| own.id.clone()),
        };
        let snapshot = match known {
            Some(snapshot) => snapshot,
            None => {
                // The snapshot of a copy that was begun is gone, so it can never be whole.
                if let Some((_, facts)) = &begun {
                    let removed = self.target.remove(&facts.etag);
                    removed.map_err(|error| self.of_target(error))?;
                }
                // A run that was killed may have taken the next one already.
                let next = match &wanted {
                    Some(pending) => later(&self.taken().all()?, &pending.snapshot),
                    None => None,
                };
                match next {
                    Some(next) => next,
                    None => self.taken().take(facts)?,
                }
            }
        };
        watch.step(Step::FirstSnapshot)?;
        self.taken().await_whole(&snapshot, watch)?;
        let mode = (!self.by_service).then_some(Mode::All);
        let mode = wanted.filter(|own| own.snapshot == snapshot).map_or(mode, |own| own.mode);
        let chain = Chain {
            id: self.backup.to_string(),
            source: self.source.address(),
            baseline: None,
            pending: Some(Pending { snapshot: snapshot.clone(), mode }),
        };
        let bytes =
            self.taken().facts(&snapshot)?.ok_or_else(|| self.taken().lost(&snapshot))?.bytes;
        let counts = match mode {
            None => self.copied(&chain, (&snapshot, bytes), watch)?,
            Some(mode) => self.streamed(&chain, (&snapshot, bytes), mode, watch)?,
        };
        watch.step(Step::Copied)?;
        let keeper = self.keep(watch)?;
        self.taken().end_left()?;
        let whole = Chain { baseline: Some(snapshot.clone()), pending: None, ..chain };
        self.say(&whole, Some(keeper.id))?;
        watch.step(Step::FirstBaseline)?;
        let point = self.point(&snapshot, keeper.id)?;
        drop(keeper);
        watch.step(Step::Point)?;
        let proven = self.end((&snapshot, bytes), &point, watch)?;
        let source_snapshot = snapshot;
        Ok(Made {
            source_snapshot,
            point,
            bytes,
            counts,
            is_first: true,
            by_service: mode.is_none(),
            is_resumed,
            proven,
        })
    }

    /// Through this machine.
    fn streamed(
        &self,
        chain: &Chain,
        (snapshot, bytes): (&str, u64),
        mode: Mode,
        watch: &dyn Watch,
    ) -> Result<Counts, Error> {
        let made = self.target.create(bytes, &chain.metadata());
        if made.map_err(|error| self.of_target(error))? == BlobMade::There {
            // It is ours, or this refuses it.
            self.chain()?;
        }
        watch.step(Step::Begun)?;
        let keeper = self.keep(watch)?;
        self.fit(bytes, keeper.id)?;
        let via = self.first_via;
        let own = self.carried((snapshot, bytes), via, mode, watch)?;
        let (at, from) = ((snapshot, bytes), (own.side(), via));
        let applied = self.application(None, at, from, &keeper, watch).run(mode);
        applied.map_err(|error| keeper.because(error))
    }

    /// By the service.
    fn copied(
        &self,
        chain: &Chain,
        (snapshot, bytes): (&str, u64),
        watch: &dyn Watch,
    ) -> Result<Counts, Error> {
        let source = self.source.source(snapshot).map_err(|error| self.of_source(error))?;
        self.target.copy_from(&source, &chain.metadata()).map_err(|error| self.of_target(error))?;
        watch.step(Step::Begun)?;
        let look = || Ok(self.chain()?.ok_or_else(|| self.gone())?.1);
        copied(self.source.as_ref(), self.target.as_ref(), look, watch)?;
        let written_bytes = written_bytes(self.target.as_ref(), None, bytes)?;
        Ok(Counts { written_bytes, requests: 1, ..Counts::default() })
    }

    fn application<'r>(
        &'r self,
        from: Option<&'r str>,
        (to, bytes): (&'r str, u64),
        (content, via): (Side<'r>, Via),
        keeper: &'r Keeper,
        watch: &'r dyn Watch,
    ) -> Application<'r> {
        let (source, target) = (self.source.as_ref(), self.target.as_ref());
        let verify = self.verify;
        Application { source, target, content, from, to, bytes, via, keeper, verify, watch }
    }

    fn fit(&self, bytes: u64, lease: Uuid) -> Result<(), Error> {
        let facts = self.target.facts(None).map_err(|error| self.of_target(error))?;
        if facts.ok_or_else(|| self.gone())?.bytes == bytes {
            return Ok(());
        }
        self.target.resize(bytes, lease).map_err(|error| self.of_target(error))
    }

    /// The next round (R0 to R11).
    fn next(&self, facts: &PageFacts, watch: &dyn Watch) -> Result<Made, Error> {
        let keeper = self.keep(watch)?;
        self.taken().end_left()?;
        // Looked at once more under the lease: another run may have ended meanwhile.
        let (chain, held) = self.chain()?.ok_or_else(|| self.gone())?;
        let Some(baseline) = chain.baseline.clone() else {
            return Err(Error::LeaseLost { blob: self.target.address() });
        };
        let ours = self.taken().all()?;
        if !ours.iter().any(|own| own.id == baseline) {
            return Err(self.taken().lost(&baseline));
        }
        // A run that was killed after it had said its baseline left the one before; gone before another
        // is taken, there is never more than one too many.
        self.taken().remove_older(&ours, &baseline)?;
        // A run that ended between the baseline and its first point left this undone.
        if let Some(point) = self.point_of_baseline(&chain, &baseline, keeper.id)?
            && self.mode == Mode::Service
        {
            check_untouched(self.target.as_ref(), &held, &point)?;
        }
        let is_resumed = chain.pending.is_some();
        let (snapshot, mode) = self.aim(&chain, &baseline, (&ours, facts))?;
        watch.step(Step::Snapshot)?;
        let pending = Pending { snapshot: snapshot.clone(), mode: Some(mode) };
        let begun = Chain { pending: Some(pending), ..chain.clone() };
        if begun != chain {
            self.say(&begun, Some(keeper.id))?;
        }
        watch.step(Step::Pending)?;
        self.taken().await_whole(&snapshot, watch)?;
        let bytes =
            self.taken().facts(&snapshot)?.ok_or_else(|| self.taken().lost(&snapshot))?.bytes;
        self.fit(bytes, keeper.id)?;
        watch.step(Step::Resized)?;
        let own = self.carried((&snapshot, bytes), self.via, mode, watch)?;
        let (from, content) = (Some(baseline.as_str()), (own.side(), self.via));
        let application = self.application(from, (&snapshot, bytes), content, &keeper, watch);
        let counts = application.run(mode).map_err(|error| keeper.because(error))?;
        watch.step(Step::Applied)?;
        keeper.check()?;
        let point = self.point(&snapshot, keeper.id)?;
        watch.step(Step::Point)?;
        let whole = Chain { baseline: Some(snapshot.clone()), pending: None, ..begun };
        self.say(&whole, Some(keeper.id))?;
        watch.step(Step::Baseline)?;
        drop(keeper);
        // The last of all: until now it was the only ground to go on from.
        self.taken().remove_older(&ours, &snapshot)?;
        watch.step(Step::Released)?;
        let proven = self.end((&snapshot, bytes), &point, watch)?;
        let source_snapshot = snapshot;
        let (is_first, by_service) = (false, self.via == Via::Server);
        Ok(Made { source_snapshot, point, bytes, counts, is_first, by_service, is_resumed, proven })
    }

    /// While nothing is pending the copy is equal to its baseline, so its point can be made late.
    fn point_of_baseline(
        &self,
        chain: &Chain,
        baseline: &str,
        lease: Uuid,
    ) -> Result<Option<String>, Error> {
        match chain.pending {
            Some(_) => Ok(None),
            None => self.point(baseline, lease).map(Some),
        }
    }

    /// Which snapshot the copy is brought to, and how.
    fn aim(
        &self,
        chain: &Chain,
        baseline: &str,
        (ours, facts): (&[SnapshotFacts], &PageFacts),
    ) -> Result<(String, Mode), Error> {
        if let Some(pending) = &chain.pending {
            let mode = pending.mode.unwrap_or(Mode::All);
            if ours.iter().any(|own| own.id == pending.snapshot) {
                return Ok((pending.snapshot.clone(), mode));
            }
            // Somebody deleted it. What the unfinished round wrote is among what the service says
            // was written since the baseline; who compares contents may not see it, so all is
            // written then.
            let mode = if mode == Mode::Service { mode } else { Mode::All };
            // A run that was killed may have taken the next one already.
            let next = self.taken().next(ours, Some(&pending.snapshot), facts)?;
            return Ok((next, mode));
        }
        Ok((self.taken().next(ours, Some(baseline), facts)?, self.mode))
    }

    /// Where the bytes of a snapshot are read by this machine, if it reads any.
    fn carried<'r>(
        &'r self,
        (snapshot, bytes): (&'r str, u64),
        via: Via,
        mode: Mode,
        watch: &dyn Watch,
    ) -> Result<Readable<'r>, Error> {
        let is_unread = via == Via::Server && mode != Mode::Client && self.verify == Verify::None;
        match is_unread {
            true => Ok(Readable::plain(self.source, snapshot)),
            false => self.readable((snapshot, bytes), watch),
        }
    }

    fn readable<'r>(
        &'r self,
        (snapshot, bytes): (&'r str, u64),
        watch: &dyn Watch,
    ) -> Result<Readable<'r>, Error> {
        Readable::of(self.source, snapshot, bytes, self.backup, watch)
    }

    /// Proves the point if that is asked for, and deletes what was only needed to read the snapshot.
    fn end(
        &self,
        (snapshot, bytes): (&str, u64),
        point: &str,
        watch: &dyn Watch,
    ) -> Result<Option<Proven>, Error> {
        let is_asked = self.verify == Verify::Full;
        let own = match is_asked {
            true => self.readable((snapshot, bytes), watch)?,
            false if self.source.is_managed() => return Ok(None),
            false => Readable::left(self.source, snapshot, self.backup),
        };
        let mut proven = None;
        if is_asked {
            proven = Some(prove(&own, self.target.as_ref(), point, watch)?);
        }
        own.end()?;
        Ok(proven)
    }
}
