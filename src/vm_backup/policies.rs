//! Policies of a vault.

use disk_prep::limits::POLICY_NAME_CHARACTERS;
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::policy::VmPolicy;
use super::policy_wire::{Properties, is_same, policy, properties};
use super::vault_id::VaultId;
use super::words::{RECOVERY, VMS_ONLY};
use crate::azure::Arm;

/// A policy that a vault has.
#[derive(Debug, Clone)]
pub struct PolicyFacts {
    /// Its name.
    pub name: String,
    /// What it says; `None` if the words of the house cannot say it.
    pub policy: Option<VmPolicy>,
    /// How many machines have it.
    pub users: u64,
}

impl PolicyFacts {
    /// Whether it says to the service what another says.
    pub fn says(&self, other: &VmPolicy) -> bool {
        self.policy.as_ref().is_some_and(|own| is_same(own, other))
    }
}

#[derive(Deserialize)]
struct Wire {
    name: String,
    properties: serde_json::Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Users {
    #[serde(default)]
    protected_items_count: u64,
}

/// The policies of a vault for machines, by name.
pub fn policies(arm: &Arm, vault: &VaultId) -> Result<Vec<PolicyFacts>, Error> {
    let list = format!("backupPolicies?$filter={VMS_ONLY}");
    let all: Vec<Wire> = arm.list(&vault.path(&list), RECOVERY)?;
    let facts = |own: Wire| {
        let users: Option<Users> = serde_json::from_value(own.properties.clone()).ok();
        let known: Option<Properties> = serde_json::from_value(own.properties).ok();
        PolicyFacts {
            name: own.name,
            policy: known.as_ref().and_then(policy),
            users: users.map_or(0, |own| own.protected_items_count),
        }
    };
    let mut all: Vec<PolicyFacts> = all.into_iter().map(facts).collect();
    all.sort_by_key(|own| own.name.to_lowercase());
    Ok(all)
}

#[derive(Serialize)]
struct Body {
    properties: Properties,
}

/// Names are letters, digits and hyphens, a letter first.
fn is_name(name: &str) -> bool {
    POLICY_NAME_CHARACTERS.contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// Makes a policy, or changes it; all that the service would refuse is told before.
pub fn set_policy(arm: &Arm, vault: &VaultId, name: &str, own: &VmPolicy) -> Result<(), Error> {
    if !is_name(name) {
        return Err(Error::PolicyName { word: name.to_owned() });
    }
    let faults = own.faults();
    let Some(properties) = properties(own).filter(|_| faults.is_empty()) else {
        return Err(Error::Policy { faults });
    };
    arm.put_job(&vault.path(&format!("backupPolicies/{name}")), RECOVERY, &Body { properties })?;
    Ok(())
}

/// Deletes a policy that no machine has.
pub fn delete_policy(arm: &Arm, vault: &VaultId, name: &str) -> Result<(), Error> {
    Ok(arm.delete_job(&vault.path(&format!("backupPolicies/{name}")), RECOVERY).map(drop)?)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_policys_name_keeps_the_services_rule() {
        for name in ["abc", "Gold-7", "a--"] {
            assert!(super::is_name(name), "{name}");
        }
        for name in ["", "ab", "1ab", "a_b", "a b", "../x", &"a".repeat(151)] {
            assert!(!super::is_name(name), "{name}");
        }
    }
}
