//! When a vault is run, as a person and a script see it.

use disk_prep::noun::{VaultName, ZoneName};
use jiff::{Timestamp, Zoned};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::path_text::PathTexts;
use super::record::{Record, line};
use super::vault::{ScheduleRecord, schedule_record};
use crate::journey::vault_schedule::{RemovedUnits, ShownSchedule};
use crate::outcome::Outcome;

/// When a vault is run.
#[derive(Serialize, JsonSchema)]
pub(super) struct WhenRecord<'a> {
    /// The vault.
    #[schemars(with = "String")]
    vault: &'a VaultName,
    /// When increments are made.
    schedule: ScheduleRecord,
    /// The zone; null if it is that of the machine.
    #[schemars(with = "Option<String>")]
    time_zone: Option<&'a ZoneName>,
    /// The next times; null where only systemd knows them and is not there.
    next: Option<Vec<Timestamp>>,
    /// Whether this call changed it; only when it was set.
    #[schemars(with = "bool")]
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<bool>,
    /// Units that were written.
    units: PathTexts<'a>,
    /// Whether the timer was started.
    started: bool,
}

impl Record for WhenRecord<'_> {
    const TYPE: &'static str = "vault-schedule";
}

/// Units that were deleted.
#[derive(Serialize, JsonSchema)]
pub(super) struct RemovedRecord<'a> {
    /// The vault.
    #[schemars(with = "String")]
    vault: &'a VaultName,
    /// Their files; empty if there were none.
    removed: PathTexts<'a>,
}

impl Record for RemovedRecord<'_> {
    const TYPE: &'static str = "vault-schedule-removed";
}

impl Outcome for ShownSchedule {
    fn lines(&self) -> Vec<String> {
        let name = &self.vault.name;
        let zone = self.vault.time_zone.as_ref().map(|zone| format!(" in {zone}"));
        let (schedule, zone) = (&self.vault.schedule, zone.unwrap_or_default());
        let was = if self.changed == Some(false) { ", as before" } else { "" };
        let mut lines = vec![format!("Vault {name} is backed up {schedule}{zone}{was}")];
        let shown = |time: &Zoned| format!("  {}", time.strftime("%a %Y-%m-%d %H:%M %Z"));
        lines.extend(self.next.iter().flatten().map(shown));
        lines.extend(self.written.iter().map(|path| format!("Written: {}", path.display())));
        if self.is_started {
            lines.push("The timer is started".to_owned());
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let next = self.next.as_ref().map(|all| all.iter().map(Zoned::timestamp).collect());
        vec![line(&WhenRecord {
            vault: &self.vault.name,
            schedule: schedule_record(&self.vault.schedule),
            time_zone: self.vault.time_zone.as_ref(),
            next,
            changed: self.changed,
            units: PathTexts(&self.written),
            started: self.is_started,
        })]
    }
}

impl Outcome for RemovedUnits {
    fn lines(&self) -> Vec<String> {
        if self.removed.is_empty() {
            return vec![format!("Vault {} has no timer", self.vault)];
        }
        self.removed.iter().map(|path| format!("Deleted: {}", path.display())).collect()
    }

    fn json(&self) -> Vec<Value> {
        vec![line(&RemovedRecord { vault: &self.vault, removed: PathTexts(&self.removed) })]
    }
}
