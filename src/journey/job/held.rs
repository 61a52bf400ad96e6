//! The drives of a job that this machine has the journals of, and the custody logs beside those.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use disk_prep::journal::{Begun, CopyState, Sealed};
use disk_prep::noun::{Diagnose, ErrorKind, Hint, JobName};

use super::target::JobOptions;
use crate::custody::Deed;
use crate::import_job::first_name;
use crate::journey::custody::{Logged, leave};
use crate::journey::desk::Desk;
use crate::outcome::Failure;
use crate::staging::Staging;

#[derive(Debug, thiserror::Error)]
#[error("No drive is known here")]
pub(super) struct NoDrives;

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

/// The staging paths of drives, each once.
pub(super) struct Homes<T>(BTreeMap<PathBuf, (Staging, Vec<T>)>);

impl<T> Default for Homes<T> {
    fn default() -> Self {
        Homes(BTreeMap::new())
    }
}

impl<T> Homes<T> {
    pub fn add(&mut self, staging: &Staging, item: T) {
        let home = self.0.entry(staging.path().to_owned());
        home.or_insert((staging.clone(), Vec::new())).1.push(item);
    }

    pub fn leave(self, deeds: impl Fn(Vec<T>) -> Vec<Deed>, desk: &Desk<'_>) -> Logged {
        let mut logged = Logged(None);
        for (staging, items) in self.0.into_values() {
            let left = leave(&staging, None, |_| deeds(items), desk);
            logged = Logged(logged.0.or(left.0));
        }
        logged
    }
}

/// A drive of a job, by its journal.
pub(super) struct OfJob {
    /// The staging path, or the folder of journals, that it is in.
    pub staging: Staging,
    /// What was begun.
    pub begun: Begun,
    /// What the job needs, once it is sealed.
    pub sealed: Option<Sealed>,
}

/// The drives of the job that is meant, with the staging path or folder of journals that each is in.
pub(super) fn drives_of_job(
    target: &JobOptions,
    is_named: bool,
    desk: &Desk<'_>,
) -> Result<Vec<OfJob>, Failure> {
    let state = desk.state()?;
    let mut paths = state.staging_paths();
    if let Some(staging) = &target.staging {
        if is_named {
            paths.clear();
        }
        paths.push(staging.value.clone());
    }
    // The drives of more than one job of a seed have the name of the first in their journals.
    let first = target.job.as_ref().and_then(first_name);
    let is_meant = |job: &JobName| {
        target.job.as_ref().is_none_or(|named| named == job) || first.as_ref() == Some(job)
    };
    let mut found = Vec::new();
    for path in paths {
        let path = fs::canonicalize(&path).unwrap_or(path);
        let surveyed = desk.enter(&path).and_then(|staging| {
            let histories = staging.journals().survey()?;
            Ok((staging, histories))
        });
        let (staging, histories) = match surveyed {
            // What is wrong with the path of another job keeps nobody from this one.
            Err(_) if state.job_at(&path).is_some_and(|(job, _)| !is_meant(&job)) => continue,
            surveyed => surveyed?,
        };
        for history in histories {
            let is_held = !matches!(history.state, CopyState::SetAside | CopyState::Released);
            if is_held && is_meant(&history.begun.job) {
                let (staging, begun, sealed) = (staging.clone(), history.begun, history.sealed);
                found.push((path.clone(), OfJob { staging, begun, sealed }));
            }
        }
    }
    let key = |own: &(PathBuf, OfJob)| (own.0.clone(), own.1.begun.serial.clone());
    found.sort_by_cached_key(key);
    found.dedup_by(|one, other| key(one) == key(other));
    let jobs: BTreeSet<String> = found.iter().map(|(_, own)| own.begun.job.to_string()).collect();
    if jobs.len() > 1 {
        return Err(WhichKeys { jobs: jobs.into_iter().collect() }.into());
    }
    if found.is_empty() {
        return Err(NoDrives.into());
    }
    Ok(found.into_iter().map(|(_, own)| own).collect())
}
