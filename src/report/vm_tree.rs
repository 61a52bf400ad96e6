//! Vaults with all that is in them, and start times that are spread, in words and as records.

use disk_prep::noun::{count, visible_line};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::journey::vm_tree::{PolicyBranch, Stagger, VaultBranch, VaultTree};
use crate::outcome::Outcome;
use crate::vm_backup::{Item, MachineId, Spread, SpreadStep, create_line};

/// A vault with its policies, each with its machines.
#[derive(Serialize, JsonSchema)]
pub(super) struct VmTreeRecord<'a> {
    /// The subscription.
    subscription: &'a str,
    /// The vault.
    vault: &'a str,
    /// Its resource group.
    group: &'a str,
    /// Its region.
    region: &'a str,
    /// Its policies.
    policies: Vec<TreePolicy<'a>>,
    /// Machines of which it has points, and that no policy protects any more.
    loose: Vec<TreeMachine<'a>>,
}

/// A policy with its machines.
#[derive(Serialize, JsonSchema)]
struct TreePolicy<'a> {
    /// Its name.
    name: &'a str,
    /// When backups are made; null if a file of this program cannot say it.
    schedule: Option<String>,
    /// The machines that have it.
    machines: Vec<TreeMachine<'a>>,
}

/// A machine in a vault.
#[derive(Serialize, JsonSchema)]
struct TreeMachine<'a> {
    /// Its name.
    name: &'a str,
    /// Its resource group.
    group: &'a str,
    /// How it stands, in words.
    protection: String,
}

impl Record for VmTreeRecord<'_> {
    const TYPE: &'static str = "vm-tree";
}

/// A policy as it should be so that not too many machines begin together.
#[derive(Serialize, JsonSchema)]
pub(super) struct VmStaggerRecord<'a> {
    /// The vault.
    vault: &'a str,
    /// The policy.
    policy: &'a str,
    /// `keep`, `move` or `make`.
    step: &'static str,
    /// When its backups should begin.
    schedule: String,
    /// The machines that should have it, as GROUP/NAME.
    machines: Vec<String>,
    /// The file that says it.
    file: String,
    /// The lines to type once that file is there.
    commands: Vec<String>,
}

impl Record for VmStaggerRecord<'_> {
    const TYPE: &'static str = "vm-stagger";
}

fn machine(own: &Item) -> TreeMachine<'_> {
    TreeMachine {
        name: &own.machine.name,
        group: &own.machine.group,
        protection: own.protection.told(),
    }
}

fn policy(own: &PolicyBranch) -> TreePolicy<'_> {
    let PolicyBranch { policy, machines } = own;
    TreePolicy {
        name: &policy.name,
        schedule: policy.policy.as_ref().map(|own| own.schedule.to_string()),
        machines: machines.iter().map(machine).collect(),
    }
}

fn machine_line(own: &Item) -> String {
    let text = format!("      {}  {}", own.machine.short(), own.protection.told());
    visible_line(&text).into_owned()
}

fn branch_lines(own: &VaultBranch) -> Vec<String> {
    let VaultBranch { vault, policies, loose } = own;
    let redundancy = vault.redundancy.as_deref().unwrap_or("redundancy not told");
    let text = format!("  {}/{} ({}, {redundancy})", vault.id.group, vault.id.name, vault.region);
    let mut lines = vec![visible_line(&text).into_owned()];
    for PolicyBranch { policy, machines } in policies {
        let when = policy.policy.as_ref().map(|own| format!(": {}", own.schedule));
        let text = format!("    {}{}", policy.name, when.unwrap_or_default());
        lines.push(visible_line(&text).into_owned());
        lines.extend(machines.iter().map(machine_line));
    }
    if !loose.is_empty() {
        lines.push("    without a policy".to_owned());
        lines.extend(loose.iter().map(machine_line));
    }
    lines
}

impl Outcome for VaultTree {
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("Subscription {}", self.subscription)];
        if self.vaults.is_empty() {
            lines.push(format!("  no vault; `{}` makes one", create_line(None, "REGION")));
        }
        lines.extend(self.vaults.iter().flat_map(branch_lines));
        lines
    }

    fn json(&self) -> Vec<Value> {
        let record = |own: &VaultBranch| {
            line(&VmTreeRecord {
                subscription: &self.subscription,
                vault: own.vault.id.name.as_str(),
                group: own.vault.id.group.as_str(),
                region: &own.vault.region,
                policies: own.policies.iter().map(policy).collect(),
                loose: own.loose.iter().map(machine).collect(),
            })
        };
        self.vaults.iter().map(record).collect()
    }
}

impl Stagger {
    fn commands(&self, own: &Spread) -> Vec<String> {
        let name = own.name.as_str();
        let file = format!("{name}.toml");
        let set = self.vault.line(["policy", "set", name, "--file", &file]);
        let machines: Vec<String> = own.machines.iter().map(MachineId::short).collect();
        let words = ["protect"].into_iter().chain(machines.iter().map(String::as_str));
        let protect = self.vault.line(words.chain(["--policy", name]));
        match own.step {
            SpreadStep::Keep => Vec::new(),
            SpreadStep::Move => vec![set],
            SpreadStep::Make => vec![set, protect],
        }
    }
}

impl Outcome for Stagger {
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for own in &self.spreading.all {
            let machines: Vec<String> = own.machines.iter().map(MachineId::short).collect();
            let word = match own.step {
                SpreadStep::Keep => "stays",
                SpreadStep::Move => "is to begin at another time",
                SpreadStep::Make => "is to be made",
            };
            let text = format!(
                "{} {word}, {}: {} ({})",
                own.name,
                own.policy.schedule,
                count(machines.len(), "machine"),
                machines.join(", ")
            );
            lines.push(visible_line(&text).into_owned());
            if own.step != SpreadStep::Keep {
                lines.push(format!("  {}.toml:", visible_line(&own.name)));
                lines.extend(own.policy.to_toml().iter().map(|own| format!("    {own}")));
                let commands = self.commands(own).into_iter();
                lines.extend(commands.map(|own| format!("  `{}`", visible_line(&own))));
            }
        }
        for own in &self.spreading.unknown {
            let name = visible_line(own);
            lines.push(format!("{name} says what a file of this program cannot, so it stays"));
        }
        if self.spreading.is_well() {
            let vault = &self.vault.name;
            lines.push(format!("Nothing is to be spread in {vault}: starts lie an hour apart"));
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let record = |own: &Spread| {
            line(&VmStaggerRecord {
                vault: self.vault.name.as_str(),
                policy: &own.name,
                step: match own.step {
                    SpreadStep::Keep => "keep",
                    SpreadStep::Move => "move",
                    SpreadStep::Make => "make",
                },
                schedule: own.policy.schedule.to_string(),
                machines: own.machines.iter().map(MachineId::short).collect(),
                file: own.policy.to_toml().join("\n") + "\n",
                commands: self.commands(own),
            })
        };
        self.spreading.all.iter().map(record).collect()
    }
}
