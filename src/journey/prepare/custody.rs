//! What a preparation leaves in the custody log: the seals that it does not have yet, the proofs of
//! the escrow, what reading back has found, and the report of the run.

use disk_prep::journal::CopyState;
use disk_prep::noun::Serial;
use jiff::Timestamp;

use super::prepared::Prepared;
use crate::custody::{Chain, Deed};
use crate::journey::custody::{Logged, Run, has_seal, leave};
use crate::journey::desk::Desk;
use crate::outcome::Failure;
use crate::staging::Staging;

/// Leaves what this run did, which began then.
pub(super) fn log(
    prepared: &Prepared,
    home: &Staging,
    begun: Timestamp,
    desk: &Desk<'_>,
) -> Logged {
    let seals = match seals(prepared, home, begun) {
        Ok(seals) => seals,
        Err(failure) => return Logged(Some(failure)),
    };
    let deed = Deed::Prepared { job: prepared.job.clone() };
    let run = Run { kind: "prep", deed, outcome: prepared };
    let choose = |chain: &Chain| {
        let is_new = |deed: &Deed| match deed {
            Deed::Sealed { serial, manifest_hash, .. } => !has_seal(chain, serial, manifest_hash),
            _ => true,
        };
        let proofs = prepared.escrows.iter().filter_map(|own| own.deed());
        let verified = prepared.verified.iter().map(|own| own.deed(|_| true));
        seals.into_iter().filter(is_new).chain(proofs).chain(verified).collect()
    };
    leave(home, Some(run), choose, desk)
}

/// All drives of the folder that are sealed, also those that a killed run has sealed and not told.
fn seals(prepared: &Prepared, home: &Staging, begun: Timestamp) -> Result<Vec<Deed>, Failure> {
    let is_own = |serial: &Serial, at: Timestamp| {
        at >= begun && prepared.outcome.sealed.iter().any(|own| own.serial == *serial)
    };
    let mut histories = home.journals().survey()?;
    histories.retain(|history| history.state == CopyState::Sealed);
    histories.sort_by_key(|history| history.sealed.as_ref().map(|sealed| sealed.at));
    let deed = |history: disk_prep::journal::History| {
        let (sealed, begun) = (history.sealed?, history.begun);
        Some(Deed::Sealed {
            by_this_run: is_own(&begun.serial, sealed.at),
            serial: begun.serial,
            job: begun.job,
            manifest_hash: sealed.manifest_hash,
            sealed_at: sealed.at,
        })
    };
    Ok(histories.into_iter().filter_map(deed).collect())
}
