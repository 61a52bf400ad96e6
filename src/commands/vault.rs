//! `vault`: a backup in Azure that began with a seed.

use super::call::Call;
use super::flags::run_options;
use crate::cli::{SourceCommand, VaultCommand, VaultCreate};
use crate::journey::desk::Desk;
use crate::journey::settings::one_of;
use crate::journey::vault::{Vaults, make};
use crate::journey::vault_create::CreateOptions;
use crate::journey::vault_meant::{VaultOptions, pick};
use crate::journey::vault_run::Wish;
use crate::journey::{
    vault_forget, vault_give_up, vault_source, vault_sources, vault_status, vault_turn,
};
use crate::outcome::{Ended, Failure, IdleWord, MissingFlags};

/// What is said of one vault's seed, by its id and as it is typed.
const OF_ONE: [(&str, &str); 4] = [
    ("staging", "--staging"),
    ("storage_account", "--storage-account"),
    ("container", "--container"),
    ("subscription", "--subscription"),
];

/// Runs what makes a vault, or goes on with it.
pub fn run(command: &VaultCommand, options: &VaultOptions, call: &Call<'_>) -> Ended {
    let desk = &call.desk();
    let picked = || pick(options, desk);
    match command {
        VaultCommand::Create(create) => Ok(Box::new(make(&created(create, call)?, options, desk)?)),
        VaultCommand::List => {
            if let Some((_, word)) = OF_ONE.into_iter().find(|(id, _)| call.is_typed(id)) {
                return Err(IdleWord { word }.into());
            }
            // A variable names the vault of commands that take one.
            let named = options.vault.clone().filter(|_| call.is_typed("vault"));
            let options = VaultOptions { vault: named, staging: None, ..options.clone() };
            Ok(Box::new(vault_status::list(&options, desk)?))
        }
        VaultCommand::Show => {
            Ok(Box::new(Vaults { vaults: vec![picked()?], changed: None, told: Vec::new() }))
        }
        VaultCommand::Status => Ok(Box::new(vault_status::look(picked()?, options, desk)?)),
        VaultCommand::Run { now, allow_shrink, repair_up_to, without_seed, how, password: _ } => {
            let wish = Wish {
                is_asked_for: *now,
                allow_shrink: *allow_shrink,
                repair_limit: repair_up_to.map(|size| size.0),
                without_seed: *without_seed,
                closes_after: None,
            };
            let how = run_options(how);
            Ok(Box::new(vault_turn::run(&picked()?, options, wish, &how, desk)?))
        }
        VaultCommand::Source { command } => source(command, options, desk),
        VaultCommand::Forget { source, seed, all: _, password: _ } => match (seed, source) {
            (Some(seed), _) => {
                Ok(Box::new(vault_give_up::give_up(&picked()?, *seed, options, desk)?))
            }
            (None, Some(source)) => {
                Ok(Box::new(vault_forget::forget(&picked()?, source, options, desk)?))
            }
            (None, None) => Err(MissingFlags::one("--source").into()),
        },
    }
}

fn source(command: &SourceCommand, options: &VaultOptions, desk: &Desk<'_>) -> Ended {
    let vault = &pick(options, desk)?;
    Ok(match command {
        SourceCommand::Accept { path, .. } => {
            Box::new(vault_source::take(vault, path, options, desk)?)
        }
        SourceCommand::Add { path } => Box::new(vault_sources::add(vault, path, desk)?),
        SourceCommand::Remove { path } => Box::new(vault_sources::remove(vault, path, desk)?),
        SourceCommand::List => Box::new(vault_sources::list(vault)),
    })
}

fn created(create: &VaultCreate, call: &Call<'_>) -> Result<CreateOptions, Failure> {
    // `--adopt` means the place of the import, and goes before another one.
    let adopt = || call.given("adopt", create.adopt.then_some(()));
    let account = call.given("vault_account", create.vault_account.clone());
    let container = call.given("vault_container", create.vault_container.clone());
    let is_account = one_of(adopt(), account.clone(), call.ui)?.1.is_some();
    let is_container = one_of(adopt(), container.clone(), call.ui)?.1.is_some();
    Ok(CreateOptions {
        account: account.filter(|_| is_account),
        container: container.filter(|_| is_container),
        is_adopted: create.adopt,
        schedule: call.said("schedule", create.schedule.clone()),
        keep: [
            call.given("keep_daily", create.keep_daily),
            call.given("keep_weekly", create.keep_weekly),
            call.given("keep_monthly", create.keep_monthly),
            call.given("keep_yearly", create.keep_yearly),
        ],
    })
}
