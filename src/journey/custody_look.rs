//! The custody log looked at as a whole: its own chain, the reports that it names, and the journals
//! of the drives that it tells of.

use std::path::{Path, PathBuf};

use disk_prep::journal::CopyState;
use disk_prep::noun::{Diagnose, ErrorKind, Hint, JobName};

use super::custody::{has_seal, log_of};
use super::desk::Desk;
use super::share::meant;
use crate::custody::{Chain, CustodyLog, Deed, Fault};
use crate::outcome::{Failure, MissingFlags};
use crate::staging::Staging;

/// A log as it was found.
#[derive(Debug)]
pub struct Looked {
    /// Where it is.
    pub path: PathBuf,
    /// What it says, and all that is wrong with it.
    pub chain: Chain,
}

/// There is no log.
#[derive(Debug, thiserror::Error)]
#[error("There is no custody log at {path}")]
struct NoLog {
    path: PathBuf,
}

impl Diagnose for NoLog {
    fn code(&self) -> &'static str {
        "custody-none"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::NotFound
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new("the first drive that `azseed prep` seals begins it"))
    }
}

/// The folder that is meant: a staging path, or that of a job which has none.
fn home(
    staging: Option<&Path>,
    job: Option<&JobName>,
    desk: &Desk<'_>,
) -> Result<Staging, Failure> {
    if let Some(path) = staging {
        return desk.enter(&meant(path, desk)?);
    }
    let state = desk.state()?;
    match state.staging_of(job)? {
        Some(path) => desk.enter(&path),
        None => Err(MissingFlags::one("--staging").into()),
    }
}

/// Looks at a log and at all that it names. Where it is whole, this machine keeps in mind how far.
pub fn look(
    staging: Option<&Path>,
    job: Option<&JobName>,
    desk: &Desk<'_>,
) -> Result<Looked, Failure> {
    let staging = home(staging, job, desk)?;
    let log = log_of(&staging, desk)?;
    let path = log.path();
    let mut chain = log.read()?.ok_or_else(|| NoLog { path: path.clone() })?;
    let mut faults = reports(&log, &chain)?;
    faults.extend(seals(&staging, &chain)?);
    chain.faults.extend(faults);
    log.remember(&chain)?;
    Ok(Looked { path, chain })
}

/// Reports that are not what their entries say.
fn reports(log: &CustodyLog, chain: &Chain) -> Result<Vec<Fault>, Failure> {
    let mut faults = Vec::new();
    for link in &chain.links {
        let Some(report) = &link.entry.report else { continue };
        if !log.has_report(report)? {
            faults.push(Fault::Report { line: link.line, name: report.name.clone() });
        }
    }
    Ok(faults)
}

/// Seals that journals have and the log does not.
fn seals(staging: &Staging, chain: &Chain) -> Result<Vec<Fault>, Failure> {
    let mut faults = Vec::new();
    for history in staging.journals().survey()? {
        let (serial, state) = (&history.begun.serial, history.state);
        let Some(sealed) = history.sealed.filter(|_| state == CopyState::Sealed) else { continue };
        if has_seal(chain, serial, &sealed.manifest_hash) {
            continue;
        }
        let last = chain.links.iter().rev().find(
            |link| matches!(&link.entry.deed, Deed::Sealed { serial: own, .. } if own == serial),
        );
        let serial = serial.to_string();
        faults.push(match last {
            Some(link) => Fault::Manifest { line: link.line, serial },
            None => Fault::Unlogged { serial },
        });
    }
    Ok(faults)
}
