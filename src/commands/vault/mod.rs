//! `vault`: a backup in Azure that began with a seed.

mod contents;
mod run;
mod show;
mod source;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use disk_prep::noun::VaultName;
use jiff::Timestamp;
use secrecy::SecretString;

use super::connect::container;
use super::door::Door;
use super::stage::MissingFlag;
use super::{Failure, Outcome};
use crate::azure::Container;
use crate::cli::{Global, SourceCommand, VaultArgs, VaultCommand, VaultCreate, VaultTarget};
use crate::repository::{BlobStore, Overwrite, Owners, Repository, RestoreOptions, Snapshot};
use crate::staging::{Origin, Seed, SeedKind, Staging, Weak, read_password};
use crate::state::State;
use crate::ui::Ui;
use crate::vault::{Error, Retention, SeedLink, VERSION, Vault, claim, covered};
pub(super) use contents::seed_blobs;
use show::{Restored, Snapshots, Vaults};
pub(super) use writer::Writer;

/// Runs `vault`.
pub fn run(
    args: &VaultArgs,
    global: &Global,
    door: &Door<'_>,
    ui: &Ui,
) -> Result<Box<dyn Outcome>, Failure> {
    let state = State::open(global.state.as_deref())?;
    let target = &args.target;
    match &args.command {
        VaultCommand::Create(create) => make(create, target, &state, door, ui),
        VaultCommand::List => {
            Ok(Box::new(Vaults { vaults: state.vaults()?, changed: None, told: Vec::new() }))
        }
        VaultCommand::Show => {
            let vault = pick(target, &state)?;
            Ok(Box::new(Vaults { vaults: vec![vault], changed: None, told: Vec::new() }))
        }
        VaultCommand::Status => run::status(pick(target, &state)?, target, door),
        VaultCommand::Run { now, allow_shrink } => {
            let wish = run::Wish { is_asked_for: *now, allow_shrink: *allow_shrink };
            run::run(&pick(target, &state)?, target, &state, wish, door, ui)
        }
        VaultCommand::Source { command: SourceCommand::Accept { path } } => {
            source::take(&pick(target, &state)?, path, target, &state, ui)
        }
        VaultCommand::Snapshots => {
            let vault = pick(target, &state)?;
            let snapshots = open(&vault, target, ui)?.snapshots();
            let snapshots = snapshots.map_err(|source| failed(&vault, source))?;
            Ok(Box::new(Snapshots(snapshots)))
        }
        VaultCommand::Restore { target: folder, snapshot, overwrite, no_owner } => {
            let vault = pick(target, &state)?;
            let repository = open(&vault, target, ui)?;
            let all = repository.snapshots().map_err(|source| failed(&vault, source))?;
            let snapshot = choose(&vault, &all, snapshot.as_deref())?.clone();
            let options = RestoreOptions {
                overwrite: if *overwrite { Overwrite::Kinds } else { Overwrite::Nothing },
                owners: if *no_owner { Owners::Kept } else { Owners::Restored },
            };
            let done = repository.restore(&snapshot, folder, options);
            let done = done.map_err(|source| failed(&vault, source))?;
            Ok(Box::new(Restored { snapshot, folder: folder.clone(), done }))
        }
    }
}

fn failed(vault: &Vault, source: crate::repository::Error) -> Error {
    Error::Repository { vault: vault.name.clone(), source }
}

/// The vault that is meant: the named one, else the only one.
pub(super) fn pick(target: &VaultTarget, state: &State) -> Result<Vault, Failure> {
    let mut vaults = state.vaults()?;
    if let Some(name) = &target.vault {
        vaults.retain(|vault| vault.name.as_str().eq_ignore_ascii_case(name.as_str()));
    }
    let name = || target.vault.as_ref().map_or("at all".to_owned(), ToString::to_string);
    match vaults.len() {
        0 => Err(Error::NoVault { name: name() }.into()),
        1 => Ok(vaults.remove(0)),
        _ => Err(Error::WhichVault.into()),
    }
}

/// Where the staging path of a vault's seed is.
pub(super) fn staging_path<'a>(vault: &'a Vault, target: &'a VaultTarget) -> &'a Path {
    target.staging.as_deref().unwrap_or(&vault.seed.staging)
}

/// The staging path of a vault's seed.
pub(super) fn staging(
    vault: &Vault,
    target: &VaultTarget,
    door: &Door<'_>,
) -> Result<Staging, Failure> {
    door.enter(staging_path(vault, target))
}

/// The seed of a vault, which must be the one that it was made for.
pub(super) fn own_seed(vault: &Vault, staging: &Staging) -> Result<Seed, Failure> {
    let seed = Seed::open(staging)?;
    if seed.id != vault.seed.id {
        let (held, asked) = (seed.id.to_string(), vault.seed.id.to_string());
        let path = staging.path().to_owned();
        return Err(crate::staging::Error::AnotherSeed { path, held, asked }.into());
    }
    Ok(seed)
}

/// The vault's container and the imported one, to be read; a lease gives the right to more.
pub(super) fn open_containers(
    vault: &Vault,
    target: &VaultTarget,
) -> Result<(Arc<Container>, Arc<Container>), Failure> {
    let open = |name| container(&target.azure, &target.blobs, &vault.storage_account, name);
    Ok((Arc::new(open(&vault.container)?), Arc::new(open(&vault.seed.container)?)))
}

fn password(vault: &Vault) -> Result<SecretString, crate::staging::Error> {
    read_password(&vault.password_file, Weak::Accepted)
}

fn open(vault: &Vault, target: &VaultTarget, ui: &Ui) -> Result<Repository, Failure> {
    if vault.ingested_at.is_none() {
        return Err(Error::NoRepository { vault: vault.name.clone() }.into());
    }
    let container: Container =
        container(&target.azure, &target.blobs, &vault.storage_account, &vault.container)?;
    let store = Arc::new(BlobStore::reading(Arc::new(container), &vault.prefix));
    let opened = Repository::open(store, &password(vault)?, ui.monitor());
    Ok(opened.map_err(|source| failed(vault, source))?)
}

/// The snapshot whose id begins so; the newest if none is named.
fn choose<'a>(
    vault: &Vault,
    all: &'a [Snapshot],
    wanted: Option<&str>,
) -> Result<&'a Snapshot, Error> {
    let named = wanted.filter(|wanted| *wanted != "latest");
    let none = || Error::NoSnapshot {
        vault: vault.name.clone(),
        wanted: named.unwrap_or("at all").to_owned(),
    };
    let Some(start) = named else { return all.last().ok_or_else(none) };
    let found: Vec<&Snapshot> = all.iter().filter(|own| own.id.starts_with(start)).collect();
    match found.as_slice() {
        [] => Err(none()),
        [snapshot] => Ok(snapshot),
        several => Err(Error::ManySnapshots {
            vault: vault.name.clone(),
            wanted: start.to_owned(),
            count: several.len(),
        }),
    }
}

/// Makes a vault, or finds it made.
fn make(
    create: &VaultCreate,
    target: &VaultTarget,
    state: &State,
    door: &Door<'_>,
    ui: &Ui,
) -> Result<Box<dyn Outcome>, Failure> {
    let name = target.vault.clone().ok_or(MissingFlag { flag: "--vault" })?;
    let staging: PathBuf = match &target.staging {
        Some(staging) => staging.clone(),
        None => state.staging_of(None)?.ok_or(MissingFlag { flag: "--staging" })?,
    };
    let vault = record(create, name, &staging, state, door)?;
    let entered = door.enter(&staging)?;
    let seed = Seed::open(&entered)?;
    let data = entered.data(&seed)?;
    let told = if seed.origin == Origin::Adopted && data.store().has_config() {
        let secret = read_password(&vault.password_file, Weak::Accepted)?;
        let covered = covered(data.store(), &secret, ui.monitor());
        covered.map_err(|source| failed(&vault, source))?.told()
    } else {
        Vec::new()
    };
    let locked = || Error::Locked { container: vault.container.clone() };
    let _lock = state.lock_vault(&vault.name)?.ok_or_else(locked)?;
    let same = |known: &Vault| known.name.as_str().eq_ignore_ascii_case(vault.name.as_str());
    if let Some(known) = state.vaults()?.into_iter().find(same) {
        return if is_as_asked(&known, &vault) {
            Ok(Box::new(Vaults { vaults: vec![known], changed: Some(false), told }))
        } else {
            Err(Error::Exists { name: known.name }.into())
        };
    }
    let container =
        container(&target.azure, &target.blobs, &vault.storage_account, &vault.container)?;
    // A claim without a record is found again by the same call.
    claim(&container, &vault.name, vault.seed.id)?;
    state.add_vault(&vault)?;
    Ok(Box::new(Vaults { vaults: vec![vault], changed: Some(true), told }))
}

/// What the flags and the seed say.
fn record(
    create: &VaultCreate,
    name: VaultName,
    staging: &Path,
    state: &State,
    door: &Door<'_>,
) -> Result<Vault, Failure> {
    let retention = Retention {
        daily: create.keep_daily,
        weekly: create.keep_weekly,
        monthly: create.keep_monthly,
        yearly: create.keep_yearly,
    };
    if retention.keeps_nothing() {
        return Err(Error::KeepsNothing { policy: retention }.into());
    }
    let seed = Seed::open(&door.enter(staging)?)?;
    if seed.kind != SeedKind::Repository {
        return Err(Error::PlainFiles { path: staging.to_owned() }.into());
    }
    let container = match &create.vault_container {
        Some(container) => container.clone(),
        None => format!("azseed-{}", name.as_str().to_lowercase()).parse()?,
    };
    if container == seed.target.container {
        return Err(Error::SharedContainer { container }.into());
    }
    let known = create.password_file.clone().or_else(|| state.password_path(&seed));
    let password_file = known.ok_or_else(|| Error::NoPassword { path: staging.to_owned() })?;
    read_password(&password_file, Weak::Accepted)?;
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    Ok(Vault {
        version: VERSION,
        name,
        storage_account: seed.target.storage_account,
        container,
        prefix: "repo/".to_owned(),
        subscription: seed.target.subscription,
        resource_group: seed.target.resource_group,
        seed: SeedLink {
            id: seed.id,
            job: seed.target.job,
            container: seed.target.container,
            prefix: seed.target.prefix,
            staging: absolute(staging),
            sources: seed.sources,
            choice: seed.choice,
        },
        password_file: absolute(&password_file),
        schedule: create.schedule,
        retention,
        leases: Vec::new(),
        lease_holder: None,
        generation: 0,
        ingested_at: None,
        incremented_at: None,
        cleaned_at: None,
        sources: Vec::new(),
    })
}

/// Whether a vault is what was asked for, apart from what has happened to it since.
fn is_as_asked(known: &Vault, asked: &Vault) -> bool {
    *known
        == Vault {
            leases: known.leases.clone(),
            lease_holder: known.lease_holder.clone(),
            generation: known.generation,
            ingested_at: known.ingested_at,
            incremented_at: known.incremented_at,
            cleaned_at: known.cleaned_at,
            sources: known.sources.clone(),
            ..asked.clone()
        }
}

/// The moment, for records.
fn now() -> Timestamp {
    Timestamp::now()
}
