//! Machines that a vault protects: list, protect, stop, back up now.

use disk_prep::limits::SOFT_DELETE_DAYS;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::jobs::{Job, under_way};
use super::names::MachineId;
use super::vault_id::VaultId;
use super::words::{RECOVERY, VMS_ONLY, moment};
use crate::azure::{self, Arm};

/// How a machine stands in its vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protection {
    /// Protected, and the first backup is still to come.
    FirstToCome,
    /// Protected.
    Protected,
    /// No more backups; the points stay.
    Stopped,
    /// Deleted, and can be had back until then.
    Deleted(Option<Timestamp>),
    /// Something else, in the service's word.
    Other(String),
}

impl Protection {
    /// In words.
    pub fn told(&self) -> String {
        match self {
            Protection::FirstToCome => "protected, first backup to come".to_owned(),
            Protection::Protected => "protected".to_owned(),
            Protection::Stopped => "protection stopped, points kept".to_owned(),
            Protection::Deleted(Some(until)) => {
                format!("deleted, can be had back until {until:.0}")
            }
            Protection::Deleted(None) => "deleted, can be had back for some days".to_owned(),
            Protection::Other(word) => word.clone(),
        }
    }
}

/// A machine in a vault.
#[derive(Debug, Clone)]
pub struct Item {
    /// The machine.
    pub machine: MachineId,
    /// How it stands.
    pub protection: Protection,
    /// The name of its policy.
    pub policy: Option<String>,
    /// When its last backup ended, and how.
    pub last: Option<(Timestamp, String)>,
    /// Its newest point.
    pub newest: Option<Timestamp>,
    /// `Passed`, `ActionRequired`, `ActionSuggested`, if it is told.
    pub health: Option<String>,
}

impl Item {
    /// Whether no backups are made any more; the points may be there.
    pub fn is_ended(&self) -> bool {
        matches!(self.protection, Protection::Stopped | Protection::Deleted(_))
    }

    /// What is refused of a machine whose protection is ended.
    pub fn ended(&self, vault: &VaultId) -> Error {
        let (machine, told) = (self.machine.short(), self.protection.told());
        Error::Ended { machine, vault: Box::new(vault.clone()), told }
    }
}

#[derive(Deserialize)]
struct Wire {
    properties: Properties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Properties {
    source_resource_id: Option<String>,
    virtual_machine_id: Option<String>,
    protection_state: Option<String>,
    policy_id: Option<String>,
    last_backup_status: Option<String>,
    last_backup_time: Option<String>,
    last_recovery_point: Option<String>,
    health_status: Option<String>,
    is_scheduled_for_deferred_delete: Option<bool>,
    #[serde(rename = "deferredDeleteTimeInUTC")]
    deferred_delete_time: Option<String>,
    soft_delete_retention_period_in_days: Option<i64>,
}

impl Wire {
    fn item(self) -> Option<Item> {
        let own = self.properties;
        let source = own.source_resource_id.or(own.virtual_machine_id)?;
        let is_deleted = own.is_scheduled_for_deferred_delete == Some(true);
        let protection = match own.protection_state.unwrap_or_default() {
            _ if is_deleted => {
                let days = own.soft_delete_retention_period_in_days.unwrap_or(SOFT_DELETE_DAYS);
                let since = moment(own.deferred_delete_time.as_deref());
                let span = SignedDuration::from_hours(days.saturating_mul(24));
                Protection::Deleted(since.and_then(|since| since.saturating_add(span).ok()))
            }
            word if word.eq_ignore_ascii_case("IRPending") => Protection::FirstToCome,
            word if word.eq_ignore_ascii_case("Protected") => Protection::Protected,
            word if word.eq_ignore_ascii_case("ProtectionStopped") => Protection::Stopped,
            word => Protection::Other(word),
        };
        let ended = own.last_backup_status.unwrap_or_default();
        Some(Item {
            machine: MachineId::parse(&source)?,
            protection,
            policy: own
                .policy_id
                .as_deref()
                .and_then(|id| id.rsplit('/').next())
                .map(str::to_owned),
            last: moment(own.last_backup_time.as_deref()).map(|time| (time, ended)),
            newest: moment(own.last_recovery_point.as_deref()),
            health: own.health_status,
        })
    }
}

/// The machines of a vault.
pub fn items(arm: &Arm, vault: &VaultId) -> Result<Vec<Item>, Error> {
    let list = format!("backupProtectedItems?$filter={VMS_ONLY} and itemType eq 'VM'");
    let all: Vec<Wire> = arm.list(&vault.path(&list), RECOVERY)?;
    let mut all: Vec<Item> = all.into_iter().filter_map(Wire::item).collect();
    all.sort_by_key(|own| own.machine.short().to_lowercase());
    Ok(all)
}

#[derive(Serialize)]
struct Body<T> {
    properties: T,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    protected_item_type: &'static str,
    source_resource_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    protection_state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_rehydrate: Option<bool>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusAsked {
    resource_type: &'static str,
    resource_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StatusTold {
    #[serde(default)]
    vault_id: Option<String>,
}

/// The vault that protects a machine, wherever it is; `None` if none does.
pub fn protecting(arm: &Arm, region: &str, machine: &MachineId) -> Result<Option<VaultId>, Error> {
    let path = format!(
        "subscriptions/{}/providers/Microsoft.RecoveryServices/locations/{region}/backupStatus",
        machine.subscription
    );
    let asked = StatusAsked { resource_type: "VM", resource_id: machine.to_string() };
    let told: Option<StatusTold> = arm.post(&path, RECOVERY, &asked)?;
    Ok(told.and_then(|own| own.vault_id).and_then(|id| VaultId::parse(&id)))
}

#[derive(Deserialize)]
struct ContainerWire {
    #[serde(default)]
    properties: ContainerProperties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ContainerProperties {
    virtual_machine_id: Option<String>,
    registration_status: Option<String>,
}

/// The machines that are registered with a vault.
pub fn registered(arm: &Arm, vault: &VaultId) -> Result<Vec<MachineId>, Error> {
    let list = format!("backupProtectionContainers?$filter={VMS_ONLY}");
    let all: Vec<ContainerWire> = arm.list(&vault.path(&list), RECOVERY)?;
    let is_own = |own: &ContainerWire| {
        let word = own.properties.registration_status.as_deref().unwrap_or("Registered");
        word.eq_ignore_ascii_case("Registered")
    };
    let id = |own: ContainerWire| MachineId::parse(&own.properties.virtual_machine_id?);
    Ok(all.into_iter().filter(is_own).filter_map(id).collect())
}

const MACHINES: &str = "Microsoft.Compute/virtualMachines";

/// Protects a machine by a policy, or gives it another one; the id of the job that did.
pub fn protect(
    arm: &Arm,
    vault: &VaultId,
    machine: &MachineId,
    policy: &str,
) -> Result<Option<String>, Error> {
    let properties = Asked {
        protected_item_type: MACHINES,
        source_resource_id: machine.to_string(),
        policy_id: Some(format!("{vault}/backupPolicies/{policy}")),
        protection_state: None,
        is_rehydrate: None,
    };
    Ok(arm.put_job(&machine.item(vault, ""), RECOVERY, &Body { properties })?)
}

/// What becomes of the points of a machine that is protected no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// They stay.
    KeepData,
    /// They go, after the days in which they can be had back.
    DeleteData,
}

/// Ends the protection of a machine; the id of the job that did.
pub fn unprotect(
    arm: &Arm,
    vault: &VaultId,
    machine: &MachineId,
    stop: Stop,
) -> Result<Option<String>, Error> {
    let path = machine.item(vault, "");
    match stop {
        Stop::DeleteData => Ok(arm.delete_job(&path, RECOVERY)?),
        Stop::KeepData => {
            let properties = Asked {
                protected_item_type: MACHINES,
                source_resource_id: machine.to_string(),
                policy_id: None,
                protection_state: Some("ProtectionStopped"),
                is_rehydrate: None,
            };
            Ok(arm.put_job(&path, RECOVERY, &Body { properties })?)
        }
    }
}

/// Has a machine back that was deleted from its vault, with its points; its protection is stopped then.
pub fn revive(arm: &Arm, vault: &VaultId, machine: &MachineId) -> Result<(), Error> {
    let properties = Asked {
        protected_item_type: MACHINES,
        source_resource_id: machine.to_string(),
        policy_id: None,
        protection_state: Some("ProtectionStopped"),
        is_rehydrate: Some(true),
    };
    arm.put_job(&machine.item(vault, ""), RECOVERY, &Body { properties })?;
    Ok(())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Trigger {
    object_type: &'static str,
    #[serde(rename = "recoveryPointExpiryTimeInUTC", skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

/// A job that was found under way, or was begun.
type Begun = (Option<String>, bool);

/// Backs a machine up now. One that is under way is taken for the one that is asked for, whoever
/// began it: nothing is done twice. If the answer to the call is lost, the jobs tell what came of it.
/// `before` is called when none is under way, and one is about to be begun.
pub fn back_up(
    arm: &Arm,
    vault: &VaultId,
    machine: &MachineId,
    until: Option<Timestamp>,
    before: impl FnOnce(),
) -> Result<Begun, Error> {
    let id = |own: Option<Job>| own.map(|own| own.id);
    let found = || Ok::<_, Error>(id(under_way(arm, vault, machine, "Backup")?));
    if let Some(job) = found()? {
        return Ok((Some(job), false));
    }
    let properties = Trigger {
        object_type: "IaasVMBackupRequest",
        until: until.map(|time| format!("{time:.0}")),
    };
    before();
    match arm.post_job(&machine.item(vault, "/backup"), RECOVERY, &Body { properties }) {
        Ok(Some(job)) => Ok((Some(job), true)),
        Ok(None) => Ok((found()?, true)),
        Err(error @ (azure::Error::Unreachable { .. } | azure::Error::Failing { .. })) => {
            match found()? {
                Some(job) => Ok((Some(job), true)),
                None => Err(error.into()),
            }
        }
        Err(error) => Err(error.into()),
    }
}
