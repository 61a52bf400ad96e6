//! Arguments of the commands that read a vault's repository.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use disk_prep::noun::SnapshotPath;

use super::vault_password::PasswordArgs;

/// Commands of `vault` that read its repository.
#[derive(Debug, Subcommand)]
pub enum VaultReadCommand {
    /// List the snapshots
    Snapshots(FilterArgs),
    /// List what a snapshot holds
    #[command(
        after_help = "Examples:\n  azseed vault ls latest\n  azseed vault ls 1a2b3c:/srv/data -r"
    )]
    Ls(VaultLs),
    /// Find files in all snapshots
    #[command(after_help = "Example:\n  azseed vault find '*.ods' --source /srv/data")]
    Find(VaultFind),
    /// Write a snapshot's files into a folder, or back where they were
    #[command(
        after_help = "Examples:\n  azseed vault restore --vault office --target /srv/restored\n  \
                      azseed vault restore --vault office --in-place --dry-run --path /srv/data"
    )]
    Restore(VaultRestore),
}

impl VaultReadCommand {
    /// Where the call says the password is.
    pub fn password(&self) -> &PasswordArgs {
        match self {
            VaultReadCommand::Snapshots(filter)
            | VaultReadCommand::Ls(VaultLs { filter, .. })
            | VaultReadCommand::Find(VaultFind { filter, .. })
            | VaultReadCommand::Restore(VaultRestore { filter, .. }) => &filter.password,
        }
    }
}

/// Which snapshots.
#[derive(Debug, Args)]
pub struct FilterArgs {
    /// Only snapshots of this machine
    #[arg(long, value_name = "NAME")]
    pub host: Option<String>,
    /// Only snapshots that hold this file or folder
    #[arg(long, value_name = "PATH")]
    pub source: Option<PathBuf>,
    /// Where the password is.
    #[command(flatten)]
    pub password: PasswordArgs,
}

/// Arguments of `vault ls`.
#[derive(Debug, Args)]
pub struct VaultLs {
    /// The snapshot, by the beginning of its id, or latest; without a path its
    /// sources are listed
    #[arg(value_name = "SNAPSHOT[:PATH]")]
    pub snapshot: SnapshotPath,
    /// List what lies in folders below too
    #[arg(short, long)]
    pub recursive: bool,
    /// Which snapshots.
    #[command(flatten)]
    pub filter: FilterArgs,
}

/// Arguments of `vault find`.
#[derive(Debug, Args)]
pub struct VaultFind {
    /// Patterns as those of --exclude: whole names, `*`, `?`, `[a-z]`, `**`;
    /// what begins with a slash counts from the root
    #[arg(value_name = "PATTERN", required = true)]
    pub patterns: Vec<String>,
    /// Only in this snapshot, by the beginning of its id, or latest
    #[arg(long, value_name = "ID[:PATH]")]
    pub snapshot: Option<SnapshotPath>,
    /// Which snapshots.
    #[command(flatten)]
    pub filter: FilterArgs,
}

/// Arguments of `vault restore`.
#[derive(Debug, Args)]
pub struct VaultRestore {
    /// The folder; every file is written below it at its whole path, or, of a
    /// path in the snapshot, at what follows that path
    #[arg(long, value_name = "DIR", required_unless_present = "in_place")]
    pub target: Option<PathBuf>,
    /// Write over what is where it was backed up; asks
    #[arg(long, conflicts_with = "target")]
    pub in_place: bool,
    /// List what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The snapshot, by the beginning of its id; the newest if not said
    #[arg(long, value_name = "ID[:PATH]")]
    pub snapshot: Option<SnapshotPath>,
    /// Only this folder or file of the snapshot
    #[arg(long, value_name = "PATH")]
    pub path: Option<PathBuf>,
    /// Only what a pattern matches, such as `*.ods` or `/srv/data/2026`
    #[arg(long, value_name = "GLOB")]
    pub include: Vec<String>,
    /// Not what a pattern matches
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
    /// Replace what is of another kind than in the snapshot, a folder with all
    /// that is in it
    #[arg(long)]
    pub overwrite: bool,
    /// Leave all files to whoever restores them
    #[arg(long)]
    pub no_owner: bool,
    /// What the target cannot hold does not count as left out
    #[arg(long, value_name = "WHAT", value_delimiter = ',', value_enum)]
    pub ignore: Vec<IgnoreChoice>,
    /// Which snapshots.
    #[command(flatten)]
    pub filter: FilterArgs,
}

/// What need not be as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum IgnoreChoice {
    /// Owners and groups
    Owner,
    /// Permissions
    Mode,
    /// Access control lists
    Acl,
    /// Extended attributes
    Xattr,
    /// Times of change
    Times,
    /// Devices
    Special,
}
