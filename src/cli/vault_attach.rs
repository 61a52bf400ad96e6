//! Arguments of `vault attach`.

use clap::Args;
use disk_prep::noun::RepositoryPrefix;

use super::vault_password::PasswordArgs;

/// Arguments of `vault attach`.
#[derive(Debug, Args)]
pub struct VaultAttach {
    /// What stands before its blobs in the container; repo/ if not said, / for
    /// the container itself
    #[arg(long, value_name = "PREFIX", env = "AZSEED_PREFIX")]
    pub prefix: Option<RepositoryPrefix>,
    /// Where the password is.
    #[command(flatten)]
    pub password: PasswordArgs,
}
