//! What follows the seed: a backup of the same sources under the same host name, then retention.

use std::sync::Arc;

use jiff::Zoned;
use secrecy::SecretString;

use super::Error;
use super::record::Vault;
use super::retention::{Origin, Point, Shrunk, forgettable};
use crate::azure::Fenced;
use crate::repository::{
    self, BackupDone, BackupPlan, BlobStore, Repository, SHRUNK_TAG, Snapshot, Watcher,
};

/// What an increment has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Increment {
    /// The backup.
    pub backup: BackupDone,
    /// Snapshots that the retention did not keep.
    pub forgotten: Vec<String>,
    /// Whether the record has a policy that keeps nothing, which was not carried out.
    pub policy_refused: bool,
}

/// Backs up what the newest snapshot backed up, forgets what the retention does not keep, and
/// prunes after it. Until the cleanup has proven the seed by what the vault holds, all is kept.
/// Every write and delete is one of the fenced container, so none comes after the lease is lost.
pub fn increment(
    vault: &Vault,
    container: &Fenced,
    password: &SecretString,
    now: &Zoned,
    watcher: &Arc<dyn Watcher>,
) -> Result<Increment, Error> {
    let failed = |source| Error::Repository { vault: vault.name.clone(), source };
    let open = || {
        let store = Arc::new(BlobStore::changing(container, &vault.prefix));
        Repository::open(store, password, Arc::clone(watcher)).map_err(failed)
    };
    let repository = open()?;
    // A run that was killed may have left packs that no index names.
    repository.repair_index().map_err(failed)?;
    let plan = plan(vault, repository.snapshots().map_err(failed)?.last());
    if let Some(path) = plan.sources.iter().find(|path| !path.exists()) {
        return Err(Error::NoSource { path: path.clone() });
    }
    let backup = repository.back_up(&plan).map_err(failed)?;
    let mut forgotten = Vec::new();
    if vault.cleaned_at.is_some() {
        let repository = open()?;
        let own = origin(&plan, &backup.snapshot, &repository.snapshots().map_err(failed)?);
        if let Some((own, points)) = own {
            let zone = now.time_zone();
            forgotten = forgettable(&points, &own, vault.retention, zone, now.timestamp());
        }
        if !forgotten.is_empty() {
            repository.forget(&forgotten).map_err(failed)?;
            repository.prune().map_err(failed)?;
        }
    }
    // What the library made of a refused write is not asked: the run ends well only with its lease.
    container.check().map_err(|source| failed(repository::Error::Service { source }))?;
    Ok(Increment { backup, forgotten, policy_refused: vault.retention.keeps_nothing() })
}

/// What this run backs up, and all snapshots as the retention sees them; `None` if the one that
/// was just made is not listed, since then the list cannot be right.
fn origin(plan: &BackupPlan, made: &str, snapshots: &[Snapshot]) -> Option<(Origin, Vec<Point>)> {
    let origin = |own: &Snapshot| Origin {
        host: own.host.clone(),
        paths: own.paths.iter().cloned().collect(),
    };
    let made = snapshots.iter().find(|own| own.id == made)?;
    let own = Origin { paths: plan.sources.iter().cloned().collect(), ..origin(made) };
    let point = |own: &Snapshot| {
        let has_shrunk = own.tags.iter().any(|tag| tag == SHRUNK_TAG);
        Point {
            id: own.id.clone(),
            origin: origin(own),
            time: own.time,
            files: own.files,
            shrunk: if has_shrunk { Shrunk::Open } else { Shrunk::No },
            is_marked: own.tags.iter().any(|tag| tag != SHRUNK_TAG),
        }
    };
    Some((own, snapshots.iter().map(point).collect()))
}

fn plan(vault: &Vault, newest: Option<&Snapshot>) -> BackupPlan {
    let exclude = vault.seed.exclude.clone();
    match newest {
        Some(Snapshot { paths, host, .. }) => {
            BackupPlan { sources: paths.clone(), exclude, host: Some(host.clone()) }
        }
        None => BackupPlan { sources: vault.seed.sources.clone(), exclude, host: None },
    }
}
