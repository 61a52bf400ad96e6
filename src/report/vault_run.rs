//! What a run for a vault has done, as a person and a script see it.

use disk_prep::noun::{ByteSize, ErrorKind, VaultName, count};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::not_read::NotReadRecord;
use super::record::{Record, line};
use crate::journey::vault_run::Ran;
use crate::outcome::{Exit, Outcome};
use crate::repository::NotRead;
use crate::schedule::Due;
use crate::vault::{Increment, Ingested, Remark, VaultState};

/// How the blobs of a seed came into the vault.
#[derive(Serialize, JsonSchema)]
struct IngestedRecord {
    /// Blobs that the service copied.
    copied: u64,
    /// Blobs that went through this machine.
    streamed: u64,
    /// Blobs that were taken from the staging path.
    repaired: u64,
    /// Blobs that were there already.
    unchanged: u64,
}

/// Something about a source.
#[derive(Serialize, JsonSchema)]
struct RemarkRecord<'a> {
    /// What it is about; `azseed explain` knows it.
    code: &'a str,
    /// What there is to know.
    message: String,
}

/// An increment.
#[derive(Serialize, JsonSchema)]
struct IncrementRecord<'a> {
    /// Id of the snapshot; null if none was made.
    snapshot: Option<&'a str>,
    /// Id of its tree.
    tree: Option<&'a str>,
    /// Files that were looked at.
    files: Option<u64>,
    /// Their bytes.
    bytes: Option<u64>,
    /// Files that could not be read.
    unreadable: Vec<String>,
    /// Files that changed while they were read.
    changed: &'a [String],
    /// Ids of older snapshots that the retention did not keep.
    forgotten: &'a [String],
    /// Whether the vault's policy keeps nothing, and so was not carried out.
    policy_refused: bool,
    /// What there is to know of the sources.
    remarks: Vec<RemarkRecord<'a>>,
    /// The same files as `unreadable`, each with its path and why.
    not_read: Vec<NotReadRecord<'a>>,
}

/// What a run for a vault has done.
#[derive(Serialize, JsonSchema)]
pub(super) struct RunRecord<'a> {
    /// The vault.
    #[schemars(with = "String")]
    name: &'a VaultName,
    /// How far it is: `awaiting-seed`, `seed-in-transit`, `ingesting` or `protected`.
    #[schemars(with = "String")]
    state: VaultState,
    /// How the seed was taken in; null if this run did not.
    ingested: Option<IngestedRecord>,
    /// The increment; null if none was due.
    increment: Option<IncrementRecord<'a>>,
    /// When the next run is due: a time, `now`, or `on-call` where only systemd knows its times;
    /// null while nobody knows.
    next_due: Option<String>,
    /// Increments of this machine that can be restored only once the seed is taken in.
    kept_aside: u64,
}

impl Record for RunRecord<'_> {
    const TYPE: &'static str = "vault-run";
}

/// When the next run is due, for a person.
pub(super) fn due_text(next: &Due) -> String {
    match next {
        Due::Now => "now".to_owned(),
        Due::At(time) => time.strftime("%Y-%m-%d %H:%M %Z").to_string(),
        Due::OnCall => "at each call of the timer".to_owned(),
    }
}

/// When the next run is due, for a script.
pub(super) fn due_value(next: &Due) -> String {
    match next {
        Due::Now => "now".to_owned(),
        Due::At(time) => time.timestamp().to_string(),
        Due::OnCall => "on-call".to_owned(),
    }
}

impl Outcome for Ran {
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        match self.state {
            VaultState::AwaitingSeed => lines
                .push(format!("Vault {} waits for its seed: nothing was shipped yet", self.name)),
            VaultState::SeedInTransit => {
                lines.push(format!(
                    "Vault {} waits for its seed: the import is under way, and is looked at again \
                     by each run",
                    self.name
                ));
                lines.extend(self.waits_for.iter().map(|path| {
                    let path = path.display();
                    format!("No increments until then: {path} is not on this machine")
                }));
            }
            VaultState::Ingesting | VaultState::Protected => {}
        }
        if let Some(Ingested { unchanged, copied, streamed, repaired }) = self.ingested {
            lines.push(format!(
                "Seed taken in: {} copied, {streamed} streamed, {repaired} repaired from staging, \
                 {unchanged} there already; every one proven by its MD5",
                count(copied, "blob")
            ));
        }
        if let Some(done) = &self.increment {
            lines.extend(increment(done, &self.name));
        }
        lines.extend(aside_line(self.kept_aside));
        if let Some(next) = &self.next {
            let is_made = self.increment.as_ref().is_none_or(|own| own.backup.is_some());
            let state = match (is_made, self.state) {
                (false, _) => " was not backed up",
                (true, VaultState::Protected) => " is protected",
                (true, _) => " goes on while its seed travels",
            };
            let (name, next) = (&self.name, due_text(next));
            lines.push(format!("Vault {name}{state}; next run due {next}"));
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let ingested = self.ingested.map(|own| {
            let Ingested { unchanged, copied, streamed, repaired } = own;
            IngestedRecord { copied, streamed, repaired, unchanged }
        });
        vec![line(&RunRecord {
            name: &self.name,
            state: self.state,
            ingested,
            increment: self.increment.as_ref().map(|done| increment_value(done, &self.name)),
            next_due: self.next.as_ref().map(due_value),
            kept_aside: self.kept_aside,
        })]
    }

    fn exit(&self) -> Exit {
        let is_less = |own: &Increment| {
            own.policy_refused
                || own.remarks.iter().any(Remark::is_left_out)
                || own.backup.as_ref().is_some_and(|backup| {
                    !(backup.unreadable.is_empty() && backup.changed.is_empty())
                })
        };
        let lost = self.is_unmeasured || self.increment.as_ref().is_some_and(is_less);
        Exit::of(lost.then_some(ErrorKind::LeftOut))
    }
}

/// What cannot be restored yet, and from when on it can.
pub(super) fn aside_line(kept_aside: u64) -> Option<String> {
    (kept_aside > 0).then(|| {
        format!(
            "{} in Azure since the seed was staged; to be restored once the seed is imported and \
             `azseed vault run` has taken it in",
            count(kept_aside, "increment")
        )
    })
}

/// An increment in lines.
fn increment(done: &Increment, vault: &VaultName) -> Vec<String> {
    let mut lines = Vec::new();
    match &done.backup {
        None => lines.push("No snapshot was made".to_owned()),
        Some(backup) => {
            let bytes = ByteSize(backup.bytes);
            let id = &backup.snapshot[..8];
            lines.push(format!("Snapshot {id}: {}, {bytes}", count(backup.files, "file")));
            lines.extend(backup.unreadable.iter().map(|what| format!("Not readable: {what}")));
            lines.extend(backup.changed.iter().map(|what| format!("Not steady: {what}")));
        }
    }
    if !done.forgotten.is_empty() {
        lines.push(format!("{} forgotten", count(done.forgotten.len(), "older snapshot")));
    }
    if done.policy_refused {
        lines.push(
            "The policy in this vault's record keeps nothing, so it was not carried out: nothing \
             was forgotten"
                .to_owned(),
        );
    }
    lines.extend(done.remarks.iter().map(|own| own.told(Some(vault))));
    lines
}

/// An increment for a script; without a snapshot its members are null.
fn increment_value<'a>(done: &'a Increment, vault: &VaultName) -> IncrementRecord<'a> {
    let remark =
        |own: &'a Remark| RemarkRecord { code: own.code(), message: own.told(Some(vault)) };
    let backup = done.backup.as_ref();
    let lost: &[NotRead] = backup.map_or(&[], |own| &own.unreadable);
    IncrementRecord {
        snapshot: backup.map(|own| own.snapshot.as_str()),
        tree: backup.map(|own| own.tree.as_str()),
        files: backup.map(|own| own.files),
        bytes: backup.map(|own| own.bytes),
        unreadable: lost.iter().map(NotRead::to_string).collect(),
        changed: backup.map_or(&[], |own| &own.changed),
        forgotten: &done.forgotten,
        policy_refused: done.policy_refused,
        remarks: done.remarks.iter().map(remark).collect(),
        not_read: lost.iter().map(NotReadRecord::from).collect(),
    }
}
