//! The upkeep of Recovery Services vaults and their policies, as a person and a script see it.

use disk_prep::noun::{count, visible_line};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::journey::vm_upkeep::{
    LetGo, PerRegion, PlannedRegion, VaultPlan, VaultStorage, VmTemplate,
};
use crate::outcome::Outcome;
use crate::vm_backup::create_line;

/// The redundancy of a Recovery Services vault.
#[derive(Serialize, JsonSchema)]
pub(super) struct VmRedundancyRecord<'a> {
    /// The vault.
    vault: &'a str,
    /// `GeoRedundant`, `LocallyRedundant`, `ZoneRedundant`, ….
    redundancy: &'a str,
    /// Whether it cannot be changed any more.
    locked: bool,
    /// Whether it was changed; only when it was to be set.
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<bool>,
}

impl Record for VmRedundancyRecord<'_> {
    const TYPE: &'static str = "vm-redundancy";
}

/// A region with virtual machines.
#[derive(Serialize, JsonSchema)]
pub(super) struct VmRegionRecord<'a> {
    /// The region.
    region: &'a str,
    /// How many machines it has.
    machines: usize,
    /// Names of its vaults.
    vaults: &'a [String],
}

impl Record for VmRegionRecord<'_> {
    const TYPE: &'static str = "vm-region";
}

/// A vault or a policy that was deleted.
#[derive(Serialize, JsonSchema)]
pub(super) struct VmDeletedRecord<'a> {
    /// `vault` or `policy`.
    what: &'a str,
    /// Its name.
    name: &'a str,
    /// The vault that the policy was in.
    vault: Option<&'a str>,
}

impl Record for VmDeletedRecord<'_> {
    const TYPE: &'static str = "vm-deleted";
}

/// A policy for virtual machines that is known by a name.
#[derive(Serialize, JsonSchema)]
pub(super) struct VmTemplateRecord<'a> {
    /// Its name.
    name: &'a str,
    /// What it is for.
    about: &'a str,
    /// When backups are made.
    schedule: String,
    /// The zone of that.
    time_zone: String,
    /// How long they are kept.
    keep: Vec<String>,
    /// So many days snapshots stay beside the machine.
    instant_days: u8,
}

impl Record for VmTemplateRecord<'_> {
    const TYPE: &'static str = "vm-policy-template";
}

impl Outcome for VaultStorage {
    fn lines(&self) -> Vec<String> {
        let name = &self.vault.id.name;
        let redundancy = visible_line(&self.storage.redundancy);
        let word = match self.changed {
            Some(true) => "is now",
            Some(false) => "is already",
            None => "is",
        };
        let mut lines = vec![format!("The vault {name} {word} {redundancy}")];
        lines.push(match self.storage.is_locked {
            true => "It cannot be changed: the vault holds machines".to_owned(),
            false => "It can be changed until the first machine is protected".to_owned(),
        });
        if !self.storage.is_locked && self.changed.is_some() {
            lines.push(format!("Next: `{}`", self.vault.id.line(["protect", "--all"])));
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        vec![line(&VmRedundancyRecord {
            vault: self.vault.id.name.as_str(),
            redundancy: &self.storage.redundancy,
            locked: self.storage.is_locked,
            changed: self.changed,
        })]
    }
}

impl Outcome for VaultPlan {
    fn lines(&self) -> Vec<String> {
        if self.0.is_empty() {
            return vec!["There is no virtual machine, so no vault is needed".to_owned()];
        }
        let mut lines = Vec::new();
        for PlannedRegion { region, machines, vaults } in &self.0 {
            let (region, machines) = (visible_line(region), count(*machines, "machine"));
            if vaults.is_empty() {
                lines.push(format!("{region}: {machines}, no vault"));
                lines.push(format!("  `{}`", create_line(None, &region)));
            } else {
                lines.push(format!("{region}: {machines}, {}", vaults.join(", ")));
            }
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let record = |own: &PlannedRegion| {
            let PlannedRegion { region, machines, vaults } = own;
            line(&VmRegionRecord { region, machines: *machines, vaults })
        };
        self.0.iter().map(record).collect()
    }
}

impl Outcome for PerRegion {
    fn lines(&self) -> Vec<String> {
        vec![match self.made {
            0 => "Every region with machines has a vault, so none was made".to_owned(),
            made => format!("Every region with machines has a vault now ({made} made)"),
        }]
    }

    fn json(&self) -> Vec<Value> {
        Vec::new()
    }
}

impl Outcome for LetGo {
    fn lines(&self) -> Vec<String> {
        vec![format!("The {} {} is deleted", self.what, visible_line(&self.name))]
    }

    fn json(&self) -> Vec<Value> {
        let vault = self.vault.as_ref().map(|own| own.as_str());
        vec![line(&VmDeletedRecord { what: self.what, name: &self.name, vault })]
    }
}

impl Outcome for VmTemplate {
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("# {}: {}", self.name, self.about)];
        lines.extend(self.policy.to_toml());
        lines
    }

    fn json(&self) -> Vec<Value> {
        let own = &self.policy;
        vec![line(&VmTemplateRecord {
            name: self.name,
            about: self.about,
            schedule: own.schedule.to_string(),
            time_zone: own.zone.to_string(),
            keep: own.rules.iter().map(ToString::to_string).collect(),
            instant_days: own.instant_days,
        })]
    }
}
