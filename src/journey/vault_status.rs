//! `vault list` and `vault status`: how far vaults are, by this machine's record, the service, and
//! what the container tells, without the password of any repository.

use super::desk::Desk;
use super::vault::open_container;
use super::vault_meant::{VaultOptions, find};
use super::vault_run::{Status, status};
use crate::outcome::{Failure, chain};
use crate::vault::{Notice, Vault, told_of};

/// Shows how far a vault is, with what each of its machines told last.
pub fn look(vault: Vault, options: &VaultOptions, desk: &Desk<'_>) -> Result<Standing, Failure> {
    let is_attached = vault.attached_at.is_some();
    let told = open_container(&vault, options, desk).and_then(|container| {
        let told = told_of(container.as_ref())?;
        Ok(told)
    });
    let (machines, foreign) = match told {
        Ok(told) => told,
        // What this machine knows itself is told all the same.
        Err(error) if !is_attached => {
            let why = chain(error.0.as_ref());
            desk.attendant.warn(&format!("what other machines tell is not known: {why}"));
            (Vec::new(), Vec::new())
        }
        Err(error) => return Err(error),
    };
    for path in foreign {
        desk.attendant.warn(&format!("{path} is not understood"));
    }
    let machines = machines
        .into_iter()
        .filter(|own| own.vault.as_str().eq_ignore_ascii_case(vault.name.as_str()))
        .collect();
    Ok(Standing { status: status(vault, options, desk)?, machines })
}

/// Shows how far each vault of this machine is, or the one that is named; one that cannot be asked for is named, and the
/// others go on.
pub fn list(options: &VaultOptions, desk: &Desk<'_>) -> Result<Standings, Failure> {
    let state = desk.state()?;
    let (vaults, unread) = match &options.vault {
        Some(_) => (vec![find(options, &state)?], Vec::new()),
        None => (state.vaults()?, state.unread_vaults(None)?),
    };
    unread.iter().for_each(|error| desk.attendant.warn(&chain(error)));
    let look = |vault: Vault| {
        let own = VaultOptions { vault: Some(vault.name.clone()), ..options.clone() };
        let known = vault.clone();
        status(vault, &own, desk).map_err(|error| Box::new((known, chain(error.0.as_ref()))))
    };
    Ok(Standings { vaults: vaults.into_iter().map(look).collect(), is_whole: unread.is_empty() })
}

/// How far a vault is, and what its machines told.
#[derive(Debug)]
pub struct Standing {
    /// As this machine and the service know it.
    pub status: Status,
    /// What each machine told last.
    pub machines: Vec<Notice>,
}

/// How far each vault is; why nobody knows it of one.
#[derive(Debug)]
pub struct Standings {
    /// Of each vault.
    pub vaults: Vec<Result<Status, Box<(Vault, String)>>>,
    /// Whether all records of vaults could be read.
    pub is_whole: bool,
}
