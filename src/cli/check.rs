//! Arguments of `check`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use disk_prep::noun::{
    ByteSize, ContainerName, InvalidNoun, JobName, NamedAccount, RepositoryPrefix, ResourceGroup,
    Service, SubscriptionId,
};

use super::azure::{AzureArgs, BlobArgs};
use super::staging::SharedArgs;
use super::vm::{MachinesArgs, VmTarget};

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Fail for warnings too
    #[arg(long, global = true)]
    pub strict: bool,
    /// What to look at.
    #[command(subcommand)]
    pub command: CheckCommand,
}

/// `check`.
#[derive(Debug, Subcommand)]
pub enum CheckCommand {
    /// Look whether this machine can fill drives unattended
    #[command(after_help = "Examples:\n  azseed check host\n  azseed --json check host")]
    Host,
    /// Look whether a staging path will do
    #[command(
        after_help = "Examples:\n  azseed check staging --staging /mnt/staging --source /srv/data\n  \
                            azseed check staging --staging /mnt/staging --json\n\n\
        A file of a name that nobody else has is made there for a moment, renamed,\n\
        locked and deleted again; what else lies there is not touched."
    )]
    Staging(CheckStagingArgs),
    /// Look whether Azure can be reached from here
    #[command(
        after_help = "Examples:\n  azseed check network --for import --storage-account account1\n  \
                            azseed check network --for vm --json\n  \
                            azseed check network --storage-account account1 --container backup \\\n    \
                            --probe 64M"
    )]
    Network(Box<CheckNetworkArgs>),
    /// Look whether a machine can be backed up as a VM of Azure
    #[command(
        after_help = "Examples:\n  azseed check guest\n  azseed check guest --root /mnt/image"
    )]
    Guest(RootArgs),
    /// Look whether file systems can be frozen for a snapshot
    #[command(after_help = "Example:\n  azseed check filesystems")]
    Filesystems(RootArgs),
    /// Look whether what is scheduled is started, and does not collide
    #[command(after_help = "Example:\n  azseed check schedule")]
    Schedule,
    /// Look whether Azure has all that an import job or a vault needs
    #[command(
        after_help = "Examples:\n  azseed check azure --for import --staging /mnt/staging\n  \
                            azseed check azure --for vault --staging /mnt/staging --json\n\n\
        Rights that are missing are named with the smallest role that has them; nothing\n\
        is changed."
    )]
    Azure(Box<CheckAzureArgs>),
    /// Look whether a storage account is as it must be
    #[command(
        after_help = "Examples:\n  azseed check account account1 --for vault --container backup\n  \
                            azseed check account account1 --for restore --json"
    )]
    Account(Box<CheckAccountArgs>),
    /// Look whether Azure can back virtual machines up as they are
    #[command(after_help = "Examples:\n  azseed check vm web db --vault prod\n  \
                            azseed check vm --all --json\n\n\
        Several are looked at side by side. `azseed vm preflight` looks at vault and\n\
        policy, too.")]
    Vm(Box<CheckVmArgs>),
}

/// Arguments of `check staging`.
#[derive(Debug, Args)]
pub struct CheckStagingArgs {
    /// The staging path; it need not be there yet
    #[arg(long, value_name = "DIR", env = "AZSEED_STAGING")]
    pub staging: PathBuf,
    /// What is to be staged there; repeat for more
    #[arg(long = "source", value_name = "PATH", env = "AZSEED_SOURCE")]
    pub sources: Vec<PathBuf>,
}

/// Arguments of `check account`.
#[derive(Debug, Args)]
pub struct CheckAccountArgs {
    /// The account: its name, or its resource id
    #[arg(value_name = "NAME")]
    pub account: NamedAccount,
    /// What for
    #[arg(long = "for", value_name = "PURPOSE", value_enum, env = "AZSEED_FOR")]
    pub purpose: ForChoice,
    /// A container of it
    #[arg(long, value_name = "NAME", env = "AZSEED_CONTAINER")]
    pub container: Option<ContainerName>,
    /// What stands before blobs in the container; repo/ if not said, / for the
    /// container itself
    #[arg(long, value_name = "PREFIX", env = "AZSEED_PREFIX")]
    pub prefix: Option<RepositoryPrefix>,
    /// The subscription; without it the only one that the sign-in reaches
    #[arg(long, value_name = "ID", env = "AZSEED_SUBSCRIPTION")]
    pub subscription: Option<SubscriptionId>,
    /// Where Azure is.
    #[command(flatten)]
    pub azure: AzureArgs,
    /// Where blobs are.
    #[command(flatten)]
    pub blobs: BlobArgs,
}

/// Arguments of `check vm`.
#[derive(Debug, Args)]
pub struct CheckVmArgs {
    /// Which machines.
    #[command(flatten)]
    pub machines: MachinesArgs,
    /// Which vault.
    #[command(flatten)]
    pub target: VmTarget,
}

/// Where a machine's files are.
#[derive(Debug, Args)]
pub struct RootArgs {
    /// The folder with its files: a mounted image, or a copy; this machine if not
    /// said
    #[arg(long, value_name = "DIR", default_value = "/", hide_default_value = true)]
    pub root: PathBuf,
}

impl RootArgs {
    /// Those of this machine.
    pub fn this_machine() -> Self {
        RootArgs { root: PathBuf::from("/") }
    }
}

/// Arguments of `check network`.
#[derive(Debug, Args)]
pub struct CheckNetworkArgs {
    /// What for; without it whatever can be known
    #[arg(long = "for", value_name = "PURPOSE", value_enum, env = "AZSEED_FOR")]
    pub purpose: Option<ForChoice>,
    /// The storage account
    #[arg(long, visible_alias = "account", value_name = "NAME", env = "AZSEED_STORAGE_ACCOUNT")]
    pub storage_account: Option<NamedAccount>,
    /// A container of it, for --probe
    #[arg(long, value_name = "NAME", env = "AZSEED_CONTAINER")]
    pub container: Option<ContainerName>,
    /// Send so much into the container, read it, delete it, and say how fast that
    /// was; 1 minute at most, 1G at most
    #[arg(long, value_name = "SIZE", env = "AZSEED_PROBE", value_parser = probe)]
    pub probe: Option<ByteSize>,
    /// Where Azure is.
    #[command(flatten)]
    pub azure: AzureArgs,
    /// Where blobs are.
    #[command(flatten)]
    pub blobs: BlobArgs,
}

/// How much is sent to measure a line.
fn probe(text: &str) -> Result<ByteSize, String> {
    let size: ByteSize = text.parse().map_err(|error: InvalidNoun| error.to_string())?;
    match size.0 {
        1..=1_000_000_000 => Ok(size),
        _ => Err("1 byte to 1G: more is not sent to measure a line".to_owned()),
    }
}

/// What a look at Azure is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ForChoice {
    /// Drives are sent and copied into an account
    Import,
    /// Blobs of an account are a vault
    Vault,
    /// Disks are backed up as page blobs of an account
    DiskBackup,
    /// Azure backs up VMs of its own
    Vm,
    /// What Azure backed up of VMs is brought back
    Restore,
}

/// Arguments of `check azure`.
#[derive(Debug, Args)]
pub struct CheckAzureArgs {
    /// What for
    #[arg(long = "for", value_name = "PURPOSE", value_enum, env = "AZSEED_FOR")]
    pub purpose: ForChoice,
    /// The staging path; its seed says what follows
    #[arg(long, value_name = "DIR", env = "AZSEED_STAGING")]
    pub staging: Option<PathBuf>,
    /// The import job
    #[arg(long, value_name = "NAME")]
    pub job: Option<JobName>,
    /// The service of the job, data-box or import-export
    #[arg(long, value_name = "SERVICE", env = "AZSEED_SERVICE")]
    pub service: Option<Service>,
    /// The subscription
    #[arg(long, value_name = "ID", env = "AZSEED_SUBSCRIPTION")]
    pub subscription: Option<SubscriptionId>,
    /// The resource group
    #[arg(long, value_name = "NAME", env = "AZSEED_RESOURCE_GROUP")]
    pub resource_group: Option<ResourceGroup>,
    /// The storage account
    #[arg(long, value_name = "NAME", env = "AZSEED_STORAGE_ACCOUNT")]
    pub storage_account: Option<NamedAccount>,
    /// The container
    #[arg(long, value_name = "NAME", env = "AZSEED_CONTAINER")]
    pub container: Option<ContainerName>,
    /// Region of the storage account
    #[arg(long, value_name = "REGION", env = "AZSEED_LOCATION")]
    pub location: Option<String>,
    /// A TOML file with return address and carrier
    #[arg(long, value_name = "FILE", env = "AZSEED_CONTACT")]
    pub contact: Option<PathBuf>,
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
