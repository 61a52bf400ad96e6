//! Arguments of `disk-backup`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use disk_prep::limits::SHORTEST_ROUND_SECS;
use disk_prep::noun::{JobName, ReadShare, ResourceGroup, Service, SubscriptionId, VaultName};
use jiff::Timestamp;

use super::azure::{AzureArgs, BlobArgs};
use super::keep_counts::KeepCounts;
use super::moment::moment;

/// Arguments of `disk-backup`.
#[derive(Debug, Args)]
pub struct DiskBackupArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: DiskVerb,
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

/// What `disk-backup` does.
#[derive(Debug, Subcommand)]
pub enum DiskVerb {
    /// With backups.
    #[command(flatten)]
    Order(DiskBackupCommand),
    /// Have systemd back all disks up
    #[command(override_usage = "azseed disk-backup schedule [OPTIONS]\n       \
        azseed disk-backup schedule remove")]
    #[command(after_help = "Examples:\n  azseed disk-backup schedule --install\n  \
        azseed disk-backup schedule --write-units /etc/systemd/system\n\n\
        One timer for all disks: it calls `run --prune`, which does what is due and then\n\
        deletes the points that no rule keeps.")]
    Schedule(DiskScheduleArgs),
}

/// `disk-backup` with backups.
#[derive(Debug, Subcommand)]
pub enum DiskBackupCommand {
    /// Back a disk up from now on, and make the first copy
    #[command(after_help = "Examples:\n  azseed disk-backup protect os \\\n    \
        --source page-blob:mypremiumaccount/vhds/mypremiumdisk.vhd \\\n    \
        --to mybackupstdaccount/backup --every 12h\n  \
        azseed disk-backup protect web --to mybackupstdaccount/backup \\\n    \
        --source managed-disk:/subscriptions/11111111-2222-4333-8444-555555555555\\\n\
/resourceGroups/rg/providers/Microsoft.Compute/disks/web-os\n  \
        azseed disk-backup protect data --source image:/dev/vg0/data-snap \\\n    \
        --to mybackupstdaccount/backup --first drive --job data-1 \\\n    \
        --subscription 11111111-2222-4333-8444-555555555555 --resource-group backup\n\n\
        The copy is a page blob of its own, NAME.vhd if --to names none; its snapshots\n\
        are the points that can be restored. Each later `disk-backup run` sends only\n\
        what changed. Not copied along: snapshots that the disk has already, its\n\
        lease, its access tier.")]
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
    /// Prove points: by the disk's own snapshot while that is there, else by their
    /// digest tables
    #[command(after_help = "Examples:\n  azseed disk-backup verify os\n  \
        azseed disk-backup verify os --all --sample 5%")]
    Verify(DiskVerifyArgs),
    /// Make a new disk of a point, or an image file
    #[command(
        after_help = "Examples:\n  azseed disk-backup restore os --at 2026-11-29T04:00:00Z \\\n    \
        --to page-blob:mypremiumaccount/vhds/restored.vhd\n  \
        azseed disk-backup restore os --at 2026-11-29T04:00:00Z --to image:os.vhd\n  \
        azseed disk-backup restore os --at 2026-11-29T04:00:00Z \\\n    \
        --to managed-disk:/subscriptions/11111111-2222-4333-8444-555555555555\\\n\
/resourceGroups/rg/providers/Microsoft.Compute/disks/restored\n\n\
        The new disk is itself backed up, and its first round sends only what changed.\n\
        Killed anywhere, the same command goes on."
    )]
    Restore(DiskRestoreArgs),
    /// Put a point over the disk itself; what it holds now is kept in a snapshot
    #[command(after_help = "Example, in a script:\n  \
        azseed disk-backup promote os --at 2026-11-29T04:00:00Z --overwrite os\n\n\
        The virtual machine is stopped first, by whoever runs it. At a terminal the\n\
        backup's name is typed.")]
    Promote(PromoteArgs),
    /// Delete points that no rule keeps; the newest always stays
    #[command(after_help = "Examples:\n  azseed disk-backup prune --dry-run\n  \
        azseed disk-backup prune os --yes")]
    Prune(PruneArgs),
    /// Change how often there is a point, and which are kept
    #[command(after_help = "Example:\n  \
        azseed disk-backup set os --every 1d --keep-daily 30 --keep-monthly 12\n\n\
        What is kept is said as a whole: a rule that is not named is no rule any more.")]
    Set(DiskSetArgs),
    /// Take, list and delete snapshots of a disk by hand
    #[command(after_help = "Examples:\n  azseed disk-backup snapshot create \\\n    \
        --source page-blob:mypremiumaccount/vhds/mypremiumdisk.vhd\n  \
        azseed disk-backup snapshot delete \\\n    \
        --source page-blob:mypremiumaccount/vhds/mypremiumdisk.vhd \\\n    \
        --at 2026-11-29T04:00:00.1234567Z\n\n\
        A snapshot that a backup goes on from is left alone.")]
    Snapshot(DiskSnapshotArgs),
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
    /// The disk: page-blob:ACCOUNT/CONTAINER/BLOB, managed-disk: and the whole
    /// resource id, or image:PATH for an image file or a block device of this
    /// machine
    #[arg(long, value_name = "DISK")]
    pub source: String,
    /// Where the copy goes: ACCOUNT/CONTAINER or ACCOUNT/CONTAINER/BLOB
    #[arg(long, value_name = "PLACE")]
    pub to: String,
    /// Time from one point to the next: 10m and more, such as 1d; 12h if not said
    #[arg(long, value_name = "TIME", value_parser = every_secs)]
    pub every: Option<u64>,
    /// How the first copy is made; auto has the service copy where it can be trusted
    #[arg(long, value_name = "HOW", env = "AZSEED_FIRST", value_enum, default_value = "auto")]
    pub first: FirstChoice,
    /// How what changed is found out; auto asks the service once a trial shows
    /// that it tells the truth
    #[arg(long, value_name = "HOW", env = "AZSEED_DIFF", value_enum, default_value = "auto")]
    pub diff: DiffChoice,
    /// Who carries what a round writes; server has the service read it where it is
    #[arg(long, value_name = "WHO", env = "AZSEED_TRANSFER", value_enum, default_value = "client")]
    pub transfer: TransferChoice,
    /// What makes a point
    #[arg(long, value_name = "HOW", env = "AZSEED_ENGINE", value_enum, default_value = "diff")]
    pub engine: EngineChoice,
    /// How an image becomes a fixed VHD, which a disk of Azure is; as-is if it is
    /// one, else add
    #[arg(long, value_name = "FORM", env = "AZSEED_VHD", value_enum)]
    pub vhd: Option<VhdChoice>,
    /// The job that brings the first copy by drive.
    #[command(flatten)]
    pub seed: SeedJobArgs,
    /// Which points are kept.
    #[command(flatten)]
    pub keep: DiskKeepArgs,
}

/// The job that brings the first copy by drive.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "First copy by drive")]
pub struct SeedJobArgs {
    /// The name of the import job
    #[arg(long, value_name = "NAME")]
    pub job: Option<JobName>,
    /// The subscription of the job
    #[arg(long, value_name = "ID", env = "AZSEED_SUBSCRIPTION")]
    pub subscription: Option<SubscriptionId>,
    /// The resource group of the job
    #[arg(long, value_name = "NAME", env = "AZSEED_RESOURCE_GROUP")]
    pub resource_group: Option<ResourceGroup>,
    /// The service that takes the drives in, data-box or import-export
    #[arg(long, value_name = "SERVICE", env = "AZSEED_SERVICE")]
    pub service: Option<Service>,
}

/// Which points are kept; without any of them the last 14, and of 30 days the last one.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Points that are kept")]
pub struct DiskKeepArgs {
    /// The last points, so many
    #[arg(long, value_name = "COUNT")]
    pub keep_last: Option<u16>,
    /// Counts.
    #[command(flatten)]
    pub counts: KeepCounts,
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
    /// Make a whole new copy beside the old one: of the backups that are named, or,
    /// without names, where one is due and cannot be gone on with
    #[arg(long)]
    pub full: bool,
    /// End the lease that another run has on the copy
    #[arg(long)]
    pub break_lease: bool,
    /// Delete points that no rule keeps afterwards, also of disks of which no point
    /// could be made
    #[arg(long)]
    pub prune: bool,
    /// What is read back.
    #[command(flatten)]
    pub read_back: ReadBackArgs,
}

/// Arguments of `disk-backup snapshot`.
#[derive(Debug, Clone, Args)]
pub struct DiskSnapshotArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: DiskSnapshotCommand,
}

/// `disk-backup snapshot`.
#[derive(Debug, Clone, Subcommand)]
pub enum DiskSnapshotCommand {
    /// Take a snapshot
    Create {
        /// The disk: page-blob:ACCOUNT/CONTAINER/BLOB, or managed-disk: and the
        /// whole resource id
        #[arg(long, value_name = "DISK")]
        source: String,
    },
    /// List the snapshots, and which of them backups need
    List {
        /// The disk: page-blob:ACCOUNT/CONTAINER/BLOB, or managed-disk: and the
        /// whole resource id
        #[arg(long, value_name = "DISK")]
        source: String,
    },
    /// Delete a snapshot, never the disk
    Delete {
        /// The disk: page-blob:ACCOUNT/CONTAINER/BLOB, or managed-disk: and the
        /// whole resource id
        #[arg(long, value_name = "DISK")]
        source: String,
        /// The snapshot, as the list has it
        #[arg(long, value_name = "TIME")]
        at: String,
    },
}

/// Arguments of `disk-backup prune`.
#[derive(Debug, Clone, Args)]
pub struct PruneArgs {
    /// The backups; without any, all
    #[arg(value_name = "NAME")]
    pub names: Vec<VaultName>,
    /// Only tell what would go
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `disk-backup set`.
#[derive(Debug, Clone, Args)]
pub struct DiskSetArgs {
    /// The backup
    #[arg(value_name = "NAME")]
    pub name: VaultName,
    /// Time from one point to the next: 10m and more, such as 12h or 1d
    #[arg(long, value_name = "TIME", value_parser = every_secs)]
    pub every: Option<u64>,
    /// Which points are kept.
    #[command(flatten)]
    pub keep: DiskKeepArgs,
}

/// Arguments of `disk-backup schedule`.
#[derive(Debug, Clone, Args)]
pub struct DiskScheduleArgs {
    /// What else to do.
    #[command(subcommand)]
    pub command: Option<DiskScheduleCommand>,
    /// Write a timer and a service for systemd into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "install")]
    pub write_units: Option<PathBuf>,
    /// Write them where systemd finds them, and start the timer
    #[arg(long)]
    pub install: bool,
}

/// `disk-backup schedule` beside writing.
#[derive(Debug, Clone, Subcommand)]
pub enum DiskScheduleCommand {
    /// Stop the timer and delete its units; runs by hand go on
    Remove {
        /// The folder that the units were written into, if they were not installed
        #[arg(long, value_name = "DIR")]
        units: Option<PathBuf>,
    },
}

/// Arguments of `disk-backup verify`.
#[derive(Debug, Clone, Args)]
pub struct DiskVerifyArgs {
    /// The backup
    #[arg(value_name = "NAME")]
    pub name: VaultName,
    /// The last point that is not later than this time; the newest if not said
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub at: Option<Timestamp>,
    /// Every point
    #[arg(long, conflicts_with = "at")]
    pub all: bool,
    /// Only a share of each point, such as 5% or 10G, drawn anew each time
    #[arg(long, value_name = "SHARE", env = "AZSEED_SAMPLE")]
    pub sample: Option<ReadShare>,
}

/// Arguments of `disk-backup restore`.
#[derive(Debug, Clone, Args)]
pub struct DiskRestoreArgs {
    /// The backup
    #[arg(value_name = "NAME")]
    pub name: VaultName,
    /// The last point that is not later than this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub at: Timestamp,
    /// Where to: page-blob:ACCOUNT/CONTAINER/BLOB, managed-disk: and the whole
    /// resource id of a new one, or image:PATH; it must not be there
    #[arg(long, value_name = "DISK")]
    pub to: String,
    /// What the backup of the new disk is called; NAME-r1 or the next that is free
    /// if not said
    #[arg(long, value_name = "NAME", conflicts_with = "without_backup")]
    pub backup_name: Option<VaultName>,
    /// Make the disk only, without a backup of its own
    #[arg(long)]
    pub without_backup: bool,
    /// What is read back.
    #[command(flatten)]
    pub read_back: ReadBackArgs,
}

/// Arguments of `disk-backup promote`.
#[derive(Debug, Clone, Args)]
pub struct PromoteArgs {
    /// The backup
    #[arg(value_name = "NAME")]
    pub name: VaultName,
    /// The last point that is not later than this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub at: Timestamp,
    /// The backup's name once more: its disk may be written over
    #[arg(long, value_name = "NAME")]
    pub overwrite: Option<VaultName>,
    /// What is read back.
    #[command(flatten)]
    pub read_back: ReadBackArgs,
}

/// What is read back.
#[derive(Debug, Clone, Args)]
pub struct ReadBackArgs {
    /// What is read back: nothing, what was written, or all of both
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
    /// By a drive that is sent to the datacenter, of an image
    Drive,
}

/// How an image becomes a fixed VHD.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum VhdChoice {
    /// It is one
    AsIs,
    /// It gets zeros up to a whole MiB, and a footer
    Add,
    /// Not at all: its bytes as they are
    None,
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

/// Who carries what a round writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TransferChoice {
    /// This machine, which sees and checks every byte
    Client,
    /// The service, from blob to blob
    Server,
}

/// What makes a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EngineChoice {
    /// What changed goes into one copy, whose snapshots are the points
    Diff,
    /// The same, done by the service alone; of page blobs only
    IncrementalCopy,
    /// Every point is a whole copy, NAME.TIME.vhd: needs no difference, and costs most
    FullCopy,
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
    /// A day or a time with its zone, and what to type instead of anything else.
    #[test]
    fn a_point_is_named_by_a_moment_as_everywhere() {
        let at = |text: &str| {
            let words = ["azseed", "disk-backup", "verify", "os", "--at", text];
            crate::cli::command().try_get_matches_from(words).map_err(|error| error.to_string())
        };
        for text in ["2026-12-20", "2026-12-20T06:00:00Z", "2026-12-20T06:00:00.1234567Z"] {
            assert!(at(text).is_ok(), "{text}");
        }
        assert!(at("2026-12-20T06:00:00").unwrap_err().contains("a time needs its zone"));
        assert!(at("yesterday").unwrap_err().contains("take a day"));
    }

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
