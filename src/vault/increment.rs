//! What follows the seed: a backup of the same sources under the same host name, then retention.

use std::sync::Arc;

use jiff::Zoned;
use secrecy::SecretString;

use super::Error;
use super::record::Vault;
use crate::azure::Container;
use crate::repository::{BackupDone, BackupPlan, BlobStore, Repository, Snapshot, Watcher};

/// What an increment has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Increment {
    /// The backup.
    pub backup: BackupDone,
    /// Snapshots that the retention did not keep.
    pub forgotten: Vec<String>,
}

/// Backs up what the newest snapshot backed up, forgets what the retention does not keep, and
/// prunes after it. Until the cleanup has proven the seed by what the vault holds, all is kept.
pub fn increment(
    vault: &Vault,
    container: &Arc<Container>,
    password: &SecretString,
    now: &Zoned,
    watcher: &Arc<dyn Watcher>,
) -> Result<Increment, Error> {
    let failed = |source| Error::Repository { vault: vault.name.clone(), source };
    let open = || {
        let store = Arc::new(BlobStore::new(Arc::clone(container), &vault.prefix));
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
        forgotten = repository.forget(vault.retention, now).map_err(failed)?;
        if !forgotten.is_empty() {
            repository.prune().map_err(failed)?;
        }
    }
    Ok(Increment { backup, forgotten })
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
