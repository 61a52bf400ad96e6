//! Which vault a call means, and whether what the call says of its seed is true of it.

use std::path::{Path, PathBuf};

use disk_prep::noun::VaultName;

use super::connections::{AzureOptions, BlobAccess};
use super::desk::Desk;
use super::settings::{Given, settle};
use super::vault_password::{PasswordGiven, absolute};
use crate::outcome::Failure;
use crate::staging::{Error as StagingError, Seed, Staging};
use crate::state::State;
use crate::vault::{Error, SeedLink, Vault};

/// Which vault, and where Azure is.
#[derive(Debug, Clone)]
pub struct VaultOptions {
    /// Its name.
    pub vault: Option<VaultName>,
    /// The staging path of its seed.
    pub staging: Option<Given<PathBuf>>,
    /// Where Azure is.
    pub azure: AzureOptions,
    /// Where blobs are.
    pub blobs: BlobAccess,
    /// A file with a signature for the seed's container, if it is of another account.
    pub seed_sas_file: Option<PathBuf>,
    /// Where the call says the password is.
    pub password: PasswordGiven,
}

/// The vault that is meant. What stands on the command line of its seed must be so.
pub fn pick(options: &VaultOptions, desk: &Desk<'_>) -> Result<Vault, Failure> {
    let vault = find(options, &desk.state()?)?;
    expect_staging(&vault, options, desk)?;
    expect_place(&vault, desk)?;
    Ok(vault)
}

/// The vault that is meant, whatever else the call says: the named one, else the only one.
pub fn find(options: &VaultOptions, state: &State) -> Result<Vault, Failure> {
    let mut vaults = state.vaults()?;
    if let Some(name) = &options.vault {
        vaults.retain(|vault| vault.name.as_str().eq_ignore_ascii_case(name.as_str()));
    }
    let name = || options.vault.as_ref().map_or("at all".to_owned(), ToString::to_string);
    // What cannot be read may be the one that is meant.
    let unread = match (vaults.is_empty(), &options.vault) {
        (false, Some(_)) => None,
        (_, name) => state.unread_vaults(name.as_ref())?.pop(),
    };
    if let Some(unread) = unread {
        return Err(unread.into());
    }
    match vaults.len() {
        0 => Err(Error::NoVault { name: name() }.into()),
        1 => Ok(vaults.remove(0)),
        _ => {
            let vaults = vaults.iter().map(|vault| vault.name.to_string()).collect();
            Err(Error::WhichVault { vaults }.into())
        }
    }
}

/// Where the staging path of a vault's seed is: where the command line says, else its record.
pub fn staging_path<'a>(vault: &'a Vault, options: &'a VaultOptions) -> Result<&'a Path, Error> {
    match (&options.staging, &vault.seed) {
        (Some(given), _) if given.is_typed() => Ok(&given.value),
        (_, Some(link)) => Ok(&link.staging),
        (Some(given), None) => Ok(&given.value),
        (None, None) => vault.seed().map(|link| link.staging.as_path()),
    }
}

/// The staging path of a vault's seed.
pub fn staging(vault: &Vault, options: &VaultOptions, desk: &Desk<'_>) -> Result<Staging, Failure> {
    desk.enter(staging_path(vault, options)?)
}

/// The seed of a vault, which must be the one that it was made for.
pub fn own_seed(vault: &Vault, staging: &Staging) -> Result<Seed, Failure> {
    let seed = Seed::open(staging)?;
    let link = vault.seed()?;
    if seed.id != link.id {
        let (held, asked) = (seed.id.to_string(), link.id.to_string());
        let path = staging.path().to_owned();
        return Err(StagingError::AnotherSeed { path, held, asked }.into());
    }
    Ok(seed)
}

/// A staging path that is typed leads to the vault's seed, if to another folder than when it was
/// recorded.
pub fn expect_staging(
    vault: &Vault,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Result<(), Failure> {
    let Some(given) = &options.staging else { return Ok(()) };
    let held = match vault.seed() {
        Ok(SeedLink { staging, .. }) => staging,
        Err(error) if given.is_typed() => return Err(error.into()),
        Err(_) => return Ok(()),
    };
    if absolute(&given.value) == absolute(held) {
        return Ok(());
    }
    if given.is_typed() {
        own_seed(vault, &desk.enter(&given.value)?)?;
    } else {
        let Given { name, .. } = given;
        let (vault, held) = (&vault.name, held.display());
        let text = format!("{name} is not used: the seed of the vault {vault} is in {held}");
        desk.attendant.tell_unused(&text);
    }
    Ok(())
}

/// An account, a container and a subscription that are typed are those of the vault's seed, or of
/// a vault that has none.
pub fn expect_place(vault: &Vault, desk: &Desk<'_>) -> Result<(), Failure> {
    let own = (&vault.storage_account, &vault.container);
    let (record, (account, container)) = match &vault.seed {
        None => (format!("the vault {} lies in", vault.name), own),
        Some(link) => {
            let account = link.storage_account.as_ref().unwrap_or(own.0);
            (format!("the seed of the vault {} is for", vault.name), (account, &link.container))
        }
    };
    let consent = &desk.consent;
    for (given, held) in [
        (&consent.storage_account, Some(account.to_string())),
        (&consent.container, Some(container.to_string())),
        (&consent.subscription, vault.subscription.as_ref().map(ToString::to_string)),
    ] {
        let typed = given.clone().filter(Given::is_typed);
        settle(typed, held, &record, desk.attendant)?;
    }
    Ok(())
}
