//! `verify`: sealed drives read back as the datacenter will.

use std::path::Path;

use disk_prep::drive::find;
use disk_prep::noun::{ByteSize, ErrorKind, RecoveryPassword, Serial, count, visible_lines};
use disk_prep::verify::{VerifyOptions, VerifyReport, Yardstick, verify};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
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
        let staging = staging_of(args.staging.as_deref(), &find(drive)?.serial, &state, door)?;
        let options = VerifyOptions {
            journals: staging.as_ref().map(Staging::journals),
            recovery_password: given.clone(),
            keeper: keeper(staging.as_ref(), &args.keys, None, &state),
            stop: ui.stop_flag(),
        };
        work.push((drive, options));
    }
    let monitor = ui.monitor();
    let reports = work.par_iter().map(|(drive, options)| verify(drive, options, monitor.as_ref()));
    Ok(Box::new(Verified(reports.collect::<Result<_, _>>()?)))
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
    /// It holds something else.
    #[error("{path} does not hold a recovery password of 48 digits")]
    Form {
        /// The file.
        path: std::path::PathBuf,
    },
}

impl disk_prep::noun::Diagnose for PasswordFileError {
    fn code(&self) -> &'static str {
        match self {
            PasswordFileError::Read { .. } => "recovery-password-file",
            PasswordFileError::Form { .. } => "recovery-password-malformed",
        }
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
}

/// Reads a recovery password from its file.
pub fn recovery_password(
    path: Option<&Path>,
) -> Result<Option<RecoveryPassword>, PasswordFileError> {
    let Some(path) = path else { return Ok(None) };
    let text = std::fs::read_to_string(path)
        .map(zeroize::Zeroizing::new)
        .map_err(|source| PasswordFileError::Read { path: path.to_owned(), source })?;
    let password = text.trim().parse();
    password.map(Some).map_err(|_| PasswordFileError::Form { path: path.to_owned() })
}

/// Drives that were verified.
#[derive(Debug)]
pub struct Verified(pub Vec<VerifyReport>);

impl Outcome for Verified {
    fn text(&self) -> String {
        let mut lines = Vec::new();
        for report in &self.0 {
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
            if !report.differences.is_empty() {
                lines.push(format!(
                    "  Do not ship it. Next: `azseed drive release {serial}`, then `azseed prep` \
                     with another drive, or with this one and `--erase {serial}`"
                ));
            }
        }
        visible_lines(&lines)
    }

    fn json(&self) -> Vec<Value> {
        let line = |report: &VerifyReport| {
            let differences: Vec<String> =
                report.differences.iter().map(ToString::to_string).collect();
            json!({
                "type": "verified", "version": 1, "serial": report.drive.serial,
                "cipher": report.cipher.to_string(), "files": report.files, "bytes": report.bytes,
                "against_journal": report.against == Yardstick::Journal,
                "equal": differences.is_empty(), "differences": differences,
            })
        };
        self.0.iter().map(line).collect()
    }

    fn exit(&self) -> Exit {
        let differs = self.0.iter().any(|report| !report.differences.is_empty());
        if differs { Exit::Failed(ErrorKind::Difference) } else { Exit::Done }
    }
}
