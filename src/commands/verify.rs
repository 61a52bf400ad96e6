//! `verify`: sealed drives read back as the datacenter will.

use std::path::Path;

use disk_prep::drive::find;
use disk_prep::noun::{ByteSize, Diagnose, ErrorKind, Hint, RecoveryPassword, Serial, count};
use disk_prep::sys::private::{self, NotPrivate};
use disk_prep::sys::threads::each;
use disk_prep::verify::{VerifyOptions, VerifyReport, Yardstick, verify};
use serde_json::{Value, json};

use super::door::Door;
use super::keeper::keeper;
use super::{Failure, Outcome};
use crate::cli::{Global, VerifyArgs};
use crate::exit::Exit;
use crate::staging::Staging;
use crate::state::State;
use crate::ui::Ui;

/// Runs `verify`.
pub fn run(
    args: &VerifyArgs,
    global: &Global,
    door: &Door<'_>,
    ui: &Ui,
) -> Result<Box<dyn Outcome>, Failure> {
    let state = State::open(global.state.as_deref())?;
    let given = recovery_password(args.recovery_password_file.as_deref())?;
    let mut work = Vec::new();
    for drive in &args.drives {
        let serial = find(drive)?.serial;
        let staging = staging_of(args.staging.as_deref(), &serial, &state, door)?;
        let options = VerifyOptions {
            journals: staging.as_ref().map(Staging::journals),
            recovery_password: given.clone(),
            keeper: keeper(staging.as_ref(), &args.keys, None, &state),
            stop: ui.stop_flag(),
        };
        work.push((serial, drive, options));
    }
    let monitor = ui.monitor();
    let looked_at = each(work, |(serial, drive, options)| {
        verify(drive, &options, monitor.as_ref()).map_err(|error| (serial, error))
    });
    Ok(Box::new(Verified::new(looked_at)?))
}

/// The staging path that was named, else the one that is remembered for the drive.
pub(super) fn staging_of(
    staging: Option<&Path>,
    serial: &Serial,
    state: &State,
    door: &Door<'_>,
) -> Result<Option<Staging>, Failure> {
    let path = match staging {
        Some(staging) => Some(staging.to_owned()),
        None => state.staging_with(serial)?,
    };
    path.map(|path| door.enter(&path)).transpose()
}

/// A file that should hold a recovery password.
#[derive(Debug, thiserror::Error)]
pub enum PasswordFileError {
    /// It cannot be read.
    #[error("Cannot read {path}")]
    Read {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Others are let in.
    #[error("{path} cannot hold a recovery password: {why}")]
    Open {
        /// The file.
        path: std::path::PathBuf,
        /// Who.
        why: NotPrivate,
    },
    /// It holds something else.
    #[error("{path} does not hold one recovery password of 48 digits")]
    Form {
        /// The file.
        path: std::path::PathBuf,
    },
}

impl Diagnose for PasswordFileError {
    fn code(&self) -> &'static str {
        match self {
            PasswordFileError::Read { .. } => "recovery-password-file",
            PasswordFileError::Open { .. } => "secret-file-mode",
            PasswordFileError::Form { .. } => "recovery-password-malformed",
        }
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        let form = "it should hold eight groups of six digits, alone or as Windows saves them; a \
                    startup key (.BEK) is another thing, which no drive of ours has";
        matches!(self, PasswordFileError::Form { .. }).then(|| Hint::new(form))
    }
}

/// Reads a recovery password from its file.
pub fn recovery_password(
    path: Option<&Path>,
) -> Result<Option<RecoveryPassword>, PasswordFileError> {
    let Some(path) = path else { return Ok(None) };
    let bytes = private::read(path).map_err(|source| match NotPrivate::of(&source) {
        Some(why) if why.is_open() => PasswordFileError::Open { path: path.to_owned(), why },
        _ => PasswordFileError::Read { path: path.to_owned(), source },
    })?;
    let password = RecoveryPassword::find_in(&bytes);
    password.map(Some).map_err(|_| PasswordFileError::Form { path: path.to_owned() })
}

/// Drives that were verified.
#[derive(Debug)]
pub struct Verified {
    reports: Vec<VerifyReport>,
    /// Those that could not be looked at.
    failed: Vec<(Serial, disk_prep::Error)>,
}

impl Verified {
    /// What became of each drive. An error if there is nothing else to tell.
    pub fn new(
        looked_at: Vec<Result<VerifyReport, (Serial, disk_prep::Error)>>,
    ) -> Result<Self, Failure> {
        let (mut reports, mut failed) = (Vec::new(), Vec::new());
        for outcome in looked_at {
            match outcome {
                Ok(report) => reports.push(report),
                Err(error) => failed.push(error),
            }
        }
        match failed.pop() {
            Some((_, error)) if reports.is_empty() && failed.is_empty() => Err(error.into()),
            last => {
                failed.extend(last);
                Ok(Verified { reports, failed })
            }
        }
    }
}

/// Things that were added, named one by one up to this many.
const MOST_ADDED: usize = 20;

impl Outcome for Verified {
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for report in &self.reports {
            let against = match report.against {
                Yardstick::Journal => "journal and manifest",
                Yardstick::Manifest => "its own manifest only: no journal was found",
            };
            let serial = &report.drive.serial;
            let verdict = match report.differences.len() {
                0 => "equal".to_owned(),
                differences => count(differences, "difference"),
            };
            lines.push(format!(
                "Drive {serial}: {}, {}, compared with {against}: {verdict}",
                count(report.files, "file"),
                ByteSize(report.bytes)
            ));
            lines.extend(report.differences.iter().map(|difference| format!("  {difference}")));
            if !report.added.is_empty() {
                lines.push(format!(
                    "  Another system has used the drive since it was sealed and left {} beside \
                     what was shipped{}",
                    count(report.added.len(), "thing"),
                    if report.differences.is_empty() { "; the data is whole" } else { "" },
                ));
                let told = report.added.iter().take(MOST_ADDED);
                lines.extend(told.map(|added| format!("    {added}")));
                if report.added.len() > MOST_ADDED {
                    lines.push("    …".to_owned());
                }
            }
            if !report.differences.is_empty() {
                lines.push(format!(
                    "  Do not ship it. Next: `azseed drive release {serial}`, then `azseed prep` \
                     with another drive, or with this one and `--erase {serial}`"
                ));
            }
        }
        for (serial, error) in &self.failed {
            let (why, code) = (chain(error), error.code());
            lines.push(format!(
                "Drive {serial}: could not be verified: {why} (see `azseed explain {code}`)"
            ));
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let report = |report: &VerifyReport| {
            let differences: Vec<String> =
                report.differences.iter().map(ToString::to_string).collect();
            json!({
                "type": "verified", "version": 1, "serial": report.drive.serial,
                "cipher": report.cipher.to_string(), "files": report.files, "bytes": report.bytes,
                "against_journal": report.against == Yardstick::Journal,
                "equal": differences.is_empty(), "differences": differences,
                "added": report.added,
            })
        };
        let failure = |(serial, error): &(Serial, disk_prep::Error)| {
            json!({
                "type": "not-verified", "version": 1, "serial": serial, "code": error.code(),
                "message": chain(error),
            })
        };
        let reports = self.reports.iter().map(report);
        reports.chain(self.failed.iter().map(failure)).collect()
    }

    fn exit(&self) -> Exit {
        let differs = self.reports.iter().any(|report| !report.differences.is_empty());
        let failed = self.failed.iter().map(|(_, error)| error.kind());
        Exit::of(differs.then_some(ErrorKind::Difference).into_iter().chain(failed))
    }
}

/// An error with its causes, in one line.
pub(super) fn chain(error: &dyn Diagnose) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
