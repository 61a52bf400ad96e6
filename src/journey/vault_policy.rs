//! `vault policy`: which snapshots of a vault are kept, what is let go, and what a policy would keep.

use std::path::{Path, PathBuf};

use disk_prep::noun::{Diagnose, ErrorKind, Hint, Schedule, VaultName, ZoneName, visible_line};
use disk_prep::sys::given;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{ToSpan, Zoned};

use super::desk::Desk;
use super::vault::{failed, open};
use super::vault_meant::{VaultOptions, pick};
use super::{vault_settings, vault_zone};
use crate::outcome::Failure;
use crate::policy::{
    FileFault, Ground, Judged, Policy, Simulation, TEMPLATES, Template, judged, simulate,
};
use crate::schedule::turns;
use crate::vault::{Error, Vault, points, this_host, vault_coverage};

/// A policy that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    #[error("There is no template {}; there are {}", visible_line(name), names())]
    NoTemplate { name: String },
    #[error("Cannot read {}", path.display())]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("{} is not a policy: {}", path.display(), visible_line(&fault.to_string()))]
    Form { path: PathBuf, fault: Box<FileFault> },
    #[error("Only systemd knows when {schedule} is, so nothing can be simulated")]
    OnlySystemd { schedule: Schedule },
    #[error("No calendar goes from {from} on for {years} years")]
    NoCalendar { from: Date, years: u8 },
    #[error("Nothing says which policy is meant")]
    NonGiven,
}

fn names() -> String {
    TEMPLATES.map(|template| template.name).join(", ")
}

impl Diagnose for PolicyError {
    fn code(&self) -> &'static str {
        match self {
            PolicyError::NoTemplate { .. } => "policy-template-unknown",
            PolicyError::Read { .. } => "policy-unreadable",
            PolicyError::Form { .. } => "policy-invalid",
            PolicyError::OnlySystemd { .. } => "policy-not-simulated",
            PolicyError::NoCalendar { .. } => "policy-beyond-calendar",
            PolicyError::NonGiven => "policy-missing",
        }
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new(match self {
            PolicyError::NoTemplate { .. } => "list them with `azseed vault policy templates`",
            PolicyError::Form { .. } => "see one with `azseed vault policy template gfs-example`",
            PolicyError::OnlySystemd { .. } => {
                "say when backups are made with `--schedule`, such as `--schedule daily@02:00`"
            }
            PolicyError::NonGiven => "name it with `--template`, `--file` or `--keep`",
            PolicyError::Read { .. } | PolicyError::NoCalendar { .. } => return None,
        }))
    }
}

/// Where a policy comes from.
#[derive(Debug, Clone)]
pub enum PolicySource {
    /// A template.
    Template(String),
    /// A file.
    File(PathBuf),
    /// What was said.
    Said(Policy),
}

impl PolicySource {
    /// The policy; `None` if nothing was said.
    fn read(&self) -> Result<Option<Policy>, Failure> {
        let policy = match self {
            PolicySource::Template(name) => template(name)?.policy(),
            PolicySource::File(path) => file(path)?,
            PolicySource::Said(policy) if policy.keeps_all() => return Ok(None),
            PolicySource::Said(policy) => policy.clone(),
        };
        if policy.keeps_nothing() || policy.keeps_all() && !matches!(self, PolicySource::Said(_)) {
            return Err(Error::KeepsNothing { policy }.into());
        }
        Ok(Some(policy))
    }
}

/// The template of this name.
pub fn template(name: &str) -> Result<Template, PolicyError> {
    Template::find(name).ok_or_else(|| PolicyError::NoTemplate { name: name.to_owned() })
}

fn file(path: &Path) -> Result<Policy, PolicyError> {
    let text = given::read_text(path)
        .map_err(|source| PolicyError::Read { path: path.to_owned(), source })?;
    let form = |fault| PolicyError::Form { path: path.to_owned(), fault: Box::new(fault) };
    Policy::from_toml(&text).map_err(form)
}

/// Sets the policy of a vault; what becomes different is shown before.
pub fn set(
    source: &PolicySource,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Result<ShownPolicy, Failure> {
    let policy = source.read()?.ok_or(PolicyError::NonGiven)?;
    let vault = pick(options, desk)?;
    let (old, new) = (vault.policy().sentences(), policy.sentences());
    let without = |all: &[String], others: &[String]| -> Vec<String> {
        all.iter().filter(|own| !others.contains(own)).cloned().collect()
    };
    let (removed, added) = (without(&old, &new), without(&new, &old));
    let is_changed = vault.policy() != policy;
    if is_changed && desk.attendant.can_ask() {
        let what = format!(
            "Vault {} would keep {}, and no longer {}",
            vault.name,
            or_nothing_more(&added),
            or_nothing_more(&removed)
        );
        desk.attendant.consent(&what)?;
    }
    let vault = match is_changed {
        true => vault_settings::set_policy(&vault, policy, options, desk)?,
        false => vault,
    };
    Ok(ShownPolicy { vault, change: Some(PolicyChange { removed, added }), snapshots: None })
}

fn or_nothing_more(sentences: &[String]) -> String {
    if sentences.is_empty() { "nothing else".to_owned() } else { sentences.join("; ") }
}

/// Shows the policy of a vault, and what it keeps of the snapshots that there are.
pub fn show(
    with_snapshots: bool,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Result<ShownPolicy, Failure> {
    let vault = pick(options, desk)?;
    let snapshots = match with_snapshots {
        true => Some(looked_at(&vault, options, desk)?),
        false => None,
    };
    Ok(ShownPolicy { vault, change: None, snapshots })
}

fn looked_at(
    vault: &Vault,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Result<Vec<JudgedSnapshot>, Failure> {
    let snapshots = open(vault, options, desk)?.snapshots();
    let snapshots = snapshots.map_err(|source| failed(vault, source))?;
    let mut own = vault_coverage(vault, &snapshots, &this_host()).origin();
    own.paths.extend(vault.let_go.iter().cloned());
    vault_zone::told(vault, desk);
    let now = vault_zone::now(vault);
    let points = points(&snapshots);
    let all = judged(&points, &own, &vault.policy(), now.time_zone(), now.timestamp());
    Ok(all.iter().map(|own| JudgedSnapshot::of(own, now.time_zone())).collect())
}

/// What is asked of a simulation.
#[derive(Debug, Clone)]
pub struct SimulateOptions {
    /// The policy, if it is not the vault's.
    pub policy: PolicySource,
    /// When backups are made, if not as the vault's.
    pub schedule: Option<Schedule>,
    /// The zone, if not the vault's.
    pub zone: Option<ZoneName>,
    /// The first day.
    pub from: Option<Date>,
    /// How long.
    pub years: u8,
}

/// Lets a policy go over backups that would be made.
pub fn try_out(
    asked: &SimulateOptions,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Result<TriedPolicy, Failure> {
    let given = asked.policy.read()?;
    // With a policy and a schedule no vault is needed, but if one is named it is meant.
    let vault = match (pick(options, desk), &given) {
        (Ok(vault), _) => Some(vault),
        (Err(_), Some(_)) if options.vault.is_none() => None,
        (Err(error), _) => return Err(error),
    };
    let policy = given.or_else(|| vault.as_ref().map(Vault::policy)).unwrap_or_default();
    let schedule =
        asked.schedule.clone().or_else(|| vault.as_ref().map(|own| own.schedule.clone()));
    let schedule = schedule.unwrap_or_default();
    if matches!(schedule, Schedule::Calendar { .. }) {
        return Err(PolicyError::OnlySystemd { schedule }.into());
    }
    let zone = match (&asked.zone, &vault) {
        (Some(name), _) => name.zone().unwrap_or(TimeZone::UTC),
        (None, Some(vault)) => {
            vault_zone::told(vault, desk);
            vault_zone::now(vault).time_zone().clone()
        }
        (None, None) => TimeZone::try_system().unwrap_or(TimeZone::UTC),
    };
    let from = asked.from.unwrap_or_else(|| Zoned::now().with_time_zone(zone.clone()).date());
    let span = |from: Date| -> Result<(Zoned, Zoned), jiff::Error> {
        let start = from.to_zoned(zone.clone())?;
        let last = from.checked_add(i64::from(asked.years).years())?.yesterday()?;
        let end = last.to_datetime(Time::MAX).to_zoned(zone.clone())?;
        Ok((start.checked_sub(1.nanosecond())?, end))
    };
    let no_calendar = |_| PolicyError::NoCalendar { from, years: asked.years };
    let (before, end) = span(from).map_err(no_calendar)?;
    let simulation = simulate(&policy, turns(&schedule, &before), &end);
    Ok(TriedPolicy { policy, schedule, from, to: end.date(), zone, simulation })
}

/// A policy as it is, or was set.
#[derive(Debug)]
pub struct ShownPolicy {
    /// The vault that has it.
    pub vault: Vault,
    /// What became different, if it was set.
    pub change: Option<PolicyChange>,
    /// The snapshots, if they were asked for, the oldest first.
    pub snapshots: Option<Vec<JudgedSnapshot>>,
}

/// What is different after a policy was set.
#[derive(Debug)]
pub struct PolicyChange {
    /// Sentences that hold no longer.
    pub removed: Vec<String>,
    /// Sentences that are new.
    pub added: Vec<String>,
}

/// A snapshot, and why it is kept.
#[derive(Debug, Clone)]
pub struct JudgedSnapshot {
    /// Its id.
    pub id: String,
    /// When it was made, in the vault's zone.
    pub time: Zoned,
    /// The machine that it is of.
    pub host: String,
    /// Its sources.
    pub paths: Vec<PathBuf>,
    /// Every reason to keep it; without any it is let go.
    pub grounds: Vec<Ground>,
}

impl JudgedSnapshot {
    /// What a policy says of it.
    pub fn of(judged: &Judged<'_>, zone: &TimeZone) -> Self {
        let point = judged.point;
        JudgedSnapshot {
            id: point.id.clone(),
            time: point.time.to_zoned(zone.clone()),
            host: point.origin.host.clone(),
            paths: point.origin.paths.iter().cloned().collect(),
            grounds: judged.grounds.clone(),
        }
    }
}

/// What a run is about to let go.
#[derive(Debug)]
pub struct LetGo {
    /// The vault.
    pub vault: VaultName,
    /// The snapshots.
    pub snapshots: Vec<JudgedSnapshot>,
}

/// What came of a simulation.
#[derive(Debug)]
pub struct TriedPolicy {
    /// The policy.
    pub policy: Policy,
    /// When backups are made.
    pub schedule: Schedule,
    /// The first day.
    pub from: Date,
    /// The last day.
    pub to: Date,
    /// The zone of the days.
    pub zone: TimeZone,
    /// What is kept.
    pub simulation: Simulation,
}

/// Templates: all of them, or one as a file.
#[derive(Debug)]
pub enum Templates {
    /// All.
    All,
    /// This one.
    One(Template),
}
