//! Arguments of `job keys prove`.

use clap::Subcommand;
use disk_prep::drive::DriveName;

use super::drive::{DEV_HELP, drive_name};
use super::keys::KeyArgs;

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
