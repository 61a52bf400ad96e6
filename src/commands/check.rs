//! `check`: whether everything is in place.

use super::call::Call;
use super::flags::{azure, blobs};
use crate::check::host;
use crate::cli::{CheckArgs, CheckAzureArgs, CheckCommand, ForChoice};
use crate::journey::ready::{self, Purpose, ReadyOptions};
use crate::outcome::Ended;

/// Runs `check`.
pub fn run(args: &CheckArgs, call: &Call<'_>) -> Ended {
    match &args.command {
        CheckCommand::Host => Ok(Box::new(host::check(call.desk().state()?.folder()))),
        CheckCommand::Azure(args) => Ok(Box::new(ready::check(options(args, call), &call.desk())?)),
    }
}

fn options(args: &CheckAzureArgs, call: &Call<'_>) -> ReadyOptions {
    ReadyOptions {
        purpose: match args.purpose {
            ForChoice::Import => Purpose::Import,
            ForChoice::Vault => Purpose::Vault,
        },
        staging: args.staging.clone(),
        job: args.job.clone(),
        service: call.given("service", args.service),
        subscription: call.given("subscription", args.subscription.clone()),
        resource_group: call.given("resource_group", args.resource_group.clone()),
        storage_account: call.given("storage_account", args.storage_account.clone()),
        container: call.given("container", args.container.clone()),
        location: call.given("location", args.location.clone()),
        contact: args.contact.clone(),
        azure: azure(&args.azure),
        blobs: blobs(&args.blobs),
    }
}
