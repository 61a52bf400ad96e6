//! Where Azure is and how to reach it; flags of every command that talks to it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use disk_prep::noun::Address;

use super::moment::pause;

/// Where the resource manager is.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Azure")]
pub struct AzureArgs {
    /// All but the way there.
    #[command(flatten)]
    pub arm: ArmArgs,
    /// A proxy; without it the one of HTTPS_PROXY
    #[arg(long, global = true, value_name = "URL", env = "AZSEED_PROXY")]
    pub proxy: Option<Address>,
}

/// Where the resource manager is, for commands whose `--proxy` is that of a machine.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Azure")]
pub struct ArmArgs {
    #[command(flatten)]
    pub cloud: CloudArgs,
    /// Azure's resource manager; without it the cloud's
    #[arg(long, global = true, value_name = "URL", env = "AZSEED_ARM_ENDPOINT")]
    pub arm_endpoint: Option<Address>,
    /// Where tokens are given; without it the cloud's
    #[arg(long, global = true, value_name = "URL", env = "AZSEED_AUTHORITY")]
    pub authority: Option<Address>,
    /// How to sign in; without it a token that was given, else the service
    /// principal or workload identity of the environment, else the Azure CLI
    #[arg(long, global = true, value_name = "KIND", env = "AZSEED_AUTH", value_enum)]
    pub auth: Option<AuthChoice>,
    /// A file (0600) with a token to use; else AZSEED_TOKEN, else the sign-in
    #[arg(long, global = true, value_name = "FILE", env = "AZSEED_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
    /// A certificate authority beside the system's own
    #[arg(long, global = true, value_name = "PEM", env = "AZSEED_CA_FILE")]
    pub ca_file: Option<PathBuf>,
    /// Wait so long for a service that is busy, such as 90s or 1h; then give up
    #[arg(long, global = true, value_name = "TIME", env = "AZSEED_PATIENCE")]
    #[arg(default_value = "1m", value_parser = pause)]
    pub patience: Duration,
}

/// Which cloud.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Azure")]
pub struct CloudArgs {
    /// The cloud: AzureCloud, AzureUSGovernment, AzureChinaCloud, or a file
    /// that tells of one
    #[arg(long, global = true, value_name = "NAME|FILE", env = "AZSEED_CLOUD")]
    #[arg(default_value = "AzureCloud")]
    pub cloud: PathBuf,
}

/// How to sign in.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum AuthChoice {
    /// A service principal: AZURE_TENANT_ID, AZURE_CLIENT_ID and
    /// AZURE_CLIENT_SECRET or AZURE_CLIENT_CERTIFICATE_PATH
    Environment,
    /// The same with the token in AZURE_FEDERATED_TOKEN_FILE
    WorkloadIdentity,
    /// The identity of this machine in Azure
    ManagedIdentity,
    /// Who is signed in with `az login`
    AzureCli,
    /// The token of --token-file or AZSEED_TOKEN
    Token,
}

/// Where blobs are.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Azure")]
pub struct BlobArgs {
    /// The blob service, path-style; without it the account's own address
    /// in the cloud
    #[arg(long, global = true, value_name = "URL", env = "AZSEED_BLOB_ENDPOINT")]
    pub blob_endpoint: Option<Address>,
    /// A file (0600) with the account's key; else AZSEED_ACCOUNT_KEY, else the
    /// sign-in
    #[arg(long, global = true, value_name = "FILE", env = "AZSEED_ACCOUNT_KEY_FILE")]
    pub account_key_file: Option<PathBuf>,
    /// A file (0600) with a shared access signature; else AZSEED_SAS
    #[arg(long, global = true, value_name = "FILE", env = "AZSEED_SAS_FILE")]
    pub sas_file: Option<PathBuf>,
}
