//! Arguments of `job`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use disk_prep::noun::{
    ContainerName, NamedAccount, NamedJob, ResourceGroup, Service, SubscriptionId,
};
use jiff::civil::Date;

use super::azure::{AzureArgs, BlobArgs};
use super::keys::KeyArgs;
use super::mend::MendCommand;
use super::moment::{day, pause};
use super::prove::KeysCommand;
use super::staging::SharedArgs;

/// Arguments of `job`.
#[derive(Debug, Args)]
pub struct JobArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: JobVerb,
    /// Which job, and where Azure is.
    #[command(flatten)]
    pub target: JobTarget,
}

/// `job`.
#[derive(Debug, Subcommand)]
pub enum JobVerb {
    /// What is done with the job itself.
    #[command(flatten)]
    Order(JobCommand),
    /// What is done with the blobs that its drives brought.
    #[command(flatten)]
    Mend(MendCommand),
}

/// Which job, and where Azure is.
#[derive(Debug, Args)]
#[command(next_help_heading = "Job")]
pub struct JobTarget {
    /// The staging path; its seed says which job
    #[arg(long, global = true, value_name = "DIR", env = "AZSEED_STAGING")]
    pub staging: Option<PathBuf>,
    /// The job, by its name, or by its resource id, which says where it is too
    #[arg(long, global = true, value_name = "NAME|ID")]
    pub job: Option<NamedJob>,
    /// A file of `job export`, which says which job and where it is
    #[arg(long, global = true, value_name = "FILE")]
    pub job_file: Option<PathBuf>,
    /// The storage account that the seed must be for
    #[arg(long, global = true, value_name = "NAME", env = "AZSEED_STORAGE_ACCOUNT")]
    pub storage_account: Option<NamedAccount>,
    /// The container that the seed must be for
    #[arg(long, global = true, value_name = "NAME", env = "AZSEED_CONTAINER")]
    pub container: Option<ContainerName>,
    /// The subscription, if there is no staging path
    #[arg(long, global = true, value_name = "ID", env = "AZSEED_SUBSCRIPTION")]
    pub subscription: Option<SubscriptionId>,
    /// The resource group, if there is no staging path
    #[arg(long, global = true, value_name = "NAME", env = "AZSEED_RESOURCE_GROUP")]
    pub resource_group: Option<ResourceGroup>,
    /// The service that has the job, data-box or import-export; without it
    /// both are asked
    #[arg(long, global = true, value_name = "SERVICE", env = "AZSEED_SERVICE")]
    pub service: Option<Service>,
    /// Consent to a staging path of others.
    #[command(flatten)]
    pub shared: SharedArgs,
    /// Where Azure is.
    #[command(flatten)]
    pub azure: AzureArgs,
}

/// A form of Microsoft's journals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum JournalForm {
    /// Of the first version: SERIAL.jrn and SERIAL_DriveInfo_SERIAL.xml
    V1,
    /// Of the second version: JOB.jrn, and SERIAL.xml for each drive
    V2,
}

/// Arguments of `job return-address`.
#[derive(Debug, Clone, Args)]
pub struct ReturnAddressArgs {
    /// A TOML file with return address and carrier
    #[arg(long, value_name = "FILE", env = "AZSEED_CONTACT")]
    pub contact: Option<PathBuf>,
    /// Who gets the drives
    #[arg(long, value_name = "NAME")]
    pub recipient: Option<String>,
    /// First line of the street
    #[arg(long, value_name = "TEXT")]
    pub street: Option<String>,
    /// Second line; an empty text takes it away
    #[arg(long, value_name = "TEXT")]
    pub second_line: Option<String>,
    /// City
    #[arg(long, value_name = "TEXT")]
    pub city: Option<String>,
    /// State or province; an empty text takes it away
    #[arg(long, value_name = "TEXT")]
    pub state_or_province: Option<String>,
    /// Postal code
    #[arg(long, value_name = "TEXT")]
    pub postal_code: Option<String>,
    /// Country or region
    #[arg(long, value_name = "TEXT")]
    pub country: Option<String>,
    /// Phone, with the country's number
    #[arg(long, value_name = "NUMBER")]
    pub phone: Option<String>,
    /// E-mail; a mailbox of a group is advised
    #[arg(long, value_name = "ADDRESS")]
    pub email: Option<String>,
}

/// `job`, about the job itself.
#[derive(Debug, Subcommand)]
pub enum JobCommand {
    /// Make the import job for the sealed drives; ten drives a job
    #[command(
        after_help = "Example:\n  azseed job create --staging /mnt/staging --location westeurope\n\n\
            With --tool-journal it is for drives that WAImportExport has prepared: the\n\
            journal of its first version (.jrn), the file of a drive (_DriveInfo_SERIAL.xml)\n\
            or of its second version (SERIAL.xml). They hold keys: mode 0600."
    )]
    Create {
        /// A journal of Microsoft's tool, instead of a staging path; repeat for
        /// more
        #[arg(long = "tool-journal", value_name = "FILE")]
        tool_journals: Vec<PathBuf>,
        /// Region of the storage account, if the seed has none
        #[arg(long, value_name = "REGION", env = "AZSEED_LOCATION")]
        location: Option<String>,
        /// A TOML file with return address and carrier, if the seed has none
        #[arg(long, value_name = "FILE", env = "AZSEED_CONTACT")]
        contact: Option<PathBuf>,
        /// What opens sealed keys.
        #[command(flatten)]
        keys: KeyArgs,
    },
    /// List the jobs of the resource group
    List,
    /// Show a job, its drives and where the parcel goes
    Show,
    /// Show how far a job is and how many days are left
    #[command(after_help = "Example:\n  azseed job status --staging /mnt/staging --watch\n\n\
        With --watch it ends with 0 when the drives were read, with 3 when the job\n\
        ended with errors, with 6 when something has to be done first.\n\n\
        Without, for cron: 0 while nothing is lost by waiting, 6 when something must be\n\
        done within a week, 3 when the job ended with errors, 13 when the tracking\n\
        number or the drives are late. Days are counted by the service's clock.")]
    Status {
        /// Go on and tell of changes, until the job has ended or waits for you
        #[arg(long)]
        watch: bool,
        /// Time between two looks with --watch, such as 30s or 5m
        #[arg(
            long, value_name = "TIME", env = "AZSEED_EVERY", default_value = "60s",
            value_parser = pause
        )]
        every: Duration,
        /// Write the deadlines to a calendar file, to be imported
        #[arg(long, value_name = "FILE", conflicts_with = "watch")]
        ics: Option<PathBuf>,
        /// Where the logs of the drives are.
        #[command(flatten)]
        blobs: BlobArgs,
    },
    /// Say with whom the parcel is on its way
    #[command(
        after_help = "Example:\n  azseed job ship --staging /mnt/staging --carrier FedEx \\\n    \
                            --tracking-number 1Z0000000000\n\n\
        What is not said stays as it is; at a terminal you are asked for what is\n\
        missing. A number that is there already is shown and asked for before it is\n\
        replaced; in a script that needs --yes.\n\n\
        A CSV for --all-jobs begins with the line `job,carrier,number,date`; a date may\n\
        be left out. All rows are looked at before the first is sent."
    )]
    Ship {
        /// The carrier; with --all-jobs that of rows which name none
        #[arg(long, value_name = "NAME", env = "AZSEED_CARRIER")]
        carrier: Option<String>,
        /// The tracking number
        #[arg(long, value_name = "NUMBER")]
        tracking_number: Option<String>,
        /// The day it was handed over; today if not said
        #[arg(long, value_name = "DATE", value_parser = day)]
        ship_date: Option<Date>,
        /// Drives in the parcel; all of the job's if not said
        #[arg(long, value_name = "COUNT")]
        drive_count: Option<usize>,
        /// A TOML file with carrier, tracking_number, ship_date, drive_count, or some of
        /// them; a flag beside it wins
        #[arg(long, value_name = "FILE", conflicts_with = "all_jobs")]
        from: Option<PathBuf>,
        /// A CSV with a row for the parcel of each job
        #[arg(
            long, value_name = "CSV",
            conflicts_with_all = ["tracking_number", "ship_date", "drive_count", "job", "job_file"]
        )]
        all_jobs: Option<PathBuf>,
        /// Look at all that can be known, say what would be sent, and send nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Set return address and return carrier, or single lines of the address
    #[command(
        after_help = "Example:\n  azseed job return-address --staging /mnt/staging --contact contact.toml\n  \
                            azseed job return-address --staging /mnt/staging --phone '+1 425 555 0100'\n\n\
        What is not said stays as it is; a line beside a file wins over the file. At a\n\
        terminal and without flags you are asked for each line, with what is there now."
    )]
    ReturnAddress(ReturnAddressArgs),
    /// Set the return carrier alone; the address stays as it is
    #[command(
        after_help = "Example:\n  azseed job return-shipping --staging /mnt/staging --carrier DHL \\\n    \
                            --account 123456789\n\n\
        At a terminal you are asked for what is missing. A carrier to whom the region\n\
        gives no drives is asked for first; in a script that needs --yes."
    )]
    ReturnShipping {
        /// The carrier that brings the drives back
        #[arg(long, value_name = "NAME", env = "AZSEED_CARRIER")]
        carrier: Option<String>,
        /// Your account with it
        #[arg(long, value_name = "NUMBER")]
        account: Option<String>,
        /// A TOML file with return address and carrier, of which the carrier is taken
        #[arg(long, value_name = "FILE", env = "AZSEED_CONTACT")]
        contact: Option<PathBuf>,
    },
    /// Write a file without secrets that says which job it is and where; or the
    /// journals of its drives in the form of Microsoft's tool
    #[command(
        after_help = "Example:\n  azseed job export --staging /mnt/staging --file seed-1.toml\n  \
        azseed job ship --job-file seed-1.toml --carrier FedEx \\\n    \
        --tracking-number 1Z0000000000\n  \
        azseed job export --staging /mnt/staging --tool-journals v1 --reveal\n\n\
        Those journals hold the recovery passwords, for the portal: mode 0600, and a\n\
        line in the custody log. They work offline."
    )]
    Export {
        /// The file; a plain file that is there is replaced
        #[arg(long, value_name = "FILE")]
        #[arg(required_unless_present = "tool_journals", conflicts_with = "tool_journals")]
        file: Option<PathBuf>,
        /// Write the journals of its sealed drives in this form
        #[arg(long, value_name = "FORM", value_enum, requires = "reveal")]
        tool_journals: Option<JournalForm>,
        /// Where to; without it beside our own journals
        #[arg(long, value_name = "DIR", requires = "tool_journals")]
        folder: Option<PathBuf>,
        /// Write the recovery passwords into them
        #[arg(long, requires = "tool_journals")]
        reveal: bool,
        /// What opens sealed keys.
        #[command(flatten)]
        keys: KeyArgs,
    },
    /// Show the recovery passwords of the drives; works offline
    #[command(args_conflicts_with_subcommands = true)]
    #[command(
        after_help = "Examples:\n  azseed job keys --staging /mnt/staging --reveal --json\n  \
        azseed job keys prove --staging /mnt/staging --identity own.key"
    )]
    Keys {
        /// What else to do with them.
        #[command(subcommand)]
        command: Option<KeysCommand>,
        /// Print the passwords themselves
        #[arg(long)]
        reveal: bool,
        /// What opens sealed keys.
        #[command(flatten)]
        keys: KeyArgs,
    },
    /// Ask to cancel a job
    Cancel,
    /// Delete a job
    Delete,
    /// Say where a region takes parcels, and with whom they come back
    #[command(after_help = "Example:\n  azseed job locations --location westeurope \\\n    \
        --subscription 00000000-0000-0000-0000-000000000000 --resource-group backup")]
    Locations {
        /// The region; the classic service lists all of them without it
        #[arg(long, value_name = "REGION", env = "AZSEED_LOCATION")]
        location: Option<String>,
    },
}
