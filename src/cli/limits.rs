//! Arguments of `limits`.

use clap::{Args, Subcommand};

/// Arguments of `limits`.
#[derive(Debug, Args)]
pub struct LimitsArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: LimitsCommand,
}

/// `limits`.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum LimitsCommand {
    /// Show every limit of the service that is kept to, with its source
    #[command(after_help = "Examples:\n  azseed limits show\n  azseed limits show --json")]
    Show,
}
