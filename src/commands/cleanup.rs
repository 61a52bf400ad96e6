//! `cleanup`: what the vault holds is cleared elsewhere; a job of plain files comes to its end.

use super::call::Call;
use super::flags::{azure, blobs, vault};
use crate::cli::CleanupArgs;
use crate::journey::cleanup::{ClearOptions, clear};
use crate::journey::cleanup_files::clear_files;
use crate::journey::job::{JobOptions, MeantJob};
use crate::outcome::{Ended, IdleWord};

/// Runs `cleanup`.
pub fn run(args: &CleanupArgs, call: &Call<'_>) -> Ended {
    let (target, desk) = (&args.target, &call.desk());
    if args.job.is_none() {
        let how = ClearOptions { is_dry: args.dry_run, older_than_days: args.older_than };
        return Ok(Box::new(clear(how, &vault(target, None, call)?, desk)?));
    }
    if call.is_typed("older_than") {
        return Err(IdleWord { word: "--older-than" }.into());
    }
    let options = JobOptions {
        job: None,
        staging: call.given("staging", target.staging.clone()),
        service: None,
        subscription: call.given("subscription", target.subscription.clone()),
        resource_group: call.given("resource_group", args.resource_group.clone()),
        storage_account: target.storage_account.clone(),
        azure: azure(&target.azure),
    };
    let options = options.naming(args.job.clone(), None, call.ui)?;
    let meant = MeantJob::new(&options, desk)?;
    Ok(Box::new(clear_files(
        &meant,
        args.dry_run,
        &options.azure,
        &blobs(&target.blobs, call)?,
        desk,
    )?))
}
