//! Arguments of `stage`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use disk_prep::noun::{
    AccountName, ContainerName, JobName, ResourceGroup, SubscriptionId, VaultName,
};

/// Arguments of `stage`.
#[derive(Debug, Args)]
pub struct StageArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: StageCommand,
}

/// Where a seed lies and where it goes.
#[derive(Debug, Clone, Args)]
pub struct SeedArgs {
    /// The staging path
    #[arg(long, value_name = "DIR", env = "AZSEED_STAGING")]
    pub staging: PathBuf,
    /// Name of the import job
    #[arg(long, value_name = "NAME", env = "AZSEED_JOB")]
    pub job: JobName,
    /// The storage account that the drives go to
    #[arg(long, value_name = "NAME", env = "AZSEED_STORAGE_ACCOUNT")]
    pub storage_account: AccountName,
    /// The container
    #[arg(long, value_name = "NAME", env = "AZSEED_CONTAINER")]
    pub container: ContainerName,
    /// The subscription
    #[arg(long, value_name = "ID", env = "AZSEED_SUBSCRIPTION")]
    pub subscription: SubscriptionId,
    /// The resource group
    #[arg(long, value_name = "NAME", env = "AZSEED_RESOURCE_GROUP")]
    pub resource_group: ResourceGroup,
    /// Region of the job
    #[arg(long, value_name = "REGION", env = "AZSEED_LOCATION")]
    pub location: Option<String>,
    /// The vault that takes the seed in
    #[arg(long, value_name = "NAME", env = "AZSEED_VAULT")]
    pub vault: Option<VaultName>,
    /// A TOML file with return address and carrier
    #[arg(long, value_name = "FILE", env = "AZSEED_CONTACT")]
    pub contact: Option<PathBuf>,
}

/// `stage`.
#[derive(Debug, Subcommand)]
pub enum StageCommand {
    /// Take an existing restic repository or a folder as it stands
    Adopt(AdoptArgs),
    /// Say what a staging path holds
    Status(StageStatusArgs),
}

/// Arguments of `stage adopt`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  azseed stage adopt --source /srv/restic --staging /mnt/staging --job seed-1 \\\n    \
                        --storage-account seedaccount --container seed \\\n    \
                        --subscription 00000000-0000-0000-0000-000000000000 --resource-group backup"
)]
pub struct AdoptArgs {
    /// The repository or folder; it is read in place
    #[arg(long, value_name = "PATH")]
    pub source: PathBuf,
    /// The seed.
    #[command(flatten)]
    pub seed: SeedArgs,
}

/// Arguments of `stage status`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  azseed stage status --staging /mnt/staging")]
pub struct StageStatusArgs {
    /// The staging path
    #[arg(long, value_name = "DIR", env = "AZSEED_STAGING")]
    pub staging: PathBuf,
}
