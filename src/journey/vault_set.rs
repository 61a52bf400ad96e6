//! `vault set`: the password and the place of a vault are others than the record says. Nothing is
//! written down before the repository was opened with it.

use std::sync::Arc;

use disk_prep::noun::{AccountName, ContainerName, RepositoryPrefix};
use secrecy::SecretString;

use super::desk::Desk;
use super::vault::{failed, open_container};
use super::vault_meant::{VaultOptions, expect_staging, find};
use super::vault_password::{kept, password, read};
use crate::azure::Container;
use crate::outcome::{Failure, MissingFlags};
use crate::repository::{BlobStore, Choice, Repository};
use crate::vault::{Error, Vault, claimed};

/// What is to be another.
#[derive(Debug, Clone, Default)]
pub struct SetOptions {
    /// The storage account.
    pub storage_account: Option<AccountName>,
    /// The container.
    pub container: Option<ContainerName>,
    /// What stands before its blobs.
    pub prefix: Option<RepositoryPrefix>,
    /// What of its sources is taken.
    pub filters: Option<Choice>,
}

/// Changes a vault's record.
pub fn set(
    asked: &SetOptions,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Result<Changed, Failure> {
    let state = desk.state()?;
    let known = find(options, &state)?;
    expect_staging(&known, options, desk)?;
    let (file, command) = options.password.typed(desk)?;
    let mut vault = moved(&known, asked);
    let says_password = file.is_some() || command.is_some();
    if says_password {
        (vault.password_file, vault.password_command) = (file, command);
    }
    let before = vault.choice();
    if asked.filters.as_ref().is_some_and(|filters| *filters != before) {
        vault.filters.clone_from(&asked.filters);
    }
    let SetOptions { storage_account, container, prefix, filters } = asked;
    let says_place = storage_account.is_some() || container.is_some() || prefix.is_some();
    if !says_place && !says_password && filters.is_none() {
        return Err(MissingFlags::one("--password-file, --container or another").into());
    }
    if vault == known {
        return Ok(Changed { vault, differences: Vec::new() });
    }
    let locked = || Error::Locked { container: known.container.clone() };
    let _lock = state.lock_vault(&known.name)?.ok_or_else(locked)?;
    let is_moved = place(&vault) != place(&known);
    if vault.has_repository() && (is_moved || says_password) {
        let secret = match kept(&vault).filter(|_| says_password) {
            Some(source) => read(&source)?,
            None => password(&vault, &options.password, desk)?,
        };
        prove(&known, &vault, &secret, is_moved, options, desk)?;
    } else if is_moved {
        return Err(Error::NoRepository { vault: known.name }.into());
    }
    let differences = differences(&known, &vault);
    let vault = state.change_vault(&known, |own| {
        own.storage_account = vault.storage_account;
        own.container = vault.container;
        own.prefix = vault.prefix;
        own.password_file = vault.password_file;
        own.password_command = vault.password_command;
        own.filters = vault.filters;
        if is_moved {
            own.leases.clear();
        }
    })?;
    Ok(Changed { vault, differences })
}

/// The vault where it shall lie.
fn moved(known: &Vault, asked: &SetOptions) -> Vault {
    let mut vault = known.clone();
    if let Some(account) = &asked.storage_account {
        vault.storage_account = account.clone();
    }
    if let Some(container) = &asked.container {
        vault.container = container.clone();
    }
    if let Some(prefix) = &asked.prefix {
        vault.prefix = prefix.as_str().to_owned();
    }
    vault
}

fn place(vault: &Vault) -> (&AccountName, &ContainerName, &str) {
    (&vault.storage_account, &vault.container, &vault.prefix)
}

/// Opens the repository as the record will say, and sees that it is the same one.
fn prove(
    known: &Vault,
    vault: &Vault,
    secret: &SecretString,
    is_moved: bool,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Result<(), Failure> {
    let container = open_container(vault, options, desk)?;
    let opened = open_at(vault, &container, secret, desk)?;
    if !is_moved {
        return Ok(());
    }
    match claimed(container.as_ref())? {
        Some(there) if !there.as_str().eq_ignore_ascii_case(vault.name.as_str()) => {
            let (container, asked) = (vault.container.clone(), vault.name.clone());
            return Err(Error::OtherName { container, there, asked }.into());
        }
        _ => {}
    }
    // The old place may be gone; where it is not, it shows whether this is the same repository.
    let old = open_container(known, options, desk)?;
    if let Ok(before) = open_at(known, &old, secret, desk)
        && before.id() != opened.id()
    {
        let place = format!("{}/{}/{}", vault.storage_account, vault.container, vault.prefix);
        return Err(Error::MovedElsewhere { vault: vault.name.clone(), place }.into());
    }
    Ok(())
}

fn open_at(
    vault: &Vault,
    container: &Arc<dyn Container>,
    secret: &SecretString,
    desk: &Desk<'_>,
) -> Result<Repository, Failure> {
    let config = format!("{}config", vault.prefix);
    let facts = container.facts(&config);
    let path = config.clone();
    if facts.map_err(|source| Error::Blob { path, source })?.is_none() {
        let place = format!("{}/{}/{}", vault.storage_account, vault.container, vault.prefix);
        return Err(Error::NothingThere { place }.into());
    }
    let store = Arc::new(BlobStore::reading(Arc::clone(container), &vault.prefix));
    let opened = Repository::open(store, secret, desk.attendant.monitor());
    Ok(opened.map_err(|source| failed(vault, source))?)
}

fn differences(known: &Vault, vault: &Vault) -> Vec<String> {
    let mut all = Vec::new();
    let mut tell = |what: &str, before: String, now: String| {
        if before != now {
            all.push(format!("{what} is {now}, it was {before}"));
        }
    };
    let source = |own: &Vault| kept(own).map_or("unknown".to_owned(), |own| own.to_string());
    let account = |own: &Vault| own.storage_account.to_string();
    tell("The storage account", account(known), account(vault));
    tell("The container", known.container.to_string(), vault.container.to_string());
    tell("The prefix", format!("{:?}", known.prefix), format!("{:?}", vault.prefix));
    tell("The place of the password", source(known), source(vault));
    let left_out = |own: &Vault| match own.choice().told() {
        none if none.is_empty() => "nothing".to_owned(),
        told => told.join("; "),
    };
    tell("What is left out", left_out(known), left_out(vault));
    all
}

/// A vault whose record was changed.
#[derive(Debug)]
pub struct Changed {
    /// Its record now.
    pub vault: Vault,
    /// What is another; nothing if it was so before.
    pub differences: Vec<String>,
}
