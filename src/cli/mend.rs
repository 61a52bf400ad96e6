//! Arguments of `job repair` and `job reconcile`.

use clap::{Args, Subcommand};

use super::azure::BlobArgs;

/// `job`, about the blobs that its drives brought.
#[derive(Debug, Subcommand)]
pub enum MendCommand {
    /// Send what the datacenter could not read or the drives lack
    #[command(after_help = "Example:\n  azseed job repair --staging /mnt/staging --dry-run\n\n\
        The logs of the job's drives say which blobs are missing or damaged; the\n\
        journals say what they must be. Only those are sent, from the files that\n\
        the drives were made of. It ends with 3 when something was left.")]
    Repair(RepairArgs),
    /// Compare the whole container with the journals
    #[command(after_help = "Example:\n  azseed job reconcile --staging /mnt/staging\n\n\
        It ends with 0 when all is there and nothing else, with 5 when not.")]
    Reconcile {
        /// Where blobs are.
        #[command(flatten)]
        blobs: BlobArgs,
    },
}

/// Arguments of `job repair`.
#[derive(Debug, Args)]
pub struct RepairArgs {
    /// List what would be sent, and send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Look at every blob of the drives, not only at those that a log names
    #[arg(long)]
    pub all: bool,
    /// Where blobs are.
    #[command(flatten)]
    pub blobs: BlobArgs,
}
