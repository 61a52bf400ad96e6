//! `check`: whether everything is in place.

use disk_prep::noun::NamedAccount;

use super::call::Call;
use super::check_words::{purpose, told, tree, whose};
use super::flags::{azure, blobs};
use super::vm_words::{target, which, within};
use crate::check::finding::{Checked, Strict};
use crate::check::{filesystems, guest, proxy};
use crate::cli::{
    CheckAccountArgs, CheckArgs, CheckAzureArgs, CheckCommand, CheckNetworkArgs, ForChoice,
    RootArgs,
};
use crate::journey::check_account::{self, AccountCheck};
use crate::journey::network::{self, NetworkOptions, Reach};
use crate::journey::ready::{self, ReadyOptions};
use crate::journey::vm::VmOptions;
use crate::journey::{check_host, check_staging, ready_vm, schedules, vm_check};
use crate::outcome::{Ended, Failure, MissingFlags};

/// Runs `check`.
pub fn run(args: &CheckArgs, call: &Call<'_>) -> Ended {
    let checked = match &args.command {
        CheckCommand::Host => check_host::check(&call.desk()),
        CheckCommand::Guest(args) => {
            let tree = tree(args)?;
            let mut found = guest::look(&tree, whose(args, &tree));
            found.extend(proxy::look(&tree));
            found.extend(filesystems::look(&tree));
            Checked(told(args, found))
        }
        CheckCommand::Staging(args) => {
            check_staging::check(&args.staging, &args.sources, &call.desk())?
        }
        CheckCommand::Filesystems(args) => Checked(told(args, filesystems::look(&tree(args)?))),
        CheckCommand::Azure(args) => look_at_azure(args, call)?,
        CheckCommand::Schedule => {
            schedules::check(&tree(&RootArgs::this_machine())?, &call.desk())?
        }
        CheckCommand::Network(args) => look_at_network(args, call)?,
        CheckCommand::Account(args) => look_at_account(args, call)?,
        CheckCommand::Vm(args) => {
            let VmOptions { azure, .. } = target(&args.target);
            let options = VmOptions { azure: azure.into_look(), ..target(&args.target) };
            vm_check::check(&which(&args.machines), &options, &call.desk())?
        }
    };
    Ok(match args.strict {
        true => Box::new(Strict(checked)),
        false => Box::new(checked),
    })
}

fn look_at_azure(args: &CheckAzureArgs, call: &Call<'_>) -> Result<Checked, Failure> {
    if !matches!(args.purpose, ForChoice::Vm | ForChoice::Restore) {
        return ready::check(options(args, call)?, &call.desk());
    }
    let subscription = args.subscription.as_ref();
    let subscription = subscription.ok_or(MissingFlags::unseeded("--subscription"))?;
    let place = (subscription, args.resource_group.as_ref());
    let account = args.storage_account.as_ref();
    let options = azure(&args.azure).into_look();
    ready_vm::check(purpose(args.purpose), &options, place, account, call.ui)
}

fn look_at_account(args: &CheckAccountArgs, call: &Call<'_>) -> Result<Checked, Failure> {
    let own = match &args.account {
        NamedAccount::Id(id) => Some(id.subscription.clone()),
        NamedAccount::Name(_) => None,
    };
    let options = within(azure(&args.azure).into_look(), own.or_else(|| args.subscription.clone()));
    let asked = AccountCheck {
        account: args.account.clone(),
        purpose: purpose(args.purpose),
        container: args.container.clone(),
        prefix: args.prefix.clone().unwrap_or_default(),
        blobs: blobs(&args.blobs, call)?,
    };
    check_account::check(&asked, &options, &call.desk())
}

fn look_at_network(args: &CheckNetworkArgs, call: &Call<'_>) -> Result<Checked, Failure> {
    let is_probed = args.probe.is_some();
    let needs_account = is_probed || args.purpose.is_some_and(|own| own != ForChoice::Vm);
    if needs_account && args.storage_account.is_none() {
        return Err(MissingFlags::one("--storage-account").into());
    }
    if is_probed && args.container.is_none() {
        return Err(MissingFlags::one("--container").into());
    }
    let options = NetworkOptions {
        reach: match args.purpose {
            Some(ForChoice::Vm) => Reach::Guest,
            _ => Reach::Azure,
        },
        account: args.storage_account.as_ref().map(|own| own.name().clone()),
        azure: azure(&args.azure),
        blobs: blobs(&args.blobs, call)?,
        probe: args.container.clone().zip(args.probe),
    };
    network::check(&options, &tree(&RootArgs::this_machine())?, call.ui)
}

fn options(args: &CheckAzureArgs, call: &Call<'_>) -> Result<ReadyOptions, Failure> {
    Ok(ReadyOptions {
        purpose: purpose(args.purpose),
        staging: args.staging.clone(),
        job: args.job.clone(),
        service: call.given("service", args.service),
        subscription: call.given("subscription", args.subscription.clone()),
        resource_group: call.given("resource_group", args.resource_group.clone()),
        storage_account: call.given("storage_account", args.storage_account.clone()),
        container: call.given("container", args.container.clone()),
        location: call.given("location", args.location.clone()),
        contact: args.contact.clone(),
        azure: azure(&args.azure).into_look(),
        blobs: blobs(&args.blobs, call)?,
    })
}
