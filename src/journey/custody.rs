//! What runs leave in the custody log of a staging path: the report of a run, and entries for what
//! was done with drives. Who may not write there leaves nothing, and is told so.

use std::path::Path;
use std::sync::Arc;

use disk_prep::noun::Serial;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::desk::Desk;
use crate::custody::{Chain, CustodyLog, Deed, Report};
use crate::outcome::{Failure, Outcome};
use crate::staging::{Seed, Staging};

/// What came of leaving entries: nothing to tell, or why they are not there.
#[derive(Debug, Default)]
pub struct Logged(pub Option<Failure>);

/// A run that leaves a report.
pub(super) struct Run<'a> {
    /// The word in the report's name.
    pub kind: &'static str,
    /// The entry that names it.
    pub deed: Deed,
    /// What the report holds.
    pub outcome: &'a dyn Outcome,
}

/// The log of a staging path, or of the folder of a job that has none.
pub(super) fn log_of(staging: &Staging, desk: &Desk<'_>) -> Result<CustodyLog, Failure> {
    // Where no seed names the log, its place does.
    let seed = Seed::find(staging).ok().flatten();
    let place = || std::fs::canonicalize(staging.path()).unwrap_or(staging.path().to_owned());
    let id = seed.map_or_else(|| id_of(&place()), |seed| seed.id);
    Ok(CustodyLog::new(Arc::clone(staging.root()), staging.journals(), desk.state()?, id))
}

fn id_of(path: &Path) -> Uuid {
    let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
    let mut id = [0; 16];
    id.copy_from_slice(&digest[..16]);
    Uuid::from_bytes(id)
}

/// Leaves what `choose` picks under the log's claim, and behind it what a run has done with its
/// report.
pub(super) fn leave(
    staging: &Staging,
    run: Option<Run<'_>>,
    choose: impl FnOnce(&Chain) -> Vec<Deed>,
    desk: &Desk<'_>,
) -> Logged {
    let written = log_of(staging, desk).and_then(|log| {
        let written = write(&log, run, choose);
        match written {
            Ok(true) => Ok(()),
            Ok(false) => {
                desk.attendant.warn(&format!(
                    "The custody log {} is not whole; `azseed custody verify` says why",
                    log.path().display()
                ));
                Ok(())
            }
            Err(error) if error.is_read_only() => {
                desk.attendant.warn(&format!("Nothing was added to the custody log: {error}"));
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    });
    Logged(written.err())
}

/// Whether the log was whole before.
fn write(
    log: &CustodyLog,
    run: Option<Run<'_>>,
    choose: impl FnOnce(&Chain) -> Vec<Deed>,
) -> Result<bool, crate::custody::Error> {
    let at = Timestamp::now();
    let run = run.map(|Run { kind, deed, outcome }| {
        let lines: Vec<Vec<u8>> =
            outcome.json().iter().map(|line| format!("{line}\n").into_bytes()).collect();
        log.report(kind, at, &lines).map(|report| (deed, report))
    });
    let run: Option<(Deed, Report)> = run.transpose()?;
    let appended = log.append(at, |chain| {
        let chosen = choose(chain).into_iter().map(|deed| (deed, None));
        chosen.chain(run.map(|(deed, report)| (deed, Some(report)))).collect()
    })?;
    Ok(appended.faults.is_empty())
}

/// Whether a log says that a drive was sealed with this manifest.
pub(super) fn has_seal(chain: &Chain, drive: &Serial, hash: &str) -> bool {
    chain.links.iter().any(|link| match &link.entry.deed {
        Deed::Sealed { serial, manifest_hash, .. } => serial == drive && manifest_hash == hash,
        _ => false,
    })
}
