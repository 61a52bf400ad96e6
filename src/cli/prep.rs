//! Arguments of `plan` and `prep`.

use std::path::PathBuf;

use clap::error::{Error, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches, ValueEnum};
use disk_prep::drive::DriveName;
use disk_prep::noun::{
    ByteSize, Cipher, ContainerName, JobName, NamedAccount, Recipient, ResourceGroup, Serial,
    Service, SubscriptionId, Wipe,
};

use super::ahead::AheadArgs;
use super::azure::AzureArgs;
use super::drive::{DEV_HELP, drive_name};
use super::keys::KeyArgs;
use super::staging::SharedArgs;

/// Arguments of `plan`.
#[derive(Debug, Args)]
#[command(after_help = format!(
    "{DEV_HELP}\n\nExamples:\n  azseed plan --staging /mnt/staging --drive-size 4T\n  \
     azseed plan --staging /mnt/staging --drive a.img,size=4T --drive b.img,size=4T\n\n\
     Before anything is staged:\n  azseed plan --source /srv/data --uplink 100Mbit"
))]
pub struct PlanArgs {
    /// What goes on the drives.
    #[command(flatten)]
    pub source: SourceArgs,
    /// What would go on them.
    #[command(flatten)]
    pub ahead: AheadArgs,
    /// What to count with.
    #[command(flatten)]
    pub with: PlanDrives,
}

/// What goes on the drives.
#[derive(Debug, Args)]
pub struct SourceArgs {
    /// The staging path
    #[arg(long, value_name = "DIR", env = "AZSEED_STAGING")]
    #[arg(required_unless_present = "dataset")]
    pub staging: Option<PathBuf>,
    /// A dataset.csv with files, folders and destinations, instead of a staging
    /// path
    #[arg(long, value_name = "CSV", env = "AZSEED_DATASET")]
    pub dataset: Option<PathBuf>,
    /// Name of the import job, for a dataset.csv
    #[arg(long, value_name = "NAME")]
    pub job: Option<JobName>,
    /// The storage account, for a dataset.csv
    #[arg(long, value_name = "NAME", env = "AZSEED_STORAGE_ACCOUNT")]
    pub storage_account: Option<NamedAccount>,
    /// The container that the seed must be for
    #[arg(long, value_name = "NAME", env = "AZSEED_CONTAINER")]
    pub container: Option<ContainerName>,
    /// The subscription, for a dataset.csv
    #[arg(long, value_name = "ID", env = "AZSEED_SUBSCRIPTION")]
    pub subscription: Option<SubscriptionId>,
    /// The resource group, for a dataset.csv
    #[arg(long, value_name = "NAME", env = "AZSEED_RESOURCE_GROUP")]
    pub resource_group: Option<ResourceGroup>,
    /// The service that takes the drives in, data-box or import-export, for a
    /// dataset.csv
    #[arg(long, value_name = "SERVICE", env = "AZSEED_SERVICE")]
    pub service: Option<Service>,
    /// Consent to a staging path of others.
    #[command(flatten)]
    pub shared: SharedArgs,
}

/// What `plan` counts with: drives that are at hand, or drives of one size. A size from the file
/// or the environment gives way to drives that were named.
#[derive(Debug)]
pub struct PlanDrives {
    /// The drives that are at hand.
    pub named: Vec<DriveName>,
    /// The size, if no drive was named.
    pub size: Option<ByteSize>,
}

#[derive(Debug, Args)]
struct PlanDriveArgs {
    /// A drive that is at hand; repeat for more
    #[arg(long = "drive", value_name = "DEV", value_parser = drive_name)]
    drives: Vec<DriveName>,
    /// Count drives of this size instead
    #[arg(
        long,
        value_name = "SIZE",
        env = "AZSEED_DRIVE_SIZE",
        required_unless_present_any = ["drives", "sources"]
    )]
    drive_size: Option<ByteSize>,
}

impl FromArgMatches for PlanDrives {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let PlanDriveArgs { drives, drive_size } = PlanDriveArgs::from_arg_matches(matches)?;
        if drives.is_empty() {
            return Ok(PlanDrives { named: drives, size: drive_size });
        }
        // What `conflicts_with` of clap does, but for the command line only.
        if matches.value_source("drive_size") == Some(ValueSource::CommandLine) {
            let message = "the argument '--drive <DEV>' cannot be used with '--drive-size <SIZE>'";
            return Err(Error::raw(ErrorKind::ArgumentConflict, format!("{message}\n")));
        }
        Ok(PlanDrives { named: drives, size: None })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = PlanDrives::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for PlanDrives {
    fn augment_args(command: Command) -> Command {
        let command = command.mut_arg("staging", |arg| arg.required_unless_present("sources"));
        PlanDriveArgs::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        PlanDriveArgs::augment_args_for_update(command)
    }
}

/// What happens to free space, as the command line says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum WipeChoice {
    /// Overwrite everything, free space too
    Zero,
    /// Have the drive drop everything, if it guarantees zeros then
    Discard,
    /// Leave old data in free space
    None,
}

impl From<WipeChoice> for Wipe {
    fn from(choice: WipeChoice) -> Self {
        match choice {
            WipeChoice::Zero => Wipe::Zero,
            WipeChoice::Discard => Wipe::Discard,
            WipeChoice::None => Wipe::None,
        }
    }
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
    "{DEV_HELP}\n\nExamples:\n  azseed prep --staging /mnt/staging \
     --drive /dev/disk/by-id/ata-WDC_WD40EFRX-WX41A1B\n  azseed prep --staging /mnt/staging --offline \
     --drive a.img,size=4T --drive b.img,size=4T\n\nRun the same command again after a stop: it goes on where it was."
))]
pub struct PrepArgs {
    /// What goes on the drives.
    #[command(flatten)]
    pub source: SourceArgs,
    /// A drive to fill; repeat for more. The fewest that hold the data are used
    #[arg(long = "drive", value_name = "DEV", value_parser = drive_name)]
    #[arg(required_unless_present = "driveset")]
    pub drives: Vec<DriveName>,
    /// A driveset.csv with the drives, and which of them may be erased
    #[arg(long, value_name = "CSV", conflicts_with = "drives")]
    pub driveset: Option<PathBuf>,
    /// This drive may be erased; repeat for more
    #[arg(long, value_name = "SERIAL")]
    pub erase: Vec<Serial>,
    /// What happens to the free space of a drive that was used before
    #[arg(long, value_enum)]
    pub wipe: Option<WipeChoice>,
    /// Make no import job; fill drives only
    #[arg(long)]
    pub offline: bool,
    /// Region of the storage account, if the seed has none
    #[arg(long, value_name = "REGION", env = "AZSEED_LOCATION")]
    pub location: Option<String>,
    /// A TOML file with return address and carrier, if the seed has none
    #[arg(long, value_name = "FILE", env = "AZSEED_CONTACT")]
    pub contact: Option<PathBuf>,
    /// Read every drive back when it is sealed
    #[arg(long)]
    pub verify: bool,
    /// Fail a drive when a source file changes while it is copied
    #[arg(long)]
    pub strict: bool,
    /// Give each blob the MD5 of its content as its property Content-MD5
    #[arg(long)]
    pub content_md5: bool,
    /// Cipher of the volumes: xts-aes-256, xts-aes-128, cbc-aes-256 or
    /// cbc-aes-128
    #[arg(long, value_name = "CIPHER", env = "AZSEED_CIPHER", default_value = "xts-aes-256")]
    pub cipher: Cipher,
    /// How the service knows the manifest
    #[arg(long, value_enum, env = "AZSEED_PROFILE", default_value = "legacy")]
    pub profile: ProfileChoice,
    /// Leave ranges of page blobs that hold nothing out of the manifest: they stay
    /// clear in the new blob, and are not billed
    #[arg(long)]
    pub omit_zeros: bool,
    /// Keep the repository's keys/ off the drives; `vault run` sends them when it
    /// takes the seed in
    #[arg(long)]
    pub hold_keys: bool,
    /// Keep the recovery passwords in the journals only sealed for this age
    /// recipient; the clear ones stay in the state directory
    #[arg(long, value_name = "RECIPIENT", env = "AZSEED_ENCRYPT_KEYS_FOR")]
    pub encrypt_keys_for: Option<Recipient>,
    /// A file with the identity of that recipient: what was sealed is opened with
    /// it at the end, and must unlock each drive
    #[arg(long, value_name = "FILE", env = "AZSEED_ESCROW_IDENTITY")]
    pub escrow_identity: Option<PathBuf>,
    /// What opens sealed keys.
    #[command(flatten)]
    pub keys: KeyArgs,
    /// Where Azure is.
    #[command(flatten)]
    pub azure: AzureArgs,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(args: &[&str]) -> Result<PlanDrives, ErrorKind> {
        let command = PlanArgs::augment_args(Command::new("plan"));
        let args = ["plan", "--staging", "s"].iter().chain(args);
        let matches = command.try_get_matches_from(args).map_err(|error| error.kind())?;
        PlanDrives::from_arg_matches(&matches).map_err(|error| error.kind())
    }

    #[test]
    fn a_plan_is_for_named_drives_or_for_a_size_not_for_both() {
        assert_eq!(plan(&["--drive", "S1"]).unwrap().named.len(), 1);
        assert_eq!(plan(&["--drive-size", "4T"]).unwrap().size, Some(ByteSize(4_000_000_000_000)));
        let both = plan(&["--drive", "S1", "--drive-size", "4T"]);
        assert_eq!(both.unwrap_err(), ErrorKind::ArgumentConflict);
        assert_eq!(plan(&[]).unwrap_err(), ErrorKind::MissingRequiredArgument);
    }
}
