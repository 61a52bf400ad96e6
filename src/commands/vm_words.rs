//! Which vault and which machines a call means, as the options of journeys.

use disk_prep::noun::SubscriptionId;

use super::flags::azure;
use crate::cli::{MachinesArgs, VmTarget};
use crate::journey::connections::AzureOptions;
use crate::journey::vm::VmOptions;
use crate::journey::vm_protect::Machines;

/// Which vault.
pub fn target(target: &VmTarget) -> VmOptions {
    let VmTarget { vault, subscription, resource_group: group, azure: own } = target.clone();
    VmOptions { azure: azure(&own), subscription, group, vault }
}

/// A subscription, and no vault.
pub fn within(azure: AzureOptions, subscription: Option<SubscriptionId>) -> VmOptions {
    VmOptions { azure, subscription, group: None, vault: None }
}

/// Which machines.
pub fn which(args: &MachinesArgs) -> Machines {
    Machines { words: args.machines.clone(), is_all: args.all }
}

/// Those of these words.
pub fn named(words: &[String]) -> Machines {
    Machines { words: words.to_vec(), is_all: false }
}
