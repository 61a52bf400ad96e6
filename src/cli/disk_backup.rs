//! Arguments of `disk-backup`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use disk_prep::limits::SHORTEST_ROUND_SECS;
use disk_prep::noun::VaultName;

use super::azure::{AzureArgs, BlobArgs};

/// Arguments of `disk-backup`.
#[derive(Debug, Args)]
pub struct DiskBackupArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: DiskBackupCommand,
    /// Where Azure is.
    #[command(flatten)]
    pub azure: AzureArgs,
    /// Where blobs are.
    #[command(flatten)]
    pub blobs: BlobArgs,
    /// What opens the source's account, where it is another one.
    #[command(flatten)]
    pub source: SourceAccountArgs,
}

/// What opens the account of the source.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Azure")]
pub struct SourceAccountArgs {
    /// A file (0600) with the key of the source's account, if it is another one
    #[arg(long, global = true, value_name = "FILE", env = "AZSEED_SOURCE_ACCOUNT_KEY_FILE")]
    pub source_account_key_file: Option<PathBuf>,
    /// A file (0600) with a shared access signature of the source's account
    #[arg(long, global = true, value_name = "FILE", env = "AZSEED_SOURCE_SAS_FILE")]
    pub source_sas_file: Option<PathBuf>,
}

/// `disk-backup`.
#[derive(Debug, Subcommand)]
pub enum DiskBackupCommand {
    /// Back a page blob up from now on, and make the first copy
    #[command(after_help = "Example:\n  azseed disk-backup protect os \\\n    \
        --source page-blob:mypremiumaccount/vhds/mypremiumdisk.vhd \\\n    \
        --to mybackupstdaccount/backup --every 12h\n\n\
        The copy is a page blob of its own, NAME.vhd if --to names none; its snapshots\n\
        are the points that can be restored. Each later `disk-backup run` sends only\n\
        what changed.")]
    Protect(ProtectArgs),
    /// Do what is due: a point of each disk whose time has come
    #[command(after_help = "Example, for a timer:\n  azseed disk-backup run")]
    Run(DiskRunArgs),
    /// List the disks that this machine backs up, or the points of one
    List {
        /// The backup whose points are listed
        #[arg(value_name = "NAME")]
        name: Option<VaultName>,
    },
    /// Show what a disk's copy holds, what is under way, and when the next point is due
    Status {
        /// The backup
        #[arg(value_name = "NAME")]
        name: VaultName,
    },
    /// Compare a point with the source's snapshot, byte by byte
    Verify {
        /// The backup
        #[arg(value_name = "NAME")]
        name: VaultName,
    },
    /// Forget a disk on this machine; the copy and its points stay
    Release {
        /// The backup
        #[arg(value_name = "NAME")]
        name: VaultName,
    },
}

/// Arguments of `disk-backup protect`.
#[derive(Debug, Clone, Args)]
pub struct ProtectArgs {
    /// What the backup is called
    #[arg(value_name = "NAME")]
    pub name: VaultName,
    /// The disk: page-blob:ACCOUNT/CONTAINER/BLOB
    #[arg(long, value_name = "DISK")]
    pub source: String,
    /// Where the copy goes: ACCOUNT/CONTAINER or ACCOUNT/CONTAINER/BLOB
    #[arg(long, value_name = "PLACE")]
    pub to: String,
    /// Time from one point to the next: 10m and more, such as 12h or 1d
    #[arg(long, value_name = "TIME", default_value = "12h")]
    #[arg(value_parser = every_secs)]
    pub every: u64,
    /// How the first copy is made; auto has the service copy where it can be trusted
    #[arg(long, value_name = "HOW", env = "AZSEED_FIRST", value_enum, default_value = "auto")]
    pub first: FirstChoice,
    /// How what changed is found out; auto asks the service once a trial shows
    /// that it tells the truth
    #[arg(long, value_name = "HOW", env = "AZSEED_DIFF", value_enum, default_value = "auto")]
    pub diff: DiffChoice,
}

/// Arguments of `disk-backup run`.
#[derive(Debug, Clone, Args)]
pub struct DiskRunArgs {
    /// The backups; without any, all
    #[arg(value_name = "NAME")]
    pub names: Vec<VaultName>,
    /// Make a point even if none is due
    #[arg(long)]
    pub now: bool,
    /// Where the snapshot that the copy holds is lost, make a whole new copy beside
    /// the old one
    #[arg(long)]
    pub full: bool,
    /// End the lease that another run has on the copy
    #[arg(long)]
    pub break_lease: bool,
    /// What is read back: nothing, what was written, or all of point and snapshot
    #[arg(long, value_name = "WHAT", env = "AZSEED_VERIFY", value_enum, default_value = "none")]
    pub verify: VerifyChoice,
}

/// How the first copy is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FirstChoice {
    /// By the service, or through this machine where its copies cannot be trusted
    Auto,
    /// By the service
    Copy,
    /// Through this machine
    Stream,
}

/// How what changed is found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DiffChoice {
    /// By the service where a trial shows that it can
    Auto,
    /// By the service
    Service,
    /// By comparing both snapshots here
    Client,
}

/// What is read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum VerifyChoice {
    /// Nothing beyond the checksum of each write
    None,
    /// What was written
    Changed,
    /// All of it
    Full,
}

/// A year; a longer time is a slip of the pen.
const LONGEST_SECS: u64 = 365 * 86_400;

/// Seconds of a time like 90m, 12h or 1d.
fn every_secs(text: &str) -> Result<u64, String> {
    let unit =
        |unit: &str, secs: u64| text.strip_suffix(unit)?.parse::<u64>().ok()?.checked_mul(secs);
    let secs = unit("m", 60).or_else(|| unit("h", 3600)).or_else(|| unit("d", 86_400));
    match secs {
        Some(secs) if (SHORTEST_ROUND_SECS..=LONGEST_SECS).contains(&secs) => Ok(secs),
        Some(_) => Err("from 10m, which is the service's shortest, to 365d".to_owned()),
        None => Err("a time is written like 90m, 12h or 1d".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_time_from_point_to_point_is_ten_minutes_at_least() {
        for (text, secs) in [("10m", 600), ("12h", 43_200), ("1d", 86_400)] {
            assert_eq!(super::every_secs(text), Ok(secs));
        }
        for text in ["9m", "12", "h", "-1h", "366d", "99999999999999999999h", "5s"] {
            assert!(super::every_secs(text).is_err(), "{text}");
        }
    }
}
