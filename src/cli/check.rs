//! Arguments of `check`.

use clap::{Args, Subcommand};

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// What to look at.
    #[command(subcommand)]
    pub command: CheckCommand,
}

/// `check`.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum CheckCommand {
    /// Look whether this machine can fill drives unattended
    #[command(after_help = "Examples:\n  azseed check host\n  azseed --json check host")]
    Host,
}
