//! The commands that read a vault's repository: what they are asked becomes what a journey takes.

use disk_prep::noun::SnapshotPath;

use super::call::Call;
use crate::cli::{FilterArgs, IgnoreChoice, VaultFind, VaultLs, VaultReadCommand, VaultRestore};
use crate::journey::desk::Desk;
use crate::journey::vault_meant::VaultOptions;
use crate::journey::vault_read::{self as read, Meant, Wish};
use crate::outcome::Ended;
use crate::repository::{Depth, Overwrite, Owners, Reason, RestoreOptions};

/// Runs what reads a vault's repository.
pub fn run(command: &VaultReadCommand, options: &VaultOptions, call: &Call<'_>) -> Ended {
    let desk = &call.desk();
    match command {
        VaultReadCommand::Snapshots(filter) => snapshots(filter, options, desk),
        VaultReadCommand::Ls(args) => ls(args, options, desk),
        VaultReadCommand::Find(args) => find(args, options, desk),
        VaultReadCommand::Restore(args) => restore(args, options, desk),
    }
}

fn snapshots(args: &FilterArgs, options: &VaultOptions, desk: &Desk<'_>) -> Ended {
    Ok(Box::new(read::snapshots(&meant(None, args), options, desk)?))
}

fn ls(args: &VaultLs, options: &VaultOptions, desk: &Desk<'_>) -> Ended {
    let depth = if args.recursive { Depth::Everything } else { Depth::Folder };
    let meant = meant(Some(&args.snapshot), &args.filter);
    Ok(Box::new(read::list(&meant, depth, options, desk)?))
}

fn find(args: &VaultFind, options: &VaultOptions, desk: &Desk<'_>) -> Ended {
    let meant = meant(args.snapshot.as_ref(), &args.filter);
    Ok(Box::new(read::find(&args.patterns, &meant, options, desk)?))
}

fn restore(args: &VaultRestore, options: &VaultOptions, desk: &Desk<'_>) -> Ended {
    let wish = Wish {
        meant: meant(args.snapshot.as_ref(), &args.filter),
        path: args.path.clone(),
        target: args.target.clone(),
        is_in_place: args.in_place,
        is_dry_run: args.dry_run,
        ignored: args.ignore.iter().map(|choice| reason(*choice)).collect(),
        how: RestoreOptions {
            overwrite: if args.overwrite { Overwrite::Kinds } else { Overwrite::Nothing },
            owners: if args.no_owner { Owners::Kept } else { Owners::Restored },
            below: None,
            include: args.include.clone(),
            exclude: args.exclude.clone(),
        },
    };
    Ok(Box::new(read::restore(&wish, options, desk)?))
}

fn meant(snapshot: Option<&SnapshotPath>, filter: &FilterArgs) -> Meant {
    let (host, source) = (filter.host.clone(), filter.source.clone());
    Meant { snapshot: snapshot.cloned(), host, source }
}

fn reason(choice: IgnoreChoice) -> Reason {
    match choice {
        IgnoreChoice::Owner => Reason::Owner,
        IgnoreChoice::Mode => Reason::Mode,
        IgnoreChoice::Acl => Reason::Acl,
        IgnoreChoice::Xattr => Reason::Extended,
        IgnoreChoice::Times => Reason::Time,
        IgnoreChoice::Special => Reason::Special,
    }
}
