//! Arguments of `drive`, `verify` and `inspect`, and how a drive is named.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use disk_prep::drive::DriveName;
use disk_prep::noun::{InvalidNoun, Serial};

use super::keys::KeyArgs;
use super::staging::SharedSeedArgs;

/// How a drive is named, for every help text.
pub const DEV_HELP: &str = "DEV is a serial, the path of a whole block device, or an image file:\n  \
                            [image:]PATH[,serial=S][,size=SIZE]";

/// Reads a DEV.
pub fn drive_name(text: &str) -> Result<DriveName, InvalidNoun> {
    DriveName::parse(text, Path::exists)
}

/// Arguments of `drive`.
#[derive(Debug, Args)]
pub struct DriveArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: DriveCommand,
}

/// `drive`.
#[derive(Debug, Subcommand)]
pub enum DriveCommand {
    /// Say of each drive whether it will do, and why not
    #[command(after_help = format!(
        "{DEV_HELP}\n\nExamples:\n  azseed drive list\n  \
         azseed drive list /dev/disk/by-id/ata-WDC_WD40EFRX-WX41A1B\n  \
         azseed drive list --watch"
    ))]
    List {
        /// The drives; without any, all that the kernel knows
        #[arg(value_name = "DEV", value_parser = drive_name)]
        drives: Vec<DriveName>,
        /// Go on and tell what is plugged in and out, until Ctrl-C
        #[arg(long, conflicts_with = "drives")]
        watch: bool,
    },
    /// Spin a drive down and detach it, so that it can be taken out
    #[command(after_help = "Example:\n  azseed drive eject WX41A1B")]
    Eject {
        /// The drive
        #[arg(value_name = "DEV", value_parser = drive_name)]
        drive: DriveName,
    },
    /// Give a drive up that is sealed or begun for a job and will not be shipped
    #[command(after_help = "Example:\n  azseed drive release WX41A1B\n\n\
        Its files go on other drives with the next `azseed prep`. The drive itself is not \
        touched; to use it again, `azseed prep` needs `--erase`.")]
    Release {
        /// The drive's serial
        serial: Serial,
        /// The staging path; without it the one that is remembered for the drive
        #[arg(long, value_name = "DIR", env = "AZSEED_STAGING")]
        staging: Option<PathBuf>,
        /// Consent to a staging path of others.
        #[command(flatten)]
        shared: SharedSeedArgs,
    },
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
#[command(after_help = format!(
    "{DEV_HELP}\n\nExamples:\n  azseed verify --staging /mnt/staging /dev/disk/by-id/ata-WDC_WD40EFRX-WX41A1B\n  \
     azseed verify --recovery-password-file key.txt drive.img"
))]
pub struct VerifyArgs {
    /// The drives
    #[arg(value_name = "DEV", value_parser = drive_name, required = true)]
    pub drives: Vec<DriveName>,
    /// The staging path with the journals; without it the drive is compared
    /// with its own manifest only
    #[arg(long, value_name = "DIR", env = "AZSEED_STAGING")]
    pub staging: Option<PathBuf>,
    /// Consent to a staging path of others.
    #[command(flatten)]
    pub shared: SharedSeedArgs,
    /// A file with the 48-digit recovery password
    #[arg(long, value_name = "FILE", env = "AZSEED_RECOVERY_PASSWORD_FILE")]
    pub recovery_password_file: Option<PathBuf>,
    /// What opens sealed keys.
    #[command(flatten)]
    pub keys: KeyArgs,
}

/// Arguments of `inspect`.
#[derive(Debug, Args)]
#[command(after_help = format!(
    "{DEV_HELP}\n\nExample:\n  azseed inspect --staging /mnt/staging drive.img"
))]
pub struct InspectArgs {
    /// The drive
    #[arg(value_name = "DEV", value_parser = drive_name)]
    pub drive: DriveName,
    /// The staging path with the journals, to unlock the drive
    #[arg(long, value_name = "DIR", env = "AZSEED_STAGING")]
    pub staging: Option<PathBuf>,
    /// Consent to a staging path of others.
    #[command(flatten)]
    pub shared: SharedSeedArgs,
    /// A file with the 48-digit recovery password
    #[arg(long, value_name = "FILE", env = "AZSEED_RECOVERY_PASSWORD_FILE")]
    pub recovery_password_file: Option<PathBuf>,
    /// What opens sealed keys.
    #[command(flatten)]
    pub keys: KeyArgs,
}
