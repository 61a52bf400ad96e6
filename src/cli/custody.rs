//! Arguments of `custody`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use disk_prep::noun::JobName;

use super::staging::SharedSeedArgs;

/// Arguments of `custody`.
#[derive(Debug, Args)]
pub struct CustodyArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: CustodyCommand,
}

/// `custody`.
#[derive(Debug, Subcommand)]
pub enum CustodyCommand {
    /// Look whether the custody log is whole, with the reports that it names and
    /// the journals of its drives
    #[command(after_help = "Example:\n  azseed custody verify --staging /mnt/staging\n\n\
        A line that was changed, cut out or moved, and a log that forks, is told with\n\
        exit code 5. That its end was cut off is known where this machine has seen more\n\
        of it, and by the journals of sealed drives.")]
    Verify {
        /// Which log.
        #[command(flatten)]
        which: CustodyLogArgs,
    },
    /// Show the custody log
    #[command(
        after_help = "Example:\n  azseed custody show --staging /mnt/staging --html custody.html"
    )]
    Show {
        /// Write a page to print too; a plain file that is there is replaced
        #[arg(long, value_name = "FILE")]
        html: Option<PathBuf>,
        /// Which log.
        #[command(flatten)]
        which: CustodyLogArgs,
    },
}

/// Which log.
#[derive(Debug, Args)]
pub struct CustodyLogArgs {
    /// The staging path; without it the only one that is remembered
    #[arg(long, value_name = "DIR", env = "AZSEED_STAGING")]
    pub staging: Option<PathBuf>,
    /// The job, if several are remembered
    #[arg(long, value_name = "NAME")]
    pub job: Option<JobName>,
    /// Consent to a staging path of others.
    #[command(flatten)]
    pub shared: SharedSeedArgs,
}
