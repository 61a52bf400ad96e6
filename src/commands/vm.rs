//! `vm`: Azure's own backup of virtual machines.

use super::call::Call;
use super::vm_words::{named, which};
use crate::cli::{VmCommand, VmExtensionCommand, VmJobCommand, VmPointCommand, VmPolicyCommand};
use crate::journey::vm::VmOptions;
use crate::journey::vm_back_up::back_up_all;
use crate::journey::vm_guide::guide;
use crate::journey::vm_jobs::{self, Jobs};
use crate::journey::vm_protect::{
    ListOptions, ProtectOptions, discover_all, list, protect_all, status, unprotect_all,
};
use crate::journey::vm_vault::{policy_list, policy_set, policy_show, policy_simulate};
use crate::journey::{vm_check, vm_extension, vm_tree, vm_upkeep};
use crate::outcome::{Attendant, Ended};
use crate::vm_backup::{JobFilter, Stop};

/// Runs `vm`.
pub fn run(command: &VmCommand, options: &VmOptions, call: &Call<'_>) -> Ended {
    let desk = &call.desk();
    Ok(match command {
        VmCommand::Guide => Box::new(guide(options, desk)?),
        VmCommand::Policy(command) => return policy(command, options, call),
        VmCommand::Discover => Box::new(discover_all(options, desk)?),
        VmCommand::List { location, unprotected } => {
            let wish = ListOptions { region: location.clone(), is_unprotected: *unprotected };
            Box::new(list(&wish, options, desk)?)
        }
        VmCommand::Show { machine } => {
            Box::new(status(&named(std::slice::from_ref(machine)), options, desk)?)
        }
        VmCommand::Status { machines } => Box::new(status(&named(machines), options, desk)?),
        VmCommand::Register { machines } => {
            Box::new(vm_extension::registrations(&which(machines), options, desk)?)
        }
        VmCommand::Preflight { machines, policy } => {
            let options = VmOptions { azure: options.azure.clone().into_look(), ..options.clone() };
            Box::new(vm_check::preflight(&which(machines), policy.as_deref(), &options, desk)?)
        }
        VmCommand::Extension(VmExtensionCommand::Show { machine }) => {
            Box::new(vm_extension::show(machine, options, desk)?)
        }
        VmCommand::Extension(VmExtensionCommand::Remove { machine }) => {
            Box::new(vm_extension::remove(machine, options, desk)?)
        }
        VmCommand::Protect { machines, policy, new_policy } => {
            let how = ProtectOptions { policy: policy.clone(), new_policy: new_policy.clone() };
            Box::new(protect_all(&which(machines), &how, options, desk)?)
        }
        VmCommand::Unprotect { machines, keep_data, .. } => {
            let stop = if *keep_data { Stop::KeepData } else { Stop::DeleteData };
            Box::new(unprotect_all(&named(machines), stop, options, desk)?)
        }
        VmCommand::Backup { machines, keep_until, wait } => {
            let deeds = back_up_all(&which(machines), *keep_until, options, desk)?;
            let ids: Vec<String> = deeds.all.iter().filter_map(|own| own.job.clone()).collect();
            if !*wait || ids.is_empty() {
                return Ok(Box::new(deeds));
            }
            call.ui.show(&deeds);
            let jobs = vm_jobs::wait(&ids, &options.at(&deeds.vault), desk)?;
            // What was not begun is how the command ends, too.
            return Ok(Box::new((deeds.without_lines(), jobs)));
        }
        VmCommand::Job(command) => return job(command, options, call),
        VmCommand::Point(VmPointCommand::List { machine, since }) => {
            Box::new(vm_jobs::point_list(machine, *since, options, desk)?)
        }
        VmCommand::Point(VmPointCommand::Show { machine, id }) => {
            Box::new(vm_jobs::point_show(machine, id, options, desk)?)
        }
    })
}

fn policy(command: &VmPolicyCommand, options: &VmOptions, call: &Call<'_>) -> Ended {
    let desk = &call.desk();
    Ok(match command {
        VmPolicyCommand::Set { name, file } => Box::new(policy_set(name, file, options, desk)?),
        VmPolicyCommand::List => Box::new(policy_list(options, desk)?),
        VmPolicyCommand::Show { name } => Box::new(policy_show(name, options, desk)?),
        VmPolicyCommand::Template { name } => Box::new(vm_upkeep::policy_template(name)?),
        VmPolicyCommand::Stagger => Box::new(vm_tree::stagger(options, desk)?),
        VmPolicyCommand::Delete { name } => {
            Box::new(vm_upkeep::let_policy_go(name, options, desk)?)
        }
        VmPolicyCommand::Simulate { name, file, from, years } => {
            let source = (file.as_deref(), name.as_deref());
            Box::new(policy_simulate(source, (*from, *years), options, desk)?)
        }
    })
}

fn job(command: &VmJobCommand, options: &VmOptions, call: &Call<'_>) -> Ended {
    let desk = &call.desk();
    let (jobs, wait) = match command {
        VmJobCommand::List { operation, status, since, wait } => {
            let (operation, status) = (operation.clone(), status.clone());
            let filter = JobFilter { operation, status, since: *since };
            (vm_jobs::list(&filter, options, desk)?, *wait)
        }
        VmJobCommand::Show { id, wait } => (vm_jobs::show(id, options, desk)?, *wait),
        VmJobCommand::Cancel { id, wait } => (vm_jobs::stop(id, options, desk)?, *wait),
        VmJobCommand::Wait { ids } => return Ok(Box::new(vm_jobs::wait(ids, options, desk)?)),
    };
    let Jobs { all, vault, .. } = &jobs;
    if !wait || all.is_empty() {
        return Ok(Box::new(jobs));
    }
    let ids: Vec<String> = all.iter().map(|own| own.id.clone()).collect();
    Ok(Box::new(vm_jobs::wait(&ids, &options.at(vault), desk)?))
}
