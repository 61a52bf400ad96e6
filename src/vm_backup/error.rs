//! What can go wrong with the backup of virtual machines.

use disk_prep::limits::MACHINE_DATA_DISKS;
use disk_prep::noun::{Diagnose, ErrorKind, Hint, ResourceGroup, VaultName, lines};

use jiff::Timestamp;

use super::create_line::create_line;
use super::policy::PolicyFault;
use super::restore_fault::RestoreFault;
use super::vault_id::VaultId;
use crate::azure;

/// The error of this room.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each sentence names its fields")]
pub enum Error {
    #[error(transparent)]
    Azure(#[from] azure::Error),
    #[error("{word:?} names no virtual machine")]
    MachineWord { word: String },
    #[error(
        "Classic virtual machines and cloud services no longer exist in Azure. azseed backs up \
         Resource Manager virtual machines; {name} is a classic one, so there is nothing to protect"
    )]
    Classic { name: String },
    #[error("There is no virtual machine {word} in the subscription")]
    NoMachine { word: String },
    #[error("Several virtual machines are named {word}:{}", lines(all))]
    Ambiguous { word: String, all: Vec<String> },
    #[error("{machine} is in {region}, and the vault {vault} is in {own}")]
    OtherRegion { machine: String, region: String, vault: VaultName, own: String },
    #[error("{machine} has {disks} data disks, and Azure backs up {MACHINE_DATA_DISKS} at most")]
    ManyDisks { machine: String, disks: usize },
    #[error("The vault {name} is not there")]
    NoVault { name: VaultName },
    #[error(
        "The vault is not in the resource group {group}; elsewhere there are:{}",
        lines(elsewhere)
    )]
    NoVaultIn { group: ResourceGroup, elsewhere: Vec<String> },
    #[error("There is no Recovery Services vault in the subscription")]
    NoVaults,
    #[error("Several vaults may be meant:{}", lines(all))]
    SeveralVaults { all: Vec<String> },
    #[error("The vault {name} is there already, and its {what} is {held}, not {asked}")]
    OtherVault { name: VaultName, what: &'static str, held: String, asked: String },
    #[error("Azure does not have a region {region}")]
    NoRegion { region: String },
    #[error("The policy cannot be used:{}", lines(faults))]
    Policy { faults: Vec<PolicyFault> },
    #[error("There is no policy {name} in the vault {vault}")]
    NoPolicy { name: String, vault: VaultName },
    #[error("{word:?} is no name of a policy")]
    PolicyName { word: String },
    #[error("The vault {} does not protect {machine}", vault.name)]
    NotProtected { machine: String, vault: Box<VaultId> },
    #[error("There is no job {id} in the vault {vault}")]
    NoJob { id: String, vault: VaultName },
    #[error("The job {id} cannot be cancelled: it is {state}")]
    NotCancellable { id: String, state: String },
    #[error("{machine} has no point {word}{}", lines(near))]
    NoPoint { word: String, machine: String, vault: Box<VaultId>, near: Vec<String> },
    #[error("{word:?} is neither the id of a point, nor a time with its zone, nor `latest`")]
    PointWord { word: String },
    #[error("The service would not restore this, so nothing was begun:{}", lines(faults))]
    Restore { faults: Vec<RestoreFault> },
    #[error("Another restore of {machine} is under way (job {id})")]
    OtherRestore { machine: String, id: String, vault: Box<VaultId> },
    #[error("A job about {machine} is under way ({id})")]
    JobUnderWay { machine: String, id: String, vault: Box<VaultId> },
    #[error(
        "A backup of {machine} is under way (job {id}), and nothing says that its point is kept \
         until {until:.0}"
    )]
    KeptOtherwise { machine: String, id: String, vault: Box<VaultId>, until: Timestamp },
    #[error("The vault {} makes no backups of {machine} any more: {told}", vault.name)]
    Ended { machine: String, vault: Box<VaultId>, told: String },
    #[error("The vault {vault} is {held}, and that cannot be changed: it holds machines")]
    Locked { vault: VaultName, held: String },
    #[error("The vault {vault} cannot be deleted: it holds{}", lines(held))]
    NotEmpty { vault: VaultName, held: Vec<String>, are_deleted: bool },
    #[error("The policy {name} cannot be deleted: machines have it:{}", lines(users))]
    PolicyUsed { name: String, users: Vec<String> },
    #[error("Several subscriptions may be meant:{}", lines(all))]
    SeveralSubscriptions { all: Vec<String> },
    #[error("The sign-in reaches no subscription that can be used")]
    NoSubscription,
    #[error("The points cannot be kept until {until:.0}: that is over")]
    KeptUntilThen { until: Timestamp },
    /// Of several machines; each is told, and the first says how the call ends.
    #[error("{first}{}", lines(rest))]
    Several { first: Box<Error>, rest: Vec<Error> },
}

impl Error {
    /// All that was found, if it is anything.
    pub fn of_all(all: Vec<Error>) -> Result<(), Error> {
        let mut all = all.into_iter();
        let Some(first) = all.next() else { return Ok(()) };
        let rest: Vec<Error> = all.collect();
        Err(match rest.is_empty() {
            true => first,
            false => Error::Several { first: Box::new(first), rest },
        })
    }
}

impl Diagnose for Error {
    fn code(&self) -> &'static str {
        match self {
            Error::Azure(source) => source.code(),
            Error::MachineWord { .. } => "vm-word",
            Error::Classic { .. } => "vm-classic",
            Error::NoMachine { .. } => "vm-not-found",
            Error::Ambiguous { .. } => "vm-ambiguous",
            Error::OtherRegion { .. } => "vm-other-region",
            Error::ManyDisks { .. } => "vm-many-disks",
            Error::NoVault { .. } | Error::NoVaultIn { .. } | Error::NoVaults => {
                "vm-vault-not-found"
            }
            Error::SeveralVaults { .. } => "vm-vault-ambiguous",
            Error::OtherVault { .. } => "vm-vault-other",
            Error::NoRegion { .. } => "vm-region-unknown",
            Error::Policy { .. } => "vm-policy-invalid",
            Error::NoPolicy { .. } => "vm-policy-not-found",
            Error::PolicyName { .. } => "vm-policy-name",
            Error::NotProtected { .. } => "vm-not-protected",
            Error::NoJob { .. } => "vm-job-not-found",
            Error::NotCancellable { .. } => "vm-job-not-cancellable",
            Error::NoPoint { .. } => "vm-point-not-found",
            Error::PointWord { .. } => "vm-point-word",
            Error::Restore { .. } => "vm-restore-refused",
            Error::OtherRestore { .. } => "vm-restore-under-way",
            Error::JobUnderWay { .. } => "vm-job-under-way",
            Error::KeptOtherwise { .. } => "vm-backup-under-way",
            Error::Ended { .. } => "vm-protection-ended",
            Error::Locked { .. } => "vm-vault-locked",
            Error::NotEmpty { .. } => "vm-vault-not-empty",
            Error::PolicyUsed { .. } => "vm-policy-in-use",
            Error::SeveralSubscriptions { .. } => "subscription-ambiguous",
            Error::NoSubscription => "subscription-none",
            Error::KeptUntilThen { .. } => "vm-keep-until-over",
            Error::Several { first, .. } => first.code(),
        }
    }

    fn kind(&self) -> ErrorKind {
        match self {
            Error::Azure(source) => source.kind(),
            Error::MachineWord { .. }
            | Error::Ambiguous { .. }
            | Error::SeveralVaults { .. }
            | Error::OtherVault { .. }
            | Error::NoRegion { .. }
            | Error::Policy { .. }
            | Error::PolicyName { .. }
            | Error::PointWord { .. }
            | Error::KeptUntilThen { .. }
            | Error::SeveralSubscriptions { .. } => ErrorKind::Usage,
            Error::NoMachine { .. }
            | Error::NoVault { .. }
            | Error::NoVaultIn { .. }
            | Error::NoVaults
            | Error::NoPolicy { .. }
            | Error::NotProtected { .. }
            | Error::NoPoint { .. }
            | Error::NoJob { .. } => ErrorKind::NotFound,
            Error::Classic { .. }
            | Error::OtherRegion { .. }
            | Error::ManyDisks { .. }
            | Error::Restore { .. }
            | Error::Locked { .. }
            | Error::NotEmpty { .. }
            | Error::PolicyUsed { .. }
            | Error::Ended { .. }
            | Error::NotCancellable { .. } => ErrorKind::Refused,
            Error::OtherRestore { .. }
            | Error::JobUnderWay { .. }
            | Error::KeptOtherwise { .. } => ErrorKind::Busy,
            Error::NoSubscription => ErrorKind::NotAllowed,
            Error::Several { first, .. } => first.kind(),
        }
    }

    fn hint(&self) -> Option<Hint> {
        let text = match self {
            Error::Azure(source) => return source.hint(),
            Error::MachineWord { .. } => "name it as NAME, GROUP/NAME or by its resource id",
            Error::Classic { .. } => {
                "if you have its disks as VHD blobs, use `azseed disk-backup protect`"
            }
            Error::NoMachine { .. } => "`azseed vm list` names those that are there",
            Error::Ambiguous { .. } => "name the one that is meant as GROUP/NAME",
            Error::OtherRegion { region, .. } => {
                return Some(Hint::new(format!(
                    "a vault protects machines of its own region: `{}`",
                    create_line(None, region)
                )));
            }
            Error::ManyDisks { .. } => "spread the data over fewer disks or more machines",
            Error::NoVault { .. } => "`azseed vm vault list` names those that are there",
            Error::NoVaultIn { .. } => {
                "`--resource-group` is that of the vault, and AZSEED_RESOURCE_GROUP stands for it: \
                 name the vault's, or none"
            }
            Error::NoVaults => {
                return Some(Hint::new(format!("make one: `{}`", create_line(None, "REGION"))));
            }
            Error::SeveralVaults { .. } => {
                "name the one that is meant with `--vault`, and its group with `--resource-group` \
                 where two have one name"
            }
            Error::OtherVault { .. } => "name another vault, or leave the flag out",
            Error::NoRegion { .. } => "name it as in `westeurope`",
            Error::Policy { .. } => "mend all of it, then run the same command again",
            Error::NoPolicy { .. } => "`azseed vm policy list` names those that are there",
            Error::PolicyName { .. } => "3 to 150 letters, digits and hyphens, a letter first",
            Error::NotProtected { machine, vault } => {
                let line = vault.line(["protect", machine]);
                return Some(Hint::new(format!("`{line}` begins it")));
            }
            Error::NoJob { .. } => "`azseed vm job list` names those that are there",
            Error::NotCancellable { .. } => {
                "a backup can be cancelled while its snapshot is taken, not while it is transferred"
            }
            Error::NoPoint { machine, vault, .. } => {
                let line = vault.line(["point", "list", machine]);
                return Some(Hint::new(format!("`{line}` names those that are there")));
            }
            Error::Ended { machine, vault, .. } => {
                let line = vault.line(["protect", machine]);
                return Some(Hint::new(format!("`{line}` goes on with the points that it has")));
            }
            Error::PointWord { .. } => "write a time as in 2026-11-20T12:00:00Z",
            Error::Restore { faults } => {
                let mut entries: Vec<&str> =
                    faults.iter().filter_map(RestoreFault::entry).collect();
                entries.dedup();
                return Some(Hint::new(match entries.as_slice() {
                    [] => "mend all of it, then run the same command again".to_owned(),
                    all => {
                        let all: Vec<String> =
                            all.iter().map(|own| format!("`azseed explain {own}`")).collect();
                        format!(
                            "mend all of it, then run the same command again; see {}",
                            all.join(", ")
                        )
                    }
                }));
            }
            Error::OtherRestore { id, vault, .. }
            | Error::JobUnderWay { id, vault, .. }
            | Error::KeptOtherwise { id, vault, .. } => {
                let line = vault.line(["job", "wait", id]);
                return Some(Hint::new(format!("`{line}`, then run this again")));
            }
            Error::Locked { .. } => "make another vault with `azseed vm vault create`",
            Error::NotEmpty { are_deleted: true, .. } => {
                "wait until the service has let go what was deleted"
            }
            Error::NotEmpty { .. } => {
                "`azseed vm unprotect VM --delete-data` lets go what it holds"
            }
            Error::PolicyUsed { .. } => {
                "`azseed vm protect VM --policy OTHER` gives them another one"
            }
            Error::SeveralSubscriptions { .. } => {
                "name the one that is meant with `--subscription`"
            }
            Error::NoSubscription => "`azseed subscriptions list` shows what the sign-in reaches",
            Error::KeptUntilThen { .. } => "name a day that is to come",
            Error::Several { first, .. } => return first.hint(),
        };
        Some(Hint::new(text))
    }
}
