//! `disk-backup`: page blobs, copied once and then by what changed.

use super::call::Call;
use super::flags::{azure, blobs};
use crate::cli::{
    DiffChoice, DiskBackupArgs, DiskBackupCommand, DiskRunArgs, FirstChoice, ProtectArgs,
    VerifyChoice,
};
use crate::journey::disk_backup::{
    DiffWish, DiskOptions, FirstCopy, ProtectOptions, RoundOptions, Verify, protect, run as rounds,
};
use crate::journey::disk_look::{list, points, release, status, verify};
use crate::outcome::Ended;

/// Runs `disk-backup`.
pub fn run(args: &DiskBackupArgs, call: &Call<'_>) -> Ended {
    let options = &DiskOptions {
        azure: azure(&args.azure),
        blobs: blobs(&args.blobs),
        source_key_file: args.source.source_account_key_file.clone(),
        source_sas_file: args.source.source_sas_file.clone(),
    };
    let desk = &call.desk();
    Ok(match &args.command {
        DiskBackupCommand::Protect(args) => Box::new(protect(&asked(args), options, desk)?),
        DiskBackupCommand::Run(args) => Box::new(rounds(&args.names, wish(args), options, desk)?),
        DiskBackupCommand::List { name: None } => Box::new(list(desk)?),
        DiskBackupCommand::List { name: Some(name) } => Box::new(points(name, options, desk)?),
        DiskBackupCommand::Status { name } => Box::new(status(name, options, desk)?),
        DiskBackupCommand::Verify { name } => Box::new(verify(name, options, desk)?),
        DiskBackupCommand::Release { name } => Box::new(release(name, desk)?),
    })
}

fn asked(args: &ProtectArgs) -> ProtectOptions {
    ProtectOptions {
        name: args.name.clone(),
        source: args.source.clone(),
        to: args.to.clone(),
        every_secs: args.every,
        first: match args.first {
            FirstChoice::Auto => FirstCopy::Auto,
            FirstChoice::Copy => FirstCopy::Copy,
            FirstChoice::Stream => FirstCopy::Stream,
        },
        diff: match args.diff {
            DiffChoice::Auto => DiffWish::Auto,
            DiffChoice::Service => DiffWish::Service,
            DiffChoice::Client => DiffWish::Client,
        },
    }
}

fn wish(args: &DiskRunArgs) -> RoundOptions {
    RoundOptions {
        is_now: args.now,
        is_anew: args.full,
        breaks_lease: args.break_lease,
        verify: level(args.verify),
    }
}

fn level(choice: VerifyChoice) -> Verify {
    match choice {
        VerifyChoice::None => Verify::None,
        VerifyChoice::Changed => Verify::Changed,
        VerifyChoice::Full => Verify::Full,
    }
}
