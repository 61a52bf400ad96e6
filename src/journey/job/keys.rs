//! `job keys`: the recovery passwords, from journals and state directory alone.

use std::collections::BTreeSet;
use std::fs;

use disk_prep::drive::DriveName;
use disk_prep::journal::{Begun, CopyState};
use disk_prep::noun::{Diagnose, ErrorKind, Hint, JobName, RecoveryPassword, Serial};

use super::target::JobOptions;
use crate::import_job::first_name;
use crate::journey::desk::Desk;
use crate::journey::drives::find_filled;
use crate::journey::escrow::{Escrow, Escrowed, prove};
use crate::journey::keeper::{KeyFiles, keeper};
use crate::outcome::Failure;
use crate::staging::Staging;

#[derive(Debug, thiserror::Error)]
#[error("No drive is known here")]
struct NoDrives;

impl Diagnose for NoDrives {
    fn code(&self) -> &'static str {
        "no-drives-known"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::NotFound
    }
}

/// Drives of several jobs, and none is named.
#[derive(Debug, thiserror::Error)]
#[error("Drives of several jobs are known here: {}", jobs.join(", "))]
struct WhichKeys {
    jobs: Vec<String>,
}

impl Diagnose for WhichKeys {
    fn code(&self) -> &'static str {
        "which-job"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new("name one with `--job`"))
    }
}

/// Shows the recovery passwords of the drives of the job that is named, or of the only one.
pub fn keys(
    target: &JobOptions,
    is_named: bool,
    reveal: bool,
    files: &KeyFiles,
    desk: &Desk<'_>,
) -> Result<Keys, Failure> {
    let state = desk.state()?;
    let mut keys = Vec::new();
    for (staging, begun) in drives_of_job(target, is_named, desk)? {
        let keeper = keeper(Some(&staging), files, None, &state);
        let password = reveal.then(|| begun.password(keeper.as_ref())).transpose()?;
        keys.push(Key { serial: begun.serial, job: begun.job, password });
    }
    Ok(Keys(keys))
}

/// The drives of the job that is meant, with the staging path or folder of journals that each is in.
fn drives_of_job(
    target: &JobOptions,
    is_named: bool,
    desk: &Desk<'_>,
) -> Result<Vec<(Staging, Begun)>, Failure> {
    let state = desk.state()?;
    let mut paths = state.staging_paths();
    if let Some(staging) = &target.staging {
        if is_named {
            paths.clear();
        }
        paths.push(staging.clone());
    }
    // The drives of more than one job of a seed have the name of the first in their journals.
    let first = target.job.as_ref().and_then(first_name);
    let is_meant = |job: &JobName| {
        target.job.as_ref().is_none_or(|named| named == job) || first.as_ref() == Some(job)
    };
    let mut found = Vec::new();
    for path in paths {
        let path = fs::canonicalize(&path).unwrap_or(path);
        let staging = desk.enter(&path)?;
        for history in staging.journals().read()? {
            let is_held = !matches!(history.state, CopyState::SetAside | CopyState::Released);
            if is_held && is_meant(&history.begun.job) {
                found.push((path.clone(), staging.clone(), history.begun));
            }
        }
    }
    found.sort_by(|one, other| (&one.0, &one.2.serial).cmp(&(&other.0, &other.2.serial)));
    found.dedup_by(|one, other| (&one.0, &one.2.serial) == (&other.0, &other.2.serial));
    let jobs: BTreeSet<String> = found.iter().map(|(.., begun)| begun.job.to_string()).collect();
    if jobs.len() > 1 {
        return Err(WhichKeys { jobs: jobs.into_iter().collect() }.into());
    }
    if found.is_empty() {
        return Err(NoDrives.into());
    }
    Ok(found.into_iter().map(|(_, staging, begun)| (staging, begun)).collect())
}

/// No key is in escrow.
#[derive(Debug, thiserror::Error)]
#[error("No recovery password is sealed: each stands clear in its journal")]
struct NoEscrow;

impl Diagnose for NoEscrow {
    fn code(&self) -> &'static str {
        "no-escrow"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::NotFound
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new("`azseed prep --encrypt-keys-for RECIPIENT` seals those of new drives"))
    }
}

/// The escrow of each drive that was looked at.
#[derive(Debug)]
pub struct Proofs(pub Vec<Escrowed>);

/// Proves that what is sealed opens the drives: these by unlocking them, else those of the job that
/// is meant by the key in their journals.
pub fn prove_keys(
    target: &JobOptions,
    is_named: bool,
    drives: &[DriveName],
    files: &KeyFiles,
    desk: &Desk<'_>,
) -> Result<Proofs, Failure> {
    let state = desk.state()?;
    let mut work = Vec::new();
    for name in drives {
        let (drive, staging) = find_filled(name, target.staging.as_deref(), &state, desk)?;
        let staging = staging.ok_or(NoDrives)?;
        let history = staging.journals().history(&drive.serial)?.ok_or(NoDrives)?;
        work.push((staging, history.begun, Some(drive)));
    }
    if drives.is_empty() {
        let all = drives_of_job(target, is_named, desk)?;
        work.extend(all.into_iter().map(|(staging, begun)| (staging, begun, None)));
    }
    let mut proofs = Vec::new();
    for (staging, begun, drive) in work {
        let keeper = keeper(Some(&staging), files, None, &state);
        let escrow = prove(&begun, drive.as_ref(), &keeper)?;
        proofs.push(Escrowed { serial: begun.serial, escrow });
    }
    match proofs.iter().all(|own| matches!(own.escrow, Escrow::Clear)) {
        true => Err(NoEscrow.into()),
        false => Ok(Proofs(proofs)),
    }
}

/// What opens one drive.
#[derive(Debug)]
pub struct Key {
    /// The drive.
    pub serial: Serial,
    /// Its job.
    pub job: JobName,
    /// The recovery password, if it may be shown.
    pub password: Option<RecoveryPassword>,
}

/// What opens each drive of a job.
#[derive(Debug)]
pub struct Keys(pub Vec<Key>);
