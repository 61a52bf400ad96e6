//! Sealed drives read back as the datacenter will.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use disk_prep::drive::{DriveName, expect_each_once};
use disk_prep::noun::{Diagnose, ErrorKind, Hint, RecoveryPassword, Serial};
use disk_prep::sys::private::{self, NotPrivate};
use disk_prep::sys::threads::each;
use disk_prep::verify::{Difference, VerifyOptions, VerifyReport, verify};

use super::custody::{Logged, Run, leave};
use super::desk::Desk;
use super::drives::find_filled;
use super::keeper::{KeyFiles, keeper};
use super::misnamed::misnamed;
use super::settings::settle_kernels;
use crate::custody::Deed;
use crate::outcome::Failure;
use crate::staging::{Seed, SeedKind, Staging};

/// What opens a drive.
#[derive(Debug, Clone, Default)]
pub struct Opener {
    /// The staging path; without it the one that is remembered.
    pub staging: Option<PathBuf>,
    /// A file with the recovery password.
    pub recovery_password_file: Option<PathBuf>,
    /// What opens sealed recovery passwords.
    pub keys: KeyFiles,
}

/// Reads drives back, side by side.
pub fn read_back(
    drives: &[DriveName],
    opener: &Opener,
    desk: &Desk<'_>,
) -> Result<(Verified, Logged), Failure> {
    settle_kernels(desk.attendant);
    let state = desk.state()?;
    let given = recovery_password(opener.recovery_password_file.as_deref())?;
    let (mut work, mut homes) = (Vec::new(), BTreeMap::new());
    for drive in drives {
        let (drive, staging) = find_filled(drive, opener.staging.as_deref(), &state, desk)?;
        let options = VerifyOptions {
            journals: staging.as_ref().map(Staging::journals),
            recovery_password: given.clone(),
            keeper: keeper(staging.as_ref(), &opener.keys, None, &state),
            stop: desk.attendant.stop_flag(),
        };
        if let Some(staging) = staging {
            let (_, serials) =
                homes.entry(staging.path().to_owned()).or_insert((staging, Vec::new()));
            serials.push(drive.serial.clone());
        }
        work.push((drive, options));
    }
    expect_each_once(&work.iter().map(|(drive, _)| drive).collect::<Vec<_>>())?;
    let monitor = desk.attendant.monitor();
    let looked_at = each(work, |(drive, options)| {
        verify(&drive, &options, monitor.as_ref()).map_err(|error| (drive.serial, error))
    });
    let mut verified = Verified::new(looked_at)?;
    for (staging, serials) in homes.values() {
        verified.judge_names(staging, serials)?;
    }
    let mut logged = Logged(None);
    for (staging, serials) in homes.into_values() {
        let deed = verified.deed(|serial| serials.contains(serial));
        let run = Run { kind: "verify", deed, outcome: &verified };
        let left = leave(&staging, Some(run), |_| Vec::new(), desk);
        logged = Logged(logged.0.or(left.0));
    }
    Ok((verified, logged))
}

/// A file that should hold a recovery password.
#[derive(Debug, thiserror::Error)]
pub enum PasswordFileError {
    /// It cannot be read.
    #[error("Cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Others are let in.
    #[error("{path} cannot hold a recovery password: {why}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Who.
        why: NotPrivate,
    },
    /// It holds something else.
    #[error("{path} does not hold one recovery password of 48 digits")]
    Form {
        /// The file.
        path: PathBuf,
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
    /// What was found.
    pub reports: Vec<VerifyReport>,
    /// Those that could not be looked at.
    pub failed: Vec<(Serial, disk_prep::Error)>,
}

impl Verified {
    /// Adds what the drives of a seed's repository have that is equal, and was damaged when it was
    /// copied.
    fn judge_names(&mut self, staging: &Staging, serials: &[Serial]) -> Result<(), Failure> {
        let seed = Seed::find(staging)?.filter(|seed| seed.kind == SeedKind::Repository);
        let Some(seed) = seed else { return Ok(()) };
        for own in misnamed(&seed.target.prefix, &staging.journals(), serials)? {
            let mut reports = self.reports.iter_mut();
            let report = reports.find(|report| report.drive.serial == own.serial);
            let difference = Difference::DamagedBefore { path: own.path };
            report.into_iter().for_each(|report| report.differences.push(difference.clone()));
        }
        Ok(())
    }

    /// The entry of the custody log on those drives that belong there.
    pub(super) fn deed(&self, is_meant: impl Fn(&Serial) -> bool) -> Deed {
        let (mut equal, mut unequal) = (Vec::new(), Vec::new());
        for report in self.reports.iter().filter(|own| is_meant(&own.drive.serial)) {
            let list = if report.differences.is_empty() { &mut equal } else { &mut unequal };
            list.push(report.drive.serial.clone());
        }
        let failed = self.failed.iter().map(|(serial, _)| serial.clone());
        unequal.extend(failed.filter(|serial| is_meant(serial)));
        Deed::Verified { equal, unequal }
    }

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
