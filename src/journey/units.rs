//! Files of units: where they stand, whose they are, written, started and taken away.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use disk_prep::noun::{Diagnose, ErrorKind, Hint, Schedule, shell_word};
use disk_prep::sys::child;
use disk_prep::sys::durable::{self, Access};

use super::connections::{AzureOptions, BlobAccess, only_variables};
use super::desk::Desk;
use crate::outcome::Failure;
use crate::schedule::{Hooked, Service, UnfitWord, UnitForm, UnitOf, service, timer};

/// Where an administrator's units stand.
const SYSTEM_FOLDER: &str = "/etc/systemd/system";
/// Where units of packages may stand, and those of an administrator.
const UNIT_FOLDERS: [&str; 4] = [
    SYSTEM_FOLDER,
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];
/// There only where systemd is the first process.
const BOOTED: &str = "/run/systemd/system";
/// Where distributions have its program.
pub(super) const PROGRAM: &str = "/usr/bin/systemctl";
/// How long it may take; stopping a run that is under way takes a while.
const PATIENCE: Duration = Duration::from_secs(120);
/// Why a schedule or its units are not as asked.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    #[error("systemd does not understand {schedule}")]
    NotUnderstood { schedule: Schedule },
    #[error("{schedule} is never")]
    Never { schedule: Schedule },
    #[error("{schedule} has its zone at its end, so `--time-zone` says nothing")]
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

/// Where units are written.
#[derive(Debug, Clone)]
pub enum Place {
    /// Into this folder, for whoever installs them.
    Folder(PathBuf),
    /// Where systemd finds them; the timer is started.
    System,
}

/// Refuses what cannot become a timer, before anything is written.
pub(super) fn may_install(is_root: bool) -> Result<(), ScheduleError> {
    if !is_root {
        return Err(ScheduleError::NotRoot { folder: SYSTEM_FOLDER.into() });
    }
    if !has_systemd() {
        return Err(ScheduleError::NoSystemd);
    }
    Ok(())
}

/// The service of this program. Beside what it writes to itself it needs the folder of its log, which
/// becomes an old one there.
pub(super) fn service_of(
    of: UnitOf,
    call: Vec<String>,
    mut writes: Vec<PathBuf>,
    desk: &Desk<'_>,
) -> Result<Service, ScheduleError> {
    let hooks = match desk.hooks.on_event.is_some() || desk.hooks.before.is_some() {
        true => Hooked::Some,
        false => Hooked::None,
    };
    let log = call.iter().skip_while(|word| *word != "--log-file").nth(1);
    writes.extend(log.and_then(|log| Path::new(log).parent()).map(Path::to_owned));
    let program = std::env::current_exe().map_err(|source| io_at(Path::new("azseed"), source))?;
    Ok(Service { of, program, call, writes, hooks })
}

/// Tells that what signs this call in does not sign in a run by the timer, where it stands in the
/// environment of this call and nowhere else.
pub(super) fn tell_sign_in(
    of: &UnitOf,
    (azure, blobs): (&AzureOptions, &BlobAccess),
    desk: &Desk<'_>,
) -> Result<(), Failure> {
    let file = of.variables();
    let there = durable::read(&file).unwrap_or_default();
    let there = String::from_utf8_lossy(&there);
    let is_there = |name: &str| {
        there.lines().any(|line| line.split_once('=').is_some_and(|(own, _)| own.trim() == name))
    };
    let names = only_variables(azure, blobs)?;
    let names: Vec<&str> = names.into_iter().filter(|name| !is_there(name)).collect();
    if !names.is_empty() {
        desk.attendant.warn(&format!(
            "this call is signed in by its environment ({}), and no secret goes into a unit: put it \
             into {} (0600, a line NAME=VALUE each), which the service reads, or name a file \
             of it; until then the runs of the timer end with 12",
            names.join(", "),
            file.display()
        ));
    }
    Ok(())
}

/// The two files of units, not written yet.
#[derive(Debug)]
pub struct Pair {
    of: UnitOf,
    form: UnitForm,
    files: [(PathBuf, String); 2],
    is_system: bool,
}

/// The two files; none of them is somebody else's. Where the package's units are installed, they are
/// what differs from those.
pub(super) fn pair(own: &Service, times: &[String], place: &Place) -> Result<Pair, ScheduleError> {
    let of = own.of.clone();
    let (folder, form, is_system) = match place {
        Place::Folder(folder) => (folder.as_path(), UnitForm::Whole, false),
        Place::System => (Path::new(SYSTEM_FOLDER), form_here(&of), true),
    };
    for path in of.forms().iter().flat_map(|form| paths(folder, &of, *form)) {
        present(&path, &of)?;
    }
    let [timer_path, service_path] = paths(folder, &of, form);
    let files = [(service_path, service(own, form)?), (timer_path, timer(&of, times, form))];
    Ok(Pair { of, form, files, is_system })
}

/// How units are installed on this machine.
fn form_here(of: &UnitOf) -> UnitForm {
    let is_there = |kind: &str| {
        let template = format!("azseed-vault@.{kind}");
        UNIT_FOLDERS.iter().any(|folder| Path::new(folder).join(&template).is_file())
    };
    match of.forms().contains(&UnitForm::DropIn) && is_there("timer") && is_there("service") {
        true => UnitForm::DropIn,
        false => UnitForm::Whole,
    }
}

fn io_at(path: &Path, source: io::Error) -> ScheduleError {
    ScheduleError::Io { path: path.to_owned(), source }
}

/// Where the files of a form are, the timer's first.
fn paths(folder: &Path, of: &UnitOf, form: UnitForm) -> [PathBuf; 2] {
    let name = of.name(form);
    ["timer", "service"].map(|kind| match form {
        UnitForm::Whole => folder.join(format!("{name}.{kind}")),
        UnitForm::DropIn => folder.join(format!("{name}.{kind}.d/azseed.conf")),
    })
}

/// Whether a unit is there; one of somebody else is refused.
fn present(path: &Path, of: &UnitOf) -> Result<bool, ScheduleError> {
    let foreign = || ScheduleError::Foreign { path: path.to_owned(), of: of.clone() };
    match durable::read(path) {
        Ok(text) if of.is_of(&String::from_utf8_lossy(&text)) => Ok(true),
        Ok(_) => Err(foreign()),
        Err(source) => match source.kind() {
            io::ErrorKind::NotFound => Ok(false),
            // A pipe, a folder: what we write is a file.
            io::ErrorKind::InvalidData => Err(foreign()),
            _ => Err(io_at(path, source)),
        },
    }
}

/// Writes units. What stands there in another form would run beside them, and goes.
pub(super) fn write(pair: &Pair) -> Result<Vec<PathBuf>, ScheduleError> {
    let mut written = Vec::new();
    for form in pair.of.forms().iter().filter(|form| pair.is_system && **form != pair.form) {
        take_form_away(Path::new(SYSTEM_FOLDER), &pair.of, *form, has_systemd())?;
    }
    for (path, text) in &pair.files {
        let io = |source| io_at(path, source);
        if let (UnitForm::DropIn, Some(folder)) = (pair.form, path.parent()) {
            std::fs::create_dir_all(folder).map_err(io)?;
        }
        durable::write(path, text.as_bytes(), Access::Public).map_err(io)?;
        written.push(path.clone());
    }
    Ok(written)
}

/// Starts the timer of units that were written.
pub(super) fn start(pair: &Pair) -> Result<(), ScheduleError> {
    systemctl(&["daemon-reload"])?;
    systemctl(&["enable", "--now", &format!("{}.timer", pair.of.name(pair.form))])
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

/// Stops a timer and deletes its units, where they were installed or in this folder.
pub(super) fn take_away(folder: Option<&Path>, of: &UnitOf) -> Result<Vec<PathBuf>, ScheduleError> {
    let is_running = folder.is_none() && has_systemd();
    let folder = folder.unwrap_or(Path::new(SYSTEM_FOLDER));
    let mut gone = Vec::new();
    for form in of.forms() {
        gone.extend(take_form_away(folder, of, *form, is_running)?);
    }
    Ok(gone)
}

fn take_form_away(
    folder: &Path,
    of: &UnitOf,
    form: UnitForm,
    is_running: bool,
) -> Result<Vec<PathBuf>, ScheduleError> {
    let mut there = Vec::new();
    for path in paths(folder, of, form) {
        if present(&path, of)? {
            there.push(path);
        }
    }
    let (is_started, name) = (is_running && !there.is_empty(), of.name(form));
    let service = format!("{name}.service");
    if is_started {
        systemctl(&["disable", "--now", &format!("{name}.timer")])?;
        // One that runs goes on; one that failed and waits to be tried again is not.
        if waits_to_restart(&service) {
            systemctl(&["stop", &service])?;
        }
    }
    for path in &there {
        std::fs::remove_file(path).map_err(|source| io_at(path, source))?;
        if let (UnitForm::DropIn, Some(folder)) = (form, path.parent()) {
            // It stays if somebody has put something of his own there.
            let _ = std::fs::remove_dir(folder);
        }
    }
    if is_started {
        systemctl(&["daemon-reload"])?;
        // It is refused where nothing failed.
        let _ = systemctl(&["reset-failed", &service]);
    }
    Ok(there)
}

/// Whether systemd runs here and can be asked.
pub(super) fn has_systemd() -> bool {
    Path::new(BOOTED).is_dir() && Path::new(PROGRAM).exists()
}

fn waits_to_restart(service: &str) -> bool {
    let words = ["show", "--value", "--property=SubState", service].map(OsStr::new);
    let asked = child::ask(OsStr::new(PROGRAM), &words, PATIENCE);
    asked.is_ok_and(|(_, said)| String::from_utf8_lossy(&said).trim() == "auto-restart")
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

    #[test]
    fn all_forms_of_units_are_taken_away_and_what_is_not_ours_stays() {
        let folder = tempfile::tempdir().unwrap();
        let of = UnitOf::Vault("Office".parse().unwrap());
        let files = |form: &UnitForm| paths(folder.path(), &of, *form);
        let all: Vec<PathBuf> = of.forms().iter().flat_map(files).collect();
        let names: Vec<_> =
            all.iter().map(|path| path.strip_prefix(folder.path()).unwrap()).collect();
        assert_eq!(
            names,
            [
                "azseed-vault-office.timer",
                "azseed-vault-office.service",
                "azseed-vault@office.timer.d/azseed.conf",
                "azseed-vault@office.service.d/azseed.conf",
            ]
            .map(Path::new)
        );
        for path in &all {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let form = UnitForm::DropIn;
            std::fs::write(path, timer(&of, &[], form)).unwrap();
        }
        let own = folder.path().join("azseed-vault@office.timer.d/own.conf");
        std::fs::write(&own, "[Timer]").unwrap();
        assert_eq!(take_away(Some(folder.path()), &of).unwrap(), all);
        let left = std::fs::read_dir(folder.path()).unwrap().count();
        assert!(left == 1 && own.exists(), "{left}");
        let refused = || take_away(Some(folder.path()), &of).unwrap_err().code();
        std::fs::write(&all[2], "[Timer]").unwrap();
        assert_eq!(refused(), "schedule-foreign-unit");
        std::fs::remove_file(&all[2]).unwrap();
        // Nothing that is no file is ours, and a pipe is not waited for.
        let owner = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        let fifo = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, &all[1], fifo, owner, 0).unwrap();
        assert_eq!(refused(), "schedule-foreign-unit");
        let place = Place::Folder(folder.path().to_owned());
        let (program, call) = (PathBuf::from("/azseed"), vec!["vault".to_owned()]);
        let own = Service { of: of.clone(), program, call, writes: vec![], hooks: Hooked::None };
        assert_eq!(pair(&own, &[], &place).unwrap_err().code(), "schedule-foreign-unit");
    }
}
