//! The commands that keep a vault usable: what they are asked becomes what a journey takes.

use super::call::Call;
use super::filter_words::{choice, nothing_left_out};
use crate::cli::{
    NewKeyArgs, VaultAttach, VaultKeepCommand, VaultKeyCommand, VaultSet, VaultTarget, is_named,
};
use crate::escrow::Weak;
use crate::journey::desk::Desk;
use crate::journey::vault_attach::{self, AttachOptions};
use crate::journey::vault_check::{self, Cure};
use crate::journey::vault_key::{self, NewPassword};
use crate::journey::vault_meant::VaultOptions;
use crate::journey::vault_set::{self, SetOptions};
use crate::outcome::Ended;

/// Runs what keeps a vault usable.
pub fn run(
    command: &VaultKeepCommand,
    target: &VaultTarget,
    options: &VaultOptions,
    call: &Call<'_>,
) -> Ended {
    let desk = &call.desk();
    match command {
        VaultKeepCommand::Attach(VaultAttach { prefix, .. }) => {
            let asked = AttachOptions {
                storage_account: target.storage_account.as_ref().map(|own| own.name().clone()),
                container: target.container.clone(),
                prefix: prefix.clone(),
            };
            Ok(Box::new(vault_attach::attach(&asked, options, desk)?))
        }
        VaultKeepCommand::Set(args) => {
            set(args, target, |id| is_named(call.matches, id), options, desk)
        }
        VaultKeepCommand::Detach => Ok(Box::new(vault_attach::detach(options, desk)?)),
        VaultKeepCommand::Check(args) => {
            let cure = if args.repair { Cure::Tried } else { Cure::Told };
            Ok(Box::new(vault_check::check(args.read_data, cure, options, desk)?))
        }
        VaultKeepCommand::Key(args) => key(&args.command, options, desk),
    }
}

/// A place counts only if it stands on the command line.
fn set(
    args: &VaultSet,
    target: &VaultTarget,
    is_named: impl Fn(&str) -> bool,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Ended {
    let account = target.storage_account.as_ref().map(|named| named.name().clone());
    let asked = SetOptions {
        storage_account: account.filter(|_| is_named("storage_account")),
        container: target.container.clone().filter(|_| is_named("container")),
        prefix: args.prefix.clone().filter(|_| is_named("prefix")),
        filters: match choice(&args.filters)? {
            said if said != nothing_left_out() => Some(said),
            nothing => args.exclude_nothing.then_some(nothing),
        },
    };
    Ok(Box::new(vault_set::set(&asked, options, desk)?))
}

fn key(command: &VaultKeyCommand, options: &VaultOptions, desk: &Desk<'_>) -> Ended {
    Ok(match command {
        VaultKeyCommand::List { .. } => Box::new(vault_key::list(options, desk)?),
        VaultKeyCommand::Add(new) => Box::new(vault_key::add(&password(new), options, desk)?),
        VaultKeyCommand::Remove { id, .. } => Box::new(vault_key::remove(id, options, desk)?),
        VaultKeyCommand::Rotate(new) => Box::new(vault_key::rotate(&password(new), options, desk)?),
    })
}

fn password(new: &NewKeyArgs) -> NewPassword {
    let weak = if new.weak_password { Weak::Accepted } else { Weak::Refused };
    NewPassword { file: new.new_password_file.clone(), weak }
}
