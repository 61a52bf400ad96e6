//! Arguments of `vault` and `cleanup`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use disk_prep::noun::{
    AccountName, ByteSize, ContainerName, NamedAccount, NamedJob, ResourceGroup, Schedule,
    SubscriptionId, VaultName,
};

use uuid::Uuid;

use super::azure::{AzureArgs, BlobArgs};
use super::staging::SharedArgs;
use super::vault_keep::VaultKeepCommand;
use super::vault_password::PasswordArgs;
use super::vault_policy::PolicyCommand;
use super::vault_read::VaultReadCommand;
use super::vault_schedule::{RunArgs, ScheduleArgs};

/// Arguments of `vault`.
#[derive(Debug, Args)]
pub struct VaultArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: VaultVerb,
    /// Which vault, and where Azure is.
    #[command(flatten)]
    pub target: VaultTarget,
}

/// Which vault, and where Azure is.
#[derive(Debug, Args)]
#[command(next_help_heading = "Vault")]
pub struct VaultTarget {
    /// The vault; may be left out if there is only one
    #[arg(long, global = true, value_name = "NAME", env = "AZSEED_VAULT")]
    pub vault: Option<VaultName>,
    /// The staging path of its seed
    #[arg(long, global = true, value_name = "DIR", env = "AZSEED_STAGING")]
    pub staging: Option<PathBuf>,
    /// The storage account: where an attached vault lies, else what the seed must
    /// be for
    #[arg(long, global = true, value_name = "NAME", env = "AZSEED_STORAGE_ACCOUNT")]
    pub storage_account: Option<NamedAccount>,
    /// The container: where an attached vault lies, else what the seed must be for
    #[arg(long, global = true, value_name = "NAME", env = "AZSEED_CONTAINER")]
    pub container: Option<ContainerName>,
    /// The subscription that its seed must be for
    #[arg(long, global = true, value_name = "ID", env = "AZSEED_SUBSCRIPTION")]
    pub subscription: Option<SubscriptionId>,
    /// A file (0600) with a shared access signature for the seed's container,
    /// if it is of another account; else AZSEED_SEED_SAS
    #[arg(long, global = true, value_name = "FILE", env = "AZSEED_SEED_SAS_FILE")]
    pub seed_sas_file: Option<PathBuf>,
    /// Consent to a staging path of others.
    #[command(flatten)]
    pub shared: SharedArgs,
    /// Where Azure is.
    #[command(flatten)]
    pub azure: AzureArgs,
    /// Where blobs are.
    #[command(flatten)]
    pub blobs: BlobArgs,
}

/// What is done with a vault.
#[derive(Debug, Subcommand)]
pub enum VaultVerb {
    /// It is made and goes on.
    #[command(flatten)]
    Order(VaultCommand),
    /// What is kept, and when it is run.
    #[command(flatten)]
    Plan(PlanCommand),
    /// Its repository is read.
    #[command(flatten)]
    Read(VaultReadCommand),
    /// It is kept usable.
    #[command(flatten)]
    Keep(VaultKeepCommand),
}

/// What is kept of a vault, and when it is run.
#[derive(Debug, Subcommand)]
pub enum PlanCommand {
    /// Say which snapshots are kept, and how long
    Policy {
        /// What to do.
        #[command(subcommand)]
        command: PolicyCommand,
    },
    /// Say when it is run, and let systemd do it
    Schedule(Box<ScheduleArgs>),
}

/// `vault`, what is done with it.
#[derive(Debug, Subcommand)]
pub enum VaultCommand {
    /// Make a vault that waits for a seed
    #[command(
        after_help = "Example:\n  azseed vault create --vault office --staging /mnt/staging \\\n    \
                            --schedule daily@02:00 --keep-daily 7 --keep-weekly 5"
    )]
    Create(VaultCreate),
    /// List the vaults of this machine
    List,
    /// Show what this machine knows of a vault
    Show,
    /// Show how far a vault is and when its next run is due
    Status,
    /// Do what is due: take the seed in, then make increments
    #[command(after_help = "Example, for a timer:\n  azseed vault run --vault office")]
    Run {
        /// Make an increment even if none is due
        #[arg(long)]
        now: bool,
        /// Take a source that has lost most of its files as it is
        #[arg(long)]
        allow_shrink: bool,
        /// Send at most so much from the staging path of what the import has wrong
        /// or not at all; else stop
        #[arg(long, value_name = "SIZE", env = "AZSEED_REPAIR_UP_TO")]
        repair_up_to: Option<ByteSize>,
        /// The drives are lost: send all of the seed from the staging path
        #[arg(long)]
        without_seed: bool,
        /// How it works.
        #[command(flatten)]
        how: RunArgs,
        /// Where the password is.
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// See and change what is backed up
    Source {
        /// What to do.
        #[command(subcommand)]
        command: SourceCommand,
    },
    /// Let a source go with its snapshots, or give up a seed on its way
    #[command(
        after_help = "Example:\n  azseed vault forget --source /srv/old --all --vault office"
    )]
    Forget {
        /// The source, as its snapshots name it
        #[arg(long, value_name = "PATH", required_unless_present = "seed")]
        source: Option<PathBuf>,
        /// All of its snapshots, the newest too
        #[arg(long, required_unless_present = "seed")]
        all: bool,
        /// A seed of this machine that joins the vault and is not taken in
        #[arg(long, value_name = "ID", conflicts_with_all = ["source", "all"])]
        seed: Option<Uuid>,
        /// Where the password is.
        #[command(flatten)]
        password: PasswordArgs,
    },
}

impl VaultVerb {
    /// Where the call says the password is.
    pub fn password(&self) -> Option<&PasswordArgs> {
        match self {
            VaultVerb::Order(command) => command.password(),
            VaultVerb::Plan(_) => None,
            VaultVerb::Read(command) => Some(command.password()),
            VaultVerb::Keep(command) => command.password(),
        }
    }
}

impl VaultCommand {
    fn password(&self) -> Option<&PasswordArgs> {
        match self {
            VaultCommand::Create(VaultCreate { password, .. })
            | VaultCommand::Run { password, .. }
            | VaultCommand::Forget { password, .. }
            | VaultCommand::Source { command: SourceCommand::Accept { password, .. } } => {
                Some(password)
            }
            VaultCommand::Source { .. }
            | VaultCommand::List
            | VaultCommand::Show
            | VaultCommand::Status => None,
        }
    }
}

/// `vault source`.
#[derive(Debug, Subcommand)]
pub enum SourceCommand {
    /// Back a folder or file of this machine up from the next run on
    #[command(after_help = "Example:\n  azseed vault source add /srv/mail --vault office")]
    Add {
        /// The folder or file
        #[arg(value_name = "PATH")]
        path: PathBuf,
    },
    /// Back a source up no more; its snapshots stay
    #[command(after_help = "Example:\n  azseed vault source remove /srv/old --vault office")]
    Remove {
        /// The source, as its snapshots name it
        #[arg(value_name = "PATH")]
        path: PathBuf,
    },
    /// List what is backed up
    List,
    /// Take a source as it is found: smaller, empty, on another disk, or gone
    #[command(after_help = "Example:\n  azseed vault source accept /srv/data --vault office")]
    Accept {
        /// The source, as its snapshots name it
        #[arg(value_name = "PATH")]
        path: PathBuf,
        /// Where the password is.
        #[command(flatten)]
        password: PasswordArgs,
    },
}

/// Arguments of `vault create`.
#[derive(Debug, Args)]
pub struct VaultCreate {
    /// Its container; azseed- and the vault's name if not said
    #[arg(long, value_name = "NAME", env = "AZSEED_VAULT_CONTAINER")]
    pub vault_container: Option<ContainerName>,
    /// The storage account that it is kept in; the seed's if not said
    #[arg(long, value_name = "NAME", env = "AZSEED_VAULT_ACCOUNT")]
    pub vault_account: Option<AccountName>,
    /// Keep it in the container that the seed is imported to: what is imported
    /// stays there
    #[arg(long)]
    pub adopt: bool,
    /// Where the password is; if not said, where that of the seed is.
    #[command(flatten)]
    pub password: PasswordArgs,
    /// When increments are made, such as daily@23:30 or "mon,fri 22:00"; see
    /// `vault schedule`
    #[arg(long, value_name = "WHEN", env = "AZSEED_SCHEDULE", default_value = "daily@00:00")]
    pub schedule: Schedule,
    /// Snapshots to keep of so many days
    #[arg(long, value_name = "COUNT", env = "AZSEED_KEEP_DAILY")]
    pub keep_daily: Option<u16>,
    /// Snapshots to keep of so many weeks
    #[arg(long, value_name = "COUNT", env = "AZSEED_KEEP_WEEKLY")]
    pub keep_weekly: Option<u16>,
    /// Snapshots to keep of so many months
    #[arg(long, value_name = "COUNT", env = "AZSEED_KEEP_MONTHLY")]
    pub keep_monthly: Option<u16>,
    /// Snapshots to keep of so many years
    #[arg(long, value_name = "COUNT", env = "AZSEED_KEEP_YEARLY")]
    pub keep_yearly: Option<u16>,
}

/// Arguments of `cleanup`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  azseed cleanup --vault office\n  \
    azseed cleanup --vault office --older-than 14 --dry-run\n  \
    azseed cleanup --job photos --staging /mnt/photos\n\n\
    Nothing is deleted that the vault does not hold, and nothing that azseed did not\n\
    write. With --job, of plain files, nothing is deleted at all: when every file is\n\
    where it was sent to, the seed is at its end and its drives are free.")]
pub struct CleanupArgs {
    /// A job of plain files, by its name or its resource id
    #[arg(long, value_name = "NAME|ID", conflicts_with = "vault")]
    pub job: Option<NamedJob>,
    /// The resource group of the job, if there is no staging path
    #[arg(long, value_name = "NAME", env = "AZSEED_RESOURCE_GROUP")]
    pub resource_group: Option<ResourceGroup>,
    /// Say what would be deleted, and delete nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Only when the vault has been protected for so many days
    #[arg(long, value_name = "DAYS", env = "AZSEED_OLDER_THAN")]
    pub older_than: Option<u16>,
    /// Which vault, and where Azure is.
    #[command(flatten)]
    pub target: VaultTarget,
}
