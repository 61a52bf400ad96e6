//! How a job stands, for `job status`: as its service tells it, with what the logs of its drives
//! say. A log that cannot be read keeps nothing from being told.

use std::path::PathBuf;

use disk_prep::noun::{ContainerName, VaultName};
use uuid::Uuid;

use super::connections::{AzureOptions, BlobAccess, container, home};
use super::desk::Desk;
use super::job::{MeantJob, meant, seen};
use super::repair::{account_of, elsewhere, fetch};
use crate::azure::blob_at;
use crate::import_job::copy_log::{BlobEnd, CopyLog, Cut};
use crate::import_job::{DriveStatus, Job, first_name};
use crate::outcome::Failure;
use crate::staging::SeedKind;
use crate::state::{State, StateError};
use crate::vault::Vault;

/// A job with what the logs of its drives say.
#[derive(Debug)]
pub struct Standing {
    /// The job.
    pub job: Job,
    /// The staging path of its seed, if one is known.
    pub staging: Option<PathBuf>,
    /// What its seed is, if one is known.
    pub kind: Option<SeedKind>,
    /// Its drives that have a log.
    pub logs: Vec<DriveLog>,
    /// What takes its seed in.
    pub sequel: Sequel,
}

/// What takes a seed in, once its job has ended, as far as this machine knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sequel {
    /// A vault that waits for it.
    Awaited(VaultName),
    /// A vault that has taken it in.
    TakenIn(VaultName),
    /// No vault here is for it.
    NoVault,
}

impl Sequel {
    /// What follows on a seed, as the memory of this machine says it.
    pub fn of(state: &State, seed: Option<Uuid>) -> Result<Self, StateError> {
        let is_its = |own: &Vault| own.seed.as_ref().map(|link| link.id) == seed;
        let vault = state.vaults()?.into_iter().find(|own| seed.is_some() && is_its(own));
        Ok(match vault {
            Some(vault) if vault.awaits_seed() => Sequel::Awaited(vault.name),
            Some(vault) => Sequel::TakenIn(vault.name),
            None => Sequel::NoVault,
        })
    }
}

/// What came of looking at the log of a drive.
#[derive(Debug)]
pub struct DriveLog {
    /// The drive.
    pub serial: String,
    /// What came of it.
    pub sight: LogSight,
}

/// What a log says, or why it could not be read.
#[derive(Debug)]
pub enum LogSight {
    /// It was read.
    Read(LogCount),
    /// It could not be.
    Unread(Failure),
}

/// Blobs that a log names, by what it says of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LogCount {
    /// Arrived whole.
    pub arrived: u64,
    /// The drive had no such file.
    pub missing: u64,
    /// Not what the manifest says.
    pub damaged: u64,
    /// Did not go through for another reason.
    pub failed: u64,
    /// Have another name.
    pub renamed: u64,
    /// Were there and stayed.
    pub kept: u64,
    /// Something that this program does not know.
    pub unknown: u64,
    /// Why the log has more than was read.
    pub cut: Option<Cut>,
}

impl LogCount {
    fn of(log: &CopyLog) -> Self {
        let mut own = LogCount { cut: log.cut, ..LogCount::default() };
        for entry in &log.entries {
            *match entry.end {
                BlobEnd::Arrived => &mut own.arrived,
                BlobEnd::Missing { .. } => &mut own.missing,
                BlobEnd::Damaged { .. } => &mut own.damaged,
                BlobEnd::Failed { .. } => &mut own.failed,
                BlobEnd::Renamed { .. } => &mut own.renamed,
                BlobEnd::Skipped => &mut own.kept,
                BlobEnd::Unknown { .. } => &mut own.unknown,
            } += 1;
        }
        own
    }

    /// How many are not as they should be, with a word for each kind.
    pub fn faults(&self) -> Vec<(u64, &'static str)> {
        let all = [
            (self.missing, "missing"),
            (self.damaged, "damaged"),
            (self.failed, "failed"),
            (self.renamed, "renamed"),
            (self.kept, "kept"),
            (self.unknown, "unknown"),
        ];
        all.into_iter().filter(|(count, _)| *count > 0).collect()
    }
}

/// Asks the service and reads the logs.
pub fn standing(
    target: &MeantJob<'_>,
    azure: &AzureOptions,
    blobs: &BlobAccess,
    desk: &Desk<'_>,
) -> Result<Standing, Failure> {
    let service = target.service(desk)?;
    let (name, mut job) = meant(target, &*service, desk)?;
    seen(&mut job, desk);
    let having = job.drives.iter().filter_map(|drive| Some((drive, drive.error_log.as_deref()?)));
    let read = |drive: &DriveStatus, link: &str| -> Result<LogCount, Failure> {
        let account = account_of(&job, &name, target.seed.as_ref())?;
        let place = blob_at(link, &account, &home(azure, blobs)?)?;
        let (place, blob): (ContainerName, String) =
            place.ok_or_else(|| elsewhere(drive, link, &account))?;
        let container = container(azure, blobs, &account, &place, desk.attendant)?;
        Ok(fetch(&*container, &blob)?.map(|log| LogCount::of(&log)).unwrap_or_default())
    };
    let logs = having.map(|(drive, link)| {
        let sight = read(drive, link).map_or_else(LogSight::Unread, LogSight::Read);
        DriveLog { serial: drive.serial.clone(), sight }
    });
    let logs = logs.collect();
    let state = desk.state()?;
    let dataset = first_name(&name).or(Some(name)).and_then(|own| state.known_job_folder(&own));
    let kind = target.seed.as_ref().map(|(seed, _)| seed.kind);
    let kind = kind.or(dataset.map(|_| SeedKind::Files));
    let staging = target.seed.as_ref().map(|(_, staging)| staging.path().to_owned());
    let sequel = Sequel::of(&state, target.seed.as_ref().map(|(seed, _)| seed.id))?;
    Ok(Standing { job, staging, kind, logs, sequel })
}
