//! `disk-backup`: page blobs, copied once and then by what changed.

use super::call::Call;
use super::disk_words::{manner, options, vhd};
use super::flags::retention;
use crate::cli::{
    DiskBackupArgs, DiskBackupCommand, DiskKeepArgs, DiskRunArgs, DiskSnapshotCommand, FirstChoice,
    PromoteArgs, ProtectArgs, ReadBackArgs, VerifyChoice, is_named,
};
use crate::journey::disk_backup::{Anew, RoundOptions, run as rounds};
use crate::journey::disk_bench::{Keep, Verify, named};
use crate::journey::disk_look::{list, points, release, status};
use crate::journey::disk_promote::promote;
use crate::journey::disk_protect::{ProtectOptions, protect};
use crate::journey::disk_prune::{Prune, prune, prune_after, set};
use crate::journey::disk_restore::{RestoreOptions, restore};
use crate::journey::disk_seed_asked::SeedAsked;
use crate::journey::disk_snapshot as snapshot;
use crate::journey::disk_verify::{Proven, verify};
use crate::outcome::{Ended, IdleWord};

/// Runs `disk-backup`.
pub fn run(command: &DiskBackupCommand, args: &DiskBackupArgs, call: &Call<'_>) -> Ended {
    let options = &options(args, call)?;
    let desk = &call.desk();
    Ok(match command {
        DiskBackupCommand::Protect(args) => {
            let made = protect(&asked(args, call)?, options, desk);
            Box::new(made.map_err(named(&args.name))?)
        }
        DiskBackupCommand::Run(args) => {
            let made = rounds(&args.names, wish(args), options, desk);
            match args.prune {
                true => Box::new(prune_after(made, &args.names, options, desk)?),
                false => Box::new(made?),
            }
        }
        DiskBackupCommand::List { name: None } => Box::new(list(options, desk)?),
        DiskBackupCommand::List { name: Some(name) } => {
            Box::new(points(name, options, desk).map_err(named(name))?)
        }
        DiskBackupCommand::Status { name } => {
            Box::new(status(name, options, desk).map_err(named(name))?)
        }
        DiskBackupCommand::Verify(args) => {
            let which = match (args.all, args.at) {
                (true, _) => Proven::All,
                (false, Some(at)) => Proven::At(at),
                (false, None) => Proven::Newest,
            };
            let proven = verify(&args.name, which, args.sample, options, desk);
            Box::new(proven.map_err(named(&args.name))?)
        }
        DiskBackupCommand::Restore(args) => {
            let asked = RestoreOptions {
                at: args.at,
                to: args.to.clone(),
                backup_name: args.backup_name.clone(),
                is_alone: args.without_backup,
                verify: level(&args.read_back),
            };
            let made = restore(&args.name, &asked, options, desk);
            Box::new(made.map_err(named(&args.name))?)
        }
        DiskBackupCommand::Promote(PromoteArgs { name, at, overwrite, read_back }) => {
            let verify = level(read_back);
            let made = promote(name, *at, overwrite.as_ref(), verify, options, desk);
            Box::new(made.map_err(named(name))?)
        }
        DiskBackupCommand::Prune(args) => {
            let mode = if args.dry_run { Prune::Tell } else { Prune::Delete };
            Box::new(prune(&args.names, mode, options, desk)?)
        }
        DiskBackupCommand::Set(args) => {
            let changed = set(&args.name, args.every, keep(&args.keep), options, desk);
            Box::new(changed.map_err(named(&args.name))?)
        }
        DiskBackupCommand::Snapshot(args) => Box::new(match &args.command {
            DiskSnapshotCommand::Create { source } => snapshot::create(source, options, desk)?,
            DiskSnapshotCommand::List { source } => snapshot::list(source, options, desk)?,
            DiskSnapshotCommand::Delete { source, at } => {
                snapshot::delete(source, at, options, desk)?
            }
        }),
        DiskBackupCommand::Release { name } => Box::new(release(name, desk).map_err(named(name))?),
    })
}

fn asked(args: &ProtectArgs, call: &Call<'_>) -> Result<ProtectOptions, IdleWord> {
    let of_drive = [
        ("subscription", "--subscription"),
        ("resource_group", "--resource-group"),
        ("service", "--service"),
    ];
    let is_typed = |(id, _): &(&str, &str)| is_named(call.matches, id);
    if let Some((_, word)) =
        of_drive.into_iter().find(is_typed).filter(|_| args.first != FirstChoice::Drive)
    {
        return Err(IdleWord { word });
    }
    let seed = args.seed.clone();
    Ok(ProtectOptions {
        name: args.name.clone(),
        source: args.source.clone(),
        to: args.to.clone(),
        every_secs: args.every,
        manner: manner(args, call),
        keep: keep(&args.keep),
        vhd: call.given("vhd", args.vhd).map(|own| own.map(vhd)),
        seed: SeedAsked {
            job: seed.job,
            subscription: call.given("subscription", seed.subscription),
            resource_group: call.given("resource_group", seed.resource_group),
            service: call.given("service", seed.service),
        },
    })
}

/// Which points are kept, if that is said.
fn keep(args: &DiskKeepArgs) -> Option<Keep> {
    let spans = retention(&args.counts);
    let is_said = args.keep_last.is_some() || !spans.keeps_all();
    is_said.then_some(Keep { last: args.keep_last, spans })
}

fn wish(args: &DiskRunArgs) -> RoundOptions {
    let anew = match (args.full, args.names.is_empty()) {
        (false, _) => Anew::Never,
        (true, true) => Anew::IfLost,
        (true, false) => Anew::Always,
    };
    RoundOptions {
        is_now: args.now || anew == Anew::Always,
        anew,
        breaks_lease: args.break_lease,
        verify: level(&args.read_back),
    }
}

fn level(args: &ReadBackArgs) -> Verify {
    match args.verify {
        VerifyChoice::None => Verify::None,
        VerifyChoice::Changed => Verify::Changed,
        VerifyChoice::Full => Verify::Full,
    }
}
