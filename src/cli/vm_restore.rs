//! Arguments of `vm restore`.

use clap::{Args, Subcommand};
use disk_prep::noun::{AccountName, ResourceGroup};

/// `vm restore`.
#[derive(Debug, Subcommand)]
pub enum VmRestoreCommand {
    /// Restore the disks of a machine, as blobs or as managed disks
    #[command(
        after_help = "Examples:\n  azseed vm restore disks web --at latest --account stage1 --wait\n  \
        azseed vm restore disks web --at 2026-11-20T12:00:00Z --account stage1 --luns 0\n\n\
        The disks come into a new container of the storage account, as page blobs in the\n\
        form of fixed VHDs; with --group they become managed disks of that group. Choose\n\
        this way for domain controllers, machines with a load balancer or several network\n\
        cards, and build the machine of the disks yourself."
    )]
    Disks {
        /// What is restored.
        #[command(flatten)]
        what: RestoreArgs,
        /// Managed disks of this resource group, in the place of blobs
        #[arg(long, value_name = "NAME")]
        group: Option<ResourceGroup>,
    },
    /// Make a new machine of a point
    #[command(
        override_usage = "azseed vm restore new [OPTIONS] <VM> --at <POINT> --account <NAME>\n       \
        --name <NAME> --vnet <NETWORK> --subnet <NAME>"
    )]
    #[command(
        after_help = "Example:\n  azseed vm restore new web --at latest --account stage1 \\\n    \
        --name web2 --vnet prod-net --subnet default"
    )]
    New {
        /// What is restored.
        #[command(flatten)]
        what: RestoreArgs,
        /// The new machine's name
        #[arg(long, value_name = "NAME")]
        name: String,
        /// Its network: NAME, GROUP/NAME or its resource id
        #[arg(long, value_name = "NETWORK")]
        vnet: String,
        /// Its subnet
        #[arg(long, value_name = "NAME")]
        subnet: String,
        /// Its resource group; without it that of the machine
        #[arg(long, value_name = "NAME")]
        group: Option<ResourceGroup>,
    },
    /// Put the disks of a point in the place of a machine's own
    #[command(
        after_help = "Example:\n  azseed vm restore replace web --at latest --account stage1"
    )]
    Replace {
        /// What is restored.
        #[command(flatten)]
        what: RestoreArgs,
    },
}

/// What is restored.
#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The machine: NAME, GROUP/NAME or its resource id
    #[arg(value_name = "VM")]
    pub machine: String,
    /// The point: its id, a time with its zone for the newest until then, or
    /// latest
    #[arg(long, value_name = "POINT")]
    pub at: String,
    /// The storage account that the disks come to or pass through; Standard,
    /// in the vault's region
    #[arg(long, value_name = "NAME")]
    pub account: AccountName,
    /// Only these data disks, beside the system's
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',')]
    pub luns: Option<Vec<u32>>,
    /// Wait until the job is over
    #[arg(long)]
    pub wait: bool,
    /// Check all, ask the service whether it would, and begin nothing
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
}
