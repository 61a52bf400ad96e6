//! Jobs and points of a Recovery Services vault. A job that failed brings its entry of the catalogue
//! along.

use disk_prep::noun::{ErrorKind, visible_line};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::explained::Explained;
use super::record::{Record, line};
use crate::advice::{self, Advice};
use crate::journey::vm_jobs::{Jobs, Manner, VmPoints};
use crate::outcome::{Exit, Outcome};
use crate::vm_backup::{Job, JobFault, JobState, Point, Task};

/// A job of a Recovery Services vault.
#[derive(Serialize, JsonSchema)]
pub(super) struct VmJobRecord<'a> {
    /// The vault.
    vault: &'a str,
    /// Its id.
    id: &'a str,
    /// What it does: `Backup`, `ConfigureBackup`, `Restore`, ….
    operation: &'a str,
    /// The machine.
    machine: &'a str,
    /// Its resource group; null if the service does not tell it.
    group: Option<&'a str>,
    /// How it stands, in the service's word.
    status: &'a str,
    /// When it began.
    start: Option<Timestamp>,
    /// How long it took so far, seconds.
    seconds: Option<u64>,
    /// Whether it can be cancelled now.
    cancellable: bool,
    /// Whether it takes longer than a backup or a restore should.
    long: bool,
    /// Its parts; none in a list.
    tasks: Vec<VmTaskRecord<'a>>,
    /// What else the service tells of it; nothing in a list.
    facts: Vec<VmJobFactRecord<'a>>,
    /// What went wrong.
    errors: Vec<VmJobErrorRecord<'a>>,
}

/// A part of a job.
#[derive(Serialize, JsonSchema)]
pub(super) struct VmTaskRecord<'a> {
    /// What is done.
    name: &'a str,
    /// How it stands.
    status: &'a str,
}

/// What the service tells of a job.
#[derive(Serialize, JsonSchema)]
pub(super) struct VmJobFactRecord<'a> {
    /// What it is about, in the service's words.
    name: &'a str,
    /// What is told.
    value: &'a str,
}

/// What went wrong in a job.
#[derive(Serialize, JsonSchema)]
pub(super) struct VmJobErrorRecord<'a> {
    /// Its number.
    number: Option<i64>,
    /// Its title.
    title: &'a str,
    /// In the service's words.
    message: &'a str,
    /// The code that `azseed explain` knows; null if it knows none.
    code: Option<&'a str>,
}

impl Record for VmJobRecord<'_> {
    const TYPE: &'static str = "vm-job";
}

/// A recovery point.
#[derive(Serialize, JsonSchema)]
pub(super) struct VmPointRecord<'a> {
    /// The machine.
    machine: &'a str,
    /// Its resource group.
    group: &'a str,
    /// Its id.
    id: &'a str,
    /// When it was made.
    time: Option<Timestamp>,
    /// `AppConsistent`, `FileSystemConsistent` or `CrashConsistent`.
    consistency: &'a str,
    /// Where it lies: `InstantRP` beside the machine, `HardenedRP` in the vault, ….
    tiers: &'a [String],
}

impl Record for VmPointRecord<'_> {
    const TYPE: &'static str = "vm-point";
}

/// The entry of a code that the service gave: who takes in drives has some of the same names.
fn of_service(code: &str) -> Option<&'static Advice> {
    advice::find(code).filter(|own| own.said_by != advice::Speaker::Datacenter)
}

/// The entry of a fault: by its number, its title, or the words of its message.
fn entry(own: &JobFault) -> Option<&'static Advice> {
    let number = own.number.map(|own| own.to_string());
    number.as_deref().and_then(of_service).or_else(|| of_service(&own.title)).or_else(|| {
        let message = own.message.trim().trim_end_matches('.');
        advice::said_by(advice::Speaker::Azure).find(|entry| {
            entry.detail().is_some_and(|detail| {
                !message.is_empty()
                    && detail.message.trim_end_matches('.').eq_ignore_ascii_case(message)
            })
        })
    })
}

/// The entries of codes that the service gave, as `explain` shows them.
pub(super) fn explained<'a>(codes: impl Iterator<Item = &'a str>) -> Vec<String> {
    let entries = codes.filter_map(of_service);
    entries.flat_map(indented).collect()
}

fn indented(own: &'static Advice) -> Vec<String> {
    let lines = Explained(own).lines();
    lines.into_iter().map(|own| if own.is_empty() { own } else { format!("  {own}") }).collect()
}

fn job_line(own: &Job, machine: &str) -> String {
    let start = own.start.map(|start| format!("{start:.0}")).unwrap_or_default();
    let took = own.seconds.map(|secs| format!("  {}", took(secs))).unwrap_or_default();
    let (id, operation) = (&own.id, &own.operation);
    let text = format!("{id}  {operation}  {machine}  {}  {start}{took}", own.state.word());
    visible_line(&text).into_owned()
}

fn took(secs: u64) -> String {
    match secs {
        0..60 => format!("{secs} s"),
        60..3600 => format!("{} min", secs / 60),
        _ => format!("{} h {} min", secs / 3600, secs / 60 % 60),
    }
}

fn fault_lines(own: &JobFault) -> Vec<String> {
    let number = own.number.map(|own| format!("{own} ")).unwrap_or_default();
    let said = format!("  {number}{}: {}", own.title, own.message);
    let mut lines = vec![visible_line(&said).into_owned()];
    match entry(own) {
        Some(entry) => lines.extend(indented(entry)),
        None => lines.push("  `azseed explain WORDS` looks for words of this message".to_owned()),
    }
    lines
}

fn task_record(own: &Task) -> VmTaskRecord<'_> {
    VmTaskRecord { name: &own.name, status: &own.state }
}

fn fault_record(own: &JobFault) -> VmJobErrorRecord<'_> {
    let JobFault { number, title, message } = own;
    let code = entry(own).map(|own| own.code.as_str());
    VmJobErrorRecord { number: *number, title, message, code }
}

impl Outcome for Jobs {
    fn lines(&self) -> Vec<String> {
        if self.all.is_empty() {
            return vec!["There is no such job".to_owned()];
        }
        let mut lines = Vec::new();
        for own in &self.all {
            lines.push(job_line(own, &self.twins.told(own)));
            if let Some(entry) = own.is_long() {
                lines.push(format!(
                    "  It takes longer than it should: see `azseed explain {entry}`"
                ));
            }
            if self.manner == Manner::Listed {
                continue;
            }
            let task =
                |own: &Task| visible_line(&format!("  {}: {}", own.name, own.state)).into_owned();
            lines.extend(own.tasks.iter().map(task));
            if own.operation == "Restore" {
                let fact = |(name, value): &(String, String)| {
                    let time = value.parse::<Timestamp>().map(|time| format!("{time:.0}"));
                    let value = time.as_deref().unwrap_or(value);
                    visible_line(&format!("  {name}: {value}")).into_owned()
                };
                lines.extend(own.facts.iter().map(fact));
            }
            if own.is_cancellable {
                let line = self.vault.line(["job", "cancel", own.id.as_str()]);
                lines.push(visible_line(&format!("  It can be cancelled: `{line}`")).into_owned());
            }
            lines.extend(own.faults.iter().flat_map(fault_lines));
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let record = |own: &Job| {
            line(&VmJobRecord {
                vault: self.vault.name.as_str(),
                id: &own.id,
                operation: &own.operation,
                machine: &own.machine,
                group: own.group.as_deref(),
                status: own.state.word(),
                start: own.start,
                seconds: own.seconds,
                cancellable: own.is_cancellable,
                long: own.is_long().is_some(),
                tasks: own.tasks.iter().map(task_record).collect(),
                facts: own
                    .facts
                    .iter()
                    .map(|(name, value)| VmJobFactRecord { name, value })
                    .collect(),
                errors: own.faults.iter().map(fault_record).collect(),
            })
        };
        self.all.iter().map(record).collect()
    }

    fn exit(&self) -> Exit {
        let kind = |own: &Job| match own.state {
            JobState::Failed => Some(ErrorKind::Failed),
            JobState::CompletedWithWarnings => Some(ErrorKind::LeftOut),
            JobState::Cancelled => Some(ErrorKind::Refused),
            _ => None,
        };
        let kinds: Vec<ErrorKind> = match self.manner {
            Manner::Awaited => self.all.iter().filter_map(kind).collect(),
            Manner::Listed | Manner::Whole => Vec::new(),
        };
        // One that failed counts before one with warnings.
        let failed = kinds.iter().copied().find(|own| *own == ErrorKind::Failed);
        Exit::of(failed.or_else(|| kinds.first().copied()))
    }
}

impl Outcome for VmPoints {
    fn lines(&self) -> Vec<String> {
        if self.all.is_empty() {
            return vec![format!("{} has no such point", self.machine.short())];
        }
        let one = |own: &Point| {
            let time = own.time.map(|time| format!("{time:.0}")).unwrap_or_default();
            let text = format!("{time}  {}  {}  {}", own.consistency, own.tiers.join(", "), own.id);
            visible_line(&text).into_owned()
        };
        let mut lines: Vec<String> = self.all.iter().map(one).collect();
        if let (Some(vault), [own]) = (&self.vault, self.all.as_slice()) {
            let machine = self.machine.short();
            let words = ["restore", "disks", &machine, "--at", &own.id, "--account", "ACCOUNT"];
            let line = vault.line(words);
            lines.push(visible_line(&format!("Next: `{line}`")).into_owned());
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let record = |own: &Point| {
            line(&VmPointRecord {
                machine: &self.machine.name,
                group: &self.machine.group,
                id: &own.id,
                time: own.time,
                consistency: &own.consistency,
                tiers: &own.tiers,
            })
        };
        self.all.iter().map(record).collect()
    }
}
