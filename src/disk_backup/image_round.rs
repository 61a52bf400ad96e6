//! One round of an image's backup: the image is read once, front to back, and of its blocks go out those
//! that the copy does not hold. Which it holds say the digest table of its last point, or the journal
//! of the drive that brought it. Before a block is sent its number is in the run's log, so that a run
//! that was killed is gone on with, and a block that it may have written is written again.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use disk_prep::noun::{ByteSize, Md5Digest};
use disk_prep::sys::hold::hold;
use uuid::Uuid;

use super::chain::{BACKUP, Chain, POINT, Pending};
use super::compare::compare_table;
use super::disk_image::DiskImage;
use super::error::Error;
use super::keeper::Keeper;
use super::pages::{AT_ONCE, Counts, Pen, Tally, md5_of};
use super::prove::Proven;
use super::ranges::Span;
use super::record::Verify;
use super::round::Made;
use super::run_log::RunLog;
use super::table::{BLOCK_BYTES, BlockSum, NOTHING, Table, block_count, sums};
use super::transfer::point_of;
use super::untouched::check_untouched;
use super::watch::{Step, Watch};
use crate::azure::{self, Made as BlobMade, PageBlob, PageFacts, each};

/// Zeros of this length and more are cleared, not written.
const ZEROS_BYTES: usize = 64 << 10;
/// Of so many blocks that a drive has brought, one is read back.
const SAMPLE: usize = 100;
/// Blocks whose numbers are written into the log at once.
const BATCH: usize = 2 * AT_ONCE;
/// Blocks whose digests are made side by side.
const SIDE_BY_SIDE: usize = 4;
/// Names the log of a copy that has no point yet, and of which nothing was written before.
const NO_POINT: &str = "none";
/// Names the log of a copy that has no point yet, and that a drive has brought.
const BY_DRIVE: &str = "drive";
/// The log of a round whose first log was lost: it has not all that was written since the point.
const LOST: &str = "lost";

/// What a drive brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brought {
    /// The blob's length then.
    pub bytes: u64,
    /// The MD5 of each block, as the drive's journal has it.
    pub blocks: Vec<Md5Digest>,
    /// Blocks that did not arrive.
    pub failed: BTreeSet<usize>,
    /// Whether that is all that did not arrive; if not, all blocks are read back and compared.
    pub is_sure: bool,
}

/// Where the digest tables of points are kept.
pub trait Tables: std::fmt::Debug + Sync {
    /// The table of a point; `None` if there is none.
    fn read(&self, point: &str) -> Result<Option<Table>, Error>;
    /// Keeps the table of a point.
    fn write(&self, point: &str, table: &Table) -> Result<(), Error>;
}

/// What a round works on.
#[derive(Debug)]
pub struct ImageRound<'a> {
    /// The image.
    pub image: &'a DiskImage,
    /// What the copy says of it.
    pub source: String,
    /// The copy.
    pub target: &'a Arc<dyn PageBlob>,
    /// The backup's identity.
    pub backup: Uuid,
    /// The id of this run, fresh.
    pub run: Uuid,
    /// The id of the last run of this machine.
    pub former: Option<Uuid>,
    /// What a drive brought, if one did.
    pub brought: Option<&'a Brought>,
    /// The digest tables.
    pub tables: &'a dyn Tables,
    /// The run's log.
    pub log: &'a Path,
    /// What is read back.
    pub verify: Verify,
    /// What the point is called: the time at which the reading begins.
    pub label: String,
}

/// A block that was read: its number, where it is, what it holds, and the digest of that.
type Read = (usize, Span, Vec<u8>, BlockSum);

/// What the copy holds, as far as that is known.
enum Basis<'a> {
    Nothing,
    Table(Table),
    Brought(&'a Brought),
    /// Only reading it back tells.
    Unknown,
}

impl Basis<'_> {
    /// Whether nothing at all was written where this block is.
    fn is_bare(&self, number: usize) -> bool {
        match self {
            Basis::Nothing => true,
            Basis::Table(table) => *table.blocks().get(number).unwrap_or(&NOTHING) == NOTHING,
            Basis::Brought(_) | Basis::Unknown => false,
        }
    }
}

impl ImageRound<'_> {
    /// Makes a point.
    pub fn make(&self, watch: &dyn Watch) -> Result<Made, Error> {
        let is_new = self.there()?.is_none();
        if is_new {
            self.create()?;
        }
        let keeper = Keeper::take(self.target, self.run, self.former, watch)?;
        // Looked at once more under the lease: another run may have ended meanwhile.
        let (chain, facts) = self.there()?.ok_or_else(|| self.gone())?;
        let chain = self.ended(chain, keeper.id)?;
        let is_first = chain.as_ref().is_none_or(|own| own.baseline.is_none());
        let pending = chain.as_ref().and_then(|own| own.pending.as_ref());
        let is_resumed = pending.is_some() && !is_new;
        self.check_untouched(chain.as_ref(), &facts)?;
        let (held, mut log) = self.held(chain.as_ref(), is_new, watch)?;
        watch.step(Step::Snapshot)?;
        let begun = self.begun(chain.as_ref());
        self.say(&begun, keeper.id)?;
        watch.step(Step::Pending)?;
        self.fit(&facts, &mut log, keeper.id)?;
        watch.step(Step::Resized)?;
        let before = self.image.stand()?;
        let (table, counts) = self.sent(&held, &mut log, &keeper, watch)?;
        if self.image.stand()? != before {
            return Err(Error::ImageMoved { path: self.image.path().to_owned() });
        }
        watch.step(Step::Applied)?;
        keeper.check()?;
        self.tables.write(&self.label, &table)?;
        let point = point_of(self.target.as_ref(), &self.label, keeper.id)?;
        watch.step(Step::Point)?;
        let whole = Chain { baseline: Some(self.label.clone()), pending: None, ..begun };
        self.say(&whole, keeper.id)?;
        watch.step(Step::Baseline)?;
        log.end()?;
        drop(keeper);
        watch.step(Step::Released)?;
        let proven = self.proven(&table, &point, watch)?;
        let (source_snapshot, bytes) = (self.label.clone(), self.image.bytes);
        let by_service = false;
        Ok(Made { source_snapshot, point, bytes, counts, is_first, by_service, is_resumed, proven })
    }

    fn of_target(&self, source: azure::Error) -> Error {
        Error::of(self.target.as_ref(), source)
    }

    fn gone(&self) -> Error {
        Error::NoSource { blob: self.target.address() }
    }

    /// The copy, and what it says of itself; nothing if a drive has just brought it. One that is
    /// foreign is refused.
    fn there(&self) -> Result<Option<(Option<Chain>, PageFacts)>, Error> {
        let facts = self.target.facts(None).map_err(|error| self.of_target(error))?;
        let Some(facts) = facts else { return Ok(None) };
        let own = Chain::parse(&facts.metadata).filter(|own| own.id == self.backup.to_string());
        let is_brought = !facts.metadata.contains_key(BACKUP)
            && self.brought.is_some_and(|brought| brought.bytes == facts.bytes);
        if !facts.is_pages || (own.is_none() && !is_brought) {
            let (blob, source_blob) = (self.target.address(), self.source.clone());
            return Err(Error::Foreign { blob, source_blob });
        }
        Ok(Some((own, facts)))
    }

    fn begun(&self, chain: Option<&Chain>) -> Chain {
        Chain {
            id: self.backup.to_string(),
            source: self.source.clone(),
            baseline: chain.and_then(|own| own.baseline.clone()),
            pending: Some(Pending { snapshot: self.label.clone(), mode: None }),
        }
    }

    fn create(&self) -> Result<(), Error> {
        // Of a copy that is made anew nothing is written.
        RunLog::begin(self.log, NO_POINT)?;
        let made = self.target.create(self.image.bytes, &self.begun(None).metadata());
        match made.map_err(|error| self.of_target(error))? {
            BlobMade::New => Ok(()),
            // It is ours, or this refuses it.
            BlobMade::There => self.there().map(drop),
        }
    }

    fn say(&self, chain: &Chain, lease: Uuid) -> Result<(), Error> {
        let (_, facts) = self.there()?.ok_or_else(|| self.gone())?;
        let said = self.target.set_metadata(&chain.metadata(), &facts.etag, Some(lease));
        said.map_err(|error| self.of_target(error))
    }

    /// A run that ended between its point and the word for it is ended here.
    fn ended(&self, chain: Option<Chain>, lease: Uuid) -> Result<Option<Chain>, Error> {
        let Some(chain) = chain else { return Ok(None) };
        let Some(pending) = &chain.pending else { return Ok(Some(chain)) };
        let all = self.target.snapshots().map_err(|error| self.of_target(error))?;
        if !all.iter().any(|own| own.metadata.get(POINT) == Some(&pending.snapshot)) {
            return Ok(Some(chain));
        }
        let whole = Chain { baseline: Some(pending.snapshot.clone()), pending: None, ..chain };
        self.say(&whole, lease)?;
        Ok(Some(whole))
    }

    /// A copy that nothing is pending of is what its last point is.
    fn check_untouched(&self, chain: Option<&Chain>, facts: &PageFacts) -> Result<(), Error> {
        let whole = chain.filter(|own| own.pending.is_none());
        let Some(baseline) = whole.and_then(|own| own.baseline.as_ref()) else { return Ok(()) };
        let all = self.target.snapshots().map_err(|error| self.of_target(error))?;
        match all.iter().find(|own| own.metadata.get(POINT) == Some(baseline)) {
            Some(point) => check_untouched(self.target.as_ref(), facts, &point.id),
            None => Ok(()),
        }
    }

    /// What the copy holds, and the log of what is written to it from now on.
    fn held(
        &self,
        chain: Option<&Chain>,
        is_new: bool,
        watch: &dyn Watch,
    ) -> Result<(Basis<'_>, RunLog), Error> {
        let (baseline, is_pending) = match chain {
            Some(own) => (own.baseline.as_deref(), own.pending.is_some() && !is_new),
            None => (None, false),
        };
        let begin = match (baseline, chain) {
            (Some(point), _) => point,
            (None, Some(_)) => NO_POINT,
            (None, None) => BY_DRIVE,
        };
        let mut found = None;
        for base in [begin, BY_DRIVE].into_iter().take(if baseline.is_some() { 1 } else { 2 }) {
            if is_pending && found.is_none() {
                found = RunLog::resume(self.log, base)?.map(|log| (base, log));
            }
        }
        let is_lost = is_pending && found.is_none();
        let (base, log) = match found {
            Some(found) => found,
            // A run after this one must not take its log for all that was written.
            None if is_lost => match RunLog::resume(self.log, LOST)? {
                Some(log) => (begin, log),
                None => (begin, RunLog::begin(self.log, LOST)?),
            },
            None => (begin, RunLog::begin(self.log, begin)?),
        };
        let held = match (baseline, self.brought) {
            _ if is_lost => Basis::Unknown,
            (Some(point), _) => match self.tables.read(point) {
                Ok(Some(table)) => Basis::Table(table),
                Ok(None) | Err(Error::Table { .. }) => Basis::Unknown,
                Err(error) => return Err(error),
            },
            (None, _) if base == NO_POINT => Basis::Nothing,
            (None, Some(brought)) if brought.is_sure => Basis::Brought(brought),
            (None, _) => Basis::Unknown,
        };
        if matches!(held, Basis::Unknown) {
            watch.say(&format!(
                "What the copy holds is not known here: {} of it are read back and compared",
                ByteSize(self.image.bytes)
            ));
        }
        Ok((held, log))
    }

    /// Gives the copy the image's length. What is cut off holds nothing when it comes back.
    fn fit(&self, facts: &PageFacts, log: &mut RunLog, lease: Uuid) -> Result<(), Error> {
        let bytes = self.image.bytes;
        if facts.bytes == bytes {
            return Ok(());
        }
        if bytes < facts.bytes {
            let first = usize::try_from(bytes / BLOCK_BYTES).unwrap_or(usize::MAX);
            log.note(&(first..block_count(facts.bytes)).collect::<Vec<_>>())?;
        }
        self.target.resize(bytes, lease).map_err(|error| self.of_target(error))
    }

    /// Sends what the copy does not hold; the digests of what it holds then.
    fn sent(
        &self,
        held: &Basis<'_>,
        log: &mut RunLog,
        keeper: &Keeper,
        watch: &dyn Watch,
    ) -> Result<(Table, Counts), Error> {
        let tally = Tally::default();
        let pen =
            Pen { target: self.target.as_ref(), keeper, verify: self.verify, watch, tally: &tally };
        if let Some(table) = self.pass(held, log, &pen)? {
            return Ok((table, tally.counts()));
        }
        watch
            .say("A block that a drive has brought is not what its journal says: all are compared");
        let table = self.pass(&Basis::Unknown, log, &pen)?;
        Ok((table.ok_or_else(|| self.gone())?, tally.counts()))
    }

    /// Reads the image once. `None`: a sample shows that the copy is not what was thought.
    fn pass(
        &self,
        held: &Basis<'_>,
        log: &mut RunLog,
        pen: &Pen<'_>,
    ) -> Result<Option<Table>, Error> {
        let mut table = Table::empty(self.image.bytes);
        let numbers: Vec<usize> = (0..block_count(self.image.bytes)).collect();
        let sample = Sample::drawn(numbers.len());
        let is_doubted = AtomicBool::new(false);
        for batch in numbers.chunks(BATCH) {
            let found = Mutex::new(Vec::new());
            let groups: Vec<&[usize]> = batch.chunks(SIDE_BY_SIDE).collect();
            each(&groups, AT_ONCE, |group| {
                for (number, span, content, digest) in self.read(group)? {
                    pen.tally.was_read(span.1 - span.0);
                    let has = self.has(held, (number, span.0), (&content, digest), &sample)?;
                    if has.is_none() {
                        is_doubted.store(true, Ordering::Relaxed);
                    }
                    let is_held = has.unwrap_or(false) && !log.has(number);
                    hold(&found).push((number, digest, (!is_held).then_some((span.0, content))));
                    pen.watch.looked(span.1 - span.0)?;
                }
                Ok::<_, Error>(())
            })?;
            if is_doubted.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let found = std::mem::take(&mut *hold(&found));
            found.iter().for_each(|(number, digest, _)| table.set(*number, *digest));
            let changed: Vec<(usize, u64, Vec<u8>)> = found
                .into_iter()
                .filter_map(|(number, _, own)| own.map(|(start, content)| (number, start, content)))
                .collect();
            let bare: Vec<usize> = changed
                .iter()
                .map(|own| own.0)
                .filter(|number| held.is_bare(*number) && !log.has(*number))
                .collect();
            log.note(&changed.iter().map(|own| own.0).collect::<Vec<_>>())?;
            each(&changed, AT_ONCE, |(number, start, content)| {
                send(pen, *start, content, bare.contains(number))
            })?;
        }
        Ok(Some(table))
    }

    /// Blocks of the image, with their digests.
    fn read(&self, numbers: &[usize]) -> Result<Vec<Read>, Error> {
        let blocks = numbers.iter().map(|number| self.image.block(*number));
        let blocks = blocks.collect::<Result<Vec<_>, _>>()?;
        let digests = sums(&blocks.iter().map(|own| own.1.as_slice()).collect::<Vec<_>>());
        let all = numbers.iter().zip(blocks).zip(digests);
        Ok(all.map(|((number, (span, content)), own)| (*number, span, content, own)).collect())
    }

    /// Whether the copy holds a block; `None` if it should and does not.
    fn has(
        &self,
        held: &Basis<'_>,
        (number, start): (usize, u64),
        (content, digest): (&[u8], [u8; 32]),
        sample: &Sample,
    ) -> Result<Option<bool>, Error> {
        let read_back = || {
            let back = self.target.read(None, start, content.len() as u64);
            Ok::<_, Error>(back.map_err(|error| self.of_target(error))?.0 == content)
        };
        Ok(Some(match held {
            Basis::Nothing => digest == NOTHING,
            Basis::Table(table) => *table.blocks().get(number).unwrap_or(&NOTHING) == digest,
            Basis::Unknown => read_back()?,
            Basis::Brought(brought) => {
                let is_so = !brought.failed.contains(&number)
                    && match brought.blocks.get(number) {
                        Some(own) => *own == md5_of(content),
                        None => digest == NOTHING,
                    };
                if is_so && sample.has(number) && !read_back()? {
                    return Ok(None);
                }
                is_so
            }
        }))
    }

    /// Proves the point by its digests if that is asked for.
    fn proven(
        &self,
        table: &Table,
        point: &str,
        watch: &dyn Watch,
    ) -> Result<Option<Proven>, Error> {
        if self.verify != Verify::Full {
            return Ok(None);
        }
        let found = compare_table(table, (self.target.as_ref(), Some(point)), None, watch)?;
        match found.first() {
            Some(offset) => Err(Error::ReadBack { blob: self.target.address(), offset }),
            // The table is kept already.
            None => Ok(Some(Proven { bytes: found.compared_bytes, table: None })),
        }
    }
}

/// Blocks that are read back although the copy should hold them, others each time.
struct Sample {
    stride: usize,
    first: usize,
}

impl Sample {
    fn drawn(count: usize) -> Self {
        let stride = count.clamp(1, SAMPLE);
        let chance = usize::try_from(Uuid::new_v4().as_u128() >> 96).unwrap_or_default();
        Sample { stride, first: chance % stride }
    }

    fn has(&self, number: usize) -> bool {
        number % self.stride == self.first
    }
}

/// Writes a block: what holds something is written, long zeros are cleared, unless nothing is there.
fn send(pen: &Pen<'_>, start: u64, content: &[u8], is_bare: bool) -> Result<(), Error> {
    let pieces: Vec<&[u8]> = content.chunks(ZEROS_BYTES).collect();
    let is_nothing = |piece: &[u8]| piece.iter().all(|byte| *byte == 0);
    let mut at = start;
    for alike in pieces.chunk_by(|one, other| is_nothing(one) == is_nothing(other)) {
        let bytes = alike.iter().map(|piece| piece.len()).sum::<usize>() as u64;
        match alike.first().is_none_or(|piece| is_nothing(piece)) {
            true if is_bare => {}
            true => pen.clear((at, at + bytes))?,
            false => pen.write(at, Bytes::from(alike.concat()))?,
        }
        at += bytes;
    }
    Ok(())
}
