//! `vault source`: what is meant with a source.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use disk_prep::noun::VaultName;

use super::desk::Desk;
use super::vault::{failed, open_container};
use super::vault_meant::VaultOptions;
use super::vault_password::{absolute, password};
use super::vault_writer::Writer;
use crate::outcome::Failure;
use crate::repository::{BackupPlan, BlobStore, Repository, SourceTotals, inside, survey};
use crate::vault::{Error, KnownSource, Vault, accept, this_host, vault_coverage};

/// Takes a source as it is found.
pub fn take(
    vault: &Vault,
    path: &Path,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Result<Accepted, Failure> {
    let path = &absolute(path);
    let state = desk.state()?;
    let mut writer = Writer::hold(vault, &state)?;
    let mut vault = writer.vault.clone();
    let choice = vault.choice();
    let staging = vault.seed.as_ref().map(|seed| seed.staging.clone());
    let never = staging.iter().flat_map(|staging| inside(staging, &[path.to_owned()])).collect();
    let seen = |path: &Path| {
        let sources = vec![path.to_owned()];
        let plan = BackupPlan { sources, choice, never, ..BackupPlan::default() };
        let seen = survey(&plan).ok().and_then(|seen| seen.sources.into_iter().next());
        seen.unwrap_or(SourceTotals { path: path.to_owned(), files: 0, bytes: 0 })
    };
    let known = accept(&mut vault, path, seen);
    let source = known.ok_or_else(|| {
        let known = vault.sources.iter().map(|own| own.path.clone());
        let sources = known.chain(vault.seed_sources().to_vec()).collect();
        Error::NoSuchSource { vault: vault.name.clone(), path: path.to_owned(), sources }
    })?;
    if vault.has_repository() && !vault.sources.iter().any(|own| own.is_shrunk) {
        let container = open_container(&vault, options, desk)?;
        let lease = writer.lease(&container)?;
        let fenced = lease.guard(container);
        let secret = password(&vault, &options.password, desk)?;
        let store = Arc::new(BlobStore::changing(&fenced, &vault.prefix));
        let opened = Repository::open(store, &secret, desk.attendant.monitor());
        let repository = opened.map_err(|fault| failed(&vault, fault))?;
        let snapshots = repository.snapshots().map_err(|fault| failed(&vault, fault))?;
        let host = vault_coverage(&vault, &snapshots, &this_host()).host;
        let sources: Vec<PathBuf> = vault.sources.iter().map(|own| own.path.clone()).collect();
        repository.accept_shrunk(&host, &sources).map_err(|fault| failed(&vault, fault))?;
    }
    writer.record(|own| own.sources.clone_from(&vault.sources))?;
    Ok(Accepted { vault: vault.name, source })
}

/// A source that was taken as it is.
#[derive(Debug)]
pub struct Accepted {
    /// The vault.
    pub vault: VaultName,
    /// The source as it is known now.
    pub source: KnownSource,
}
