//! What all commands of `disk-backup` work with: the record, held; the blobs, opened; and who is told of
//! what goes on.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use disk_prep::monitor::{Event, Monitor};
use disk_prep::noun::{Diagnose, ErrorKind, Hint, VaultName};
use disk_prep::stop::StopFlag;

use super::connections::{AzureOptions, BlobAccess, container, managed_disk, page_blob};
use super::desk::Desk;
use crate::azure::{Container, PageBlob, PageFacts};
use crate::disk_backup::{DiskBackup, DiskPoint, DiskSource, Error, Step, Watch, points};
use crate::outcome::{Attendant, Failure, Outcome, chain};
use crate::state::Lock;

pub use crate::disk_backup::{DiffWish, Engine, FirstCopy, Keep, Verify, VhdForm, Via};

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
            DiskWord::Source { .. } => {
                "name it as page-blob:ACCOUNT/CONTAINER/BLOB, as managed-disk:/subscriptions/… with \
                 its whole resource id, or as image:PATH for one of this machine"
            }
            DiskWord::Place { .. } => "name it as ACCOUNT/CONTAINER or ACCOUNT/CONTAINER/BLOB",
            DiskWord::Aim { .. } => {
                "name it as page-blob:ACCOUNT/CONTAINER/BLOB, as managed-disk:/subscriptions/… with \
                 its whole resource id, or as image:PATH"
            }
        }))
    }
}

/// A run of one backup at a time on this machine.
pub(super) fn hold(name: &VaultName, desk: &Desk<'_>) -> Result<Lock, Failure> {
    let lock = desk.state()?.try_lock(&format!("disk-{name}"))?;
    Ok(lock.ok_or_else(|| Error::Busy { name: name.clone() })?)
}

/// A backup as this machine knows it; other machines may have changed it since.
pub(super) fn known(name: &VaultName, desk: &Desk<'_>) -> Result<DiskBackup, Failure> {
    let own = DiskBackup::open(&desk.state()?, name)?;
    Ok(own.ok_or_else(|| Error::Unknown { name: name.clone() })?)
}

/// Why a backup failed, and which; none where its record does not say that.
pub(super) type Failed = (Option<VaultName>, Failure);

/// What went wrong with one backup: its advice names it.
#[derive(Debug)]
struct Named {
    name: VaultName,
    error: Box<dyn Diagnose>,
}

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Named {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

impl Diagnose for Named {
    fn code(&self) -> &'static str {
        self.error.code()
    }
    fn kind(&self) -> ErrorKind {
        self.error.kind()
    }
    fn hint(&self) -> Option<Hint> {
        let hint = self.error.hint()?.to_string();
        Some(Hint::new(hint.replace(" NAME", &format!(" {}", self.name))))
    }
}

/// The same, with the name in its advice in place of the word that stands for it.
pub fn named(name: &VaultName) -> impl FnOnce(Failure) -> Failure {
    let name = name.clone();
    |Failure(error)| Failure(Box::new(Named { name, error }))
}

/// Of several backups: shows what came of those that went well, then fails for the others, each of
/// which is told.
pub(super) fn shown<T: Outcome>(
    outcome: T,
    is_empty: bool,
    mut failures: Vec<Failed>,
    desk: &Desk<'_>,
) -> Result<T, Failure> {
    let Some((_, last)) = failures.pop() else { return Ok(outcome) };
    for (name, Failure(error)) in failures {
        let why = chain(&*error);
        desk.attendant.warn(&name.map_or(why.clone(), |name| format!("{name}: {why}")));
    }
    if !is_empty {
        desk.attendant.show(&outcome);
    }
    Err(last)
}

/// The source, if it is a blob and no image of this machine, and the copy.
pub(super) type Blobs = (Option<Arc<dyn PageBlob>>, Arc<dyn PageBlob>);

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
        FirstCopy::Auto | FirstCopy::Drive => {}
    }
    for blob in blobs {
        if facts(blob)?.is_some_and(|facts| facts.is_azurite) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What is backed up, if it is in Azure; `label` goes into the names of a managed disk's snapshots.
pub(super) fn opened(
    source: &DiskSource,
    label: &str,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<Option<Arc<dyn PageBlob>>, Failure> {
    let access = source_access(options);
    Ok(match source {
        DiskSource::PageBlob(place) => {
            Some(page_blob(&options.azure, &access, place, desk.attendant)?)
        }
        DiskSource::Managed(id) => {
            let named = (id, label);
            Some(managed_disk(&options.azure, &access, named, None, desk.attendant)?)
        }
        DiskSource::Image(_) => None,
    })
}

/// Opens both.
pub(super) fn open(
    backup: &DiskBackup,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<Blobs, Failure> {
    let source = opened(&backup.source, backup.name.as_str(), options, desk)?;
    let target = page_blob(&options.azure, &options.blobs, &backup.target, desk.attendant)?;
    Ok((source, target))
}

/// All points, the oldest first.
pub(super) fn all_points(
    backup: &DiskBackup,
    source: Option<&Arc<dyn PageBlob>>,
    target: &Arc<dyn PageBlob>,
) -> Result<Vec<DiskPoint>, Error> {
    let address = source.map_or_else(String::new, |own| own.address());
    points(&backup.copies(&address), target)
}

/// The same of a backup that has had points: if there are none, that is told.
pub(super) fn own_points(
    backup: &DiskBackup,
    source: Option<&Arc<dyn PageBlob>>,
    target: &Arc<dyn PageBlob>,
) -> Result<Vec<DiskPoint>, Error> {
    let all = all_points(backup, source, target)?;
    match all.is_empty() && backup.last.is_some() {
        true => Err(without_points(backup, target)?),
        false => Ok(all),
    }
}

/// That a copy that has had points has none: it is gone itself, or its snapshots are.
pub(super) fn without_points(
    backup: &DiskBackup,
    target: &Arc<dyn PageBlob>,
) -> Result<Error, Error> {
    let (name, blob) = (backup.name.clone(), target.address());
    Ok(match facts(target)? {
        None => Error::CopyGone { name, blob },
        Some(_) => Error::PointsGone { name, blob },
    })
}

/// Tells of points that bear a time which had not come when they were made.
pub(super) fn tell_ahead(points: &[DiskPoint], name: &VaultName, desk: &Desk<'_>) {
    for point in points {
        let Some(stamp) = point.stamped_before() else { continue };
        desk.attendant.warn(&format!(
            "the point {} of {name} was made at {stamp:.0}, by a machine whose clock was ahead; it \
             counts as of then, and --at names it as it is listed",
            point.source_snapshot
        ));
    }
}

/// What runs lease: the copy, or a blob beside it where nothing of a copy can be written.
pub(super) fn leased(backup: &DiskBackup, target: &Arc<dyn PageBlob>) -> Arc<dyn PageBlob> {
    match backup.engine {
        Engine::Diff => Arc::clone(target),
        Engine::IncrementalCopy | Engine::FullCopy => target.beside(&backup.lock_name()),
    }
}

pub(super) fn facts(blob: &Arc<dyn PageBlob>) -> Result<Option<PageFacts>, Error> {
    blob.facts(None).map_err(|source| Error::Blob { blob: blob.address(), source })
}

/// What the service says of a disk. What opens its account may be another than the copy's, and that is
/// told to whoever is not let in.
pub(super) fn source_facts(source: &Arc<dyn PageBlob>) -> Result<Option<PageFacts>, Error> {
    source.facts(None).map_err(|error| {
        let blob = source.address();
        match error.kind() {
            ErrorKind::NotAllowed => Error::Closed { blob, source: error },
            _ => Error::Blob { blob, source: error },
        }
    })
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
    match source_facts(source)? {
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

    fn say(&self, text: &str) {
        self.attendant.say(text);
    }

    fn wait(&self, what: &str, pause: Duration) -> Result<(), Error> {
        self.attendant.say(&format!("Waiting {what}"));
        std::thread::sleep(pause);
        self.look()
    }
}
