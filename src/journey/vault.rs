//! A backup in Azure that began with a seed: made and opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use disk_prep::noun::{AccountName, ContainerName, ProgramLine, VaultName};

use super::connections::{container, container_beside};
use super::desk::Desk;
use super::share::meant;
use super::vault_create::{CreateOptions, go_on};
use super::vault_meant::VaultOptions;
use super::vault_password::{absolute, password};
use crate::azure::Container;
use crate::outcome::{Failure, both};
use crate::policy::Retention;
use crate::repository::{BlobStore, Choice, Error as RepositoryError, Repository};
use crate::staging::{Destination, Error as StagingError, Origin, Seed, SeedKind, SeedState};
use crate::vault::{Error, SeedLink, Vault, claim, claimed, covered, tell_first, this_host};

/// An error of a vault's repository.
pub fn failed(vault: &Vault, source: RepositoryError) -> Error {
    match source.is_of_call() {
        true => Error::Asked { source },
        false => Error::Repository { vault: vault.name.clone(), source },
    }
}

/// The vault's container and the imported one, to be read; a lease gives the right to more.
pub fn open_containers(
    vault: &Vault,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Result<[Arc<dyn Container>; 2], Failure> {
    let VaultOptions { azure, blobs, .. } = options;
    let own = open_container(vault, options, desk)?;
    let link = vault.seed()?;
    let Some(account) = &link.storage_account else {
        let account = &vault.storage_account;
        return Ok([own, container(azure, blobs, account, &link.container, desk.attendant)?]);
    };
    let (sas, place) = (options.seed_sas_file.as_deref(), (account, &link.container));
    let beside = container_beside(azure, blobs, sas, place, desk.attendant)?;
    let import = beside.ok_or_else(|| Error::SeedClosed { account: account.clone() })?;
    Ok([own, import])
}

/// The vault's container, to be read.
pub fn open_container(
    vault: &Vault,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Result<Arc<dyn Container>, Failure> {
    let VaultOptions { azure, blobs, .. } = options;
    let name = &vault.container;
    Ok(container(azure, blobs, &vault.storage_account, name, desk.attendant)?)
}

/// Its repository, to be read.
pub fn open(vault: &Vault, options: &VaultOptions, desk: &Desk<'_>) -> Result<Repository, Failure> {
    if !vault.has_repository() {
        return Err(Error::NoRepository { vault: vault.name.clone() }.into());
    }
    let store = Arc::new(BlobStore::reading(open_container(vault, options, desk)?, &vault.prefix));
    let secret = password(vault, &options.password, desk)?;
    let opened = Repository::open(store, &secret, desk.attendant.monitor());
    Ok(opened.map_err(|source| failed(vault, source))?)
}

/// Makes a vault, or finds it made.
pub fn make(
    create: &CreateOptions,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Result<Vaults, Failure> {
    let state = &desk.state()?;
    let staging = match &options.staging {
        Some(staging) => Some(staging.value.clone()),
        None => state.staging_of(None)?,
    };
    let (name, staging) = both(("--vault", options.vault.clone()), ("--staging", staging))?;
    let staging = meant(&staging, desk)?;
    let vault = record(create, name, options, &staging, desk)?;
    let entered = desk.enter(&staging)?;
    let seed = Seed::open(&entered)?;
    let data = entered.data(&seed)?;
    let mut told = Vec::new();
    let secret = password(&vault, &options.password, desk)?;
    if data.store().has_config() {
        // A password that does not open it would be found out a fortnight later.
        let covered = covered(data.store(), &secret, desk.attendant.monitor());
        let covered = covered.map_err(|source| failed(&vault, source))?;
        if seed.origin == Origin::Adopted {
            told = covered.told(Some(&vault.name));
        }
    }
    let locked = || Error::Locked { container: vault.container.clone() };
    let _lock = state.lock_vault(&vault.name)?.ok_or_else(locked)?;
    let same = |known: &Vault| known.name.as_str().eq_ignore_ascii_case(vault.name.as_str());
    if let Some(known) = state.vaults()?.into_iter().find(same) {
        let known = go_on(known, &vault, create, &options.password, desk.attendant)?;
        return Ok(Vaults { vaults: vec![known], changed: Some(false), told });
    }
    let VaultOptions { azure, blobs, .. } = options;
    let container =
        container(azure, blobs, &vault.storage_account, &vault.container, desk.attendant)?;
    if claimed(container.as_ref())?.is_none() {
        if seed.state == SeedState::Cleared {
            return Err(StagingError::Cleared { path: entered.path().to_owned() }.into());
        }
        if !create.is_adopted {
            expect_empty(&vault, container.as_ref())?;
        }
    }
    // A claim without a record is found again by the same call.
    claim(container.as_ref(), &vault.name, seed.id)?;
    tell_first(&vault, container.as_ref())?;
    state.add_vault(&vault)?;
    Ok(Vaults { vaults: vec![vault], changed: Some(true), told })
}

/// Refuses a place that has a repository: no seed begins it.
fn expect_empty(vault: &Vault, container: &dyn Container) -> Result<(), Error> {
    let path = format!("{}config", vault.prefix);
    let facts = container.facts(&path).map_err(|source| Error::Blob { path, source })?;
    let Vault { storage_account, container, prefix, .. } = vault;
    let place = || format!("{storage_account}/{container}/{prefix}");
    facts.map_or(Ok(()), |_| Err(Error::HasRepository { place: place() }))
}

/// What the flags and the seed say.
fn record(
    create: &CreateOptions,
    name: VaultName,
    options: &VaultOptions,
    staging: &Path,
    desk: &Desk<'_>,
) -> Result<Vault, Failure> {
    let [daily, weekly, monthly, yearly] = create.keep.clone().map(|own| own.map(|own| own.value));
    let retention = Retention { daily, weekly, monthly, yearly };
    if retention.keeps_nothing() {
        return Err(Error::KeepsNothing { policy: retention.into() }.into());
    }
    let seed = Seed::open(&desk.enter(staging)?)?;
    if seed.kind != SeedKind::Repository {
        return Err(Error::PlainFiles { path: staging.to_owned() }.into());
    }
    if let Some(joined) = &seed.vault {
        return Err(Error::HasRepository { place: format!("The vault {joined}") }.into());
    }
    let (account, container, prefix) = place(create, &name, &seed)?;
    let (password_file, password_command) = password_places(options, &seed, staging, desk)?;
    let seed_account = Some(&seed.target.storage_account).filter(|own| **own != account).cloned();
    Ok(Vault {
        service: seed.target.service,
        subscription: Some(seed.target.subscription.clone()),
        resource_group: Some(seed.target.resource_group.clone()),
        seed: Some(link(seed, seed_account, real(staging))),
        password_file: password_file.as_deref().map(absolute),
        password_command,
        schedule: create.schedule.value.clone(),
        retention,
        ..Vault::at(name, account, container, prefix)
    })
}

/// The path without links and `..`, as records have it.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| absolute(path))
}

/// Where a vault is kept: account, container and prefix.
fn place(
    create: &CreateOptions,
    name: &VaultName,
    seed: &Seed,
) -> Result<(AccountName, ContainerName, String), Failure> {
    let Destination { storage_account, container: imported, prefix, .. } = &seed.target;
    let account = create.account.as_ref().map_or(storage_account, |own| &own.value).clone();
    if create.is_adopted {
        return Ok((account, imported.clone(), prefix.clone()));
    }
    let container = match &create.container {
        Some(container) => container.value.clone(),
        None => format!("azseed-{}", name.as_str().to_lowercase()).parse()?,
    };
    if account == *storage_account && container == *imported {
        return Err(Error::SharedContainer { container }.into());
    }
    Ok((account, container, "repo/".to_owned()))
}

/// A seed as the vault of this machine knows it. What other machines have staged is theirs; a
/// seed of one machine may be gone on with by another one, which has its sources then.
fn link(seed: Seed, storage_account: Option<AccountName>, staging: PathBuf) -> SeedLink {
    let me = this_host();
    let (host, sources, choice) = match seed.staged_by(&me) {
        Some(own) => (Some(me), own.sources.clone(), own.choice.clone()),
        None if seed.hosts.len() > 1 => (Some(me), Vec::new(), Choice::default()),
        None => (None, seed.sources, seed.choice),
    };
    let Destination { job, container, prefix, .. } = seed.target;
    let id = seed.id;
    SeedLink { id, job, storage_account, container, prefix, staging, host, sources, choice }
}

/// Where the password of a new vault is: where the call says, else where that of its seed is.
fn password_places(
    options: &VaultOptions,
    seed: &Seed,
    staging: &Path,
    desk: &Desk<'_>,
) -> Result<(Option<PathBuf>, Option<ProgramLine>), Failure> {
    match options.password.recorded(desk)? {
        (None, None) => match desk.state()?.password_path(seed) {
            Some(path) => Ok((Some(path), None)),
            None => Err(Error::NoPassword { path: staging.to_owned() }.into()),
        },
        said => Ok(said),
    }
}

/// Vaults as this machine knows them.
#[derive(Debug)]
pub struct Vaults {
    /// Their records.
    pub vaults: Vec<Vault>,
    /// Whether this run made it; `None` when it only looked.
    pub changed: Option<bool>,
    /// What its increments will cover.
    pub told: Vec<String>,
}
