//! `vault schedule`: when a vault is run, and the timer and service of systemd that do it.

use std::path::{Path, PathBuf};

use disk_prep::noun::{Schedule, VaultName, ZoneName};
use jiff::Zoned;

use super::desk::Desk;
use super::units::{
    Pair, Place, ScheduleError, may_install, pair, service_of, start, take_away, tell_sign_in,
    write,
};
use super::vault_meant::{VaultOptions, pick, staging_path};
use super::vault_turn::RunOptions;
use super::{vault_settings, vault_zone};
use crate::outcome::Failure;
use crate::schedule::{self, Elapse, UnitOf, elapse, turns};
use crate::vault::Vault;

/// So many of the next times are shown.
const SHOWN_TIMES: usize = 5;

/// The zone that is asked for.
#[derive(Debug, Clone)]
pub enum ZoneWish {
    /// That of the machine.
    Local,
    /// This one.
    Named(ZoneName),
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct ScheduleOptions {
    /// When, if that is to be another.
    pub when: Option<Schedule>,
    /// The zone, if that is to be another.
    pub zone: Option<ZoneWish>,
    /// Whether units are written, and where.
    pub place: Option<Place>,
    /// Flags that a run needs, with their values.
    pub words: Vec<(&'static str, String)>,
    /// How it runs.
    pub run: RunOptions,
}

/// Sets when a vault is run, shows it, and writes its units.
pub fn schedule(
    asked: &ScheduleOptions,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Result<ShownSchedule, Failure> {
    let vault = pick(options, desk)?;
    let mut wanted = vault.clone();
    if let Some(when) = &asked.when {
        wanted.schedule = when.clone();
    }
    match &asked.zone {
        Some(ZoneWish::Local) => wanted.time_zone = None,
        Some(ZoneWish::Named(name)) => wanted.time_zone = Some(name.clone()),
        None => {}
    }
    vault_zone::told(&wanted, desk);
    let next = times(&wanted, asked.zone.is_some(), desk)?;
    if let Some(Place::System) = &asked.place {
        may_install(rustix::process::geteuid().is_root())?;
    }
    let units = match &asked.place {
        Some(place) => Some(units(&wanted, asked, place, options, desk)?),
        None => None,
    };
    let written = units.as_ref().map(write).transpose()?.unwrap_or_default();
    if units.is_some() {
        let of = UnitOf::Vault(vault.name.clone());
        tell_sign_in(&of, (&options.azure, &options.blobs), desk)?;
    }
    let is_changed = (&vault.schedule, &vault.time_zone) != (&wanted.schedule, &wanted.time_zone);
    let vault = match is_changed {
        true => vault_settings::change(&vault, options, desk, |own| {
            own.schedule = wanted.schedule;
            own.time_zone = wanted.time_zone;
        })?,
        false => vault,
    };
    let started = units.filter(|_| matches!(asked.place, Some(Place::System)));
    started.as_ref().map(start).transpose()?;
    let is_started = started.is_some();
    let is_set = asked.when.is_some() || asked.zone.is_some();
    Ok(ShownSchedule { vault, next, changed: is_set.then_some(is_changed), written, is_started })
}

/// The next times of a schedule that can be; what only systemd knows is asked of it.
fn times(
    vault: &Vault,
    has_zone: bool,
    desk: &Desk<'_>,
) -> Result<Option<Vec<Zoned>>, ScheduleError> {
    let now = vault_zone::now(vault);
    let schedule = vault.schedule.clone();
    let Schedule::Calendar { expression } = &schedule else {
        return Ok(Some(turns(&schedule, &now).take(SHOWN_TIMES).collect()));
    };
    if has_zone {
        return Err(ScheduleError::ZoneTwice { schedule });
    }
    let mut times: Vec<Zoned> = Vec::new();
    while times.len() < SHOWN_TIMES {
        match elapse(expression, times.last().unwrap_or(&now)) {
            Elapse::At(time) => times.push(time.to_zoned(now.time_zone().clone())),
            Elapse::Never if times.is_empty() => return Err(ScheduleError::Never { schedule }),
            Elapse::Never => break,
            Elapse::Wrong => return Err(ScheduleError::NotUnderstood { schedule }),
            Elapse::Unknown => {
                desk.attendant.warn(
                    "there is no systemd on this machine, so nobody can say whether it \
                     understands this expression, and when that is",
                );
                return Ok(None);
            }
        }
    }
    Ok(Some(times))
}

/// The units' files with their content; none of them is somebody else's.
fn units(
    vault: &Vault,
    asked: &ScheduleOptions,
    place: &Place,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Result<Pair, Failure> {
    let of = UnitOf::Vault(vault.name.clone());
    let call = words(vault, asked, desk);
    let own = service_of(of, call, writes(vault, asked, options, desk)?, desk)?;
    let now = vault_zone::now(vault);
    let times = schedule::times(&vault.schedule, vault.time_zone.as_ref(), &now);
    Ok(pair(&own, &times, place)?)
}

/// The call that the service makes. A shared staging path is consented to for the account, the
/// container and the subscription that were shown.
fn words(vault: &Vault, asked: &ScheduleOptions, desk: &Desk<'_>) -> Vec<String> {
    let mut words = ["vault", "run", "--vault", vault.name.as_str()].map(str::to_owned).to_vec();
    let mut add = |flag: &str, value: String| words.extend([flag.to_owned(), value]);
    asked.words.iter().for_each(|(flag, value)| add(flag, value.clone()));
    let RunOptions { limit, window, metrics_file } = &asked.run;
    limit.iter().for_each(|own| add("--limit", own.to_string()));
    window.iter().for_each(|own| add("--window", own.to_string()));
    metrics_file.iter().for_each(|own| add("--metrics-file", whole(own).display().to_string()));
    if desk.consent.is_shared {
        add("--storage-account", vault.storage_account.to_string());
        vault.seed.iter().for_each(|seed| add("--container", seed.container.to_string()));
        vault.subscription.iter().for_each(|own| add("--subscription", own.to_string()));
        words.push("--shared-staging".to_owned());
    }
    words
}

fn whole(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// What a run writes to.
fn writes(
    vault: &Vault,
    asked: &ScheduleOptions,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Result<Vec<PathBuf>, Failure> {
    let mut writes = vec![whole(desk.state()?.folder())];
    // A vault that was attached has no staging path here.
    writes.extend(staging_path(vault, options).ok().map(whole));
    let metrics = asked.run.metrics_file.as_deref().map(whole);
    writes.extend(metrics.and_then(|file| file.parent().map(Path::to_owned)));
    Ok(writes)
}

/// Stops the timer of a vault and deletes its units; the schedule stays in the record.
pub fn remove(
    folder: Option<&Path>,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Result<RemovedUnits, Failure> {
    let vault = pick(options, desk)?;
    let removed = take_away(folder, &UnitOf::Vault(vault.name.clone()))?;
    Ok(RemovedUnits { vault: vault.name, removed })
}

/// When a vault is run.
#[derive(Debug)]
pub struct ShownSchedule {
    /// Its record.
    pub vault: Vault,
    /// The next times; `None` if nobody here knows them.
    pub next: Option<Vec<Zoned>>,
    /// Whether this call changed it; `None` if it was only shown.
    pub changed: Option<bool>,
    /// Units that were written.
    pub written: Vec<PathBuf>,
    /// Whether the timer was started.
    pub is_started: bool,
}

/// Units that are gone.
#[derive(Debug)]
pub struct RemovedUnits {
    /// The vault.
    pub vault: VaultName,
    /// Their files; none if there were none.
    pub removed: Vec<PathBuf>,
}
