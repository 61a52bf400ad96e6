//! `stage`: the seed of a staging path.

use std::path::PathBuf;

use super::call::Call;
use super::filter_words::choice;
use super::flags::{azure, blobs};
use crate::cli::{
    AdoptArgs, FILTER_FLAGS, SeedArgs, StageArgs, StageCommand, StageReleaseArgs, StageSetArgs,
    StageStatusArgs, WorkloadChoice,
};
use crate::escrow::Weak;
use crate::journey::contact::contact;
use crate::journey::desk::{Consent, Desk};
use crate::journey::stage::{AdoptOptions, WriteOptions, release, status, take, write};
use crate::journey::stage_asked::Typed;
use crate::journey::stage_foreseen::foresee;
use crate::journey::stage_join::JoinOptions;
use crate::journey::stage_set::{SeedChanges, change};
use crate::journey::vault_password::PasswordGiven;
use crate::outcome::{Ended, Failure, MissingFlags};
use crate::repository::Settings;
use crate::staging::{Destination, Room, Workload};

/// Runs `stage`.
pub fn run(args: &StageArgs, call: &Call<'_>) -> Ended {
    let desk = &call.desk();
    let shown = match &args.command {
        None if args.dry_run => return Ok(Box::new(foresee(&written(args, call)?, desk)?)),
        None => write(written(args, call)?, desk),
        Some(StageCommand::Adopt(args)) => take(adopted(args, call)?, desk),
        Some(StageCommand::Status(StageStatusArgs { staging, .. })) => status(staging, desk),
        Some(StageCommand::Release(StageReleaseArgs { host, staging, .. })) => {
            release(host, staging, desk)
        }
        Some(StageCommand::Set(args)) => return set(args, call),
    };
    Ok(Box::new(shown?))
}

/// What these flags say is what the seed shall be for, not what it must be for.
fn set(args: &StageSetArgs, call: &Call<'_>) -> Ended {
    let desk = call.desk();
    let consent = Consent { is_shared: desk.consent.is_shared, ..Consent::default() };
    let desk = Desk { consent, ..desk };
    let changes = SeedChanges {
        storage_account: args.storage_account.clone(),
        container: args.container.clone(),
        subscription: args.subscription.clone(),
        resource_group: args.resource_group.clone(),
        location: args.location.clone(),
        service: args.service,
        contact: args.contact.as_deref().map(contact).transpose()?,
    };
    Ok(Box::new(change(&args.staging, changes, &desk)?))
}

fn written(args: &StageArgs, call: &Call<'_>) -> Result<WriteOptions, Failure> {
    let (staging, target) = seed_of(&args.seed)?;
    Ok(WriteOptions {
        sources: args.sources.clone(),
        choice: choice(&args.filters)?,
        settings: Settings { compression: args.compression, pack_bytes: args.pack_size.0 },
        password_file: args.password_file.clone(),
        weak: if args.weak_password { Weak::Accepted } else { Weak::Refused },
        room: if args.allow_small { Room::Any } else { Room::OfTheSources },
        staging,
        target,
        service: call.given("service", args.seed.service),
        join: Some(joined(args, call)?),
        typed: typed(call),
        added: args.added.clone(),
    })
}

/// The vault that the seed joins.
fn joined(args: &StageArgs, call: &Call<'_>) -> Result<JoinOptions, Failure> {
    let of_new = [("compression", "--compression"), ("pack_size", "--pack-size")];
    Ok(JoinOptions {
        vault: call.given("vault", args.vault.clone()),
        azure: azure(&args.azure),
        blobs: blobs(&args.blobs, call)?,
        password: PasswordGiven {
            file: call.given("password_file", args.password_file.clone()),
            ..PasswordGiven::default()
        },
        idle: of_new
            .into_iter()
            .filter(|(id, _)| call.is_typed(id))
            .map(|(_, flag)| flag)
            .collect(),
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
        typed: typed(call),
    })
}

/// The staging path and the target that the flags name; clap has seen to it that all are there.
fn seed_of(args: &SeedArgs) -> Result<(PathBuf, Destination), Failure> {
    let missing = MissingFlags::one;
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

/// Which values of the seed stand on the command line.
fn typed(call: &Call<'_>) -> Typed {
    Typed {
        storage_account: call.is_typed("storage_account"),
        container: call.is_typed("container"),
        subscription: call.is_typed("subscription"),
        resource_group: call.is_typed("resource_group"),
        location: call.is_typed("location"),
        contact: call.is_typed("contact"),
        sources: call.is_typed("sources"),
        filters: FILTER_FLAGS.iter().any(|id| call.is_typed(id)),
        compression: call.is_typed("compression"),
        pack_size: call.is_typed("pack_size"),
    }
}
