//! `vm restore`: what a vault has of a machine comes back.

use super::call::Call;
use crate::cli::{RestoreArgs, VmRestoreCommand};
use crate::journey::vm::VmOptions;
use crate::journey::vm_jobs;
use crate::journey::vm_restore::{PointWord, RestoreKind, RestoreOptions, bring_back};
use crate::outcome::{Attendant, Ended};

/// Runs `vm restore`.
pub fn run(command: &VmRestoreCommand, options: &VmOptions, call: &Call<'_>) -> Ended {
    let (what, kind, group) = match command {
        VmRestoreCommand::Disks { what, group } => (what, RestoreKind::Disks, group.clone()),
        VmRestoreCommand::New { what, name, vnet, subnet, group } => {
            let (name, network, subnet) = (name.clone(), vnet.clone(), subnet.clone());
            (what, RestoreKind::New { name, network, subnet }, group.clone())
        }
        VmRestoreCommand::Replace { what } => (what, RestoreKind::Replace, None),
    };
    let RestoreArgs { machine, at, account, luns, wait, dry_run } = what;
    let asked = RestoreOptions {
        machine: machine.clone(),
        at: PointWord::parse(at)?,
        account: account.clone(),
        group,
        luns: luns.clone(),
        kind,
        is_dry: *dry_run,
    };
    let desk = &call.desk();
    let deed = bring_back(&asked, options, desk)?;
    let Some(job) = deed.job.clone().filter(|_| *wait) else { return Ok(Box::new(deed)) };
    call.ui.show(&deed);
    Ok(Box::new(vm_jobs::wait(&[job], &options.at(&deed.vault.id), desk)?))
}
