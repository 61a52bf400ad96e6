//! Restores: what one is to make, what the service would refuse of it, and one that begins once.

use disk_prep::noun::{AccountId, ResourceGroup};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::jobs::{Job, JobFilter, job, jobs, under_way};
use super::names::MachineId;
use super::points::Point;
use super::restore_fault::RestoreFault;
use super::vault_id::VaultId;
use super::vaults::RecoveryVault;
use super::words::RECOVERY;
use crate::azure::{self, Arm};

/// What a restore makes.
#[derive(Debug, Clone, PartialEq)]
pub enum RestoreTarget {
    /// The disks: blobs of the account, or managed disks of a group.
    Disks(Option<ResourceGroup>),
    /// A new machine in a subnet.
    New {
        /// The machine.
        machine: MachineId,
        /// Its network's resource id.
        network: String,
        /// Its subnet's.
        subnet: String,
    },
    /// Disks in the place of the machine's own.
    Replace,
}

/// A restore that is asked for.
#[derive(Debug, Clone)]
pub struct Restore {
    /// The machine whose point it is.
    pub machine: MachineId,
    /// The point.
    pub point: Point,
    /// The storage account that the disks come to, or pass through.
    pub account: AccountId,
    /// The data disks that are meant; all without it.
    pub luns: Option<Vec<u32>>,
    /// What it makes.
    pub target: RestoreTarget,
}

/// What Azure takes as a machine's name.
pub fn name_rule(name: &str) -> Option<&'static str> {
    let is_fit = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if !(1..=disk_prep::limits::MACHINE_NAME_CHARACTERS).contains(&name.len()) {
        return Some("1 to 64 characters");
    }
    if !name.chars().all(is_fit) {
        return Some("letters, digits, hyphens, dots and underscores");
    }
    let is_end_fit = |c: char| !"-_.".contains(c);
    let ends = (name.chars().next(), name.chars().last());
    let is_right = ends.0.is_some_and(is_end_fit) && ends.1.is_some_and(is_end_fit);
    (!is_right).then_some("a letter or a digit first and last")
}

#[derive(Serialize)]
struct Body<T> {
    properties: T,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    object_type: &'static str,
    recovery_point_id: String,
    recovery_type: &'static str,
    source_resource_id: String,
    region: String,
    storage_account_id: String,
    create_new_cloud_service: bool,
    original_storage_account_option: bool,
    encryption_details: Encryption,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_virtual_machine_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_resource_group_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    virtual_network_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subnet_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restore_disk_lun_list: Option<Vec<u32>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Encryption {
    encryption_enabled: bool,
}

impl Restore {
    fn request(&self, vault: &RecoveryVault) -> Request {
        let group = |subscription: &str, group: &str| {
            format!("/subscriptions/{subscription}/resourceGroups/{group}")
        };
        let mut request = Request {
            object_type: "IaasVMRestoreRequest",
            recovery_point_id: self.point.id.clone(),
            recovery_type: "RestoreDisks",
            source_resource_id: self.machine.to_string(),
            region: vault.region.clone(),
            storage_account_id: self.account.to_string(),
            create_new_cloud_service: false,
            original_storage_account_option: false,
            encryption_details: Encryption { encryption_enabled: false },
            target_virtual_machine_id: None,
            target_resource_group_id: None,
            virtual_network_id: None,
            subnet_id: None,
            restore_disk_lun_list: self.luns.clone(),
        };
        match &self.target {
            RestoreTarget::Disks(target) => {
                let own =
                    target.as_ref().map(|own| group(&self.machine.subscription, own.as_str()));
                request.target_resource_group_id = own;
            }
            RestoreTarget::New { machine, network, subnet } => {
                request.recovery_type = "AlternateLocation";
                request.target_virtual_machine_id = Some(machine.to_string());
                request.target_resource_group_id =
                    Some(group(&machine.subscription, &machine.group));
                request.virtual_network_id = Some(network.clone());
                request.subnet_id = Some(subnet.clone());
            }
            RestoreTarget::Replace => request.recovery_type = "OriginalLocation",
        }
        request
    }

    /// Whether a restore that is under way is this one, as far as it is told.
    fn is(&self, job: &Job) -> bool {
        let told = |name: &str| job.fact(name);
        let is_account = told("Target Storage Account Name")
            .is_none_or(|own| own.eq_ignore_ascii_case(self.account.account.as_str()));
        let time = told("Recovery point time").and_then(|own| own.parse::<Timestamp>().ok());
        let is_point = match (time, self.point.time) {
            (Some(told), Some(own)) => {
                told.duration_since(own).abs() < SignedDuration::from_secs(1)
            }
            _ => true,
        };
        let (name, group) = match &self.target {
            RestoreTarget::New { machine, .. } => {
                (Some(machine.name.as_str()), Some(machine.group.as_str()))
            }
            RestoreTarget::Disks(group) => (None, group.as_ref().map(ResourceGroup::as_str)),
            RestoreTarget::Replace => (None, None),
        };
        let same =
            |told: &str, own: Option<&str>| own.is_some_and(|own| told.eq_ignore_ascii_case(own));
        let is_machine = told("Target virtual machine").is_none_or(|told| same(told, name));
        // Nothing else tells managed disks from blobs, so that a group is not left to chance.
        let is_group =
            told("Target resource group").map_or(group.is_none(), |told| same(told, group));
        // The service's word for this kind; other kinds have other words.
        let is_disks = told("Job Type").map(|own| own.eq_ignore_ascii_case("Recover disks"));
        let is_kind =
            is_disks.is_none_or(|own| own == matches!(self.target, RestoreTarget::Disks(_)));
        is_account && is_point && is_machine && is_group && is_kind
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Validation {
    object_type: &'static str,
    restore_request: Request,
}

#[derive(Deserialize)]
struct Validated {
    #[serde(default)]
    properties: ValidatedProperties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ValidatedProperties {
    validate_operation_response: Option<ValidateResponse>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ValidateResponse {
    #[serde(default)]
    validation_results: Option<Vec<Detail>>,
}

#[derive(Deserialize)]
struct Detail {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// Asks the service whether it would; nothing is begun.
pub fn validate(
    arm: &Arm,
    vault: &RecoveryVault,
    own: &Restore,
) -> Result<Vec<RestoreFault>, Error> {
    let properties = Validation {
        object_type: "ValidateIaasVMRestoreOperationRequest",
        restore_request: own.request(vault),
    };
    let path = vault.id.path("backupTriggerValidateOperation");
    let said: Option<Validated> = arm.post_status(&path, RECOVERY, &Body { properties })?;
    let response = said.and_then(|own| own.properties.validate_operation_response);
    let details = response.and_then(|own| own.validation_results).unwrap_or_default();
    // What is fine is said with a code of its own by some.
    let is_bad = |own: &Detail| !own.code.is_empty() && !own.code.eq_ignore_ascii_case("Success");
    let fault = |own: Detail| RestoreFault::Said(own.code, own.message);
    Ok(details.into_iter().filter(is_bad).map(fault).collect())
}

/// Restores. One that is under way and makes the same is taken for the one that is asked for; if the
/// answer to the call is lost, the jobs tell what came of it.
pub fn restore(
    arm: &Arm,
    vault: &RecoveryVault,
    own: &Restore,
) -> Result<(Option<String>, bool), Error> {
    if let Some(job) = same(arm, &vault.id, own)? {
        return Ok((Some(job), false));
    }
    let since = arm.now().saturating_add(SignedDuration::from_secs(-5)).unwrap_or(Timestamp::MIN);
    let path = format!("/recoveryPoints/{}/restore", own.point.id);
    let path = own.machine.item(&vault.id, &path);
    let properties = own.request(vault);
    match arm.post_job(&path, RECOVERY, &Body { properties }) {
        Ok(Some(job)) => Ok((Some(job), true)),
        Ok(None) => Ok((begun(arm, &vault.id, own, since)?, true)),
        Err(error @ (azure::Error::Unreachable { .. } | azure::Error::Failing { .. })) => {
            match begun(arm, &vault.id, own, since)? {
                Some(job) => Ok((Some(job), true)),
                None => Err(error.into()),
            }
        }
        Err(error) => Err(error.into()),
    }
}

/// The restore that is under way, if it is the one that is asked for; the service has one a machine.
fn same(arm: &Arm, vault: &VaultId, own: &Restore) -> Result<Option<String>, Error> {
    let Some(found) = under_way(arm, vault, &own.machine, "Restore")? else { return Ok(None) };
    let found = job(arm, vault, &found.id)?;
    if own.is(&found) {
        return Ok(Some(found.id));
    }
    let (machine, vault) = (own.machine.short(), Box::new(vault.clone()));
    Err(Error::OtherRestore { machine, id: found.id, vault })
}

/// The restore of a machine that began since, over or not.
fn begun(
    arm: &Arm,
    vault: &VaultId,
    own: &Restore,
    since: Timestamp,
) -> Result<Option<String>, Error> {
    let operation = Some("Restore".to_owned());
    let filter = JobFilter { operation, since: Some(since), ..JobFilter::default() };
    let all = jobs(arm, vault, &filter)?;
    Ok(all.into_iter().find(|job| job.is_of(&own.machine)).map(|job| job.id))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::vm_backup::JobState;

    fn own(target: RestoreTarget) -> Restore {
        let id = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/";
        let account = "/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/st/providers/Microsoft.Storage/storageAccounts/account1";
        Restore {
            machine: MachineId::parse(&format!("{id}web")).unwrap(),
            point: Point {
                id: "7".to_owned(),
                time: Some("2026-11-20T02:00:00Z".parse().unwrap()),
                consistency: "CrashConsistent".to_owned(),
                tiers: vec!["HardenedRP".to_owned()],
            },
            account: account.parse().unwrap(),
            luns: Some(vec![0]),
            target,
        }
    }

    fn vault() -> RecoveryVault {
        RecoveryVault {
            id: VaultId {
                subscription: "11111111-2222-4333-8444-555555555555".parse().unwrap(),
                group: "b".parse().unwrap(),
                name: "prod".parse().unwrap(),
            },
            region: "westus".to_owned(),
            state: "Succeeded".to_owned(),
            redundancy: None,
        }
    }

    #[test]
    fn one_that_is_under_way_is_known_by_all_that_the_service_tells_of_it() {
        let job = |facts: &[(&str, &str)]| Job {
            id: "1".to_owned(),
            operation: "Restore".to_owned(),
            machine: "web".to_owned(),
            group: None,
            state: JobState::InProgress,
            start: None,
            seconds: None,
            is_cancellable: false,
            tasks: Vec::new(),
            facts: facts.iter().map(|(name, text)| ((*name).into(), (*text).into())).collect(),
            faults: Vec::new(),
        };
        let blobs = own(RestoreTarget::Disks(None));
        let managed = own(RestoreTarget::Disks(Some("rg".parse().unwrap())));
        let account = ("Target Storage Account Name", "Account1");
        let group = ("Target resource group", "RG");
        assert!(blobs.is(&job(&[account])) && managed.is(&job(&[account, group])));
        assert!(!blobs.is(&job(&[account, group])) && !managed.is(&job(&[account])));
        assert!(!blobs.is(&job(&[("Target Storage Account Name", "account2")])));
        assert!(!blobs.is(&job(&[("Target virtual machine", "web2")])));
        assert!(!blobs.is(&job(&[("Job Type", "Replace disks")])));
        assert!(!blobs.is(&job(&[("Recovery point time", "2026-11-20T03:00:00Z")])));
    }

    #[test]
    fn each_kind_has_the_form_that_the_service_publishes() {
        let body =
            |target| -> Value { serde_json::to_value(own(target).request(&vault())).unwrap() };
        let plain = json!({
            "objectType": "IaasVMRestoreRequest", "recoveryPointId": "7",
            "recoveryType": "RestoreDisks", "region": "westus",
            "sourceResourceId":
                "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/web",
            "storageAccountId":
                "/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/st/providers/Microsoft.Storage/storageAccounts/account1",
            "createNewCloudService": false, "originalStorageAccountOption": false,
            "encryptionDetails": {"encryptionEnabled": false}, "restoreDiskLunList": [0],
        });
        assert_eq!(body(RestoreTarget::Disks(None)), plain);
        let group = body(RestoreTarget::Disks(Some("other".parse().unwrap())));
        assert_eq!(group["targetResourceGroupId"], "/subscriptions/s/resourceGroups/other");
        assert_eq!(body(RestoreTarget::Replace)["recoveryType"], "OriginalLocation");
        let machine = own(RestoreTarget::Replace).machine;
        let (network, subnet) = ("/n".to_owned(), "/n/subnets/s".to_owned());
        let new = body(RestoreTarget::New { machine, network, subnet });
        assert_eq!(new["recoveryType"], "AlternateLocation");
        assert_eq!(new["targetResourceGroupId"], "/subscriptions/s/resourceGroups/rg");
        assert_eq!(
            (&new["virtualNetworkId"], &new["subnetId"]),
            (&json!("/n"), &json!("/n/subnets/s"))
        );
    }

    #[test]
    fn the_names_of_machines_keep_azures_rule() {
        for name in ["web", "Web-1", "a", "a.b_c", &"a".repeat(64)] {
            assert_eq!(name_rule(name), None, "{name}");
        }
        for name in ["", "-a", "a-", "_a", "a.", "a b", "a/b", "ä", &"a".repeat(65)] {
            assert!(name_rule(name).is_some(), "{name}");
        }
    }
}
