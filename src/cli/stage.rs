//! Arguments of `stage`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use disk_prep::noun::{
    ByteSize, ContainerName, JobName, NamedAccount, ResourceGroup, Service, SubscriptionId,
    VaultName,
};

use super::azure::{AzureArgs, BlobArgs};
use super::filters::LeftOutArgs;
use super::staging::{SharedArgs, SharedSeedArgs};

/// Arguments of `stage`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(
    override_usage = "azseed stage --source PATH... --staging DIR --job NAME [OPTIONS]\n       \
                            azseed stage adopt|status|set|release ..."
)]
#[command(
    after_help = "Example:\n  azseed stage --source /srv/data --staging /mnt/staging --job seed-1 \\\n    \
                        --storage-account seedaccount --container seed \\\n    \
                        --subscription 00000000-0000-0000-0000-000000000000 --resource-group backup\n\n\
                        Run the same command again after a stop: it goes on where it was."
)]
pub struct StageArgs {
    /// What else to do.
    #[command(subcommand)]
    pub command: Option<StageCommand>,
    /// What to back up; repeat for more
    #[arg(long = "source", value_name = "PATH", env = "AZSEED_SOURCE")]
    #[arg(required_unless_present = "added")]
    pub sources: Vec<PathBuf>,
    /// Back this up too, besides what this machine has staged already; repeat for
    /// more
    #[arg(long = "add-source", id = "added", value_name = "PATH")]
    pub added: Vec<PathBuf>,
    /// What of it is left out.
    #[command(flatten)]
    pub filters: LeftOutArgs,
    /// A file with the repository's password; without it one is made
    #[arg(long, value_name = "FILE", env = "AZSEED_PASSWORD_FILE")]
    pub password_file: Option<PathBuf>,
    /// Accept a password of fewer than 16 characters
    #[arg(long)]
    pub weak_password: bool,
    /// Begin also where less is free than the sources hold, since it may become
    /// smaller when it is compressed
    #[arg(long)]
    pub allow_small: bool,
    /// Look at all that can be known, say what would be done, and make nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Compression level of zstd, 0 for none
    #[arg(long, value_name = "LEVEL", env = "AZSEED_COMPRESSION", default_value = "3")]
    #[arg(value_parser = clap::value_parser!(i32).range(-7..=22), allow_hyphen_values = true)]
    pub compression: i32,
    /// Size of the packs, 1Mi to 128Mi
    #[arg(long, value_name = "SIZE", env = "AZSEED_PACK_SIZE", default_value = "64Mi")]
    #[arg(value_parser = pack_size)]
    pub pack_size: ByteSize,
    /// The vault that the seed joins, if that has a repository already: only
    /// what it does not have is staged
    #[arg(long, value_name = "NAME", env = "AZSEED_VAULT")]
    pub vault: Option<VaultName>,
    /// The seed.
    #[command(flatten)]
    pub seed: SeedArgs,
    /// Where Azure is.
    #[command(flatten)]
    pub azure: AzureArgs,
    /// Where blobs are.
    #[command(flatten)]
    pub blobs: BlobArgs,
}

/// Where a seed lies and where it goes.
#[derive(Debug, Clone, Args)]
pub struct SeedArgs {
    /// The staging path
    #[arg(long, value_name = "DIR", env = "AZSEED_STAGING", required = true)]
    pub staging: Option<PathBuf>,
    /// Name of the import job
    #[arg(long, value_name = "NAME", required = true)]
    pub job: Option<JobName>,
    /// The storage account that the drives go to
    #[arg(long, value_name = "NAME", env = "AZSEED_STORAGE_ACCOUNT", required = true)]
    pub storage_account: Option<NamedAccount>,
    /// The container
    #[arg(long, value_name = "NAME", env = "AZSEED_CONTAINER", required = true)]
    pub container: Option<ContainerName>,
    /// The subscription
    #[arg(long, value_name = "ID", env = "AZSEED_SUBSCRIPTION", required = true)]
    pub subscription: Option<SubscriptionId>,
    /// The resource group
    #[arg(long, value_name = "NAME", env = "AZSEED_RESOURCE_GROUP", required = true)]
    pub resource_group: Option<ResourceGroup>,
    /// The service that takes the drives in: data-box, or the retired
    /// import-export
    #[arg(long, value_name = "SERVICE", env = "AZSEED_SERVICE")]
    pub service: Option<Service>,
    /// A TOML file with return address and carrier
    #[arg(long, value_name = "FILE", env = "AZSEED_CONTACT")]
    pub contact: Option<PathBuf>,
    /// Region of the storage account
    #[arg(long, value_name = "REGION", env = "AZSEED_LOCATION")]
    pub location: Option<String>,
    /// Consent to a staging path of others.
    #[command(flatten)]
    pub shared: SharedArgs,
}

/// `stage` besides writing a backup.
#[derive(Debug, Subcommand)]
pub enum StageCommand {
    /// Take an existing restic repository or a folder as it stands
    Adopt(Box<AdoptArgs>),
    /// Say what a staging path holds
    Status(StageStatusArgs),
    /// Change where a seed goes, before a drive of it is begun, and whom its drives
    /// go back to
    Set(Box<StageSetArgs>),
    /// Go on without a machine that has begun to stage and will not end
    Release(StageReleaseArgs),
}

/// Arguments of `stage set`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  azseed stage set --staging /mnt/staging --container seed2 --location westeurope\n  \
                        azseed stage set --staging /mnt/staging --contact contact.toml"
)]
pub struct StageSetArgs {
    /// The staging path
    #[arg(long, value_name = "DIR", env = "AZSEED_STAGING")]
    pub staging: PathBuf,
    /// The storage account that the drives go to
    #[arg(long, value_name = "NAME|ID")]
    pub storage_account: Option<NamedAccount>,
    /// The container
    #[arg(long, value_name = "NAME")]
    pub container: Option<ContainerName>,
    /// The subscription
    #[arg(long, value_name = "ID")]
    pub subscription: Option<SubscriptionId>,
    /// The resource group
    #[arg(long, value_name = "NAME")]
    pub resource_group: Option<ResourceGroup>,
    /// Region of the storage account
    #[arg(long, value_name = "REGION")]
    pub location: Option<String>,
    /// The service that takes the drives in, data-box or import-export
    #[arg(long, value_name = "SERVICE")]
    pub service: Option<Service>,
    /// A TOML file with return address and carrier
    #[arg(long, value_name = "FILE")]
    pub contact: Option<PathBuf>,
    /// Consent to a staging path of others.
    #[command(flatten)]
    pub shared: SharedArgs,
}

/// Arguments of `stage release`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  azseed stage release web2 --staging /mnt/staging")]
pub struct StageReleaseArgs {
    /// The machine, by the name that it has staged under
    #[arg(value_name = "HOST")]
    pub host: String,
    /// The staging path
    #[arg(long, value_name = "DIR", env = "AZSEED_STAGING")]
    pub staging: PathBuf,
    /// Consent to a staging path of others.
    #[command(flatten)]
    pub shared: SharedSeedArgs,
}

/// Arguments of `stage adopt`.
#[derive(Debug, Args)]
#[command(override_usage = "azseed stage adopt --source PATH --staging DIR --job NAME [OPTIONS]")]
#[command(
    after_help = "Example:\n  azseed stage adopt --source /srv/restic --staging /mnt/staging --job seed-1 \\\n    \
                        --storage-account seedaccount --container seed \\\n    \
                        --subscription 00000000-0000-0000-0000-000000000000 --resource-group backup\n\n\
        The Staging Location of Microsoft's backup agents, with *.AIBBlob or *.BaseBlob,\n\
        is shipped whole as page blobs; give account, container, subscription and job\n\
        as in the agent's wizard."
)]
pub struct AdoptArgs {
    /// The repository or folder; it is read in place
    #[arg(long, value_name = "PATH")]
    pub source: PathBuf,
    /// Whose staging folder it is, if it is that of one of Microsoft's agents
    #[arg(long, value_name = "KIND", value_enum, env = "AZSEED_WORKLOAD")]
    pub workload: Option<WorkloadChoice>,
    /// A file with the repository's password, to say what increments will cover
    #[arg(long, value_name = "FILE", env = "AZSEED_PASSWORD_FILE")]
    pub password_file: Option<PathBuf>,
    /// The seed.
    #[command(flatten)]
    pub seed: SeedArgs,
}

/// Whose staging folder is adopted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WorkloadChoice {
    /// The agent for files and folders
    Mars,
    /// System Center Data Protection Manager
    Dpm,
    /// Azure Backup Server
    Mabs,
    /// A system's state: refused, the agent sends it over the network only
    SystemState,
}

/// Arguments of `stage status`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  azseed stage status --staging /mnt/staging")]
pub struct StageStatusArgs {
    /// The staging path
    #[arg(long, value_name = "DIR", env = "AZSEED_STAGING")]
    pub staging: PathBuf,
    /// Consent to a staging path of others.
    #[command(flatten)]
    pub shared: SharedSeedArgs,
}

/// Why a size of packs is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a pack has 1Mi to 128Mi")]
struct NoPackSize;

fn pack_size(text: &str) -> Result<ByteSize, Box<dyn std::error::Error + Send + Sync>> {
    let size: ByteSize = text.parse()?;
    let is_fit = (1 << 20..=128 << 20).contains(&size.0);
    if is_fit { Ok(size) } else { Err(NoPackSize.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_is_as_large_as_every_reader_takes() {
        for fit in ["1Mi", "64Mi", "128Mi"] {
            assert!(pack_size(fit).is_ok(), "{fit}");
        }
        for other in ["0", "1M", "129Mi", "4Gi", "x"] {
            assert!(pack_size(other).is_err(), "{other}");
        }
    }
}
