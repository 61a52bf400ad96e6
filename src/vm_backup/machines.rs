//! Virtual machines: those of the subscription, and those that a vault finds to protect.

use disk_prep::noun::SubscriptionId;
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::names::MachineId;
use super::vault_id::VaultId;
use super::vaults::region;
use super::words::{CLASSIC, COMPUTE, RECOVERY, VMS_ONLY};
use crate::azure::Arm;

/// A machine.
#[derive(Debug, Clone, PartialEq)]
pub struct Machine {
    /// Which.
    pub id: MachineId,
    /// Its region.
    pub region: String,
    /// Places of its data disks.
    pub luns: Vec<u32>,
}

#[derive(Deserialize)]
struct Wire {
    id: String,
    #[serde(default)]
    location: String,
    #[serde(default)]
    properties: Properties,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Properties {
    storage_profile: StorageProfile,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct StorageProfile {
    data_disks: Vec<DataDisk>,
}

#[derive(Deserialize)]
struct DataDisk {
    lun: u32,
}

/// The machines of a subscription, by name and group.
pub fn machines(arm: &Arm, subscription: &SubscriptionId) -> Result<Vec<Machine>, Error> {
    let path = format!("subscriptions/{subscription}/providers/Microsoft.Compute/virtualMachines");
    let all: Vec<Wire> = arm.list(&path, COMPUTE)?;
    let machine = |own: Wire| {
        let id = MachineId::parse(&own.id)?;
        let luns = own.properties.storage_profile.data_disks.iter().map(|own| own.lun).collect();
        Some(Machine { id, region: region(&own.location), luns })
    };
    let mut all: Vec<Machine> = all.into_iter().filter_map(machine).collect();
    all.sort_by_key(|own| (own.id.name.to_lowercase(), own.id.group.to_lowercase()));
    Ok(all)
}

/// Names of machines of the way that is no more. Most subscriptions do not know their provider, so
/// what cannot be asked is none.
pub fn classic_machines(arm: &Arm, subscription: &SubscriptionId) -> Vec<String> {
    let path =
        format!("subscriptions/{subscription}/providers/Microsoft.ClassicCompute/virtualMachines");
    let all: Vec<Wire> = arm.list(&path, CLASSIC).unwrap_or_default();
    let name = |own: Wire| own.id.rsplit('/').next().unwrap_or_default().to_owned();
    all.into_iter().map(name).collect()
}

#[derive(Deserialize)]
struct Found {
    properties: FoundProperties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FoundProperties {
    #[serde(default)]
    virtual_machine_id: String,
}

#[derive(Serialize)]
struct Nothing {}

/// Has the service look for machines, and tells those that the vault could protect.
pub fn discover(arm: &Arm, vault: &VaultId) -> Result<Vec<MachineId>, Error> {
    let look = format!("backupFabrics/Azure/refreshContainers?$filter={VMS_ONLY}");
    arm.post_job(&vault.path(&look), RECOVERY, &Nothing {})?;
    let list = format!("backupProtectableItems?$filter={VMS_ONLY}");
    let all: Vec<Found> = arm.list(&vault.path(&list), RECOVERY)?;
    let id = |own: &Found| MachineId::parse(&own.properties.virtual_machine_id);
    Ok(all.iter().filter_map(id).collect())
}
