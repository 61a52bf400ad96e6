//! `stage`: the seed of a staging path.

use std::path::PathBuf;

use super::call::Call;
use super::flags::choice;
use crate::cli::{AdoptArgs, SeedArgs, StageArgs, StageCommand, StageStatusArgs, WorkloadChoice};
use crate::escrow::Weak;
use crate::journey::contact::contact;
use crate::journey::stage::{AdoptOptions, WriteOptions, status, take, write};
use crate::outcome::{Ended, Failure, MissingFlag};
use crate::repository::Settings;
use crate::staging::{Destination, Workload};

/// Runs `stage`.
pub fn run(args: &StageArgs, call: &Call<'_>) -> Ended {
    let desk = &call.desk();
    let shown = match &args.command {
        None => write(written(args, call)?, desk),
        Some(StageCommand::Adopt(args)) => take(adopted(args, call)?, desk),
        Some(StageCommand::Status(StageStatusArgs { staging, .. })) => status(staging, desk),
    };
    Ok(Box::new(shown?))
}

fn written(args: &StageArgs, call: &Call<'_>) -> Result<WriteOptions, Failure> {
    let (staging, target) = seed_of(&args.seed)?;
    Ok(WriteOptions {
        sources: args.sources.clone(),
        choice: choice(&args.filters)?,
        settings: Settings { compression: args.compression, pack_bytes: args.pack_size.0 },
        password_file: args.password_file.clone(),
        weak: if args.weak_password { Weak::Accepted } else { Weak::Refused },
        staging,
        target,
        service: call.given("service", args.seed.service),
    })
}

fn adopted(args: &AdoptArgs, call: &Call<'_>) -> Result<AdoptOptions, Failure> {
    let (staging, target) = seed_of(&args.seed)?;
    Ok(AdoptOptions {
        source: args.source.clone(),
        password_file: args.password_file.clone(),
        staging,
        target,
        service: call.given("service", args.seed.service),
        workload: args.workload.map(|workload| match workload {
            WorkloadChoice::Mars => Workload::Mars,
            WorkloadChoice::Dpm => Workload::Dpm,
            WorkloadChoice::Mabs => Workload::Mabs,
            WorkloadChoice::SystemState => Workload::SystemState,
        }),
    })
}

/// The staging path and the target that the flags name; clap has seen to it that all are there.
fn seed_of(args: &SeedArgs) -> Result<(PathBuf, Destination), Failure> {
    let missing = |flag| MissingFlag { flag };
    let account = args.storage_account.clone().ok_or(missing("--storage-account"))?;
    let target = Destination {
        job: args.job.clone().ok_or(missing("--job"))?,
        storage_account: account.name().clone(),
        storage_account_id: account.id().cloned(),
        container: args.container.clone().ok_or(missing("--container"))?,
        prefix: String::new(),
        subscription: args.subscription.clone().ok_or(missing("--subscription"))?,
        resource_group: args.resource_group.clone().ok_or(missing("--resource-group"))?,
        contact: args.contact.as_deref().map(contact).transpose()?,
        location: args.location.clone(),
        service: None,
    };
    Ok((args.staging.clone().ok_or(missing("--staging"))?, target))
}
