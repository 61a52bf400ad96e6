//! Arguments of `packing-slip` and `pack`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::job::JobTarget;

/// Arguments of `packing-slip`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  azseed packing-slip --staging /mnt/staging --html parcel.html\n\n\
    Of a seed with several jobs it shows each; --job names one."
)]
pub struct PackingSlipArgs {
    /// Write a page to print too, with a label for each drive; a plain file that
    /// is there is replaced
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Which job, and where Azure is.
    #[command(flatten)]
    pub target: JobTarget,
}

/// Arguments of `pack`.
#[derive(Debug, Args)]
pub struct PackArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: PackCommand,
    /// Which job, and where Azure is.
    #[command(flatten)]
    pub target: JobTarget,
}

/// `pack`.
#[derive(Debug, Subcommand)]
pub enum PackCommand {
    /// Compare the drives on the packing table with those of a job
    #[command(after_help = "Example:\n  azseed pack check WD-WX41A4 WD-WX41A5 --job seed-1\n\n\
        A serial is taken as a scanner sends it: case and blanks say nothing. The code\n\
        on a label of ours will do too. Exit code 4: a drive of another parcel, or one\n\
        that was scanned twice; 3: a drive of the job is missing.")]
    Check {
        /// The serials that were scanned
        #[arg(value_name = "SERIAL", required = true)]
        serials: Vec<String>,
    },
}
