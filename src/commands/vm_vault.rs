//! `vm vault`: Recovery Services vaults.

use disk_prep::noun::{Diagnose, ErrorKind, Hint};

use super::call::Call;
use crate::cli::{RedundancyChoice, RoleChoice, VmRedundancyCommand, VmVaultCommand};
use crate::journey::vm::VmOptions;
use crate::journey::vm_vault::{self, NewVault};
use crate::journey::{vm_tree, vm_upkeep};
use crate::outcome::{Ended, IdleWord};
use crate::vm_backup::Redundancy;

/// Runs `vm vault`.
pub fn run(command: &VmVaultCommand, options: &VmOptions, call: &Call<'_>) -> Ended {
    let desk = &call.desk();
    Ok(match command {
        VmVaultCommand::List => Box::new(vm_vault::list(options, desk)?),
        VmVaultCommand::Show => Box::new(vm_vault::show(options, desk)?),
        VmVaultCommand::Plan => Box::new(vm_upkeep::plan(options, desk)?),
        VmVaultCommand::Delete => Box::new(vm_upkeep::let_vault_go(options, desk)?),
        VmVaultCommand::Redundancy(VmRedundancyCommand::Show) => {
            Box::new(vm_upkeep::redundancy(None, options, desk)?)
        }
        VmVaultCommand::Redundancy(VmRedundancyCommand::Set { kind }) => {
            Box::new(vm_upkeep::redundancy(Some(kept(*kind)), options, desk)?)
        }
        VmVaultCommand::Tree => Box::new(vm_tree::tree(options, desk)?),
        VmVaultCommand::Create { name, location, per_region, redundancy, role } => {
            // The new one is named by NAME; a variable names that of other commands.
            if call.is_typed("vault") {
                return Err(IdleWord { word: "--vault" }.into());
            }
            let chosen = match (redundancy, role) {
                (Some(kind), _) => Some(kept(*kind)),
                (None, Some(RoleChoice::Primary)) => Some(Redundancy::Geo),
                (None, Some(RoleChoice::Secondary)) => Some(Redundancy::Local),
                (None, None) => None,
            };
            let (is_chosen, redundancy) = (chosen.is_some(), chosen.unwrap_or(Redundancy::Geo));
            let asked =
                |region: String| NewVault { name: name.clone(), region, redundancy, is_chosen };
            let location = location.clone().filter(|_| !*per_region || call.is_typed("location"));
            match (location, per_region) {
                (Some(_), true) => return Err(OneOrAll.into()),
                (Some(region), false) => Box::new(vm_vault::make(&asked(region), options, desk)?),
                (None, _) => {
                    Box::new(vm_upkeep::make_per_region(&asked(String::new()), options, desk)?)
                }
            }
        }
    })
}

fn kept(kind: RedundancyChoice) -> Redundancy {
    match kind {
        RedundancyChoice::Geo => Redundancy::Geo,
        RedundancyChoice::Local => Redundancy::Local,
        RedundancyChoice::Zone => Redundancy::Zone,
    }
}

#[derive(Debug, thiserror::Error)]
#[error("A vault is made in one region or in each, and both --location and --per-region are given")]
struct OneOrAll;

impl Diagnose for OneOrAll {
    fn code(&self) -> &'static str {
        "vm-vault-one-or-all"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new("leave one of them out"))
    }
}
