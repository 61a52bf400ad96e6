//! Arguments of `limits`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Arguments of `limits`.
#[derive(Debug, Args)]
pub struct LimitsArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: LimitsCommand,
}

/// `limits`.
#[derive(Debug, Clone, Subcommand)]
pub enum LimitsCommand {
    /// Show every limit of the service that is kept to, with its source
    #[command(
        after_help = "Examples:\n  azseed limits show\n  azseed limits show --limits ours.csv\n\n\
        A file for --limits is CSV with the columns name, value, source and year; its\n\
        rows stand in place of ours of the same name. Where a value is another than\n\
        the built-in one, both are shown, as commands keep to the built-in one; it\n\
        ends with 3 then, so that a script hears of it."
    )]
    Show {
        /// A CSV with limits that were read later, to compare ours with
        #[arg(long, value_name = "FILE", env = "AZSEED_LIMITS")]
        limits: Option<PathBuf>,
    },
}
