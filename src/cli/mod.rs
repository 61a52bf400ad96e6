//! Arguments: clap structs and value parsers, one file per command. No I/O but the look whether a
//! named drive is a file.

mod access;
mod ahead;
mod azure;
mod check;
mod custody;
mod disk_backup;
mod drive;
#[cfg(feature = "emulator")]
mod emulator;
#[cfg(feature = "emulator")]
mod emulator_place;
mod explain;
mod filters;
mod hushed;
mod job;
mod keep_counts;
mod keys;
mod limits;
mod mend;
mod moment;
mod named;
mod nsg;
mod parcel;
mod prep;
mod prove;
mod proxy;
mod question;
#[cfg(feature = "emulator")]
mod rehearse;
mod stage;
mod staging;
mod status;
mod usage;
mod vault;
mod vault_attach;
mod vault_keep;
mod vault_password;
mod vault_policy;
mod vault_read;
mod vault_schedule;
mod vm;
mod vm_restore;
mod windows;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;

pub use access::{
    AuthArgs, AuthCommand, ProviderArgs, ProviderCommand, SubscriptionsArgs, SubscriptionsCommand,
};
pub use ahead::{AHEAD_FLAGS, STAGED_FLAGS};
pub use azure::{ArmArgs, AuthChoice, AzureArgs, BlobArgs};
pub use check::{
    CheckAccountArgs, CheckArgs, CheckAzureArgs, CheckCommand, CheckNetworkArgs, CheckStagingArgs,
    CheckVmArgs, ForChoice, RootArgs,
};
pub use custody::{CustodyArgs, CustodyCommand};
pub use disk_backup::{
    DiffChoice, DiskBackupArgs, DiskBackupCommand, DiskKeepArgs, DiskRunArgs, DiskScheduleArgs,
    DiskScheduleCommand, DiskSnapshotArgs, DiskSnapshotCommand, DiskVerb, EngineChoice,
    FirstChoice, PromoteArgs, ProtectArgs, ReadBackArgs, TransferChoice, VerifyChoice, VhdChoice,
};
pub use drive::{DriveArgs, DriveCommand, InspectArgs, VerifyArgs};
#[cfg(feature = "emulator")]
pub use emulator::{
    EmulatorArgs, EmulatorCommand, EmulatorDiskCommand, EmulatorVerb, EmulatorVmCommand,
};
#[cfg(feature = "emulator")]
pub use emulator_place::EmulatorPlace;
pub use explain::{ExplainArgs, ScriptFormArg};
pub use filters::{FILTER_FLAGS, LeftOutArgs};
pub use hushed::{Hidden, hidden, hushed, is_secret};
pub use job::{JobArgs, JobCommand, JobTarget, JobVerb, JournalForm, ReturnAddressArgs};
pub use keep_counts::KeepCounts;
pub use keys::KeyArgs;
pub use limits::{LimitsArgs, LimitsCommand};
pub use mend::{MendCommand, RepairArgs};
pub use named::{is_named, source, unused};
pub use nsg::{NsgArgs, NsgCommand, NsgRuleArgs, NsgSuggestArgs};
pub use parcel::{PackArgs, PackCommand, PackingSlipArgs};
pub use prep::{PlanArgs, PrepArgs, ProfileChoice, SourceArgs, WipeChoice};
pub use prove::KeysCommand;
pub use proxy::{ProxyArgs, ProxyCommand, TypedProxy};
pub use question::is_question;
#[cfg(feature = "emulator")]
pub use rehearse::RehearseArgs;
pub use stage::{
    AdoptArgs, SeedArgs, StageArgs, StageCommand, StageReleaseArgs, StageSetArgs, StageStatusArgs,
    WorkloadChoice,
};
pub use staging::{SharedArgs, SharedSeedArgs, StagingConsent};
pub use status::StatusArgs;
pub use usage::typed_only;
pub use vault::{
    CleanupArgs, PlanCommand, SourceCommand, VaultArgs, VaultCommand, VaultCreate, VaultTarget,
    VaultVerb,
};
pub use vault_attach::VaultAttach;
pub use vault_keep::{NewKeyArgs, VaultKeepCommand, VaultKeyCommand, VaultSet};
pub use vault_password::PasswordArgs;
pub use vault_policy::{PolicyArgs, PolicyCommand, SimulateArgs};
pub use vault_read::{
    FilterArgs, IgnoreChoice, VaultFind, VaultLs, VaultReadCommand, VaultRestore,
};
pub use vault_schedule::{RunArgs, ScheduleArgs, ScheduleCommand, ZoneChoice};

pub use vm::{
    MachinesArgs, RedundancyChoice, RoleChoice, VmArgs, VmCommand, VmExtensionCommand,
    VmJobCommand, VmPointCommand, VmPolicyCommand, VmRedundancyCommand, VmTarget, VmVaultCommand,
    VmVerb,
};
pub use vm_restore::{RestoreArgs, VmRestoreCommand};
pub use windows::understood;

/// Seeds the first backup to Azure on drives instead of over the wire.
#[derive(Debug, Parser)]
#[command(name = "azseed", version, propagate_version = true, max_term_width = 80)]
#[command(after_help = "Start with `azseed rehearse --source DIR`. Every error has a code; \
                        `azseed explain CODE` tells more.")]
pub struct Cli {
    /// Flags of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Whether this is a rehearsal, which takes nothing from settings.
    pub fn is_rehearsal(&self) -> bool {
        #[cfg(feature = "emulator")]
        return matches!(self.command, Command::Rehearse(_));
        #[cfg(not(feature = "emulator"))]
        return false;
    }
}

/// Flags that stand before the command or behind it.
const LATER: [&str; 2] = ["--auth", "--cloud"];

/// Flags of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Global {
    /// Print JSON Lines on standard output, for scripts
    #[arg(long, global = true)]
    pub json: bool,
    /// Print only what was asked for and what went wrong
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Tell more on standard error; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Do not show how far the work is, only what begins and ends
    #[arg(long, global = true)]
    pub no_progress: bool,
    /// Add what is done, with times, to the end of this file; beyond 16 MiB it
    /// becomes FILE.1, and four such are kept
    #[arg(long, global = true, value_name = "FILE", env = "AZSEED_LOG_FILE")]
    pub log_file: Option<PathBuf>,
    /// Take this section of the configuration files, [profile.NAME]
    #[arg(long, global = true, value_name = "NAME", env = "AZSEED_PROFILE_NAME")]
    pub profile_name: Option<String>,
    /// Say yes to plain questions; never to erasing a drive
    #[arg(short, long, global = true)]
    pub yes: bool,
    /// Keep state here [default: /var/lib/azseed as root, else the XDG state
    /// directory]
    #[arg(long, global = true, value_name = "DIR", env = "AZSEED_STATE")]
    pub state: Option<PathBuf>,
}

/// The flags of every command: what tells a command from the value of a flag before it, without
/// the whole tree.
#[derive(Debug, Parser)]
#[command(ignore_errors = true)]
struct Outline {
    #[command(flatten)]
    _global: Global,
    #[command(subcommand)]
    command: Option<Behind>,
}

/// A command with all that stands behind it.
#[derive(Debug, Subcommand)]
enum Behind {
    #[command(external_subcommand)]
    Command(Vec<OsString>),
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Go through the whole journey on this machine, with drives that are files
    #[cfg(feature = "emulator")]
    Rehearse(RehearseArgs),
    /// Write the initial backup, compressed, to a staging path
    Stage(Box<StageArgs>),
    /// See which drives will do
    Drive(DriveArgs),
    /// See how many drives are needed, and what goes where
    Plan(PlanArgs),
    /// Format and fill drives
    Prep(Box<PrepArgs>),
    /// Read sealed drives back as the datacenter will
    Verify(VerifyArgs),
    /// Show what is on a drive: partitions, encryption, file system
    Inspect(InspectArgs),
    /// Make, ship, follow and end the import job
    Job(Box<JobArgs>),
    /// Show what goes into a parcel, where it goes, and what to do; print labels
    PackingSlip(Box<PackingSlipArgs>),
    /// Look whether the right drives are in the parcel
    Pack(Box<PackArgs>),
    /// See who had which drive when, and whether that record is whole
    Custody(CustodyArgs),
    /// Keep a backup in Azure: take the seed in, make increments, restore
    Vault(Box<VaultArgs>),
    /// Back page blobs up by what changed, point after point
    DiskBackup(Box<DiskBackupArgs>),
    /// Have Azure back virtual machines up: vaults, policies, jobs, points
    Vm(Box<VmArgs>),
    /// Clear the imported container and the staging path, once the vault has all
    Cleanup(Box<CleanupArgs>),
    /// See seeds, drives, jobs, vaults, and what is next, on one page
    Status(StatusArgs),
    /// Look whether everything is in place, before anything is done
    Check(CheckArgs),
    /// See who is signed in to Azure
    Auth(AuthArgs),
    /// See which subscriptions the sign-in reaches
    Subscriptions(SubscriptionsArgs),
    /// See which providers a subscription may use, and register one
    Provider(ProviderArgs),
    /// Look at network security groups, and print rules for them
    Nsg(NsgArgs),
    /// Bring VMs of Azure to a proxy
    Proxy(ProxyArgs),
    /// Run Azure and the datacenter's dock on this machine, for rehearsals
    #[cfg(feature = "emulator")]
    Emulator(Box<EmulatorArgs>),
    /// See the limits of the service
    Limits(LimitsArgs),
    /// Explain an error code, a state, or words
    Explain(ExplainArgs),
    /// Show where each setting comes from
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Write completions for a shell to standard output
    Completions(CompletionsArgs),
    /// Write the man pages into a folder
    Man(ManArgs),
}

/// `config`.
#[derive(Debug, Clone, Subcommand)]
pub enum ConfigCommand {
    /// Print every setting with its source
    Show,
    /// Write a configuration file with every key, commented out
    #[command(after_help = "Example:\n  azseed config init\n  azseed config init -")]
    Init {
        /// The file, - for standard output [default: /etc/azseed/config.toml as
        /// root, else the one of XDG_CONFIG_HOME]
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  azseed completions bash > /etc/bash_completion.d/azseed")]
pub struct CompletionsArgs {
    /// The shell
    pub shell: Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  azseed man /usr/local/share/man/man1")]
pub struct ManArgs {
    /// The folder; it is made if need be
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

/// The words with `--auth` and `--cloud` behind the command if they stand before it, as flags of
/// every command may: only commands that talk to Azure have them.
pub fn in_order(words: &[OsString]) -> Vec<OsString> {
    let root = Outline::command();
    let has_value = |flag: &str| {
        let mut flags = root.get_arguments().filter(|arg| arg.get_action().takes_values());
        flags.any(|arg| arg.get_long().is_some_and(|long| flag == format!("--{long}")))
    };
    let (mut before, mut later) = (Vec::new(), Vec::new());
    let mut words = words.iter();
    before.extend(words.next());
    while let Some(word) = words.next() {
        let flag = word.to_str().unwrap_or_default();
        let name = flag.split('=').next().unwrap_or_default();
        let is_later = LATER.contains(&name);
        let place = if is_later { &mut later } else { &mut before };
        place.push(word);
        if !flag.starts_with('-') || flag == "--" {
            break;
        }
        if flag == name && (is_later || has_value(flag)) {
            place.extend(words.next());
        }
    }
    let rest: Vec<&OsString> = words.collect();
    let end = rest.iter().position(|word| *word == "--").unwrap_or(rest.len());
    let (own, behind) = rest.split_at(end);
    before
        .into_iter()
        .chain(own.iter().copied())
        .chain(later)
        .chain(behind.iter().copied())
        .cloned()
        .collect()
}

/// Whether the words call what takes nothing from configuration files, before those are read: a
/// rehearsal is the same whatever is set, and whoever mends a file must be told of it.
pub fn is_unset(words: &[OsString]) -> bool {
    let Some(words) = next_command(words) else { return false };
    match words[0].to_str() {
        Some("rehearse" | "explain" | "completions" | "man") => true,
        Some("config") => next_command(&words).is_some_and(|inner| inner[0] == "init"),
        _ => false,
    }
}

/// The first command behind the first word, and the words from it on.
fn next_command(words: &[OsString]) -> Option<Vec<OsString>> {
    let matches = named::deaf(Outline::command()).try_get_matches_from(words).ok()?;
    let Behind::Command(words) = Outline::from_arg_matches(&matches).ok()?.command?;
    Some(words)
}

/// The whole command tree.
pub fn command() -> clap::Command {
    named::apart(hushed::without_values(Cli::command()))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    #[test]
    fn the_sign_in_and_the_cloud_may_be_named_before_the_command() {
        let ordered = |words: &str| -> String {
            let words: Vec<OsString> = words.split(' ').map(OsString::from).collect();
            let words = super::in_order(&words);
            words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
        };
        for (given, expected) in [
            ("azseed --cloud c --json auth status", "azseed --json auth status --cloud c"),
            ("azseed --auth=token --state s job list", "azseed --state s job list --auth=token"),
            ("azseed --state auth job list --auth k", "azseed --state auth job list --auth k"),
            ("azseed --cloud c emulator -- --auth", "azseed emulator --cloud c -- --auth"),
            ("azseed stage --source --cloud x", "azseed stage --source --cloud x"),
            ("azseed --cloud", "azseed --cloud"),
            ("azseed", "azseed"),
        ] {
            assert_eq!(ordered(given), expected, "{given}");
        }
        let words = "azseed --cloud AzureChinaCloud auth status".split(' ').map(OsString::from);
        let words = super::in_order(&words.collect::<Vec<_>>());
        assert!(super::command().try_get_matches_from(words).is_ok());
    }

    #[test]
    fn what_takes_no_settings_is_known_by_its_words() {
        let calls = |words: &str| {
            super::is_unset(&words.split(' ').map(OsString::from).collect::<Vec<_>>())
        };
        for yes in ["azseed rehearse", "azseed --json --state s rehearse --source a --nonsense"] {
            assert!(calls(yes), "{yes}");
        }
        for no in
            ["azseed", "azseed --state rehearse stage", "azseed config show", "azseed --nonsense"]
        {
            assert!(!calls(no), "{no}");
        }
    }

    #[test]
    fn the_tree_is_sound_and_every_help_fits_80_columns() {
        fn check(mut command: clap::Command, path: &str) {
            let help = command.render_long_help().to_string();
            for line in help.lines() {
                assert!(line.chars().count() <= 80, "{path}: {line}");
            }
            for inner in command.get_subcommands() {
                check(inner.clone(), &format!("{path} {}", inner.get_name()));
            }
        }
        let mut command = super::command();
        command.build();
        command.clone().debug_assert();
        check(command, "azseed");
    }
}
