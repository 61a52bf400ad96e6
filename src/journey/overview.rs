//! The one page of `status`: every seed that this machine knows, its drives, its jobs, the vaults,
//! and what is next. What cannot be reached is said and hides nothing else.

use std::path::{Path, PathBuf};

use disk_prep::journal::{CopyState, JournalFolder};
use disk_prep::noun::{ErrorKind, JobName, Serial};

use super::connections::{AzureOptions, BlobAccess};
use super::desk::Desk;
use super::job::{JobOptions, MeantJob, Remembered, expect_own, seen};
use super::settings::Given;
use super::standing::Sequel;
use super::vault_meant::VaultOptions;
use super::vault_password::PasswordGiven;
use super::vault_run;
use crate::import_job::{Job, parts};
use crate::outcome::{Failure, chain};
use crate::schedule::Due;
use crate::staging::{Seed, SeedState, Staging};
use crate::state::State;
use crate::vault::{Vault, VaultState};

/// Whether Azure is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// It is.
    Azure,
    /// Only what lies here is looked at.
    Here,
}

/// What is looked at.
#[derive(Debug)]
pub struct OverviewOptions {
    /// One staging path; all that this machine knows if not said.
    pub staging: Option<PathBuf>,
    /// Whether Azure is asked.
    pub reach: Reach,
    /// Where it is.
    pub azure: AzureOptions,
}

/// What the service says of the jobs of a seed.
#[derive(Debug)]
pub enum Asked {
    /// These; none if none is made.
    Told(Vec<Job>),
    /// Nothing, since it was not asked.
    Unasked,
    /// It could not be asked.
    Unreached(String),
}

/// What lies on a staging path.
#[derive(Debug)]
pub enum Found {
    /// A seed.
    Seed(Box<Seed>),
    /// Journals of a `dataset.csv`, of this job.
    Dataset(JobName),
    /// It cannot be looked at.
    Away(String),
}

/// A staging path, and what is known of it.
#[derive(Debug)]
pub struct SeedSight {
    /// Where it is.
    pub path: PathBuf,
    /// What lies there.
    pub found: Found,
    /// Its drives.
    pub drives: Vec<(Serial, CopyState)>,
    /// Its jobs.
    pub jobs: Asked,
    /// Its jobs as they were seen last, if the service was not heard now.
    pub remembered: Vec<Remembered>,
    /// Of a data set, whether its parcel was sent.
    pub was_sent: bool,
    /// What takes it in.
    pub sequel: Sequel,
}

/// A vault, and what is known of it.
#[derive(Debug)]
pub struct VaultSight {
    /// Its record.
    pub vault: Vault,
    /// How far it is.
    pub sight: VaultFound,
}

/// How far a vault is.
#[derive(Debug)]
pub enum VaultFound {
    /// So far; and when its next run is due.
    Known(VaultState, Option<Due>),
    /// It is not known, for this reason.
    Unknown(String),
}

/// The page.
#[derive(Debug)]
pub struct Overview {
    /// The seeds.
    pub seeds: Vec<SeedSight>,
    /// The vaults.
    pub vaults: Vec<VaultSight>,
    /// Why records of seeds and vaults cannot be read.
    pub unread: Vec<String>,
}

/// Looks at all that this machine knows.
pub fn overview(options: &OverviewOptions, desk: &Desk<'_>) -> Result<Overview, Failure> {
    let state = desk.state()?;
    let paths = match &options.staging {
        Some(path) => vec![path.clone()],
        None => state.staging_paths(),
    };
    let mut seeds: Vec<SeedSight> =
        paths.into_iter().map(|path| look(path, &state, desk)).collect::<Result<_, _>>()?;
    // Whoever cannot be reached is not waited for again.
    let mut silent = None;
    for sight in &mut seeds {
        if let (Found::Seed(_), Reach::Azure) = (&sight.found, options.reach) {
            sight.jobs = match silent.clone() {
                Some(why) => Asked::Unreached(why),
                None => match ask(&sight.path, options, desk) {
                    Ok(jobs) => Asked::Told(jobs),
                    Err(error) => Asked::Unreached(heard(&error, &mut silent)),
                },
            };
        }
        if !matches!(sight.jobs, Asked::Told(_)) {
            sight.remembered = remembered(sight, &state)?;
        }
    }
    let mut vaults = Vec::new();
    for vault in state.vaults()? {
        let is_local = vault.ingested_at.is_some();
        let sight = match (options.reach, silent.clone()) {
            (Reach::Here, _) if !is_local => VaultFound::Unknown("Azure was not asked".to_owned()),
            (Reach::Azure, Some(why)) if !is_local => VaultFound::Unknown(why),
            _ => vault_state(&vault, options, desk)
                .unwrap_or_else(|error| VaultFound::Unknown(heard(&error, &mut silent))),
        };
        vaults.push(VaultSight { vault, sight });
    }
    let unread = state.unread_seeds()?.into_iter().chain(state.unread_vaults(None)?);
    let unread = unread.map(|error| chain(&error)).collect();
    Ok(Overview { seeds, vaults, unread })
}

/// Why somebody could not be asked; if it is the network, that is remembered.
fn heard(error: &Failure, silent: &mut Option<String>) -> String {
    let why = chain(error.0.as_ref());
    if error.0.kind() == ErrorKind::Unreachable {
        silent.get_or_insert_with(|| why.clone());
    }
    why
}

fn look(path: PathBuf, state: &State, desk: &Desk<'_>) -> Result<SeedSight, Failure> {
    let opened = desk.enter(&path).and_then(|staging| {
        let seed = Seed::find(&staging)?;
        let drives = drives(&staging.journals())?;
        Ok((staging, seed, drives))
    });
    let (found, drives) = match opened {
        Ok((_, Some(seed), drives)) => (Found::Seed(Box::new(seed)), drives),
        Ok((staging, None, drives)) => (dataset(&staging, state), drives),
        Err(error) => (Found::Away(chain(error.0.as_ref())), Vec::new()),
    };
    let seed = match &found {
        Found::Seed(seed) => Some(seed.id),
        _ => None,
    };
    let sequel = Sequel::of(state, seed)?;
    let was_sent = match &found {
        Found::Dataset(job) => state.was_sent(job)?,
        _ => false,
    };
    let (jobs, remembered) = (Asked::Unasked, Vec::new());
    Ok(SeedSight { path, found, drives, jobs, remembered, was_sent, sequel })
}

/// The folder of a `dataset.csv` has the name of its job, and lies below the state directory.
fn dataset(staging: &Staging, state: &State) -> Found {
    let jobs = std::fs::canonicalize(state.folder().join("jobs"));
    let above = staging.path().parent().and_then(|above| std::fs::canonicalize(above).ok());
    if jobs.ok() != above {
        return Found::Away("there is no seed in it".to_owned());
    }
    let name = staging.path().file_name().unwrap_or_default().to_string_lossy();
    match JobName::new(&name) {
        Ok(job) => Found::Dataset(job),
        Err(_) => Found::Away("there is no seed in it".to_owned()),
    }
}

fn drives(journals: &JournalFolder) -> Result<Vec<(Serial, CopyState)>, disk_prep::journal::Error> {
    let all = journals.survey()?.into_iter();
    Ok(all.map(|history| (history.begun.serial.clone(), history.state)).collect())
}

/// What was seen last of the jobs; one that is cleared has none that matter.
fn remembered(sight: &SeedSight, state: &State) -> Result<Vec<Remembered>, Failure> {
    let job = match &sight.found {
        Found::Seed(seed) if seed.state == SeedState::Cleared => None,
        Found::Seed(seed) => Some(seed.target.job.clone()),
        Found::Dataset(job) => Some(job.clone()),
        Found::Away(_) => state.job_at(&sight.path).map(|(job, _)| job),
    };
    let jobs = job.map(|job| state.jobs_remembered(&job)).transpose()?;
    Ok(jobs.unwrap_or_default())
}

/// The jobs of the seed on this path.
fn ask(path: &Path, options: &OverviewOptions, desk: &Desk<'_>) -> Result<Vec<Job>, Failure> {
    let job = JobOptions {
        job: None,
        staging: Some(Given::default_of(path.to_owned())),
        service: None,
        subscription: None,
        resource_group: None,
        storage_account: None,
        azure: options.azure.clone(),
    };
    let target = MeantJob::new(&job, desk)?;
    let service = target.service(desk)?;
    let mut jobs = parts(&target.seed_job()?, service.list()?);
    jobs.retain(|job| {
        let own = expect_own(&target, job, desk);
        own.as_ref().err().inspect(|error| desk.attendant.warn(&chain(error.0.as_ref())));
        own.is_ok()
    });
    jobs.iter_mut().for_each(|job| seen(job, desk));
    Ok(jobs)
}

fn vault_state(
    vault: &Vault,
    options: &OverviewOptions,
    desk: &Desk<'_>,
) -> Result<VaultFound, Failure> {
    let own = VaultOptions {
        seed_sas_file: None,
        password: PasswordGiven::default(),
        vault: Some(vault.name.clone()),
        staging: None,
        azure: options.azure.clone(),
        blobs: BlobAccess::default(),
    };
    let status = vault_run::status(vault.clone(), &own, desk);
    status.map(|status| VaultFound::Known(status.state, status.next))
}
