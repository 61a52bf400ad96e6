//! Arguments of `plan` and `prep`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use disk_prep::drive::DriveName;
use disk_prep::noun::{ByteSize, Cipher, Serial};

use super::drive::{DEV_HELP, drive_name};

/// Arguments of `plan`.
#[derive(Debug, Args)]
#[command(after_help = format!(
    "{DEV_HELP}\n\nExamples:\n  azseed plan --staging /mnt/staging --drive-size 4T\n  \
     azseed plan --staging /mnt/staging --drive a.img,size=4T --drive b.img,size=4T"
))]
pub struct PlanArgs {
    /// The staging path
    #[arg(long, value_name = "DIR", env = "AZSEED_STAGING")]
    pub staging: PathBuf,
    /// A drive that is at hand; repeat for more
    #[arg(long = "drive", value_name = "DEV", value_parser = drive_name)]
    pub drives: Vec<DriveName>,
    /// Count drives of this size instead
    #[arg(long, value_name = "SIZE", env = "AZSEED_DRIVE_SIZE", conflicts_with = "drives")]
    #[arg(required_unless_present = "drives")]
    pub drive_size: Option<ByteSize>,
}

/// What happens to free space, as the command line says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WipeChoice {
    /// Overwrite everything, free space too
    Zero,
    /// Leave old data in free space
    None,
}

/// How the service knows the manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProfileChoice {
    /// DriveManifest.xml with MD5
    Legacy,
    /// <guid>.manifest with SHA-256 and a header hash
    Modern,
}

/// Arguments of `prep`.
#[derive(Debug, Args)]
#[command(after_help = format!(
    "{DEV_HELP}\n\nExamples:\n  azseed prep --staging /mnt/staging --offline \
     --drive /dev/disk/by-id/ata-WDC_WD40EFRX-WX41A1B\n  azseed prep --staging /mnt/staging --offline \
     --drive a.img,size=4T --drive b.img,size=4T\n\nRun the same command again after a stop: it goes on where it was."
))]
pub struct PrepArgs {
    /// The staging path
    #[arg(long, value_name = "DIR", env = "AZSEED_STAGING")]
    pub staging: PathBuf,
    /// A drive to fill; repeat for more. The fewest that hold the data are used
    #[arg(long = "drive", value_name = "DEV", value_parser = drive_name, required = true)]
    pub drives: Vec<DriveName>,
    /// This drive may be erased; repeat for more
    #[arg(long, value_name = "SERIAL")]
    pub erase: Vec<Serial>,
    /// What happens to the free space of a drive that was used before
    #[arg(long, value_enum)]
    pub wipe: Option<WipeChoice>,
    /// Make no import job; fill drives only
    #[arg(long, required = true)]
    pub offline: bool,
    /// Read every drive back when it is sealed
    #[arg(long)]
    pub verify: bool,
    /// Fail a drive when a source file changes while it is copied
    #[arg(long)]
    pub strict: bool,
    /// Cipher of the volumes: xts-aes-256, xts-aes-128, cbc-aes-256 or
    /// cbc-aes-128
    #[arg(long, value_name = "CIPHER", env = "AZSEED_CIPHER", default_value = "xts-aes-256")]
    pub cipher: Cipher,
    /// How the service knows the manifest
    #[arg(long, value_enum, env = "AZSEED_PROFILE", default_value = "legacy")]
    pub profile: ProfileChoice,
}
