//! What the emulated subscription has: virtual machines, vaults with what they protect, and
//! operations that callers ask after. Plain facts; what time does to them stands in `clockwork`.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::disks::{Attachment, DiskSnapshot, ManagedDisk};
use super::places::{AccountFacts, GroupLock};
use super::security::SecurityGroup;
use super::vm::Vm;
use crate::rights::RightsOrder;

/// What a point has of a disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptDisk {
    /// The place of a data disk; `None` of the system's.
    pub lun: Option<u32>,
    pub bytes: u64,
    pub sha256: String,
}

/// The name that every vault's first policy has.
pub(crate) const DEFAULT_POLICY: &str = "DefaultPolicy";

/// All of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct World {
    pub version: u32,
    pub vms: Vec<Vm>,
    pub vaults: Vec<Vault>,
    pub operations: Vec<Operation>,
    /// Managed disks, those of machines among them.
    #[serde(default)]
    pub disks: Vec<ManagedDisk>,
    /// Snapshots of managed disks.
    #[serde(default)]
    pub snapshots: Vec<DiskSnapshot>,
    /// Accounts that are other than plain ones.
    #[serde(default)]
    pub accounts: Vec<AccountFacts>,
    /// Resource groups that are not there; every other name is one.
    #[serde(default)]
    pub gone_groups: Vec<String>,
    /// Locks on resource groups.
    #[serde(default)]
    pub locks: Vec<GroupLock>,
    /// Network security groups.
    #[serde(default)]
    pub security: Vec<SecurityGroup>,
    /// What whoever signs in may do; everything without it.
    #[serde(default)]
    pub rights: Option<RightsOrder>,
}

/// A Recovery Services vault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Vault {
    pub group: String,
    pub name: String,
    pub location: String,
    pub tags: Value,
    pub redundancy: String,
    pub cross_region: bool,
    /// Ids of machines that the last look of the service found.
    pub found: Vec<String>,
    pub policies: Vec<Policy>,
    pub items: Vec<Item>,
    pub jobs: Vec<Job>,
}

/// A policy, as it was sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Policy {
    pub name: String,
    pub properties: Value,
}

/// How a machine stands in a vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Protection {
    IRPending,
    Protected,
    Stopped,
}

impl Protection {
    pub fn word(self) -> &'static str {
        match self {
            Protection::IRPending => "IRPending",
            Protection::Protected => "Protected",
            Protection::Stopped => "ProtectionStopped",
        }
    }
}

/// A machine that a vault protects, or has points of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Item {
    /// Of the machine.
    pub group: String,
    pub vm: String,
    pub source: String,
    pub policy: Option<String>,
    pub state: Protection,
    /// When the policy's next backup is due.
    pub due: Option<Timestamp>,
    /// When the last backup ended, and how.
    pub last: Option<(Timestamp, String)>,
    pub points: Vec<Point>,
    /// Until when it can be had back after it was deleted.
    pub deleted_until: Option<Timestamp>,
}

/// A recovery point.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Point {
    pub id: String,
    pub time: Timestamp,
    pub consistency: String,
    /// Until when its snapshot stays beside the machine.
    pub instant_until: Timestamp,
    pub expires: Timestamp,
    pub os: String,
    /// What it has of the machine's disks; `None` until they were taken.
    #[serde(default)]
    pub disks: Option<Vec<KeptDisk>>,
}

/// How a job ends, or is ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum JobState {
    InProgress,
    Cancelling,
    Cancelled,
    Completed,
    CompletedWithWarnings,
    Failed,
}

impl JobState {
    pub fn word(self) -> &'static str {
        match self {
            JobState::InProgress => "InProgress",
            JobState::Cancelling => "Cancelling",
            JobState::Cancelled => "Cancelled",
            JobState::Completed => "Completed",
            JobState::CompletedWithWarnings => "CompletedWithWarnings",
            JobState::Failed => "Failed",
        }
    }

    pub fn is_over(self) -> bool {
        !matches!(self, JobState::InProgress | JobState::Cancelling)
    }
}

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Job {
    pub id: String,
    pub operation: String,
    pub group: String,
    pub vm: String,
    pub state: JobState,
    pub start: Timestamp,
    /// When it ends, or has ended.
    pub end: Timestamp,
    /// How it will end if nobody cancels it.
    pub ends: JobState,
    /// Code of what goes wrong in it.
    pub failure: Option<String>,
    /// When the snapshot is taken; a backup can be cancelled until then.
    pub snapshot: Option<Timestamp>,
    /// What a backup leaves behind, or a restore takes.
    pub point: Option<Point>,
    /// What a restore is to make of it.
    #[serde(default)]
    pub restore: Option<Restore>,
    /// Whether somebody asked for this backup, and not its policy.
    #[serde(default)]
    pub is_on_demand: bool,
}

/// What a restore makes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Restore {
    pub kind: RestoreKind,
    /// The storage account that the disks pass through, and the container in it.
    pub account: String,
    pub container: String,
    /// The data disks that are meant; all without it.
    pub luns: Option<Vec<u32>>,
    /// Whether all of it is there.
    pub is_given: bool,
}

/// The three kinds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RestoreKind {
    /// Disks only, as blobs, or as managed disks of a group.
    Disks(Option<String>),
    /// A new machine.
    New { group: String, name: String, subnet: String },
    /// Disks in the place of the machine's own.
    Replace,
}

impl Job {
    /// Whether it can be cancelled now.
    pub fn is_cancellable(&self, now: Timestamp) -> bool {
        self.state == JobState::InProgress && self.snapshot.is_some_and(|at| now < at)
    }
}

/// What an operation comes to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Came {
    /// A job, or nothing more to say.
    Job(Option<String>),
    Failed {
        code: String,
        message: String,
    },
    /// All that would be said against what was asked about, code and sentence each.
    Validated(Vec<(String, String)>),
    /// The answer itself.
    Said(Value),
}

/// An operation that callers ask after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Operation {
    pub id: String,
    pub begun: Timestamp,
    /// How many looks still find it under way.
    pub looks: u8,
    pub came: Came,
}

impl Vault {
    /// Whether the redundancy cannot be changed any more.
    pub fn is_locked(&self) -> bool {
        !self.items.is_empty()
    }

    pub fn policy(&self, name: &str) -> Option<&Policy> {
        self.policies.iter().find(|own| own.name.eq_ignore_ascii_case(name))
    }

    pub fn item(&self, group: &str, vm: &str) -> Option<&Item> {
        self.items.iter().find(|own| own.is_of(group, vm))
    }

    pub fn item_mut(&mut self, group: &str, vm: &str) -> Option<&mut Item> {
        self.items.iter_mut().find(|own| own.is_of(group, vm))
    }

    /// A job of this machine that is not over.
    pub fn running(&self, group: &str, vm: &str, operation: &str) -> Option<&Job> {
        self.jobs
            .iter()
            .find(|own| own.is_of(group, vm) && own.operation == operation && !own.state.is_over())
    }

    /// All points, with the group and the name of their machine; also those that are being made.
    pub fn points_mut(&mut self) -> impl Iterator<Item = (&str, &str, &mut Point)> {
        let of_items = self.items.iter_mut().flat_map(|own| {
            let Item { group, vm, points, .. } = own;
            points.iter_mut().map(|point| (group.as_str(), vm.as_str(), point))
        });
        let of_jobs = self.jobs.iter_mut().filter_map(|own| {
            let Job { group, vm, point, .. } = own;
            point.as_mut().map(|point| (group.as_str(), vm.as_str(), point))
        });
        of_items.chain(of_jobs)
    }

    /// Writes down a job that is over as soon as it begins.
    pub fn note(&mut self, operation: &str, (group, vm): (&str, &str), now: Timestamp) -> String {
        let id = uuid::Uuid::new_v4().to_string();
        self.jobs.push(Job {
            id: id.clone(),
            operation: operation.to_owned(),
            group: group.to_owned(),
            vm: vm.to_owned(),
            state: JobState::Completed,
            start: now,
            end: now,
            ends: JobState::Completed,
            failure: None,
            snapshot: None,
            point: None,
            restore: None,
            is_on_demand: false,
        });
        id
    }
}

impl Item {
    pub fn is_of(&self, group: &str, vm: &str) -> bool {
        self.group.eq_ignore_ascii_case(group) && self.vm.eq_ignore_ascii_case(vm)
    }
}

impl Job {
    pub fn is_of(&self, group: &str, vm: &str) -> bool {
        self.group.eq_ignore_ascii_case(group) && self.vm.eq_ignore_ascii_case(vm)
    }
}

impl World {
    pub fn disk(&self, group: &str, name: &str) -> Option<&ManagedDisk> {
        self.disks.iter().find(|own| own.is(group, name))
    }

    /// The managed disk in a place of a machine; none where its disk is no managed one.
    pub fn disk_of(&self, vm: &Vm, lun: Option<u32>) -> Option<&ManagedDisk> {
        let is_it = |own: &Attachment| own.vm == vm.id && own.lun == lun;
        self.disks.iter().find(|own| own.machine.as_ref().is_some_and(is_it))
    }

    /// The machine that has a disk.
    pub fn machine_of(&self, disk: &ManagedDisk) -> Option<&Vm> {
        let own = disk.machine.as_ref()?;
        self.vms.iter().find(|vm| vm.id == own.vm)
    }

    pub fn snapshot(&self, group: &str, name: &str) -> Option<&DiskSnapshot> {
        self.snapshots.iter().find(|own| own.is(group, name))
    }

    /// Whether anything still has the bytes of a disk.
    pub fn holds(&self, disk_id: &str) -> bool {
        self.disks.iter().any(|own| own.id == disk_id)
            || self.snapshots.iter().any(|own| own.source_id == disk_id)
    }

    pub fn vault(&self, group: &str, name: &str) -> Option<&Vault> {
        self.vaults.iter().find(|own| is(own, group, name))
    }

    pub fn vault_mut(&mut self, group: &str, name: &str) -> Option<&mut Vault> {
        self.vaults.iter_mut().find(|own| is(own, group, name))
    }

    pub fn vm(&self, group: &str, name: &str) -> Option<&Vm> {
        self.vms.iter().find(|own| own.is(group, name))
    }

    /// All disks that points have, also points that are still being made.
    pub fn kept_disks(&self) -> impl Iterator<Item = &KeptDisk> {
        let points = self.vaults.iter().flat_map(|own| {
            let of_jobs = own.jobs.iter().filter_map(|job| job.point.as_ref());
            own.items.iter().flat_map(|item| &item.points).chain(of_jobs)
        });
        points.flat_map(|point| point.disks.iter().flatten())
    }

    /// Notes an operation that callers will ask after, and forgets those of yesterday.
    pub fn begin(&mut self, came: Came, looks: u8, now: Timestamp) -> String {
        let id = uuid::Uuid::new_v4().to_string();
        let day = SignedDuration::from_hours(24);
        self.operations.retain(|own| now.duration_since(own.begun) < day);
        self.operations.push(Operation { id: id.clone(), begun: now, looks, came });
        id
    }

    /// One look at an operation: what it came to, once it has.
    pub fn look(&mut self, id: &str) -> Option<Option<Came>> {
        let own = self.operations.iter_mut().find(|own| own.id.eq_ignore_ascii_case(id))?;
        if own.looks > 0 {
            own.looks -= 1;
            return Some(None);
        }
        Some(Some(own.came.clone()))
    }
}

fn is(vault: &Vault, group: &str, name: &str) -> bool {
    vault.group.eq_ignore_ascii_case(group) && vault.name.eq_ignore_ascii_case(name)
}
