//! Arguments of `emulator`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use disk_prep::drive::DriveName;
use disk_prep::noun::{AccountName, ByteSize, SubscriptionId};
use jiff::{SignedDuration, Span, SpanRelativeTo};
use url::Url;

use super::azure::CloudArgs;
use super::drive::{DEV_HELP, drive_name};
use super::emulator_place::EmulatorPlace;

/// Arguments of `emulator`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = false, subcommand_negates_reqs = true)]
#[command(after_help = "Example:\n  azseed emulator --listen 127.0.0.1:0 --data /tmp/azure\n\n\
    It runs until it is stopped. What it prints can be read in by a shell in another \
    terminal; then `azseed job ...` and `azseed vault ...` talk to it.")]
pub struct EmulatorArgs {
    /// What else to do.
    #[command(subcommand)]
    pub command: Option<EmulatorVerb>,
    /// Where to listen; port 0 picks a free one, which stays the same for its
    /// data
    #[arg(long, value_name = "ADDRESS", env = "AZSEED_EMULATOR_LISTEN")]
    #[arg(default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Where the blobs are to be; without it on a free port beside --listen
    #[arg(long, value_name = "ADDRESS", env = "AZSEED_EMULATOR_BLOB_LISTEN")]
    pub blob_listen: Option<SocketAddr>,
    #[command(flatten)]
    pub cloud: CloudArgs,
    /// Tell the cloud's own names, not the addresses of this machine; for where
    /// they lead here, at port 443
    #[arg(long)]
    pub host_names: bool,
    /// Where to keep everything
    #[arg(long, global = true, value_name = "DIR", env = "AZSEED_EMULATOR_DATA")]
    #[arg(default_value = "azure")]
    pub data: PathBuf,
    /// Another blob service, Azurite for instance, in place of the emulator's own
    #[arg(long, value_name = "URL", env = "AZSEED_EMULATOR_BLOB_ENDPOINT")]
    pub blob_endpoint: Option<Url>,
    /// Speak plain HTTP, for clients that cannot be told of a certificate
    #[arg(long)]
    pub http: bool,
    /// End when standard input is closed; how a rehearsal takes it along
    #[arg(long, hide = true)]
    pub attached: bool,
    /// Name of the storage account; repeat for more, the first is the one that
    /// is told
    #[arg(long, value_name = "NAME", env = "AZSEED_EMULATOR_ACCOUNT")]
    pub account: Vec<AccountName>,
    /// A file with the first account's key
    #[arg(long, value_name = "FILE", env = "AZSEED_EMULATOR_ACCOUNT_KEY_FILE")]
    pub account_key_file: Option<PathBuf>,
    /// A file with the token that callers may use
    #[arg(long, value_name = "FILE", env = "AZSEED_EMULATOR_TOKEN_FILE")]
    pub token_file: Option<PathBuf>,
    /// Region of the storage accounts; without it they are in every region
    #[arg(long, value_name = "REGION", env = "AZSEED_EMULATOR_ACCOUNT_LOCATION")]
    pub account_location: Option<String>,
    /// A provider that the subscription must register first; repeat for more
    #[arg(long, value_name = "PROVIDER", env = "AZSEED_EMULATOR_UNREGISTERED")]
    pub unregistered: Vec<String>,
    /// Do something wrong on purpose; repeat for more. The verb `mischief` tells
    /// what there is
    #[arg(long, value_name = "WHAT", env = "AZSEED_EMULATOR_MISCHIEF")]
    pub mischief: Vec<String>,
    /// The subscription
    #[arg(long, value_name = "ID", env = "AZSEED_EMULATOR_SUBSCRIPTION")]
    pub subscription: Option<SubscriptionId>,
}

/// What `emulator` does.
#[derive(Debug, Subcommand)]
pub enum EmulatorVerb {
    /// With clock, dock and machines.
    #[command(flatten)]
    Order(EmulatorCommand),
    /// With what else the subscription has.
    #[command(flatten)]
    Place(EmulatorPlace),
    /// Make, change, list and take away managed disks of the subscription
    #[command(subcommand)]
    Disk(EmulatorDiskCommand),
}

/// `emulator` with clock, dock and machines.
#[derive(Debug, Subcommand)]
pub enum EmulatorCommand {
    /// Put the datacenter's clock forward
    #[command(after_help = "Example:\n  azseed emulator clock +15d --data /tmp/azure")]
    Clock {
        /// By how much
        #[arg(value_name = "TIME", value_parser = forward, allow_hyphen_values = true)]
        by: SignedDuration,
    },
    /// Have it do something wrong on purpose, or see what it does
    #[command(after_help = "\
        WHAT is one of these, with :COUNT behind it for how often:\n  \
        retry-after-seconds, retry-after-date   throttled (429)\n  \
        burst-500, burst-502, burst-503         several refusals in a row\n  \
        reset-after     a change is taken and the connection reset\n  \
        slow, half      an answer in drops, an answer cut in two\n  \
        expired-token   a token that was taken is over\n  \
        wrong-region, closed-account\n  \
        operation-fails, relative-status, doubled-status   what goes on for long\n  \
        odd-ids, empty-pages, unknown-state, old-forms   right but odd answers\n  \
        pending-copies, failed-copies   copies by the service that last, or fail\n  \
        refused-diff    what changed since a snapshot is not told\n  \
        unread-snapshots, snapshot-rate, snapshot-count   rules of premium disks\n  \
        late-duplicates   pages that are sent once more when the lease is another's\n\n\
        A call that carries the header x-emulator-mischief asks for itself alone.\n\n\
        Example:\n  azseed emulator mischief burst-503:3 --data /tmp/azure")]
    Mischief {
        /// What; without it what is on is shown
        #[arg(value_name = "WHAT")]
        what: Vec<String>,
        /// Call off what is on first
        #[arg(long)]
        clear: bool,
    },
    /// Declare, change, list and take away virtual machines of the subscription
    #[command(subcommand)]
    Vm(EmulatorVmCommand),
    /// Bring drives to the datacenter
    #[command(after_help = format!(
        "{DEV_HELP}\n\nExample:\n  azseed emulator dock one.img two.img --data /tmp/azure"
    ))]
    Dock {
        /// The drives
        #[arg(value_name = "DEV", value_parser = drive_name, required = true)]
        drives: Vec<DriveName>,
    },
    /// Read the drive on standard input; the emulator starts it
    #[command(hide = true)]
    DockWorker,
}

/// Arguments of `emulator vm set`.
#[derive(Debug, Args)]
pub struct EmulatorVmSet {
    /// Its name
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Its resource group; rg if it is new
    #[arg(long, value_name = "NAME")]
    pub group: Option<String>,
    /// Its region; westus if it is new
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// linux or windows
    #[arg(long, value_name = "WORD")]
    pub os: Option<String>,
    /// running, stopped, deallocated, failed or transient
    #[arg(long, value_name = "WORD")]
    pub power: Option<String>,
    /// Its agent: ok, absent, old or stopped
    #[arg(long, value_name = "WORD")]
    pub agent: Option<String>,
    /// What goes wrong with its backups
    #[arg(long, value_name = "FAULT")]
    pub fail: Option<String>,
    /// Whether its backups take longer than half a day
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub slow: Option<bool>,
    /// Of the model that Azure has no more
    #[arg(long)]
    pub classic: bool,
    /// A file with a disk's bytes, the system's first; repeat for data disks
    #[arg(long, value_name = "FILE")]
    pub disk: Vec<PathBuf>,
    /// Its place in the network; vnet/default if it is new
    #[arg(long, value_name = "NETWORK/SUBNET")]
    pub subnet: Option<String>,
    /// How many network cards it has
    #[arg(long, value_name = "COUNT")]
    pub nics: Option<u32>,
    /// Whether it stands behind a load balancer
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub load_balancer: Option<bool>,
    /// Its size: Standard_D2s_v5, Standard_B1ls, ...
    #[arg(long, value_name = "WORD")]
    pub size: Option<String>,
    /// Its backup extension: none, ok or failed
    #[arg(long, value_name = "WORD")]
    pub extension: Option<String>,
    /// What else is odd: accelerated, appliance, client, dns, ephemeral,
    /// many-snapshots, no-agent-flag, no-extensions, public, ultra, unmanaged, or none
    #[arg(long, value_name = "WORD")]
    pub odd: Vec<String>,
}

/// `emulator vm`.
#[derive(Debug, Subcommand)]
pub enum EmulatorVmCommand {
    /// Make a machine, or change it; what is not said stays
    #[command(
        after_help = "Examples:\n  azseed emulator vm set web --os windows --data /tmp/azure\n  \
        azseed emulator vm set web --fail UserErrorFsFreezeFailed,at=transfer,times=1\n\n\
        FAULT is a code that `azseed explain` knows, with at=extension, snapshot,\n\
        transfer, protect, restore or warning, and times=N behind it; none calls it off.\n\
        Its disks are plain files, DATA/vms/GROUP/NAME/os.img and NUMBER.img."
    )]
    Set(Box<EmulatorVmSet>),
    /// Write into a disk of a machine, as it would at its work
    #[command(after_help = "Example:\n  azseed emulator vm write web --file page --offset 4096")]
    Write {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        /// Its resource group
        #[arg(long, value_name = "NAME")]
        group: Option<String>,
        /// The data disk; without it the system's
        #[arg(long, value_name = "NUMBER")]
        lun: Option<u32>,
        /// What is written
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
        /// From which byte on
        #[arg(long, value_name = "BYTES", default_value = "0")]
        offset: u64,
    },
    /// Take a machine away, protected or not
    Remove {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        /// Its resource group
        #[arg(long, value_name = "NAME")]
        group: Option<String>,
    },
    /// List the machines
    List,
}

/// `emulator disk`.
#[derive(Debug, Subcommand)]
pub enum EmulatorDiskCommand {
    /// Make a managed disk, or change it; what is not said stays
    #[command(
        after_help = "Examples:\n  azseed emulator disk set os --file os.raw --data /tmp/azure\n  \
        azseed emulator disk set os --size 64Mi --data /tmp/azure\n\n\
        Snapshots of PremiumV2_LRS and UltraSSD_LRS can be read after ten minutes."
    )]
    Set {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        /// Its resource group; rg if it is new
        #[arg(long, value_name = "NAME")]
        group: Option<String>,
        /// Its region; westus if it is new
        #[arg(long, value_name = "REGION")]
        region: Option<String>,
        /// Its kind: Standard_LRS, Premium_LRS, UltraSSD_LRS, ...
        #[arg(long, value_name = "WORD")]
        sku: Option<String>,
        /// Its length; that of the file, or 32Mi, if it is new
        #[arg(long, value_name = "SIZE", conflicts_with = "file")]
        size: Option<ByteSize>,
        /// A file with the bytes of a new one
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// Write into a managed disk, as a machine would at its work
    #[command(after_help = "Example:\n  azseed emulator disk write os --file page --offset 4096")]
    Write {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        /// Its resource group
        #[arg(long, value_name = "NAME")]
        group: Option<String>,
        /// What is written
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
        /// From which byte on
        #[arg(long, value_name = "BYTES", default_value = "0")]
        offset: u64,
    },
    /// Take a managed disk away; its snapshots stay
    Remove {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        /// Its resource group
        #[arg(long, value_name = "NAME")]
        group: Option<String>,
    },
    /// List the managed disks
    List,
}

fn forward(text: &str) -> Result<SignedDuration, String> {
    let rule = "a time to come, such as +15d or +12h".to_owned();
    let span: Span = text.trim_start_matches('+').parse().map_err(|_| rule.clone())?;
    let by = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| rule.clone())?;
    if by.is_negative() { Err(rule) } else { Ok(by) }
}
