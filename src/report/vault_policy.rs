//! Policies as a person and a script see them.

use disk_prep::noun::{VaultName, count};
use jiff::civil::Date;
use jiff::{Timestamp, Zoned};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::path_text::PathTexts;
use super::record::{Record, line};
use super::vault::{RetentionRecord, ScheduleRecord, retention_record, schedule_record};
use crate::journey::vault_policy::{JudgedSnapshot, LetGo, ShownPolicy, Templates, TriedPolicy};
use crate::outcome::Outcome;
use crate::policy::{Ground, TEMPLATES, Template};

/// What no policy lets go, in words.
const ALWAYS: [&str; 4] = [
    "the newest snapshot of its sources, the newest before a source shrank, the newest with files",
    "all of a source that shrank, until `azseed vault source accept PATH` is said of it",
    "snapshots of other machines, and what others have tagged",
    "everything, until `azseed cleanup` has proven that the vault holds the seed",
];

/// Which snapshots of a vault are kept.
#[derive(Serialize, JsonSchema)]
pub(super) struct PolicyRecord<'a> {
    /// The vault.
    #[schemars(with = "String")]
    vault: &'a VaultName,
    /// Rules over the calendar.
    keep: Vec<String>,
    /// Counts of spans.
    retention: RetentionRecord,
    /// When it was set; null if it is as the vault was made.
    policy_at: Option<Timestamp>,
    /// Whether this call changed it; only when it was set.
    #[schemars(with = "bool")]
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<bool>,
    /// What it keeps no longer; only when it was set.
    #[schemars(with = "Vec<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    removed: Option<&'a [String]>,
    /// What it keeps anew; only when it was set.
    #[schemars(with = "Vec<String>")]
    #[serde(skip_serializing_if = "Option::is_none")]
    added: Option<&'a [String]>,
}

impl Record for PolicyRecord<'_> {
    const TYPE: &'static str = "vault-policy";
}

/// Why something is kept.
#[derive(Serialize, JsonSchema)]
pub(super) struct GroundRecord {
    /// What kind of reason: `rule`, `count`, `newest`, `newest-whole`, `newest-with-files`,
    /// `newest-untold`, `marked`, `ahead`, `foreign`, `shrunk`, `no-policy` or `policy-refused`.
    kind: &'static str,
    /// The reason in words.
    message: String,
    /// The first day on which it holds no longer; null if that depends on what comes.
    until: Option<Date>,
}

/// A snapshot, and whether the policy keeps it.
#[derive(Serialize, JsonSchema)]
pub(super) struct JudgedRecord<'a> {
    /// The vault.
    #[schemars(with = "String")]
    vault: &'a VaultName,
    /// Its id.
    snapshot: &'a str,
    /// When it was made.
    time: Timestamp,
    /// The machine that it is of.
    host: &'a str,
    /// Its sources.
    paths: PathTexts<'a>,
    /// Whether it is kept.
    kept: bool,
    /// Why; empty if it is let go.
    reasons: Vec<GroundRecord>,
}

impl Record for JudgedRecord<'_> {
    const TYPE: &'static str = "policy-snapshot";
}

/// A backup that a simulation keeps to its end.
#[derive(Serialize, JsonSchema)]
pub(super) struct PointRecord {
    /// When it is made.
    time: Timestamp,
    /// The day in the zone of the simulation.
    date: Date,
    /// Why it is kept.
    reasons: Vec<GroundRecord>,
}

impl Record for PointRecord {
    const TYPE: &'static str = "policy-point";
}

/// How many backups there are at the end of a year.
#[derive(Serialize, JsonSchema)]
pub(super) struct YearRecord {
    /// The day.
    date: Date,
    /// How many are kept.
    kept: usize,
}

/// What a policy would keep.
#[derive(Serialize, JsonSchema)]
pub(super) struct SimulationRecord {
    /// Rules over the calendar.
    keep: Vec<String>,
    /// Counts of spans.
    retention: RetentionRecord,
    /// When backups are made.
    schedule: ScheduleRecord,
    /// The zone of days and times; null if it has no name.
    time_zone: Option<String>,
    /// The first day.
    from: Date,
    /// The last day.
    to: Date,
    /// Backups that are made in all.
    made: usize,
    /// Those that are kept at the end.
    kept: usize,
    /// How many are kept at the end of each year.
    years: Vec<YearRecord>,
}

impl Record for SimulationRecord {
    const TYPE: &'static str = "policy-simulation";
}

/// A policy that is known by a name.
#[derive(Serialize, JsonSchema)]
pub(super) struct TemplateRecord {
    /// Its name.
    name: &'static str,
    /// What it is for.
    about: &'static str,
    /// Its rules.
    keep: Vec<String>,
}

impl Record for TemplateRecord {
    const TYPE: &'static str = "policy-template";
}

fn reasons(grounds: &[Ground]) -> Vec<GroundRecord> {
    let reason = |ground: &Ground| GroundRecord {
        kind: ground.word(),
        message: ground.to_string(),
        until: ground.until(),
    };
    grounds.iter().map(reason).collect()
}

fn judged<'a>(vault: &'a VaultName, snapshot: &'a JudgedSnapshot) -> Value {
    line(&JudgedRecord {
        vault,
        snapshot: &snapshot.id,
        time: snapshot.time.timestamp(),
        host: &snapshot.host,
        paths: PathTexts(&snapshot.paths),
        kept: !snapshot.grounds.is_empty(),
        reasons: reasons(&snapshot.grounds),
    })
}

/// A time and why what was made at it is kept, each reason with its end.
fn told(time: &Zoned, grounds: &[Ground]) -> String {
    let reason = |ground: &Ground| match ground.until() {
        Some(until) => format!("{ground}, until {until}"),
        None => ground.to_string(),
    };
    let reasons: Vec<String> = grounds.iter().map(reason).collect();
    format!("{}  {}", time.strftime("%a %Y-%m-%d %H:%M"), reasons.join("; "))
}

fn judged_line(snapshot: &JudgedSnapshot) -> String {
    let id = snapshot.id.get(..8).unwrap_or(&snapshot.id);
    let kept = if snapshot.grounds.is_empty() { "let go" } else { "kept  " };
    format!("  {kept}  {id}  {}", told(&snapshot.time, &snapshot.grounds).trim_end())
}

impl Outcome for ShownPolicy {
    fn lines(&self) -> Vec<String> {
        let name = &self.vault.name;
        let mut lines = Vec::new();
        if let Some(change) = &self.change {
            if change.added.is_empty() && change.removed.is_empty() {
                lines.push(format!("The policy of vault {name} is this already"));
            }
            lines.extend(change.removed.iter().map(|own| format!("- {own}")));
            lines.extend(change.added.iter().map(|own| format!("+ {own}")));
        }
        lines.push(format!("Vault {name} keeps"));
        lines.extend(self.vault.policy().sentences().iter().map(|own| format!("  {own}")));
        lines.push("and always".to_owned());
        lines.extend(ALWAYS.map(|own| format!("  {own}")));
        if let Some(snapshots) = &self.snapshots {
            lines.push(String::new());
            lines.extend(snapshots.iter().map(judged_line));
            let gone = snapshots.iter().filter(|own| own.grounds.is_empty()).count();
            let all = count(snapshots.len(), "snapshot");
            lines.push(format!("The policy lets go {gone} of {all}"));
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let policy = self.vault.policy();
        let change = self.change.as_ref();
        let name = &self.vault.name;
        let record = line(&PolicyRecord {
            vault: name,
            keep: policy.rules.iter().map(ToString::to_string).collect(),
            retention: retention_record(policy.counts),
            policy_at: self.vault.policy_at,
            changed: change.map(|own| !(own.added.is_empty() && own.removed.is_empty())),
            removed: change.map(|own| own.removed.as_slice()),
            added: change.map(|own| own.added.as_slice()),
        });
        let snapshots = self.snapshots.iter().flatten().map(|own| judged(name, own));
        std::iter::once(record).chain(snapshots).collect()
    }
}

impl Outcome for LetGo {
    fn lines(&self) -> Vec<String> {
        let all = count(self.snapshots.len(), "older snapshot");
        let mut lines = vec![format!("The policy of vault {} lets go {all}:", self.vault)];
        lines.extend(self.snapshots.iter().map(judged_line));
        lines
    }

    fn json(&self) -> Vec<Value> {
        self.snapshots.iter().map(|own| judged(&self.vault, own)).collect()
    }
}

impl Outcome for TriedPolicy {
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("Backups {}, {} to {}", self.schedule, self.from, self.to)];
        lines.extend(self.policy.sentences().iter().map(|own| format!("  keeps {own}")));
        let mut year = None;
        for (time, grounds) in &self.simulation.kept {
            if year.replace(time.year()) != Some(time.year()) {
                lines.push(format!("{}", time.year()));
            }
            lines.push(format!("  {}", told(time, grounds)));
        }
        lines.push("Kept at the end of".to_owned());
        let of = |(date, kept): &(Date, usize)| format!("  {date}  {kept}");
        lines.extend(self.simulation.years.iter().map(of));
        let kept = self.simulation.kept.len();
        let made = count(self.simulation.made, "backup");
        lines.push(format!("On {} the policy keeps {kept} of {made}", self.to));
        lines
    }

    fn json(&self) -> Vec<Value> {
        let point = |(time, grounds): &(Zoned, Vec<Ground>)| {
            let (date, reasons) = (time.date(), reasons(grounds));
            line(&PointRecord { time: time.timestamp(), date, reasons })
        };
        let year = |(date, kept): &(Date, usize)| YearRecord { date: *date, kept: *kept };
        let mut lines: Vec<Value> = self.simulation.kept.iter().map(point).collect();
        lines.push(line(&SimulationRecord {
            keep: self.policy.rules.iter().map(ToString::to_string).collect(),
            retention: retention_record(self.policy.counts),
            schedule: schedule_record(&self.schedule),
            time_zone: self.zone.iana_name().map(str::to_owned),
            from: self.from,
            to: self.to,
            made: self.simulation.made,
            kept: self.simulation.kept.len(),
            years: self.simulation.years.iter().map(year).collect(),
        }));
        lines
    }
}

impl Outcome for Templates {
    fn lines(&self) -> Vec<String> {
        match self {
            Templates::All => TEMPLATES.iter().flat_map(about).collect(),
            Templates::One(own) => {
                let about = format!("# {}: {}", own.name, own.about);
                std::iter::once(about).chain(own.policy().to_toml()).collect()
            }
        }
    }

    fn json(&self) -> Vec<Value> {
        let record = |own: &Template| {
            let keep = own.policy().sentences();
            line(&TemplateRecord { name: own.name, about: own.about, keep })
        };
        match self {
            Templates::All => TEMPLATES.iter().map(record).collect(),
            Templates::One(own) => vec![record(own)],
        }
    }
}

fn about(template: &Template) -> Vec<String> {
    let mut lines = vec![format!("{}: {}", template.name, template.about)];
    lines.extend(template.policy().sentences().iter().map(|own| format!("  {own}")));
    lines
}
