//! Vaults as a person and a script see them.

use disk_prep::noun::{
    AccountName, ByteSize, ContainerName, JobName, Schedule, VaultName, ZoneName, count,
};
use jiff::Timestamp;
use jiff::civil::Time;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::path_text::PathText;
use super::record::{Record, line};
use super::vault_machine::MachineRecord;
use super::vault_run::{aside_line, due_text, due_value};
use crate::journey::vault::Vaults;
use crate::journey::vault_attach::{Attached, Detached};
use crate::journey::vault_run::Status;
use crate::journey::vault_source::Accepted;
use crate::outcome::Outcome;
use crate::policy::Retention;
use crate::vault::{KnownSource, LastRun, Notice, Vault, VaultState};

/// When increments are made, in the time zone of the vault.
#[derive(Default, Serialize, JsonSchema)]
pub(super) struct ScheduleRecord {
    /// `day`, `week`, `weekdays`, `hours` or `calendar`.
    every: &'static str,
    /// Day of the week, 1 for Monday to 7 for Sunday; only of `week`.
    #[schemars(with = "i8")]
    #[serde(skip_serializing_if = "Option::is_none")]
    on: Option<i8>,
    /// Time of day; missing of `hours` and `calendar`.
    #[schemars(with = "Time")]
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Time>,
    /// Days of the week; only of `weekdays`.
    #[schemars(with = "Vec<i8>")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    days: Vec<i8>,
    /// Hours from one turn to the next; only of `hours`.
    #[schemars(with = "i8")]
    #[serde(skip_serializing_if = "Option::is_none")]
    hours: Option<i8>,
    /// As systemd writes it; only of `calendar`.
    #[schemars(with = "String")]
    #[serde(skip_serializing_if = "Option::is_none")]
    expression: Option<String>,
}

/// A schedule for a script.
pub(super) fn schedule_record(schedule: &Schedule) -> ScheduleRecord {
    let none = ScheduleRecord::default();
    match schedule {
        Schedule::Day { at } => ScheduleRecord { every: "day", at: Some(*at), ..none },
        Schedule::Week { on, at } => {
            let on = Some(on.to_monday_one_offset());
            ScheduleRecord { every: "week", on, at: Some(*at), ..none }
        }
        Schedule::Weekdays { on, at } => {
            let days = on.numbers().to_vec();
            ScheduleRecord { every: "weekdays", days, at: Some(*at), ..none }
        }
        Schedule::Hours { count } => {
            ScheduleRecord { every: "hours", hours: Some(count.hours()), ..none }
        }
        Schedule::Calendar { expression } => {
            let expression = Some(expression.as_str().to_owned());
            ScheduleRecord { every: "calendar", expression, ..none }
        }
    }
}

/// How many snapshots are kept; all, if every number is null.
#[derive(Serialize, JsonSchema)]
pub(super) struct RetentionRecord {
    /// Days of which one is kept.
    daily: Option<u16>,
    /// Weeks of which one is kept.
    weekly: Option<u16>,
    /// Months of which one is kept.
    monthly: Option<u16>,
    /// Years of which one is kept.
    yearly: Option<u16>,
}

/// Counts for a script.
pub(super) fn retention_record(kept: Retention) -> RetentionRecord {
    RetentionRecord {
        daily: kept.daily,
        weekly: kept.weekly,
        monthly: kept.monthly,
        yearly: kept.yearly,
    }
}

/// A vault.
#[derive(Serialize, JsonSchema)]
pub(super) struct VaultRecord<'a> {
    /// Its name.
    #[schemars(with = "String")]
    name: &'a VaultName,
    /// How far it is: `awaiting-seed`, `seed-in-transit`, `ingesting` or `protected`.
    #[schemars(with = "String")]
    state: VaultState,
    /// The storage account.
    #[schemars(with = "String")]
    storage_account: &'a AccountName,
    /// The container.
    #[schemars(with = "String")]
    container: &'a ContainerName,
    /// Stands before every blob of the repository; ends in a slash.
    prefix: &'a str,
    /// The import job of its seed; null if this machine knows of no seed.
    #[schemars(with = "Option<String>")]
    job: Option<&'a JobName>,
    /// The container that the seed is imported to; null if this machine knows of no seed.
    #[schemars(with = "Option<String>")]
    seed_container: Option<&'a ContainerName>,
    /// When increments are made.
    schedule: ScheduleRecord,
    /// Which snapshots are kept.
    retention: RetentionRecord,
    /// When the seed was taken in; null before.
    ingested_at: Option<Timestamp>,
    /// When the last increment was made; null before the first.
    incremented_at: Option<Timestamp>,
    /// When the imported container was cleared; null before.
    cleaned_at: Option<Timestamp>,
    /// Whether this call changed anything; only when it was created.
    #[schemars(with = "bool")]
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<bool>,
    /// What increments will cover; only when it was created.
    #[schemars(with = "Vec<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    covers: Option<&'a [String]>,
    /// Increments of this machine that can be restored only once the seed is taken in.
    kept_aside: u64,
    /// Until when what is backed up can be restored; null before the seed is taken in.
    restorable_until: Option<Timestamp>,
    /// When the next run is due: a time or `now`, null while nobody knows; only in its status.
    #[schemars(with = "Option<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_due: Option<Option<String>>,
    /// What each of its machines told last; only in its status.
    #[schemars(with = "Vec<MachineRecord<'a>>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    machines: Option<Vec<MachineRecord<'a>>>,
    /// Rules over the calendar that keep snapshots beside the counts of `retention`.
    keep: Vec<String>,
    /// The zone of schedule and policy; null if it is that of the machine.
    #[schemars(with = "Option<String>")]
    time_zone: Option<&'a ZoneName>,
    /// How the last run ended that did or tried something; null before.
    last_run: Option<LastRunRecord<'a>>,
    /// When this machine found its repository; only of a vault that was attached.
    #[schemars(with = "Timestamp")]
    #[serde(skip_serializing_if = "Option::is_none")]
    attached_at: Option<Timestamp>,
    /// Snapshots in its repository; only when it was attached.
    #[schemars(with = "u64")]
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshots: Option<usize>,
    /// The machines that these are of; only when it was attached.
    #[schemars(with = "Vec<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    hosts: Option<Vec<&'a str>>,
    /// Why nobody knows how far it is; the state is then what this machine knew last.
    #[schemars(with = "String")]
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<&'a str>,
}

/// How a run ended.
#[derive(Serialize, JsonSchema)]
pub(super) struct LastRunRecord<'a> {
    /// When.
    at: Timestamp,
    /// Its exit code.
    exit_code: i32,
    /// The code of what went wrong, if it stopped.
    code: Option<&'a str>,
    /// What went wrong, in a sentence.
    message: Option<&'a str>,
}

impl Record for VaultRecord<'_> {
    const TYPE: &'static str = "vault";
}

/// A source of a vault that the next run takes as it finds it.
#[derive(Serialize, JsonSchema)]
pub(super) struct SourceRecord<'a> {
    /// The vault.
    #[schemars(with = "String")]
    vault: &'a VaultName,
    /// The source.
    path: PathText<'a>,
    /// Where its file system was mounted; null if it was not asked for.
    mount: Option<PathText<'a>>,
    /// Files that it held when it was last backed up.
    files: u64,
    /// Their bytes.
    bytes: u64,
    /// Always true.
    accepted: bool,
}

impl Record for SourceRecord<'_> {
    const TYPE: &'static str = "vault-source";
}

/// A vault is no more known on this machine.
#[derive(Serialize, JsonSchema)]
pub(super) struct DetachedRecord<'a> {
    /// Its name.
    #[schemars(with = "String")]
    name: &'a VaultName,
    /// The storage account, where all stays as it is.
    #[schemars(with = "String")]
    storage_account: &'a AccountName,
    /// The container.
    #[schemars(with = "String")]
    container: &'a ContainerName,
    /// Stands before every blob of the repository.
    prefix: &'a str,
}

impl Record for DetachedRecord<'_> {
    const TYPE: &'static str = "vault-detached";
}

/// The record of a vault of which nobody knows how far it is, and why.
pub(super) fn unknown_record<'a>(vault: &'a Vault, why: &'a str) -> Value {
    line(&VaultRecord { unknown: Some(why), ..record(vault, known_state(vault)) })
}

/// The record of a vault whose state was asked for, with what its machines told, if that was too.
pub(super) fn status_record(status: &Status, machines: Option<&[Notice]>) -> Value {
    let next_due = Some(status.next.as_ref().map(due_value));
    let machines = machines.map(|all| all.iter().map(MachineRecord::from).collect());
    line(&VaultRecord { next_due, machines, ..record(&status.vault, status.state) })
}

pub(super) fn known_state(vault: &Vault) -> VaultState {
    if vault.awaits_seed() { VaultState::AwaitingSeed } else { VaultState::Protected }
}

/// Until when what this machine backs up can be restored.
fn restorable_until(vault: &Vault) -> Option<Timestamp> {
    // An earlier program did not tell them apart.
    let last = vault.incremented_at.filter(|_| vault.kept_aside == 0);
    vault.ingested_at.map(|at| vault.restorable_at.or(last).unwrap_or(at))
}

fn record(vault: &Vault, state: VaultState) -> VaultRecord<'_> {
    VaultRecord {
        name: &vault.name,
        state,
        storage_account: &vault.storage_account,
        container: &vault.container,
        prefix: &vault.prefix,
        job: vault.seed.as_ref().map(|seed| &seed.job),
        seed_container: vault.seed.as_ref().map(|seed| &seed.container),
        schedule: schedule_record(&vault.schedule),
        retention: retention_record(vault.retention),
        ingested_at: vault.ingested_at,
        incremented_at: vault.incremented_at,
        cleaned_at: vault.cleaned_at,
        kept_aside: vault.kept_aside,
        restorable_until: restorable_until(vault),
        changed: None,
        covers: None,
        machines: None,
        next_due: None,
        keep: vault.keep.iter().map(ToString::to_string).collect(),
        time_zone: vault.time_zone.as_ref(),
        last_run: vault.last_run.as_ref().map(last_run_record),
        attached_at: vault.attached_at,
        snapshots: None,
        hosts: None,
        unknown: None,
    }
}

pub(super) fn lines(vault: &Vault, state: VaultState) -> Vec<String> {
    let when = |time: Option<Timestamp>| time.map_or("not yet".to_owned(), |at| format!("{at:.0}"));
    let Vault { name, storage_account, container, prefix, .. } = vault;
    let seed = vault.seed.as_ref().map_or("none that this machine knows of".to_owned(), |seed| {
        format!("job {}, imported to {}/{}", seed.job, seed.container, seed.prefix)
    });
    let password = match (&vault.password_command, &vault.password_file) {
        (Some(line), _) => format!("said by {}", line.program()),
        (None, Some(path)) => format!("in {}", path.display()),
        (None, None) => "not known here".to_owned(),
    };
    let taken_in = match vault.attached_at {
        Some(at) if vault.ingested_at.is_none() => format!("attached {at:.0}"),
        _ => when(vault.ingested_at),
    };
    vec![
        format!("Vault         {name}"),
        format!("State         {}", state.word()),
        format!("Kept in       {storage_account}/{container}/{prefix}"),
        format!("Seed          {seed}"),
        format!("Taken in      {taken_in}"),
        format!("Last run      {}", when(vault.incremented_at)),
        format!("Increments    {}", vault.schedule),
        format!("Keeps         {}", vault.policy()),
        format!("Password      {password}"),
    ]
}

/// How a run ended, for a script.
pub(super) fn last_run_record(own: &LastRun) -> LastRunRecord<'_> {
    LastRunRecord {
        at: own.at,
        exit_code: own.exit_code,
        code: own.code.as_deref(),
        message: own.message.as_deref(),
    }
}

/// When the last run was and why it did not do all, if it did not.
pub(super) fn failed(last: &LastRun) -> Option<String> {
    let why = match (&last.code, &last.message) {
        (Some(code), Some(message)) => format!("{message} ({code})"),
        _ if last.exit_code == 0 => return None,
        _ => format!("something was left out, exit code {}", last.exit_code),
    };
    Some(format!("{:.0}, {why}", last.at))
}

impl Outcome for Vaults {
    fn lines(&self) -> Vec<String> {
        if self.vaults.is_empty() {
            return vec!["No vault is known here".to_owned()];
        }
        let shown = self.vaults.iter().map(|vault| lines(vault, known_state(vault)));
        let mut lines = shown.collect::<Vec<_>>().join(&String::new());
        lines.extend(self.told.iter().cloned());
        lines
    }

    fn json(&self) -> Vec<Value> {
        let covers = self.changed.map(|_| self.told.as_slice());
        let record = |vault: &Vault| {
            let record = record(vault, known_state(vault));
            line(&VaultRecord { changed: self.changed, covers, ..record })
        };
        self.vaults.iter().map(record).collect()
    }
}

impl Outcome for Status {
    fn lines(&self) -> Vec<String> {
        let mut shown = lines(&self.vault, self.state);
        shown.push(match (restorable_until(&self.vault), self.state) {
            (Some(at), _) => format!("Restorable    as of {at:.0}"),
            (None, VaultState::AwaitingSeed) => "Restorable    nothing yet".to_owned(),
            (None, _) => "Restorable    nothing before the seed is taken in".to_owned(),
        });
        shown.extend(aside_line(self.vault.kept_aside));
        let failed = self.vault.last_run.as_ref().and_then(failed);
        shown.extend(failed.map(|text| format!("Last failed   {text}")));
        shown.extend(self.next.iter().map(|next| format!("Next run      {}", due_text(next))));
        shown
    }

    fn json(&self) -> Vec<Value> {
        vec![status_record(self, None)]
    }
}

impl Outcome for Attached {
    fn lines(&self) -> Vec<String> {
        let mut shown = lines(&self.vault, known_state(&self.vault));
        match self.snapshots {
            None => shown.push("It was attached before; nothing is changed".to_owned()),
            Some(number) => {
                let number = count(number as u64, "snapshot");
                let hosts = self.hosts.iter().map(|host| host.as_str()).collect::<Vec<_>>();
                let of = if hosts.is_empty() { "" } else { " of " };
                shown.push(format!("Opened        {number}{of}{}", hosts.join(", ")));
            }
        }
        shown.extend(self.told.iter().cloned());
        shown
    }

    fn json(&self) -> Vec<Value> {
        let hosts = self.hosts.iter().map(String::as_str).collect();
        vec![line(&VaultRecord {
            changed: Some(self.changed),
            snapshots: self.snapshots,
            hosts: self.snapshots.map(|_| hosts),
            ..record(&self.vault, known_state(&self.vault))
        })]
    }
}

impl Outcome for Detached {
    fn lines(&self) -> Vec<String> {
        let Vault { name, storage_account, container, prefix, .. } = &self.vault;
        vec![format!(
            "Vault {name} is forgotten on this machine; {storage_account}/{container}/{prefix} is as it was"
        )]
    }

    fn json(&self) -> Vec<Value> {
        let Vault { name, storage_account, container, prefix, .. } = &self.vault;
        vec![line(&DetachedRecord { name, storage_account, container, prefix })]
    }
}

impl Outcome for Accepted {
    fn lines(&self) -> Vec<String> {
        let KnownSource { path, mount, files, bytes, .. } = &self.source;
        vec![match mount {
            Some(mount) => format!(
                "{} is taken as it is: {}, {}, below the mount point {}",
                path.display(),
                count(*files, "file"),
                ByteSize(*bytes),
                mount.display()
            ),
            None => format!("{} need not be on this machine", path.display()),
        }]
    }

    fn json(&self) -> Vec<Value> {
        let KnownSource { path, mount, files, bytes, .. } = &self.source;
        vec![line(&SourceRecord {
            vault: &self.vault,
            path: PathText(path),
            mount: mount.as_deref().map(PathText),
            files: *files,
            bytes: *bytes,
            accepted: true,
        })]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_aside_cannot_be_restored_yet() {
        let at = |second| Timestamp::from_second(second).ok();
        let mut vault = Vault::at(
            "office".parse().unwrap(),
            "account1".parse().unwrap(),
            "backup".parse().unwrap(),
            "repo/".to_owned(),
        );
        (vault.incremented_at, vault.kept_aside) = (at(5), 1);
        assert_eq!(restorable_until(&vault), None);
        vault.ingested_at = at(1);
        assert_eq!(restorable_until(&vault), at(1), "a further seed travels");
        vault.restorable_at = at(3);
        assert_eq!(restorable_until(&vault), at(3));
        vault.none_is_aside();
        assert_eq!(restorable_until(&vault), at(5), "it is taken in");
        vault.restorable_at = None;
        assert_eq!(restorable_until(&vault), at(5), "as an earlier program wrote it");
    }
}
