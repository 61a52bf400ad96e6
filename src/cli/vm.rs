//! Arguments of `vm`: Azure's own backup of virtual machines. Which vault, machine or job is meant is
//! named on the command line, so these flags have no variable.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use disk_prep::noun::{ResourceGroup, SubscriptionId, VaultName};
use jiff::Timestamp;
use jiff::civil::Date;

use super::azure::AzureArgs;
use super::moment::{day, moment};
use super::vm_restore::VmRestoreCommand;

/// Arguments of `vm`.
#[derive(Debug, Args)]
pub struct VmArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: VmVerb,
    /// Which vault.
    #[command(flatten)]
    pub target: VmTarget,
}

/// Which vault a command is about.
#[derive(Debug, Clone, Args)]
pub struct VmTarget {
    /// The vault; without it the only one
    #[arg(long, global = true, value_name = "NAME")]
    pub vault: Option<VaultName>,
    /// The subscription; without it the only one that the sign-in reaches
    #[arg(long, global = true, value_name = "ID", env = "AZSEED_SUBSCRIPTION")]
    pub subscription: Option<SubscriptionId>,
    /// The resource group of the vault
    #[arg(long, global = true, value_name = "NAME", env = "AZSEED_RESOURCE_GROUP")]
    pub resource_group: Option<ResourceGroup>,
    /// Where Azure is.
    #[command(flatten)]
    pub azure: AzureArgs,
}

/// What `vm` does.
#[derive(Debug, Subcommand)]
pub enum VmVerb {
    /// With vaults, machines and jobs.
    #[command(flatten)]
    Order(VmCommand),
    /// Make and see Recovery Services vaults
    #[command(subcommand)]
    Vault(VmVaultCommand),
    /// Bring back what a vault has of a machine
    #[command(subcommand)]
    Restore(VmRestoreCommand),
}

/// `vm` with vaults, machines and jobs.
#[derive(Debug, Subcommand)]
pub enum VmCommand {
    /// See the six steps to protected machines, how each stands, and what to type
    #[command(after_help = "Example:\n  azseed vm guide")]
    Guide,
    /// Say when backups are made and how long they are kept
    #[command(subcommand)]
    Policy(VmPolicyCommand),
    /// Have the service look for machines that the vault could protect
    #[command(after_help = "Example:\n  azseed vm discover --vault prod")]
    Discover,
    /// List the virtual machines, and which vault has them
    List {
        /// Only those of this region
        #[arg(long, value_name = "REGION", env = "AZSEED_LOCATION")]
        location: Option<String>,
        /// Only those that no vault protects
        #[arg(long)]
        unprotected: bool,
    },
    /// Show how a machine stands
    Show {
        /// The machine: NAME, GROUP/NAME or its resource id
        #[arg(value_name = "VM")]
        machine: String,
    },
    /// See which machines a vault knows; protecting one makes it known
    #[command(after_help = "Example:\n  azseed vm register web db")]
    Register {
        /// Which machines.
        #[command(flatten)]
        machines: MachinesArgs,
    },
    /// Look at all that would make a backup fail, before it does
    #[command(after_help = "Examples:\n  azseed vm preflight web db --vault prod\n  \
        azseed vm preflight --all --policy gold --json\n\n\
        Many machines are looked at side by side; nothing is changed. It is\n\
        `azseed check vm`, and a look at the vault and the policy.")]
    Preflight {
        /// Which machines.
        #[command(flatten)]
        machines: MachinesArgs,
        /// The policy that is to protect them; DefaultPolicy if not said
        #[arg(long, value_name = "NAME")]
        policy: Option<String>,
    },
    /// See the extension that backups bring into a machine, or take it out
    #[command(subcommand)]
    Extension(VmExtensionCommand),
    /// Protect machines by a policy; one job a machine
    #[command(after_help = "Examples:\n  azseed vm protect web db --vault prod\n  \
        azseed vm protect --all --vault prod --policy gold --new-policy gold.toml\n\n\
        The policy is DefaultPolicy unless another is named. A machine is named by its\n\
        name, or as GROUP/NAME where several have that name.")]
    Protect {
        /// Which machines.
        #[command(flatten)]
        machines: MachinesArgs,
        /// The policy
        #[arg(long, value_name = "NAME")]
        policy: Option<String>,
        /// Make that policy of this file first
        #[arg(long, value_name = "FILE", requires = "policy")]
        new_policy: Option<PathBuf>,
    },
    /// End the protection of machines, and keep or delete their points
    #[command(after_help = "Example:\n  azseed vm unprotect web --vault prod --keep-data")]
    #[command(group(clap::ArgGroup::new("data").required(true)))]
    Unprotect {
        /// The machines
        #[arg(value_name = "VM", required = true)]
        machines: Vec<String>,
        /// The points stay
        #[arg(long, group = "data")]
        keep_data: bool,
        /// The points go; for 14 days the service can bring them back
        #[arg(long, group = "data")]
        delete_data: bool,
    },
    /// Back machines up now; one whose backup is under way is not begun again
    #[command(after_help = "Example:\n  azseed vm backup web --vault prod --wait")]
    Backup {
        /// Which machines.
        #[command(flatten)]
        machines: MachinesArgs,
        /// Keep the points until then: a day, which begins in UTC, or a time with its
        /// zone; without it 30 days
        #[arg(long, value_name = "TIME", value_parser = moment)]
        keep_until: Option<Timestamp>,
        /// Wait until the jobs are over
        #[arg(long)]
        wait: bool,
    },
    /// See how protected machines stand, and when the next backup is
    Status {
        /// The machines; without any all that a vault has
        #[arg(value_name = "VM")]
        machines: Vec<String>,
    },
    /// See what the vault is doing, wait for it, cancel it
    #[command(subcommand)]
    Job(VmJobCommand),
    /// See the points of a machine
    #[command(subcommand)]
    Point(VmPointCommand),
}

/// `vm extension`.
#[derive(Debug, Subcommand)]
pub enum VmExtensionCommand {
    /// Show it
    #[command(after_help = "Example:\n  azseed vm extension show web")]
    Show {
        /// The machine: NAME, GROUP/NAME or its resource id
        #[arg(value_name = "VM")]
        machine: String,
    },
    /// Take it out; the next backup puts it in anew
    #[command(after_help = "Example:\n  azseed vm extension remove web")]
    Remove {
        /// The machine: NAME, GROUP/NAME or its resource id
        #[arg(value_name = "VM")]
        machine: String,
    },
}

/// Machines.
#[derive(Debug, Clone, Args)]
#[command(group(clap::ArgGroup::new("which").required(true).multiple(false)))]
pub struct MachinesArgs {
    /// The machines: NAME, GROUP/NAME or resource ids
    #[arg(value_name = "VM", group = "which")]
    pub machines: Vec<String>,
    /// All that can be meant
    #[arg(long, group = "which")]
    pub all: bool,
}

/// `vm vault`.
#[derive(Debug, Subcommand)]
pub enum VmVaultCommand {
    /// Make a vault in the region of the machines
    #[command(
        after_help = "Examples:\n  azseed vm vault create prod --resource-group backup-rg \\\n    \
        --location westeurope --redundancy geo\n  \
        azseed vm vault create prod --resource-group backup-rg --per-region\n\n\
        The redundancy cannot be changed once a machine is protected. Choose geo where\n\
        Azure is the main place of the backups, local where it is the second one. No\n\
        storage account is needed: the service keeps the data."
    )]
    Create {
        /// Its name: 2 to 50 letters, digits and hyphens, a letter first
        #[arg(value_name = "NAME", value_parser = vault_name)]
        name: VaultName,
        /// Its region, that of the machines
        #[arg(long, value_name = "REGION", env = "AZSEED_LOCATION")]
        #[arg(required_unless_present = "per_region")]
        location: Option<String>,
        /// One after the other in each region that has machines and no vault, as
        /// NAME-REGION
        #[arg(long)]
        per_region: bool,
        /// How many copies of the points there are; without it geo
        #[arg(long, value_name = "KIND", value_enum, conflicts_with = "role")]
        redundancy: Option<RedundancyChoice>,
        /// What Azure is to the backups: primary takes geo, secondary local
        #[arg(long, value_name = "ROLE", value_enum)]
        role: Option<RoleChoice>,
    },
    /// List the vaults of the subscription
    List,
    /// Show a vault, and what can be done with it
    Show,
    /// See how many copies a vault keeps, or change it before a machine is protected
    #[command(subcommand)]
    Redundancy(VmRedundancyCommand),
    /// See subscription, vaults, policies and machines as one picture
    #[command(after_help = "Example:\n  azseed vm vault tree")]
    Tree,
    /// See which regions have machines, and which of them no vault
    #[command(after_help = "Example:\n  azseed vm vault plan")]
    Plan,
    /// Delete a vault that holds nothing any more
    #[command(after_help = "Example:\n  azseed vm vault delete --vault prod\n\n\
        What was deleted from a vault stays in it for 14 days, and the vault with it.")]
    Delete,
}

/// `vm vault redundancy`.
#[derive(Debug, Subcommand)]
pub enum VmRedundancyCommand {
    /// Show it, and whether it can still be changed
    Show,
    /// Change it
    #[command(after_help = "Example:\n  azseed vm vault redundancy set local --vault prod")]
    Set {
        /// How many copies of the points there are
        #[arg(value_name = "KIND", value_enum)]
        kind: RedundancyChoice,
    },
}

/// How many copies of the points there are.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum RedundancyChoice {
    /// In two regions
    Geo,
    /// In one datacenter
    Local,
    /// In several datacenters of the region
    Zone,
}

/// What Azure is to the backups.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum RoleChoice {
    /// The main place
    Primary,
    /// The second one
    Secondary,
}

/// `vm policy`.
#[derive(Debug, Subcommand)]
pub enum VmPolicyCommand {
    /// Make a policy of a file, or change one
    #[command(
        visible_aliases = ["create", "update"],
        after_help = "Example:\n  azseed vm policy set gold --file gold.toml --vault prod\n\n\
        The file:\n  schedule = \"daily 02:00\"        or \"sun,wed 22:30\"\n  \
        time-zone = \"Europe/Berlin\"     UTC if it is not said\n  \
        instant-days = 2                so long snapshots stay beside the machine\n  \
        keep = [\"every day for 30 days\", \"every Sunday for 104 weeks\",\n          \
        \"last Sunday of the month for 120 months\"]"
    )]
    Set {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        /// The file
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
    },
    /// List the policies of a vault
    List,
    /// Show a policy as a file would say it, and how many machines have it
    Show {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Print a policy that is known by a name, as a file for `vm policy set`
    #[command(after_help = "Example:\n  azseed vm policy template gfs-example > gold.toml\n\n\
        There are default, gfs-example and quarter-end-audit.")]
    Template {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Delete a policy that no machine has
    Delete {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Propose policies and times so that not too many machines begin together
    #[command(after_help = "Example:\n  azseed vm policy stagger --vault prod\n\n\
        At most four machines begin together, and starts lie an hour apart. Nothing is\n\
        changed: the files and the lines to type are printed.")]
    Stagger,
    /// Show which points would be kept in the end, and why
    #[command(after_help = "Example:\n  azseed vm policy simulate --file gold.toml --years 100")]
    Simulate {
        /// A policy of the vault
        #[arg(value_name = "NAME")]
        name: Option<String>,
        /// A file in its place
        #[arg(long, value_name = "FILE", conflicts_with = "name")]
        file: Option<PathBuf>,
        /// The first day; today if not said
        #[arg(long, value_name = "DATE", value_parser = day)]
        from: Option<Date>,
        /// For so many years, 1 to 100
        #[arg(long, value_name = "COUNT", default_value = "10")]
        #[arg(value_parser = clap::value_parser!(u8).range(1..=100))]
        years: u8,
    },
}

/// `vm job`.
#[derive(Debug, Subcommand)]
pub enum VmJobCommand {
    /// List the jobs of the vault, the newest first
    #[command(after_help = "Example:\n  azseed vm job list --operation ConfigureBackup")]
    List {
        /// Only of this operation: Backup, ConfigureBackup, Restore, ...
        #[arg(long, value_name = "WORD", value_parser = operation)]
        operation: Option<String>,
        /// Only in this state: InProgress, Completed, Failed, ...
        #[arg(long, value_name = "WORD", value_parser = state)]
        status: Option<String>,
        /// Only those that began since then
        #[arg(long, value_name = "TIME", value_parser = moment)]
        since: Option<Timestamp>,
        /// Wait until all of them are over
        #[arg(long)]
        wait: bool,
    },
    /// Show a job with its parts, and what to do where it failed
    Show {
        /// Its id
        #[arg(value_name = "ID")]
        id: String,
        /// Wait until it is over
        #[arg(long)]
        wait: bool,
    },
    /// Wait until jobs are over
    Wait {
        /// Their ids
        #[arg(value_name = "ID", required = true)]
        ids: Vec<String>,
    },
    /// Cancel a job; a backup, while its snapshot is taken
    Cancel {
        /// Its id
        #[arg(value_name = "ID")]
        id: String,
        /// Wait until it is over
        #[arg(long)]
        wait: bool,
    },
}

/// `vm point`.
#[derive(Debug, Subcommand)]
pub enum VmPointCommand {
    /// List the points of a machine, the newest first
    List {
        /// The machine
        #[arg(value_name = "VM")]
        machine: String,
        /// Only those that were made since then
        #[arg(long, value_name = "TIME", value_parser = moment)]
        since: Option<Timestamp>,
    },
    /// Show a point
    Show {
        /// The machine
        #[arg(value_name = "VM")]
        machine: String,
        /// The point's id
        #[arg(value_name = "ID")]
        id: String,
    },
}

/// What jobs do, as the service has it:
/// <https://learn.microsoft.com/rest/api/backup/backup-jobs/list>, `JobOperationType`.
const OPERATIONS: [&str; 10] = [
    "Backup",
    "ConfigureBackup",
    "CrossRegionRestore",
    "DeleteBackupData",
    "DisableBackup",
    "Register",
    "Restore",
    "Undelete",
    "UnRegister",
    "UpdateCustomerManagedKey",
];

/// The states of jobs, as the service has them.
const STATES: [&str; 6] =
    ["InProgress", "Cancelling", "Cancelled", "Completed", "CompletedWithWarnings", "Failed"];

/// A state of jobs in the service's spelling; of another one there would never be a job.
fn state(text: &str) -> Result<String, String> {
    one_of(&STATES, text)
}

/// The same of what jobs do.
fn operation(text: &str) -> Result<String, String> {
    one_of(&OPERATIONS, text)
}

fn one_of(all: &[&str], text: &str) -> Result<String, String> {
    let found = all.iter().find(|own| own.eq_ignore_ascii_case(text));
    found.map(|own| (*own).to_owned()).ok_or_else(|| format!("one of {}", all.join(", ")))
}

/// The name of a new vault; which part of the rule it breaks is said.
fn vault_name(text: &str) -> Result<VaultName, String> {
    let error = match VaultName::new(text) {
        Ok(name) => return Ok(name),
        Err(error) => error,
    };
    let is_sign = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let length = text.chars().count();
    let why = match text.chars().find(|c| !is_sign(*c)) {
        Some(sign) => format!("{sign:?} is none of these"),
        None if !text.starts_with(|c: char| c.is_ascii_alphabetic()) && length > 0 => {
            "it does not begin with a letter".to_owned()
        }
        None if text.ends_with('-') => "it ends with a hyphen".to_owned(),
        None => format!("it has {length}"),
    };
    Err(format!("{error}; {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_of_the_rule_that_a_name_breaks_is_said() {
        let long = "x".repeat(51);
        for (name, why) in [
            ("a", "it has 1"),
            (&long, "it has 51"),
            ("1abc", "does not begin with a letter"),
            ("prod-", "ends with a hyphen"),
            ("pr_od", "'_' is none of these"),
            ("", "it has 0"),
        ] {
            let told = vault_name(name).unwrap_err();
            assert!(told.contains(why), "{name}: {told}");
        }
        assert!(vault_name("prod-1").is_ok());
        assert_eq!(state("inprogress").unwrap(), "InProgress");
        assert!(state("nonsense").unwrap_err().contains("CompletedWithWarnings"));
    }
}
