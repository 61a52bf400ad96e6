//! Snapshots that somebody lets go, all at once.

use std::sync::Arc;

use disk_prep::monitor::Monitor;
use secrecy::SecretString;

use super::error::Error;
use super::record::Vault;
use crate::azure::Fenced;
use crate::repository::{self, BlobStore, Repository};

/// Removes these snapshots, and what only they needed. What the library made of a refused write is
/// not asked: it ends well only with the lease.
pub fn remove_snapshots(
    vault: &Vault,
    container: &Arc<dyn Fenced>,
    secret: &SecretString,
    monitor: Arc<dyn Monitor>,
    ids: &[String],
) -> Result<(), Error> {
    let remove = || {
        let store = Arc::new(BlobStore::changing(container, &vault.prefix));
        let repository = Repository::open(store, secret, monitor)?;
        repository.forget(ids)?;
        repository.prune()
    };
    let removed = if ids.is_empty() { Ok(()) } else { remove() };
    let checked = removed
        .and_then(|()| container.check().map_err(|source| repository::Error::Service { source }));
    checked.map_err(|source| Error::Repository { vault: vault.name.clone(), source })
}
