//! Arguments of commands that need recovery passwords.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use disk_prep::drive::DriveName;

use super::drive::{DEV_HELP, drive_name};

/// What opens recovery passwords that a journal holds only sealed; not needed on the machine that
/// sealed them.
#[derive(Debug, Args)]
#[command(next_help_heading = "Sealed keys")]
pub struct KeyArgs {
    /// A file with the repository's password
    #[arg(long, value_name = "FILE", env = "AZSEED_PASSWORD_FILE")]
    pub password_file: Option<PathBuf>,
    /// A file with an age identity
    #[arg(long, value_name = "FILE", env = "AZSEED_IDENTITY")]
    pub identity: Option<PathBuf>,
}

/// `job keys`, beside showing them.
#[derive(Debug, Subcommand)]
pub enum KeysCommand {
    /// Prove that what is sealed opens the drives, as somebody does who has lost
    /// this machine; works offline
    #[command(after_help = format!(
        "{DEV_HELP}\n\nExample:\n  azseed job keys prove --staging /mnt/staging --identity own.key\n\n\
        A drive that is named is unlocked; without one, each key is tried on what the\n\
        journal keeps of the volume."
    ))]
    Prove {
        /// A drive to unlock; without one the journals of the job do
        #[arg(value_name = "DEV", value_parser = drive_name)]
        drives: Vec<DriveName>,
        /// What opens sealed keys.
        #[command(flatten)]
        keys: KeyArgs,
    },
}
