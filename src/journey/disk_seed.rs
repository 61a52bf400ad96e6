//! An image whose first copy goes by drive: the data set that `prep` takes, and, once the job is over,
//! what its drives brought.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use disk_prep::limits::BLOCK_BYTES;
use disk_prep::noun::{Diagnose, JobName};
use disk_prep::sys::durable::{self, Access};

use super::connections::{container, home};
use super::desk::Desk;
use super::disk_bench::DiskOptions;
use super::job::{JobOptions, MeantJob};
use super::repair::{DriveLog, LogRead, Shipped, ShippedBlob, account_of, read_logs};
use super::settings::{Given, Origin};
use crate::disk_backup::{Brought, DiskBackup, Error, Made, SeedJob};
use crate::import_job::copy_log::{BlobEnd, CopyLog, Entry, PARTS};
use crate::import_job::{Job, JobStage};
use crate::outcome::Failure;
use crate::state::{State, io_at};

/// What a turn of a backup came to.
#[derive(Debug)]
pub enum Turn {
    /// A point.
    Made(Made),
    /// The first copy is still on its way.
    Underway(Underway),
}

/// A first copy that travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Underway {
    /// The job that brings it.
    pub job: JobName,
    /// How far it is, in words.
    pub state: String,
}

/// What a person does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shipping {
    /// The data set.
    pub dataset: PathBuf,
    /// The words of the command that puts it on a drive; in capitals what only that person knows.
    pub command: Vec<String>,
}

/// Whether the first copy is there.
pub(super) enum Arrival {
    /// Not yet.
    Underway(Underway),
    /// The job is over, and this came of it; nothing if its drive was not read.
    Over(Option<Brought>),
}

/// Writes the data set of a job: the image is its one row.
pub(super) fn write_dataset(
    backup: &DiskBackup,
    seed: &SeedJob,
    desk: &Desk<'_>,
) -> Result<Shipping, Failure> {
    let state = desk.state()?;
    let folder = state.job_folder(&seed.job)?;
    let folder = std::path::absolute(&folder).unwrap_or(folder);
    let dataset = folder.join("dataset.csv");
    let image = backup.source.image().unwrap_or(Path::new(""));
    let target = &backup.target;
    let mut text = "BasePath,DstItemPathOrPrefix,ItemType,Disposition\n".to_owned();
    let blob = format!("{}/{}", target.container(), target.name());
    let cells = [&image.display().to_string(), &blob].map(|cell| cell.replace('"', "\"\""));
    let _ = writeln!(text, "\"{}\",\"{}\",PageBlob,no-overwrite", cells[0], cells[1]);
    let other = |old: Vec<u8>| (old != text.as_bytes()).then(|| dataset.display().to_string());
    if let Some(path) = durable::read(&dataset).ok().and_then(other) {
        let (name, what) = (backup.name.clone(), format!("{path} is the data set of another"));
        return Err(Error::NotFree { name, what, flag: "--job" }.into());
    }
    durable::write(&dataset, text.as_bytes(), Access::Public).map_err(io_at(&dataset))?;
    let command = command(backup, seed, &dataset, &state);
    Ok(Shipping { dataset, command })
}

fn command(backup: &DiskBackup, seed: &SeedJob, dataset: &Path, state: &State) -> Vec<String> {
    let mut words = vec!["azseed".to_owned()];
    let usual = State::open(None).is_ok_and(|usual| usual.folder() == state.folder());
    if !usual {
        let folder = std::path::absolute(state.folder()).unwrap_or(state.folder().to_owned());
        words.extend(["--state".to_owned(), folder.display().to_string()]);
    }
    let pairs = [
        ("--dataset", dataset.display().to_string()),
        ("--job", seed.job.to_string()),
        ("--storage-account", backup.target.account().to_string()),
        ("--subscription", seed.subscription.to_string()),
        ("--resource-group", seed.resource_group.to_string()),
    ];
    words.push("prep".to_owned());
    words.extend(pairs.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]));
    if let Some(service) = seed.service {
        words.extend(["--service".to_owned(), service.to_string()]);
    }
    let rest =
        ["--omit-zeros", "--location", "REGION", "--contact", "CONTACT.toml", "--drive", "DRIVE"];
    words.extend(rest.map(str::to_owned));
    words
}

fn typed<T>(value: T, flag: &str) -> Option<Given<T>> {
    Some(Given { value, origin: Origin::CommandLine, name: flag.to_owned() })
}

/// Looks at the job, and at what came of it.
pub(super) fn arrival(
    backup: &DiskBackup,
    seed: &SeedJob,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<Arrival, Failure> {
    let flags = JobOptions {
        job: Some(seed.job.clone()),
        staging: None,
        service: seed.service.and_then(|own| typed(own, "--service")),
        subscription: typed(seed.subscription.clone(), "--subscription"),
        resource_group: typed(seed.resource_group.clone(), "--resource-group"),
        storage_account: None,
        azure: options.azure.clone(),
    };
    let underway = |state: String| Arrival::Underway(Underway { job: seed.job.clone(), state });
    let service = match MeantJob::new(&flags, desk)?.service(desk) {
        Err(Failure(error)) if error.code() == "no-such-job" => {
            return Ok(underway("not made yet".to_owned()));
        }
        found => found?,
    };
    let job = match service.find(&seed.job) {
        Err(error) if error.code() == "no-such-job" => {
            return Ok(underway("not made yet".to_owned()));
        }
        found => found?,
    };
    use JobStage::{Cancelled, Completed, Incomplete, Returning, Unknown};
    match job.state.stage {
        Returning | Completed | Incomplete | Unknown => {}
        // Nothing comes any more: all of it goes by wire.
        Cancelled => return Ok(Arrival::Over(None)),
        _ => return Ok(underway(job.state.to_string())),
    }
    let shipped = match Shipped::open(None, &seed.job, desk) {
        Err(Failure(error)) if error.code() == "no-journals" => {
            let (job, blob) = (seed.job.clone(), backup.target.to_string());
            return Err(Error::NoJournals { job, blob }.into());
        }
        found => found?,
    };
    let Some(blob) = shipped.blocks(backup.target.path())? else { return Ok(Arrival::Over(None)) };
    let account = account_of(&job, &seed.job, None)?;
    let open = |name: &_| container(&options.azure, &options.blobs, &account, name, desk.attendant);
    let home = home(&options.azure, &options.blobs)?;
    let logs = read_logs(&job, &account, &home, &open)?;
    Ok(Arrival::Over(brought(backup, &job, blob, logs)?))
}

/// What came of a blob, as the log of its drive has it.
fn brought(
    backup: &DiskBackup,
    job: &Job,
    blob: ShippedBlob,
    logs: Vec<DriveLog<'_>>,
) -> Result<Option<Brought>, Error> {
    let ShippedBlob { serial, file_path, bytes, blocks } = blob;
    let of_drive = logs.into_iter().find(|own| own.drive.serial == serial);
    let sure = Brought { bytes, blocks, failed: [].into(), is_sure: true };
    let unsure = |own: Brought| Ok(Some(Brought { is_sure: false, ..own }));
    let log = match of_drive.map(|own| own.told) {
        // The job has another drive than this machine knows.
        None => {
            tracing::info!(%serial, job = %job.name, "the job does not name the drive");
            return unsure(sure);
        }
        Some(LogRead::Unread) => return Ok(None),
        Some(LogRead::Nothing) => return Ok(Some(sure)),
        Some(LogRead::Gone) => return unsure(sure),
        Some(LogRead::Log(log)) if !log.is_of_read_drive() => return Ok(None),
        Some(LogRead::Log(log)) => log,
    };
    match ended(&log, backup, &file_path) {
        None if log.cut.is_some() => unsure(sure),
        None | Some(BlobEnd::Arrived) => Ok(Some(sure)),
        Some(BlobEnd::Renamed { .. } | BlobEnd::Skipped) => Err(Error::Foreign {
            blob: backup.target.to_string(),
            source_blob: backup.source.to_string(),
        }),
        Some(BlobEnd::Damaged { parts }) if !parts.is_empty() && parts.len() < PARTS => {
            let last = sure.blocks.len();
            let block = |at: u64| usize::try_from(at / BLOCK_BYTES).unwrap_or(usize::MAX).min(last);
            let failed = parts.iter().flat_map(|part| {
                let end = part.offset.saturating_add(part.bytes.max(1)) - 1;
                block(part.offset)..=block(end)
            });
            let failed = failed.collect();
            Ok(Some(Brought { failed, ..sure }))
        }
        Some(_) => unsure(sure),
    }
}

/// What a log says of the copy's blob.
fn ended<'a>(log: &'a CopyLog, backup: &DiskBackup, file_path: &str) -> Option<&'a BlobEnd> {
    let target = &backup.target;
    let is_it = |own: &&Entry| match (&own.name, &own.file_path) {
        (None, _) => own.container == target.container().as_str(),
        (Some(_), Some(path)) => path == file_path,
        (Some(name), None) => own.container == target.container().as_str() && name == target.name(),
    };
    log.entries.iter().find(is_it).map(|own| &own.end)
}
