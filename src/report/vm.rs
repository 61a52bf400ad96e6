//! Azure's own backup of virtual machines, as a person and a script see it: vaults, policies, machines,
//! what was done to them.

use disk_prep::noun::{ErrorKind, count, typed, visible_line};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use super::vm_jobs::explained;
use crate::journey::vm_guide::{Guide, GuideStep, StepState};
use crate::journey::vm_protect::{Came, Deed, Deeds, Standing, Standings};
use crate::journey::vm_vault::{MadeVault, RecoveryVaults, SetPolicy, VmPolicies};
use crate::outcome::{Exit, Outcome};
use crate::vm_backup::{PolicyFacts, Protection, RecoveryVault, VaultId, create_line};

/// A Recovery Services vault.
#[derive(Serialize, JsonSchema)]
pub(super) struct VmVaultRecord<'a> {
    /// Its name.
    name: &'a str,
    /// Its resource id.
    id: String,
    /// Its region.
    region: &'a str,
    /// How far it is made: `Succeeded` when it can be used.
    state: &'a str,
    /// `GeoRedundant`, `LocallyRedundant`, `ZoneRedundant`, …; null if it is not told.
    redundancy: Option<&'a str>,
    /// Whether it was there before; only when it was to be made.
    #[serde(skip_serializing_if = "Option::is_none")]
    was_there: Option<bool>,
}

impl Record for VmVaultRecord<'_> {
    const TYPE: &'static str = "vm-vault";
}

/// A policy of a Recovery Services vault.
#[derive(Serialize, JsonSchema)]
pub(super) struct VmPolicyRecord<'a> {
    /// The vault.
    vault: &'a str,
    /// Its name.
    name: &'a str,
    /// When backups are made; null if the policy says what a file of this program cannot.
    schedule: Option<String>,
    /// The zone of that; null likewise.
    time_zone: Option<String>,
    /// How long they are kept.
    keep: Vec<String>,
    /// So many days snapshots stay beside the machine; null likewise.
    instant_days: Option<u8>,
    /// How many machines have it.
    machines: u64,
    /// `made`, `changed` or `unchanged`; only when it was set.
    #[serde(skip_serializing_if = "Option::is_none")]
    set: Option<&'static str>,
}

impl Record for VmPolicyRecord<'_> {
    const TYPE: &'static str = "vm-policy";
}

/// A virtual machine, and how it stands in a vault.
#[derive(Serialize, JsonSchema)]
pub(super) struct VmRecord<'a> {
    /// Its name.
    name: &'a str,
    /// Its resource group.
    group: &'a str,
    /// Its resource id.
    id: String,
    /// Its region; null if the machine is gone.
    region: Option<&'a str>,
    /// `none`, `first-backup-to-come`, `protected`, `stopped`, `deleted` or `other`.
    protection: &'static str,
    /// The vault that has it; null if none has.
    vault: Option<&'a str>,
    /// Its policy.
    policy: Option<&'a str>,
    /// When its last backup ended.
    last_backup: Option<Timestamp>,
    /// How it ended, in the service's word.
    last_backup_status: Option<&'a str>,
    /// Its newest point.
    newest_point: Option<Timestamp>,
    /// When its policy makes the next backup.
    next_backup: Option<Timestamp>,
    /// What the service says of its health.
    health: Option<&'a str>,
}

impl Record for VmRecord<'_> {
    const TYPE: &'static str = "vm";
}

/// What was done to a machine, or not.
#[derive(Serialize, JsonSchema)]
pub(super) struct VmDeedRecord<'a> {
    /// The machine's name.
    name: &'a str,
    /// Its resource group.
    group: &'a str,
    /// The vault.
    vault: &'a str,
    /// `done`, `unchanged` or `failed`.
    outcome: &'static str,
    /// That in words.
    message: &'a str,
    /// The job of the service; null if it made none.
    job: Option<&'a str>,
    /// Code of the failure.
    code: Option<&'a str>,
    /// The service's own code of the failure, if it said one.
    service_code: Option<&'a str>,
    /// What to do about the failure.
    hint: Option<&'a str>,
}

impl Record for VmDeedRecord<'_> {
    const TYPE: &'static str = "vm-deed";
}

/// A step to protected machines.
#[derive(Serialize, JsonSchema)]
pub(super) struct VmGuideRecord<'a> {
    /// Which of the six.
    step: usize,
    /// What it is called.
    title: &'a str,
    /// `done`, `open` or `unseen`.
    state: &'static str,
    /// What of it is known or to be known.
    text: &'a str,
    /// The lines to type.
    run: &'a [String],
}

impl Record for VmGuideRecord<'_> {
    const TYPE: &'static str = "vm-guide";
}

fn vault_record(own: &RecoveryVault, was_there: Option<bool>) -> Value {
    line(&VmVaultRecord {
        name: own.id.name.as_str(),
        id: own.id.to_string(),
        region: &own.region,
        state: &own.state,
        redundancy: own.redundancy.as_deref(),
        was_there,
    })
}

fn vault_line(own: &RecoveryVault) -> String {
    let VaultId { group, name, .. } = &own.id;
    let redundancy = visible_line(own.redundancy.as_deref().unwrap_or("redundancy not told"));
    let state = match own.state.as_str() {
        "Succeeded" => "active".into(),
        other => visible_line(other),
    };
    format!("{group}/{name}  {}  {redundancy}  {state}", visible_line(&own.region))
}

/// What can be done with a vault next. Of two with one name the group says which.
fn next_lines(own: &RecoveryVault, has_namesake: bool) -> Vec<String> {
    let VaultId { group, name, .. } = &own.id;
    let mut vault = vec!["--vault", name.as_str()];
    if has_namesake {
        vault.extend(["--resource-group", group.as_str()]);
    }
    let line = |words: &[&str]| typed(["azseed", "vm"].iter().chain(words).chain(&vault).copied());
    vec![
        format!("Next: `{}`", line(&["discover"])),
        format!("      `{}`", line(&["protect", "--all"])),
    ]
}

impl Outcome for MadeVault {
    fn lines(&self) -> Vec<String> {
        let word = if self.was_there { "is there already" } else { "is made" };
        let mut lines = vec![format!("Vault {word}: {}", vault_line(&self.vault))];
        if let Some(other) = &self.namesake {
            lines.push(format!("Another vault has this name: {other}"));
        }
        if self.has_policy {
            lines.push(
                "Its policy DefaultPolicy makes a backup a day and keeps it for 30 days".to_owned(),
            );
        }
        lines.push("Its redundancy cannot be changed once a machine is protected".to_owned());
        lines.extend(next_lines(&self.vault, self.namesake.is_some()));
        lines
    }

    fn json(&self) -> Vec<Value> {
        vec![vault_record(&self.vault, Some(self.was_there))]
    }
}

impl Outcome for RecoveryVaults {
    fn lines(&self) -> Vec<String> {
        if self.all.is_empty() {
            let line = create_line(None, "REGION");
            return vec![format!("There is no Recovery Services vault; `{line}` makes one")];
        }
        let mut lines: Vec<String> = self.all.iter().map(vault_line).collect();
        if let (true, Some(own)) = (self.is_one, self.all.first()) {
            lines.extend(next_lines(own, false));
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        self.all.iter().map(|own| vault_record(own, None)).collect()
    }
}

impl SetPolicy {
    fn word(self) -> &'static str {
        match self {
            SetPolicy::Made => "made",
            SetPolicy::Changed => "changed",
            SetPolicy::Unchanged => "unchanged",
        }
    }
}

impl Outcome for VmPolicies {
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for PolicyFacts { name, policy, users } in &self.all {
            let users = count(*users, "machine");
            let name = visible_line(name);
            let set = self.set.map(|own| format!(", {}", own.word())).unwrap_or_default();
            match policy {
                None => lines.push(format!(
                    "{name}{set}: {users}; it says what a file of this program cannot"
                )),
                Some(own) if self.is_one => {
                    lines.push(format!("# {name}{set}: {users}"));
                    lines.extend(own.to_toml());
                }
                Some(own) => {
                    let rules: Vec<String> = own.rules.iter().map(ToString::to_string).collect();
                    let (schedule, zone) = (&own.schedule, &own.zone);
                    lines.push(format!("{name}: {schedule} ({zone}), {users}"));
                    lines.extend(rules.iter().map(|rule| format!("  keeps {rule}")));
                }
            }
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let record = |own: &PolicyFacts| {
            let policy = own.policy.as_ref();
            line(&VmPolicyRecord {
                vault: self.vault.name.as_str(),
                name: &own.name,
                schedule: policy.map(|own| own.schedule.to_string()),
                time_zone: policy.map(|own| own.zone.to_string()),
                keep: policy.iter().flat_map(|own| &own.rules).map(ToString::to_string).collect(),
                instant_days: policy.map(|own| own.instant_days),
                machines: own.users,
                set: self.set.map(SetPolicy::word),
            })
        };
        self.all.iter().map(record).collect()
    }
}

fn protection(own: &Standing) -> &'static str {
    match own.item.as_ref().map(|item| &item.protection) {
        None => "none",
        Some(Protection::FirstToCome) => "first-backup-to-come",
        Some(Protection::Protected) => "protected",
        Some(Protection::Stopped) => "stopped",
        Some(Protection::Deleted(_)) => "deleted",
        Some(Protection::Other(_)) => "other",
    }
}

fn standing_lines(own: &Standing) -> Vec<String> {
    let region = own.region.as_deref().unwrap_or("gone");
    let told = match &own.item {
        None => "not protected".to_owned(),
        Some(item) => item.protection.told(),
    };
    let first = format!("{}  {region}  {told}", own.machine.short());
    let mut lines = vec![visible_line(&first).into_owned()];
    let Some(item) = &own.item else { return lines };
    let vault = own.vault.as_ref().map_or(String::new(), |own| format!("vault {}", own.name));
    let policy = item.policy.as_ref().map(|own| format!(", policy {own}")).unwrap_or_default();
    lines.push(visible_line(&format!("  {vault}{policy}")).into_owned());
    if let Some((time, word)) = &item.last {
        lines.push(visible_line(&format!("  last backup {time:.0}: {word}")).into_owned());
    }
    if let Some(time) = item.newest {
        lines.push(format!("  newest point {time:.0}"));
    }
    if let Some(next) = &own.next {
        lines.push(format!("  next backup {:.0}", next.timestamp()));
    }
    lines
}

impl Outcome for Standings {
    fn lines(&self) -> Vec<String> {
        if self.all.is_empty() {
            return vec!["No machine to show: none is protected here".to_owned()];
        }
        let mut lines: Vec<String> = self.all.iter().flat_map(standing_lines).collect();
        lines.extend(self.next.iter().map(|next| format!("Next: `{next}`")));
        lines
    }

    fn json(&self) -> Vec<Value> {
        let record = |own: &Standing| {
            let item = own.item.as_ref();
            let last = item.and_then(|own| own.last.as_ref());
            line(&VmRecord {
                name: &own.machine.name,
                group: &own.machine.group,
                id: own.machine.to_string(),
                region: own.region.as_deref(),
                protection: protection(own),
                vault: own.vault.as_ref().map(|own| own.name.as_str()),
                policy: item.and_then(|own| own.policy.as_deref()),
                last_backup: last.map(|(time, _)| *time),
                last_backup_status: last.map(|(_, word)| word.as_str()),
                newest_point: item.and_then(|own| own.newest),
                next_backup: own.next.as_ref().map(jiff::Zoned::timestamp),
                health: item.and_then(|own| own.health.as_deref()),
            })
        };
        self.all.iter().map(record).collect()
    }
}

fn deed_lines(own: &Deed) -> Vec<String> {
    let name = own.machine.short();
    let job = own.job.as_ref().map(|job| format!(" (job {job})")).unwrap_or_default();
    let told = |text: String| visible_line(&text).into_owned();
    match &own.came {
        Came::Done(word) | Came::Unchanged(word) => vec![told(format!("{name}: {word}{job}"))],
        Came::Failed { message, code, said, hint, .. } => {
            let mut lines = vec![told(format!("{name}: {message}"))];
            lines.push(told(format!("  hint: {hint}")));
            lines.push(format!("  code: {code}  (see `azseed explain {code}`)"));
            lines.extend(explained(said.iter().map(String::as_str)));
            lines
        }
    }
}

impl Outcome for Deeds {
    fn lines(&self) -> Vec<String> {
        if self.all.is_empty() {
            return vec!["There is nothing to do: no machine is meant".to_owned()];
        }
        let mut lines: Vec<String> = self.all.iter().flat_map(deed_lines).collect();
        if self.exit() == Exit::Done {
            lines.extend(self.next.iter().map(|next| format!("Next: `{next}`")));
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let record = |own: &Deed| {
            let (outcome, message) = match &own.came {
                Came::Done(word) => ("done", *word),
                Came::Unchanged(word) => ("unchanged", *word),
                Came::Failed { message, .. } => ("failed", message.as_str()),
            };
            let (code, service_code, hint) = match &own.came {
                Came::Failed { code, said, hint, .. } => {
                    (Some(*code), said.as_deref(), Some(hint.as_str()))
                }
                _ => (None, None, None),
            };
            line(&VmDeedRecord {
                name: &own.machine.name,
                group: &own.machine.group,
                vault: self.vault.name.as_str(),
                outcome,
                message,
                job: own.job.as_deref(),
                code,
                service_code,
                hint,
            })
        };
        self.all.iter().map(record).collect()
    }

    /// One machine ends with what came of it; of several that fail the call has failed.
    fn exit(&self) -> Exit {
        let kind = |own: &Deed| match &own.came {
            Came::Failed { kind, .. } => Some(*kind),
            _ => None,
        };
        match self.all.as_slice() {
            [one] => Exit::of(kind(one)),
            all => Exit::of(all.iter().find_map(kind).map(|_| ErrorKind::Failed)),
        }
    }
}

/// How the deeds ended, when they were shown before.
#[derive(Debug)]
pub struct DeedsShown(Exit);

impl Deeds {
    /// The same, told already.
    pub fn without_lines(&self) -> DeedsShown {
        DeedsShown(self.exit())
    }
}

impl Outcome for DeedsShown {
    fn lines(&self) -> Vec<String> {
        Vec::new()
    }
    fn json(&self) -> Vec<Value> {
        Vec::new()
    }
    fn exit(&self) -> Exit {
        self.0
    }
}

impl Outcome for Guide {
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (at, GuideStep { title, state, text, run }) in self.0.iter().enumerate() {
            let word = match state {
                StepState::Done => "done",
                StepState::Open => "to do",
                StepState::Unseen => "not seen from here",
            };
            lines.push(format!("{}. {title}: {word}", at + 1));
            if !text.is_empty() {
                lines.push(format!("   {}", visible_line(text)));
            }
            if *state != StepState::Done {
                lines.extend(run.iter().map(|own| format!("     {own}")));
            }
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let record = |(at, own): (usize, &GuideStep)| {
            let state = match own.state {
                StepState::Done => "done",
                StepState::Open => "open",
                StepState::Unseen => "unseen",
            };
            let (title, text, run) = (own.title, own.text.as_str(), own.run.as_slice());
            line(&VmGuideRecord { step: at + 1, title, state, text, run })
        };
        self.0.iter().enumerate().map(record).collect()
    }
}
