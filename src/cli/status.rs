//! Arguments of `status`.

use std::path::PathBuf;

use clap::Args;

use super::azure::AzureArgs;
use super::staging::SharedArgs;

/// Arguments of `status`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  azseed status\n\n\
    It needs no root. Without Azure it tells what lies here, and says so. It ends\n\
    as `job status` does: 6 when something must be done within a week, 3 when a job\n\
    ended with errors, 13 when a deadline has passed. Of a job that cannot be asked for\n\
    it tells what this machine saw last, and ends with 6 when that is due.")]
pub struct StatusArgs {
    /// The staging path; all that this machine knows if not said
    #[arg(long, value_name = "DIR", env = "AZSEED_STAGING")]
    pub staging: Option<PathBuf>,
    /// Ask nobody: tell what lies here
    #[arg(long)]
    pub offline: bool,
    /// Consent to a staging path of others.
    #[command(flatten)]
    pub shared: SharedArgs,
    /// Where Azure is.
    #[command(flatten)]
    pub azure: AzureArgs,
}
