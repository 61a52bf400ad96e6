//! Arguments of `job`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Arguments of `job`.
#[derive(Debug, Args)]
pub struct JobArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: JobCommand,
}

/// `job`.
#[derive(Debug, Subcommand)]
pub enum JobCommand {
    /// Show the recovery passwords of the drives; works offline
    #[command(after_help = "Example:\n  azseed job keys --staging /mnt/staging --reveal --json")]
    Keys {
        /// The staging path; without it, all that this machine remembers
        #[arg(long, value_name = "DIR", env = "AZSEED_STAGING")]
        staging: Option<PathBuf>,
        /// Print the passwords themselves
        #[arg(long)]
        reveal: bool,
    },
}
