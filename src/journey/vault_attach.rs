//! `vault attach` and `vault detach`: a vault on a machine that knows nothing of it but account,
//! container and password, and forgotten there again. What lies in Azure is only read.

use std::collections::BTreeSet;
use std::sync::Arc;

use disk_prep::noun::{AccountName, ContainerName, RepositoryPrefix};
use jiff::Timestamp;

use super::desk::Desk;
use super::vault::{failed, open_container};
use super::vault_meant::{VaultOptions, pick};
use super::vault_password::{kept, password};
use crate::azure::Container;
use crate::outcome::{Failure, all, chain};
use crate::repository::{BlobStore, Repository};
use crate::vault::{Error, Notice, Settings, Vault, claimed, this_host, told_of};

/// Where a vault lies.
#[derive(Debug, Clone)]
pub struct AttachOptions {
    /// The storage account.
    pub storage_account: Option<AccountName>,
    /// The container.
    pub container: Option<ContainerName>,
    /// What stands before its blobs; a vault that is known is compared only if it was said.
    pub prefix: Option<RepositoryPrefix>,
}

/// Makes a vault known that lies in Azure. The repository is opened at once; nothing is kept of a
/// call that fails.
pub fn attach(
    asked: &AttachOptions,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Result<Attached, Failure> {
    let mut vault = record(asked, options, desk)?;
    let state = desk.state()?;
    let locked = || Error::Locked { container: vault.container.clone() };
    let _lock = state.lock_vault(&vault.name)?.ok_or_else(locked)?;
    for known in state.vaults()? {
        if known.name.as_str().eq_ignore_ascii_case(vault.name.as_str()) {
            return known_already(known, &vault, asked);
        }
        let place =
            |own: &Vault| (own.storage_account.clone(), own.container.clone(), own.prefix.clone());
        if place(&known) == place(&vault) {
            return Err(Error::KnownAs { known: known.name }.into());
        }
    }
    let container = open_container(&vault, options, desk)?;
    let is_ours = look(&mut vault, container.as_ref())?;
    let secret = password(&vault, &options.password, desk)?;
    let store = Arc::new(BlobStore::reading(Arc::clone(&container), &vault.prefix));
    let opened = Repository::open(store, &secret, desk.attendant.monitor());
    let opened = opened.map_err(|source| failed(&vault, source))?;
    let snapshots = opened.snapshots().map_err(|source| failed(&vault, source))?;
    let told = take_over(&mut vault, container.as_ref())?;
    if !is_ours {
        // No seed has come to it, so nothing waits to be cleared before its retention.
        vault.cleaned_at = vault.attached_at;
    }
    state.add_vault(&vault)?;
    Ok(Attached {
        vault,
        changed: true,
        snapshots: Some(snapshots.len()),
        hosts: snapshots.into_iter().map(|own| own.host).collect(),
        told,
    })
}

/// What the call says of a vault.
fn record(
    asked: &AttachOptions,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Result<Vault, Failure> {
    let (name, account, container) = all(
        ("--vault", options.vault.clone()),
        ("--storage-account", asked.storage_account.clone()),
        ("--container", asked.container.clone()),
    )?;
    let prefix = asked.prefix.clone().unwrap_or_default().as_str().to_owned();
    let (password_file, password_command) = options.password.recorded(desk)?;
    Ok(Vault {
        password_file,
        password_command,
        attached_at: Some(Timestamp::now()),
        ..Vault::at(name, account, container, prefix)
    })
}

/// Looks whether a repository lies there, and whose it is; whether it is that of a vault, and not
/// one that restic made.
fn look(vault: &mut Vault, container: &dyn Container) -> Result<bool, Error> {
    let config = format!("{}config", vault.prefix);
    let facts = container.facts(&config);
    let path = config.clone();
    if facts.map_err(|source| Error::Blob { path, source })?.is_none() {
        let Vault { storage_account, container, prefix, .. } = vault;
        let place = format!("{storage_account}/{container}/{prefix}");
        return Err(Error::NothingThere { place });
    }
    let claimed = match claimed(container) {
        // Anybody who can write there may have put it there; the password tells whose it is.
        Err(Error::Claimed { .. }) => None,
        claimed => claimed?,
    };
    match claimed {
        Some(there) if !there.as_str().eq_ignore_ascii_case(vault.name.as_str()) => {
            let (container, asked) = (vault.container.clone(), vault.name.clone());
            Err(Error::OtherName { container, there, asked })
        }
        Some(there) => {
            vault.name = there;
            Ok(true)
        }
        None => Ok(false),
    }
}

/// A vault of this name is known: it is the same, or every difference is told.
fn known_already(known: Vault, asked: &Vault, said: &AttachOptions) -> Result<Attached, Failure> {
    let mut differences = Vec::new();
    let mut compare = |what: &str, known: String, asked: String| {
        if known != asked {
            differences.push(format!("its {what} is {known}, not {asked}"));
        }
    };
    let account = |own: &Vault| own.storage_account.to_string();
    compare("storage account", account(&known), account(asked));
    compare("container", known.container.to_string(), asked.container.to_string());
    if said.prefix.is_some() {
        compare("prefix", format!("{:?}", known.prefix), format!("{:?}", asked.prefix));
    }
    let source = |own: &Vault| kept(own).map(|source| source.to_string());
    if let Some(asked) = source(asked) {
        compare("password in", source(&known).unwrap_or("no file".to_owned()), asked);
    }
    if !differences.is_empty() {
        return Err(Error::OtherwiseAttached { vault: known.name, differences }.into());
    }
    let (snapshots, hosts, told) = (None, BTreeSet::new(), Vec::new());
    Ok(Attached { vault: known, changed: false, snapshots, hosts, told })
}

/// Takes over what the container says: the policy and schedule of the vault, and, if this machine
/// has worked on it before, seed and sources of its own. Never those of another machine: its paths
/// may be here by chance.
fn take_over(vault: &mut Vault, container: &dyn Container) -> Result<Vec<String>, Failure> {
    let (all, foreign) = told_of(container)?;
    let mut told: Vec<String> =
        foreign.into_iter().map(|path| format!("Not understood: {path}")).collect();
    let all: Vec<Notice> = all
        .into_iter()
        .filter(|own| own.vault.as_str().eq_ignore_ascii_case(vault.name.as_str()))
        .collect();
    let host = this_host();
    let own = all.iter().find(|own| own.host == host);
    match Settings::read(container) {
        Ok(Some(settings)) if !settings.policy().keeps_nothing() => {
            let policy = settings.policy();
            told.push(format!("Its container says: {}, and it keeps {policy}", settings.schedule));
            vault.policy_at = settings.policy_at;
            (vault.schedule, vault.time_zone) = (settings.schedule, settings.time_zone);
            (vault.retention, vault.keep) = (settings.retention, settings.keep);
        }
        Ok(Some(_)) => told.push("Its policy would keep nothing and is not used".to_owned()),
        Ok(None) => {}
        Err(error @ Error::Control { .. }) => told.push(chain(&error)),
        Err(error) => return Err(error.into()),
    }
    vault.ingested_at = all.iter().filter_map(|own| own.ingested_at).max();
    vault.cleaned_at = all.iter().filter_map(|own| own.cleaned_at).max();
    if let Some(own) = own.cloned() {
        (vault.service, vault.seed) = (own.service, own.seed);
        (vault.subscription, vault.resource_group) = (own.subscription, own.resource_group);
        (vault.incremented_at, vault.joins_since) = (own.incremented_at, own.joins_since);
        (vault.added, vault.removed, vault.let_go) = (own.added, own.removed, own.let_go);
        (vault.sources, vault.filters) = (own.sources, own.filters);
        told.push("This machine goes on with its own sources".to_owned());
    }
    Ok(told)
}

/// Forgets a vault on this machine; what lies in Azure, on drives and in the staging path stays.
pub fn detach(options: &VaultOptions, desk: &Desk<'_>) -> Result<Detached, Failure> {
    let state = desk.state()?;
    let vault = pick(options, desk)?;
    let locked = || Error::Locked { container: vault.container.clone() };
    let _lock = state.lock_vault(&vault.name)?.ok_or_else(locked)?;
    let Vault { name, storage_account, container, prefix, .. } = &vault;
    desk.attendant.consent(&format!(
        "Would forget the vault {name} on this machine, and leave {storage_account}/{container}/{prefix} as it is"
    ))?;
    state.forget_vault(&vault)?;
    Ok(Detached { vault })
}

/// A vault that this machine knows.
#[derive(Debug)]
pub struct Attached {
    /// Its record.
    pub vault: Vault,
    /// Whether this call made it known.
    pub changed: bool,
    /// Snapshots in its repository, if that was opened.
    pub snapshots: Option<usize>,
    /// The machines that they are of.
    pub hosts: BTreeSet<String>,
    /// What is to be said of what was taken over.
    pub told: Vec<String>,
}

/// A vault that this machine knew.
#[derive(Debug)]
pub struct Detached {
    /// Its record.
    pub vault: Vault,
}
