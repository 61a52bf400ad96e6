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

use super::connections::{AzureOptions, BlobAccess, container, page_blob};
use super::desk::Desk;
use super::disk_files::{write_record, write_table};
use crate::azure::{Container, PageBlob, PageFacts};
use crate::disk_backup::{
    DiskBackup, Error, LastRound, Made, Mode, Proof, ProvenBy, Round, Step, Watch,
    tells_differences,
};
use crate::outcome::{Attendant, Failure};
use crate::state::Lock;

pub use crate::disk_backup::{DiffWish, FirstCopy, Keep, Verify};

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
    #[error("{word:?} is no place for a restored disk")]
    Aim { word: String },
}

impl Diagnose for DiskWord {
    fn code(&self) -> &'static str {
        match self {
            DiskWord::Source { .. } => "disk-source-word",
            DiskWord::Place { .. } => "disk-target-word",
            DiskWord::Aim { .. } => "disk-restore-word",
        }
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new(match self {
            DiskWord::Source { .. } => "name it as page-blob:ACCOUNT/CONTAINER/BLOB",
            DiskWord::Place { .. } => "name it as ACCOUNT/CONTAINER or ACCOUNT/CONTAINER/BLOB",
            DiskWord::Aim { .. } => "name it as page-blob:ACCOUNT/CONTAINER/BLOB or image:PATH",
        }))
    }
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

/// What opens the source's account.
pub(super) fn source_access(options: &DiskOptions) -> BlobAccess {
    let (key, sas) = (options.source_key_file.clone(), options.source_sas_file.clone());
    match (&key, &sas) {
        (None, None) => options.blobs.clone(),
        _ => BlobAccess { account_key_file: key, sas_file: sas, ..options.blobs.clone() },
    }
}

/// Makes a container before anything is put into it. Who may not make one may still write to one
/// that is there; if it is not, the first write says so.
pub(super) fn make_container(container: &Arc<dyn Container>) {
    if let Err(error) = container.make() {
        tracing::info!(%error, "the container {} was not made", container.name());
    }
}

/// Whether the service makes copies: what was asked for, or what the services of all sides can be
/// trusted with.
pub(super) fn by_service(backup: &DiskBackup, blobs: &[&Arc<dyn PageBlob>]) -> Result<bool, Error> {
    match backup.first {
        FirstCopy::Copy => return Ok(true),
        FirstCopy::Stream => return Ok(false),
        FirstCopy::Auto => {}
    }
    for blob in blobs {
        if facts(blob)?.is_some_and(|facts| facts.is_azurite) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Opens both.
pub(super) fn open(
    backup: &DiskBackup,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<Blobs, Failure> {
    let access = source_access(options);
    let source = page_blob(&options.azure, &access, &backup.source, desk.attendant)?;
    let target = page_blob(&options.azure, &options.blobs, &backup.target, desk.attendant)?;
    Ok((source, target))
}

pub(super) fn facts(blob: &Arc<dyn PageBlob>) -> Result<Option<PageFacts>, Error> {
    blob.facts(None).map_err(|source| Error::Blob { blob: blob.address(), source })
}

/// The container of a backup's copy.
pub(super) fn files(
    backup: &DiskBackup,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<Arc<dyn Container>, Failure> {
    let DiskOptions { azure, blobs, .. } = options;
    let place = &backup.target;
    Ok(container(azure, blobs, place.account(), place.container(), desk.attendant)?)
}

/// A disk that is half restored is no disk yet.
pub(super) fn whole(backup: &DiskBackup) -> Result<(), Error> {
    match backup.restored.as_ref().is_none_or(|from| from.is_whole) {
        true => Ok(()),
        false => Err(Error::Restoring { name: backup.name.clone() }),
    }
}

/// Before anything is made: there is something to back up.
pub(super) fn check_source(source: &Arc<dyn PageBlob>) -> Result<(), Error> {
    match facts(source)? {
        None => Err(Error::NoSource { blob: source.address() }),
        Some(facts) if !facts.is_pages => Err(Error::NoPages { blob: source.address() }),
        Some(_) => Ok(()),
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

    fn looked(&self, bytes: u64) -> Result<(), Error> {
        self.sent(bytes)
    }

    fn wait(&self, what: &str, pause: Duration) -> Result<(), Error> {
        self.attendant.say(&format!("Waiting {what}"));
        std::thread::sleep(pause);
        self.look()
    }
}

/// Makes a point, and keeps what came of it.
pub(super) fn round(
    backup: &mut DiskBackup,
    wish: RoundOptions,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<Made, Failure> {
    let state = desk.state()?;
    whole(backup)?;
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
    backup.last = Some(LastRound {
        at: now,
        source_snapshot: made.source_snapshot.clone(),
        backup_snapshot: made.point.clone(),
        changed_bytes: made.counts.written_bytes,
        cleared_bytes: made.counts.cleared_bytes,
        requests: made.counts.requests,
    });
    backup.save(&state)?;
    let container = files(backup, options, desk)?;
    if let Some(proven) = &made.proven {
        if let Some(table) = &proven.table {
            write_table(backup, &made.source_snapshot, table, &container)?;
        }
        let proof = Proof { at: now, by: ProvenBy::Source, is_whole: true };
        backup.proofs.insert(made.point.clone(), proof);
    }
    backup.save(&state)?;
    write_record(backup, &container)?;
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
        DiffWish::Auto => match tells_differences(source.as_ref(), backup.id) {
            true => Mode::Service,
            false => Mode::Client,
        },
    };
    Ok((mode, by_service(backup, &[source, target])?))
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
    let name = backup.copy_name(generation);
    let path = BlobPath::new(backup.target.container().clone(), &name)
        .map_err(|error| DiskWord::Place { word: name.clone(), rule: error.rule.to_owned() })?;
    backup.target = BlobPlace::new(backup.target.account().clone(), path);
    backup.generation = generation;
    backup.save(&desk.state()?)?;
    desk.attendant.say(&format!("A whole new copy is made: {}", backup.target));
    Ok(())
}
