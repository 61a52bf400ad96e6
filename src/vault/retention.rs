//! What follows an increment: snapshots that the policy does not keep are let go, and what only they
//! needed.

use std::sync::Arc;

use jiff::Timestamp;

use super::error::Error;
use super::foreign_locks::live_locks;
use super::increment::{Asked, Increment};
use super::joining::joining;
use super::points::{origin_of, points};
use super::record::Vault;
use super::remark::Remark;
use crate::azure::Fenced;
use crate::policy::{Judged, Origin, Point, judged};
use crate::repository::{self, BackupDone, Repository, Snapshot};

/// Forgets what the retention does not keep now that there is a new snapshot, and prunes after it.
/// Until the cleanup has proven the seed by what the vault holds, all is kept. The record names the
/// new snapshot by then, so that whoever is killed here leaves none behind that is said to be
/// there and is gone. What is about to be forgotten is shown first.
pub fn retain(
    vault: &Vault,
    (container, repository): (&Arc<dyn Fenced>, &Repository),
    asked: &Asked<'_>,
    done: &mut Increment,
    show: &dyn Fn(&[Judged<'_>]),
) -> Result<(), Error> {
    let failed = |source| Error::Repository { vault: vault.name.clone(), source };
    done.policy_refused = vault.policy().keeps_nothing();
    // What has shrunk may be needed again, whole; and while a part travels, not all is seen that
    // is still needed.
    let may_forget = vault.cleaned_at.is_some()
        && !vault.awaits_seed()
        && !done.sources.iter().any(|own| own.is_shrunk);
    let Some(backup) = done.backup.as_ref().filter(|_| may_forget) else { return Ok(()) };
    let repository = repository.again().map_err(failed)?;
    let snapshots = repository.snapshots().map_err(failed)?;
    let Some((own, points)) = origin(vault, backup, &snapshots) else { return Ok(()) };
    // The one that was just made is the latest that this clock has stamped.
    let made = points.iter().find(|point| point.id == backup.snapshot);
    let now = asked.now.timestamp();
    let now = made.map_or(now, |made| now.max(made.time));
    let all = judged(&points, &own, &vault.policy(), asked.now.time_zone(), now);
    let gone: Vec<_> = all.into_iter().filter(|own| own.grounds.is_empty()).collect();
    if gone.is_empty() {
        return Ok(());
    }
    let held = container.container();
    let locks = live_locks(held.as_ref(), &vault.prefix, Timestamp::now())?;
    let seeds = joining(held.as_ref())?;
    if locks > 0 {
        done.remarks.push(Remark::ClientLocks { count: locks });
    } else if !seeds.is_empty() {
        done.remarks.push(Remark::SeedsJoin { seeds });
    } else {
        show(&gone);
        done.forgotten = gone.iter().map(|own| own.point.id.clone()).collect();
        repository.forget(&done.forgotten).map_err(failed)?;
        repository.prune().map_err(failed)?;
    }
    // What the library made of a refused write is not asked: the run ends well only with its lease.
    container.check().map_err(|source| failed(repository::Error::Service { source }))
}

/// What this run has backed up, and all snapshots as the retention sees them; `None` if the one that
/// was just made is not listed, since then the list cannot be right.
fn origin(
    vault: &Vault,
    backup: &BackupDone,
    snapshots: &[Snapshot],
) -> Option<(Origin, Vec<Point>)> {
    let made = snapshots.iter().find(|own| own.id == backup.snapshot)?;
    let sources = backup.sources.iter().map(|own| &own.path);
    let paths = sources.chain(&vault.let_go).cloned().collect();
    Some((Origin { paths, ..origin_of(made) }, points(snapshots)))
}
