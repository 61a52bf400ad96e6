//! `job keys`: the recovery passwords, from journals and state directory alone.

use std::collections::BTreeSet;
use std::fs;

use disk_prep::journal::CopyState;
use disk_prep::noun::{Diagnose, ErrorKind, Hint, JobName, RecoveryPassword, Serial};

use super::target::JobOptions;
use crate::import_job::first_name;
use crate::journey::desk::Desk;
use crate::journey::keeper::{KeyFiles, keeper};
use crate::outcome::Failure;

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
    let mut keys = Vec::new();
    for (_, staging, begun) in found {
        let keeper = keeper(Some(&staging), files, None, &state);
        let password = reveal.then(|| begun.password(keeper.as_ref())).transpose()?;
        keys.push(Key { serial: begun.serial, job: begun.job, password });
    }
    if keys.is_empty() { Err(NoDrives.into()) } else { Ok(Keys(keys)) }
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
