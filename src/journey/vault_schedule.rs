//! `vault schedule`: when a vault is run, and the timer and service of systemd that do it.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use disk_prep::noun::{Diagnose, ErrorKind, Hint, Schedule, VaultName, ZoneName, shell_word};
use disk_prep::sys::child;
use disk_prep::sys::durable::{self, Access};
use jiff::Zoned;

use super::desk::Desk;
use super::vault::{VaultOptions, pick, staging_path};
use super::vault_turn::RunOptions;
use super::{vault_settings, vault_zone};
use crate::outcome::Failure;
use crate::schedule::{Elapse, Hooked, Service, UnfitWord, UnitOf, elapse, service, timer, turns};
use crate::vault::Vault;

/// Where an administrator's units stand.
const SYSTEM_FOLDER: &str = "/etc/systemd/system";
/// There only where systemd is the first process.
const BOOTED: &str = "/run/systemd/system";
/// Where distributions have its program.
const PROGRAM: &str = "/usr/bin/systemctl";
/// How long it may take; stopping a run that is under way takes a while.
const PATIENCE: Duration = Duration::from_secs(120);
/// So many of the next times are shown.
const SHOWN_TIMES: usize = 5;

/// Why a schedule or its units are not as asked.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    #[error("systemd does not understand {schedule}")]
    NotUnderstood { schedule: Schedule },
    #[error("{schedule} is never")]
    Never { schedule: Schedule },
    #[error("{schedule} has its own zone, so `--time-zone` says nothing")]
    ZoneTwice { schedule: Schedule },
    #[error("This machine was not started by systemd, so no timer can be started")]
    NoSystemd,
    #[error("Only root can write to {}", folder.display())]
    NotRoot { folder: PathBuf },
    #[error("{} was not written by azseed for {of}, so it stays", path.display())]
    Foreign { path: PathBuf, of: UnitOf },
    #[error("Cannot use {}", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("systemd refused `systemctl {words}`: {said}")]
    Refused { words: String, said: String },
    #[error(transparent)]
    Word(#[from] UnfitWord),
}

impl Diagnose for ScheduleError {
    fn code(&self) -> &'static str {
        match self {
            ScheduleError::NotUnderstood { .. } => "schedule-not-understood",
            ScheduleError::Never { .. } => "schedule-never",
            ScheduleError::ZoneTwice { .. } => "schedule-zone-twice",
            ScheduleError::NoSystemd => "schedule-no-systemd",
            ScheduleError::NotRoot { .. } => "schedule-needs-root",
            ScheduleError::Foreign { .. } => "schedule-foreign-unit",
            ScheduleError::Io { .. } => "schedule-unit-file",
            ScheduleError::Refused { .. } => "schedule-refused",
            ScheduleError::Word(_) => "schedule-unit-word",
        }
    }
    fn kind(&self) -> ErrorKind {
        match self {
            ScheduleError::NotUnderstood { .. }
            | ScheduleError::Never { .. }
            | ScheduleError::ZoneTwice { .. }
            | ScheduleError::Word(_) => ErrorKind::Usage,
            ScheduleError::Foreign { .. } => ErrorKind::Guard,
            ScheduleError::NotRoot { .. } => ErrorKind::NotAllowed,
            ScheduleError::NoSystemd | ScheduleError::Io { .. } | ScheduleError::Refused { .. } => {
                ErrorKind::Failed
            }
        }
    }
    fn hint(&self) -> Option<Hint> {
        match self {
            ScheduleError::NoSystemd => {
                Some(Hint::new("let cron call `azseed vault run` every hour: it does what is due"))
            }
            ScheduleError::NotRoot { .. } => {
                Some(Hint::new("write them somewhere else with `--write-units`"))
            }
            ScheduleError::ZoneTwice { .. } => {
                Some(Hint::new("write the zone at the end of the expression"))
            }
            _ => None,
        }
    }
}

/// The zone that is asked for.
#[derive(Debug, Clone)]
pub enum ZoneWish {
    /// That of the machine.
    Local,
    /// This one.
    Named(ZoneName),
}

/// Where units are written.
#[derive(Debug, Clone)]
pub enum Place {
    /// Into this folder, for whoever installs them.
    Folder(PathBuf),
    /// Where systemd finds them; the timer is started.
    System,
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
    let vault = pick(options, &desk.state()?)?;
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
    let files = match &asked.place {
        Some(place) => Some(units(&wanted, asked, place, options, desk)?),
        None => None,
    };
    let written = write(files.unwrap_or_default())?;
    let is_changed = (&vault.schedule, &vault.time_zone) != (&wanted.schedule, &wanted.time_zone);
    let vault = match is_changed {
        true => vault_settings::change(&vault, options, desk, |own| {
            own.schedule = wanted.schedule;
            own.time_zone = wanted.time_zone;
        })?,
        false => vault,
    };
    let is_started = matches!(asked.place, Some(Place::System));
    if is_started {
        start(&UnitOf::Vault(vault.name.clone()))?;
    }
    let is_set = asked.when.is_some() || asked.zone.is_some();
    Ok(ShownSchedule { vault, next, changed: is_set.then_some(is_changed), written, is_started })
}

/// Writes units.
pub(super) fn write(files: Vec<(PathBuf, String)>) -> Result<Vec<PathBuf>, ScheduleError> {
    let mut written = Vec::new();
    for (path, text) in files {
        let io = |source| ScheduleError::Io { path: path.clone(), source };
        durable::write(&path, text.as_bytes(), Access::Public).map_err(io)?;
        written.push(path);
    }
    Ok(written)
}

/// Starts a timer that was written.
pub(super) fn start(of: &UnitOf) -> Result<(), ScheduleError> {
    systemctl(&["daemon-reload"])?;
    systemctl(&["enable", "--now", &format!("{}.timer", of.name())])
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

/// Refuses what cannot become a timer, before anything is written.
pub(super) fn may_install(is_root: bool) -> Result<(), ScheduleError> {
    if !is_root {
        return Err(ScheduleError::NotRoot { folder: SYSTEM_FOLDER.into() });
    }
    if !Path::new(BOOTED).is_dir() || !Path::new(PROGRAM).exists() {
        return Err(ScheduleError::NoSystemd);
    }
    Ok(())
}

/// The units' files with their content; none of them is somebody else's.
fn units(
    vault: &Vault,
    asked: &ScheduleOptions,
    place: &Place,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Result<Vec<(PathBuf, String)>, Failure> {
    let of = UnitOf::Vault(vault.name.clone());
    let calls = vec![words(vault, asked, desk)];
    let own = service_of(of, calls, writes(vault, asked, options, desk)?, desk)?;
    let now = vault_zone::now(vault);
    let text = timer(&vault.name, &vault.schedule, vault.time_zone.as_ref(), &now);
    Ok(pair(&own, text, place)?)
}

/// The service of this program.
pub(super) fn service_of(
    of: UnitOf,
    calls: Vec<Vec<String>>,
    writes: Vec<PathBuf>,
    desk: &Desk<'_>,
) -> Result<Service, ScheduleError> {
    let hooks = match desk.hooks.on_event.is_some() || desk.hooks.before.is_some() {
        true => Hooked::Some,
        false => Hooked::None,
    };
    let program = std::env::current_exe().map_err(|source| io_at(Path::new("azseed"), source))?;
    Ok(Service { of, program, calls, writes, hooks })
}

/// The two files; none of them is somebody else's.
pub(super) fn pair(
    own: &Service,
    timer: String,
    place: &Place,
) -> Result<Vec<(PathBuf, String)>, ScheduleError> {
    let folder = match place {
        Place::Folder(folder) => folder.as_path(),
        Place::System => Path::new(SYSTEM_FOLDER),
    };
    let [timer_path, service_path] = paths(folder, &own.of);
    for path in [&timer_path, &service_path] {
        present(path, &own.of)?;
    }
    Ok(vec![(service_path, service(own)?), (timer_path, timer)])
}

fn io_at(path: &Path, source: io::Error) -> ScheduleError {
    ScheduleError::Io { path: path.to_owned(), source }
}

fn paths(folder: &Path, of: &UnitOf) -> [PathBuf; 2] {
    let name = of.name();
    ["timer", "service"].map(|kind| folder.join(format!("{name}.{kind}")))
}

/// Whether a unit is there; one of somebody else is refused.
fn present(path: &Path, of: &UnitOf) -> Result<bool, ScheduleError> {
    match std::fs::read_to_string(path) {
        Ok(text) if of.is_of(&text) => Ok(true),
        Ok(_) => Err(ScheduleError::Foreign { path: path.to_owned(), of: of.clone() }),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(io_at(path, source)),
    }
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

/// Asks systemd for something.
fn systemctl(words: &[&str]) -> Result<(), ScheduleError> {
    let io = |source| io_at(Path::new(PROGRAM), source);
    let args: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
    let told = child::tell(OsStr::new(PROGRAM), &args, &[], b"", PATIENCE);
    let (status, said) = told.map_err(io)?;
    if status.success() {
        return Ok(());
    }
    let words: Vec<_> = words.iter().map(|word| shell_word(word)).collect();
    let said = String::from_utf8_lossy(&said);
    let said = said.lines().next().unwrap_or_default().trim().to_owned();
    Err(ScheduleError::Refused { words: words.join(" "), said })
}

/// Stops the timer of a vault and deletes its units; the schedule stays in the record.
pub fn remove(
    folder: Option<&Path>,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Result<RemovedUnits, Failure> {
    let vault = pick(options, &desk.state()?)?;
    let removed = take_away(folder, &UnitOf::Vault(vault.name.clone()))?;
    Ok(RemovedUnits { vault: vault.name, removed })
}

/// Stops a timer and deletes its units, where they were installed or in this folder.
pub(super) fn take_away(folder: Option<&Path>, of: &UnitOf) -> Result<Vec<PathBuf>, ScheduleError> {
    let is_system = folder.is_none();
    let folder = folder.unwrap_or(Path::new(SYSTEM_FOLDER));
    let mut there = Vec::new();
    for path in paths(folder, of) {
        if present(&path, of)? {
            there.push(path);
        }
    }
    let is_running = is_system && Path::new(BOOTED).is_dir() && Path::new(PROGRAM).exists();
    let service = format!("{}.service", of.name());
    if is_running && !there.is_empty() {
        systemctl(&["disable", "--now", &format!("{}.timer", of.name())])?;
        // One that runs goes on; one that failed and waits to be tried again is not.
        if waits_to_restart(&service) {
            systemctl(&["stop", &service])?;
        }
    }
    for path in &there {
        std::fs::remove_file(path).map_err(|source| io_at(path, source))?;
    }
    if is_running && !there.is_empty() {
        systemctl(&["daemon-reload"])?;
        // It is refused where nothing failed.
        let _ = systemctl(&["reset-failed", &service]);
    }
    Ok(there)
}

fn waits_to_restart(service: &str) -> bool {
    let words = ["show", "--value", "--property=SubState", service].map(OsStr::new);
    let asked = child::ask(OsStr::new(PROGRAM), &words, PATIENCE);
    asked.is_ok_and(|(_, said)| String::from_utf8_lossy(&said).trim() == "auto-restart")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_root_installs_and_what_systemd_refuses_is_told_in_its_words() {
        let error = may_install(false).unwrap_err();
        assert_eq!((error.code(), error.kind()), ("schedule-needs-root", ErrorKind::NotAllowed));
        // It is nowhere, with a systemd that runs and with one that does not.
        let error = systemctl(&["enable", "azseed-vault-nowhere.timer"]).unwrap_err();
        assert_eq!((error.code(), error.kind()), ("schedule-refused", ErrorKind::Failed));
        assert!(error.to_string().len() > "systemd refused".len());
    }
}
