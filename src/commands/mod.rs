//! A verb a file: arguments become options, one journey is called, its outcome returned. Nothing is
//! printed here, and no command names another.

mod auth;
mod call;
mod check;
mod check_words;
mod cleanup;
mod completions;
mod config;
mod custody;
mod disk_backup;
mod disk_schedule;
mod disk_words;
mod drive;
#[cfg(feature = "emulator")]
mod emulated_disk;
#[cfg(feature = "emulator")]
mod emulator;
#[cfg(feature = "emulator")]
mod emulator_place;
mod explain;
mod filter_words;
mod flags;
mod inspect;
mod job;
mod limits;
mod man;
mod mend;
mod nsg;
mod pack;
mod packing_slip;
mod plan;
mod prep;
mod provider;
mod proxy;
#[cfg(feature = "emulator")]
mod rehearse;
mod stage;
mod status;
mod subscriptions;
mod unit_words;
mod vault;
mod vault_keep;
mod vault_policy;
mod vault_read;
mod vault_schedule;
mod verify;
mod vm;
mod vm_restore;
mod vm_vault;
mod vm_words;

#[cfg(feature = "emulator")]
use crate::cli::EmulatorVerb;
use crate::cli::{Cli, Command, DiskVerb, JobVerb, PlanCommand, VaultVerb, VmVerb};
use crate::outcome::Ended;

pub use call::Call;

/// Does what the command line asks for.
pub fn run(cli: &Cli, call: &Call<'_>) -> Ended {
    match &cli.command {
        #[cfg(feature = "emulator")]
        Command::Rehearse(args) => rehearse::run(args, call),
        Command::Stage(args) => stage::run(args, call),
        Command::Drive(args) => drive::run(args, call),
        Command::Plan(args) => plan::run(args, call),
        Command::Prep(args) => prep::run(args, call),
        Command::Verify(args) => verify::run(args, call),
        Command::Inspect(args) => inspect::run(args, call),
        Command::Job(args) => match &args.command {
            JobVerb::Order(command) => job::run(command, &args.target, call),
            JobVerb::Mend(command) => mend::run(command, &args.target, call),
        },
        Command::PackingSlip(args) => packing_slip::run(args, call),
        Command::Pack(args) => pack::run(args, call),
        Command::Custody(args) => custody::run(args, call),
        Command::Vault(args) => {
            let options = flags::vault(&args.target, args.command.password(), call)?;
            match &args.command {
                VaultVerb::Order(command) => vault::run(command, &options, call),
                VaultVerb::Plan(PlanCommand::Policy { command }) => {
                    vault_policy::run(command, &args.target, call)
                }
                VaultVerb::Plan(PlanCommand::Schedule(own)) => {
                    vault_schedule::run(own, &args.target, call)
                }
                VaultVerb::Read(command) => vault_read::run(command, &options, call),
                VaultVerb::Keep(command) => vault_keep::run(command, &args.target, &options, call),
            }
        }
        Command::DiskBackup(args) => match &args.command {
            DiskVerb::Order(command) => disk_backup::run(command, args, call),
            DiskVerb::Schedule(own) => disk_schedule::run(own, args, call),
        },
        Command::Vm(args) => {
            let options = &vm_words::target(&args.target);
            match &args.command {
                VmVerb::Order(command) => vm::run(command, options, call),
                VmVerb::Vault(command) => vm_vault::run(command, options, call),
                VmVerb::Restore(command) => vm_restore::run(command, options, call),
            }
        }
        Command::Cleanup(args) => cleanup::run(args, call),
        Command::Status(args) => status::run(args, call),
        Command::Check(args) => check::run(args, call),
        #[cfg(feature = "emulator")]
        Command::Emulator(args) => match &args.command {
            None => emulator::run(None, args, call),
            Some(EmulatorVerb::Order(own)) => emulator::run(Some(own), args, call),
            Some(EmulatorVerb::Place(own)) => emulator_place::run(own, &args.data),
            Some(EmulatorVerb::Disk(own)) => emulated_disk::run(own, &args.data),
        },
        Command::Limits(args) => limits::run(args),
        Command::Explain(args) => explain::run(args),
        Command::Auth(args) => auth::run(args, call),
        Command::Provider(args) => provider::run(args, call),
        Command::Nsg(args) => nsg::run(args, call),
        Command::Proxy(args) => proxy::run(args, call),
        Command::Subscriptions(args) => subscriptions::run(args, call),
        Command::Config(args) => config::run(args, call.matches, call.settings),
        Command::Completions(args) => completions::run(args),
        Command::Man(args) => man::run(args),
    }
}
