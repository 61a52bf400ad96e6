//! `disk-backup`: what a person asks of disks' backups, brought together with this machine's memory
//! and with Azure.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use disk_prep::monitor::{Event, Monitor};
use disk_prep::noun::{BlobPath, BlobPlace, Diagnose, ErrorKind, Hint, VaultName};
use disk_prep::stop::StopFlag;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::connections::{AzureOptions, BlobAccess, page_blob};
use super::desk::Desk;
use crate::azure::{PageBlob, PageFacts};
use crate::disk_backup::{
    BACKUP, Chain, DiskBackup, Error, LastRound, Made, Mode, Round, Step, Watch, tells_differences,
};
use crate::outcome::{Attendant, Failure};
use crate::state::Lock;

pub use crate::disk_backup::{DiffWish, FirstCopy, Verify};

/// Where Azure is, and what opens both accounts.
#[derive(Debug)]
pub struct DiskOptions {
    /// The resource manager and the sign-in.
    pub azure: AzureOptions,
    /// Blobs, and what opens the copy's account.
    pub blobs: BlobAccess,
    /// A file with the key of the source's account.
    pub source_key_file: Option<PathBuf>,
    /// A file with a signature for it.
    pub source_sas_file: Option<PathBuf>,
}

/// What is to be backed up, and how.
#[derive(Debug)]
pub struct ProtectOptions {
    /// Its name.
    pub name: VaultName,
    /// The source, as it was typed.
    pub source: String,
    /// The copy's place, as it was typed.
    pub to: String,
    /// Seconds from one point to the next.
    pub every_secs: u64,
    /// How the first copy is made.
    pub first: FirstCopy,
    /// How what changed is found out.
    pub diff: DiffWish,
}

/// What is wished of a run.
#[derive(Debug, Clone, Copy)]
pub struct RoundOptions {
    /// Whether a point is made even if none is due.
    pub is_now: bool,
    /// Whether a lost baseline means a whole new copy.
    pub is_anew: bool,
    /// Whether the lease of another run is ended.
    pub breaks_lease: bool,
    /// What is read back.
    pub verify: Verify,
}

/// A word of the command line that names no disk or no place.
#[derive(Debug, thiserror::Error)]
pub enum DiskWord {
    #[error("{word:?} is no source of a disk's backup")]
    Source { word: String },
    #[error("{word:?} is no place for a copy: {rule}")]
    Place { word: String, rule: String },
}

impl Diagnose for DiskWord {
    fn code(&self) -> &'static str {
        match self {
            DiskWord::Source { .. } => "disk-source-word",
            DiskWord::Place { .. } => "disk-target-word",
        }
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new(match self {
            DiskWord::Source { .. } => "name it as page-blob:ACCOUNT/CONTAINER/BLOB",
            DiskWord::Place { .. } => "name it as ACCOUNT/CONTAINER or ACCOUNT/CONTAINER/BLOB",
        }))
    }
}

/// A disk that is backed up.
#[derive(Debug)]
pub struct Protected {
    /// Its record.
    pub backup: DiskBackup,
    /// The first point; none if it was there.
    pub made: Option<Made>,
    /// Whether the copy was there already, and its record was made anew.
    pub is_taken_over: bool,
}

/// What came of a run.
#[derive(Debug)]
pub struct Rounds(pub Vec<RoundEnd>);

/// What came of one disk.
#[derive(Debug)]
pub struct RoundEnd {
    /// Its name.
    pub name: VaultName,
    /// The point; none if none was due.
    pub made: Option<Made>,
    /// How long it took.
    pub secs: u64,
    /// When the next is due.
    pub next: Timestamp,
}

const PAGE_BLOB: &str = "page-blob:";

/// The source and the copy's place that a call names.
fn places(asked: &ProtectOptions) -> Result<(BlobPlace, BlobPlace), DiskWord> {
    let wrong = || DiskWord::Source { word: asked.source.clone() };
    let source = asked.source.strip_prefix(PAGE_BLOB).ok_or_else(wrong)?;
    let source: BlobPlace = source.parse().map_err(|_| wrong())?;
    // Without a blob's name the backup's own.
    let whole = match asked.to.matches('/').count() {
        1 => format!("{}/{}.vhd", asked.to, asked.name),
        _ => asked.to.clone(),
    };
    let wrong = |error: disk_prep::noun::InvalidNoun| DiskWord::Place {
        word: asked.to.clone(),
        rule: error.rule.to_owned(),
    };
    Ok((source, whole.parse().map_err(wrong)?))
}

/// A run of one backup at a time on this machine.
pub(super) fn hold(name: &VaultName, desk: &Desk<'_>) -> Result<Lock, Failure> {
    let lock = desk.state()?.try_lock(&format!("disk-{name}"))?;
    Ok(lock.ok_or_else(|| Error::Busy { name: name.clone() })?)
}

pub(super) fn known(name: &VaultName, desk: &Desk<'_>) -> Result<DiskBackup, Failure> {
    let own = DiskBackup::open(&desk.state()?, name)?;
    Ok(own.ok_or_else(|| Error::Unknown { name: name.clone() })?)
}

/// The source and the copy.
pub(super) type Blobs = (Arc<dyn PageBlob>, Arc<dyn PageBlob>);

/// Opens both.
pub(super) fn open(
    backup: &DiskBackup,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<Blobs, Failure> {
    let (key, sas) = (options.source_key_file.clone(), options.source_sas_file.clone());
    let access = match (&key, &sas) {
        (None, None) => options.blobs.clone(),
        _ => BlobAccess { account_key_file: key, sas_file: sas, ..options.blobs.clone() },
    };
    let source = page_blob(&options.azure, &access, &backup.source, desk.attendant)?;
    let target = page_blob(&options.azure, &options.blobs, &backup.target, desk.attendant)?;
    Ok((source, target))
}

pub(super) fn facts(blob: &Arc<dyn PageBlob>) -> Result<Option<PageFacts>, Error> {
    blob.facts(None).map_err(|source| Error::Blob { blob: blob.address(), source })
}

/// Backs a disk up from now on, and makes the first point.
pub fn protect(
    asked: &ProtectOptions,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<Protected, Failure> {
    let (source, target) = places(asked)?;
    if source == target {
        return Err(Error::Itself { blob: target.to_string() }.into());
    }
    let _lock = hold(&asked.name, desk)?;
    let state = desk.state()?;
    let wanted = DiskBackup {
        version: 1,
        id: Uuid::new_v4(),
        name: asked.name.clone(),
        source,
        target,
        generation: 1,
        every_secs: asked.every_secs,
        first: asked.first,
        diff: asked.diff,
        run: None,
        last: None,
    };
    let old = DiskBackup::open(&state, &asked.name)?;
    if let Some(old) = &old {
        same(old, &wanted)?;
    }
    let mut backup = old.clone().unwrap_or(wanted);
    let (source, target) = open(&backup, options, desk)?;
    let is_taken_over = old.is_none() && adopt(&mut backup, &source, &target)?;
    check_source(&source)?;
    let is_whole = facts(&target)?
        .and_then(|facts| Chain::parse(&facts.metadata))
        .is_some_and(|chain| chain.baseline.is_some() && chain.pending.is_none());
    backup.save(&state)?;
    if is_whole {
        return Ok(Protected { backup, made: None, is_taken_over });
    }
    let verify = Verify::None;
    let wish = RoundOptions { is_now: true, is_anew: false, breaks_lease: false, verify };
    let made = round(&mut backup, wish, options, desk)?;
    Ok(Protected { backup, made: Some(made), is_taken_over })
}

/// Before anything is made: there is something to back up.
fn check_source(source: &Arc<dyn PageBlob>) -> Result<(), Error> {
    match facts(source)? {
        None => Err(Error::NoSource { blob: source.address() }),
        Some(facts) if !facts.is_pages => Err(Error::NoPages { blob: source.address() }),
        Some(_) => Ok(()),
    }
}

/// A copy of this source by this program is taken over, whoever made it; a foreign one is refused.
fn adopt(
    backup: &mut DiskBackup,
    source: &Arc<dyn PageBlob>,
    target: &Arc<dyn PageBlob>,
) -> Result<bool, Error> {
    let Some(facts) = facts(target)? else { return Ok(false) };
    let foreign = || Error::Foreign { blob: target.address(), source_blob: source.address() };
    let id = facts.metadata.get(BACKUP).and_then(|id| id.parse().ok());
    let is_of_source = Chain::parse(&facts.metadata)
        .is_some_and(|chain| chain.source == source.address() && facts.is_pages);
    backup.id = id.filter(|_| is_of_source).ok_or_else(foreign)?;
    Ok(true)
}

/// A backup of this name that is another one is told with what differs.
fn same(old: &DiskBackup, new: &DiskBackup) -> Result<(), Error> {
    let mut what = Vec::new();
    let mut differ = |flag: &str, old: String, new: String| {
        if old != new {
            what.push(format!("{flag} is {new}, and its record has {old}"));
        }
    };
    differ("--source", old.source.to_string(), new.source.to_string());
    if old.generation == 1 {
        differ("--to", old.target.to_string(), new.target.to_string());
    }
    differ("--every", format!("{} s", old.every_secs), format!("{} s", new.every_secs));
    differ("--first", format!("{:?}", old.first), format!("{:?}", new.first));
    differ("--diff", format!("{:?}", old.diff), format!("{:?}", new.diff));
    match what.is_empty() {
        true => Ok(()),
        false => Err(Error::Asked { name: old.name.clone(), what: what.join("; ") }),
    }
}

/// Tells of a round, and ends it when a person asks for that.
pub(super) struct Attended<'a> {
    task: String,
    monitor: Arc<dyn Monitor>,
    stop: StopFlag,
    attendant: &'a dyn Attendant,
    done: AtomicU64,
}

impl<'a> Attended<'a> {
    pub fn new(task: String, attendant: &'a dyn Attendant) -> Self {
        let (monitor, stop) = (attendant.monitor(), attendant.stop_flag());
        monitor.event(&Event::TaskStarted { task: &task });
        Attended { task, monitor, stop, attendant, done: AtomicU64::new(0) }
    }

    fn look(&self) -> Result<(), Error> {
        if self.stop.is_asked() { Err(Error::Stopped) } else { Ok(()) }
    }
}

impl Drop for Attended<'_> {
    fn drop(&mut self) {
        self.monitor.event(&Event::TaskFinished { task: &self.task });
    }
}

impl Watch for Attended<'_> {
    fn step(&self, step: Step) -> Result<(), Error> {
        tracing::info!(?step, "{}", self.task);
        self.look()
    }

    fn sent(&self, bytes: u64) -> Result<(), Error> {
        let done_bytes = self.done.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        self.monitor.event(&Event::TaskBytes { task: &self.task, done_bytes, total_bytes: 0 });
        self.look()
    }

    fn wait(&self, what: &str, pause: Duration) -> Result<(), Error> {
        self.attendant.say(&format!("Waiting {what}"));
        std::thread::sleep(pause);
        self.look()
    }
}

/// Makes a point, and keeps what came of it.
fn round(
    backup: &mut DiskBackup,
    wish: RoundOptions,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<Made, Failure> {
    let state = desk.state()?;
    let (source, target) = open(backup, options, desk)?;
    check_source(&source)?;
    if wish.breaks_lease && facts(&target)?.is_some_and(|facts| facts.is_leased) {
        target.break_lease()?;
    }
    let former = backup.run;
    let run = Uuid::new_v4();
    // Known before it is used, so that a run after a kill takes the lease over at once.
    backup.run = Some(run);
    backup.save(&state)?;
    let watch = Attended::new(format!("disk {}", backup.name), desk.attendant);
    let (mode, by_service) = manner(backup, &source, &target)?;
    let round = Round {
        source: &source,
        target: &target,
        backup: backup.id,
        run,
        former,
        mode,
        by_service,
        verify: wish.verify,
        is_anew: backup.generation > 1,
    };
    let made = round.make(&watch)?;
    let now = Timestamp::now();
    let proven = made.proven_bytes.map(|_| (now, made.point.clone()));
    backup.last = Some(LastRound {
        at: now,
        source_snapshot: made.source_snapshot.clone(),
        backup_snapshot: made.point.clone(),
        changed_bytes: made.counts.written_bytes,
        cleared_bytes: made.counts.cleared_bytes,
        requests: made.counts.requests,
        proven: proven.or_else(|| backup.last.as_ref().and_then(|last| last.proven.clone())),
    });
    backup.save(&state)?;
    Ok(made)
}

/// How what changed is found out, and who makes the first copy: what was asked for, or what the
/// services of both sides can be trusted with.
fn manner(
    backup: &DiskBackup,
    source: &Arc<dyn PageBlob>,
    target: &Arc<dyn PageBlob>,
) -> Result<(Mode, bool), Error> {
    let is_azurite = facts(source)?.is_some_and(|facts| facts.is_azurite);
    let is_begun = facts(target)?.is_some();
    let mode = match backup.diff {
        DiffWish::Service => Mode::Service,
        DiffWish::Client => Mode::Client,
        DiffWish::Auto if is_azurite => Mode::Client,
        // The first copy needs no difference.
        DiffWish::Auto if !is_begun => Mode::Service,
        DiffWish::Auto => match tells_differences(source.as_ref()) {
            true => Mode::Service,
            false => Mode::Client,
        },
    };
    let by_service = match backup.first {
        FirstCopy::Copy => true,
        FirstCopy::Stream => false,
        FirstCopy::Auto => !is_azurite,
    };
    Ok((mode, by_service))
}

/// When the next point is due.
pub(super) fn next(backup: &DiskBackup) -> Timestamp {
    let Some(last) = &backup.last else { return Timestamp::now() };
    let made = last.source_snapshot.parse::<Timestamp>().unwrap_or(last.at);
    let every = SignedDuration::from_secs(i64::try_from(backup.every_secs).unwrap_or(i64::MAX));
    made.saturating_add(every).unwrap_or(Timestamp::MAX)
}

/// Makes the points that are due.
pub fn run(
    names: &[VaultName],
    wish: RoundOptions,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<Rounds, Failure> {
    let all = match names {
        [] => DiskBackup::all(&desk.state()?)?,
        names => names.iter().map(|name| known(name, desk)).collect::<Result<_, _>>()?,
    };
    let mut ends = Vec::new();
    let mut first = None;
    for backup in all {
        match one(&backup.name, wish, options, desk) {
            Ok(end) => ends.push(end),
            // The others have their turn all the same; what was done is shown before it.
            Err(failure) => {
                if let Some(Failure(error)) = &first {
                    let error: &dyn Diagnose = &**error;
                    desk.attendant.warn(&error.to_string());
                }
                first = Some(failure);
            }
        }
    }
    match first {
        None => Ok(Rounds(ends)),
        Some(failure) => {
            desk.attendant.show(&Rounds(ends));
            Err(failure)
        }
    }
}

fn one(
    name: &VaultName,
    wish: RoundOptions,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<RoundEnd, Failure> {
    let _lock = hold(name, desk)?;
    // Read under the lock: another run may just have made a point.
    let mut backup = known(name, desk)?;
    let due = next(&backup);
    if !wish.is_now && Timestamp::now() < due {
        return Ok(RoundEnd { name: name.clone(), made: None, secs: 0, next: due });
    }
    let begun = std::time::Instant::now();
    let made = match round(&mut backup, wish, options, desk) {
        Err(Failure(error)) if wish.is_anew && is_lost(error.code()) => {
            anew(&mut backup, desk)?;
            round(&mut backup, wish, options, desk)?
        }
        ended => ended?,
    };
    let next = next(&backup);
    let secs = begun.elapsed().as_secs();
    Ok(RoundEnd { name: name.clone(), made: Some(made), secs, next })
}

/// Whether only a whole new copy goes on.
fn is_lost(code: &str) -> bool {
    ["disk-baseline-lost", "disk-difference-refused"].contains(&code)
}

/// The next generation: another blob beside the old one, which stays with its points.
fn anew(backup: &mut DiskBackup, desk: &Desk<'_>) -> Result<(), Failure> {
    let generation = backup.generation.saturating_add(1);
    let old = backup.target.name();
    let stem = old.strip_suffix(".vhd").unwrap_or(old);
    let stem = stem.strip_suffix(&format!(".g{}", backup.generation)).unwrap_or(stem);
    let path =
        BlobPath::new(backup.target.container().clone(), &format!("{stem}.g{generation}.vhd"))
            .map_err(|error| DiskWord::Place {
                word: old.to_owned(),
                rule: error.rule.to_owned(),
            })?;
    backup.target = BlobPlace::new(backup.target.account().clone(), path);
    backup.generation = generation;
    backup.save(&desk.state()?)?;
    desk.attendant.say(&format!("A whole new copy is made: {}", backup.target));
    Ok(())
}
