//! What follows the seed: a backup of the same sources under the same host name.

use std::path::PathBuf;
use std::sync::Arc;

use disk_prep::monitor::Monitor;
use jiff::{Timestamp, Zoned};
use secrecy::SecretString;

use super::error::Error;
use super::record::{KnownSource, Vault};
use super::remark::Remark;
use super::sources::{Coverage, Found, Verdict, judge, mount_of, shrunk, vault_coverage};
use crate::azure::Fenced;
use crate::repository::{
    self, BackupDone, BackupPlan, BlobStore, FolderStore, IsShipped, Keys, Repository, Snapshot,
    SourceTotals, Store, TravelStore, inside, survey,
};
use crate::schedule::is_ahead;

/// What is asked of an increment.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// The moment.
    pub now: &'a Zoned,
    /// This machine's name.
    pub this_host: &'a str,
    /// Whether a source may have lost most of what it held.
    pub allow_shrink: bool,
}

/// Where the repository is that an increment goes into.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "it is made of functions")]
pub enum Home<'a> {
    /// The vault has all of it.
    Vault,
    /// The seed is on its way: it is read where it was staged, as far as it is shipped.
    Travelling(&'a dyn Fn() -> FolderStore, &'a IsShipped),
}

/// What an increment has done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Increment {
    /// The backup; `None` if no source could be backed up.
    pub backup: Option<BackupDone>,
    /// Snapshots that the retention did not keep.
    pub forgotten: Vec<String>,
    /// Whether the record has a policy that keeps nothing, which was not carried out.
    pub policy_refused: bool,
    /// What is to be told of the sources.
    pub remarks: Vec<Remark>,
    /// Patterns that left nothing out.
    pub idle_patterns: Vec<String>,
    /// What is known of the sources from now on.
    pub sources: Vec<KnownSource>,
}

/// Backs up the sources as far as they are there and as they should be. Every write and delete is
/// one of the fenced container, so none comes after the lease is lost. Returns with it the
/// repository, for [`retain`](super::retention::retain), once what was made is written down.
pub fn increment(
    vault: &Vault,
    (container, home): (&Arc<dyn Fenced>, Home<'_>),
    password: &SecretString,
    asked: &Asked<'_>,
    monitor: &Arc<dyn Monitor>,
) -> Result<(Increment, Repository), Error> {
    let failed = |source| Error::Repository { vault: vault.name.clone(), source };
    let store: Arc<dyn Store> = match home {
        Home::Vault => Arc::new(BlobStore::changing(container, &vault.prefix)),
        Home::Travelling(staged, is_shipped) => {
            let keys = if vault.joins_since.is_some() { Keys::InVault } else { Keys::Staged };
            let (is_shipped, aside) = (Arc::clone(is_shipped), vault.aside());
            let places = (vault.prefix.as_str(), aside.as_str());
            Arc::new(TravelStore::new(staged(), is_shipped, container, places, keys))
        }
    };
    let repository = Repository::open(store, password, Arc::clone(monitor)).map_err(failed)?;
    // Each step sees what the one before it has written.
    let open = || repository.again().map_err(failed);
    // A run that was killed may have left packs that no index names; what the index names and is not
    // there has to be sent again, and goes from the index with it.
    let lost = repository.damaged_packs().map_err(failed)?.len();
    repository.repair_index().map_err(failed)?;
    let snapshots = match vault.seed_sources().is_empty() {
        true => open()?.snapshots_with_pipes().map_err(failed)?,
        false => repository.snapshots().map_err(failed)?,
    };
    let Coverage { host, sources, others } = vault_coverage(vault, &snapshots, asked.this_host);
    let mut done = Increment { remarks: others, ..Increment::default() };
    if lost > 0 {
        done.remarks.push(Remark::PacksLost { packs: lost });
    }
    if sources.is_empty() {
        done.remarks.push(Remark::NoSource { host: asked.this_host.to_owned() });
        return Ok((done, repository));
    }
    let now = asked.now.timestamp();
    for own in snapshots.iter().filter(|own| is_ahead(own.time, now)) {
        let what = format!("Snapshot {}", &own.id[..8]);
        done.remarks.push(Remark::Ahead { what, stamp: own.time });
    }
    let of_host: Vec<&Snapshot> = snapshots.iter().filter(|own| own.host == host).collect();
    let mut turns = Vec::new();
    for path in &sources {
        let known = match vault.sources.iter().find(|own| own.path == *path) {
            Some(own) => Some(own.clone()),
            None => match newest(&of_host, path, now, |own| !own.is_shrunk()) {
                Some(own) => Some(known_by(own, path, open()?).map_err(failed)?),
                None => None,
            },
        };
        turns.push(Turn { path: path.clone(), known, found: None, is_shrunk: false });
    }
    let mut plan = BackupPlan {
        choice: vault.choice(),
        never: vault.seed.iter().flat_map(|seed| inside(&seed.staging, &sources)).collect(),
        host: Some(host.clone()),
        ..BackupPlan::default()
    };
    done.idle_patterns = look(&mut plan, &mut turns, asked, &mut done.remarks).map_err(failed)?;
    for turn in turns.iter().filter(|turn| turn.found.is_some()) {
        if let Some(parent) = newest(&of_host, &turn.path, now, |_| true)
            && !plan.parents.contains(&parent.id)
        {
            plan.parents.push(parent.id.clone());
        }
    }
    if !plan.sources.is_empty() {
        let backup = open()?.back_up(&plan).map_err(failed)?;
        let gone: Vec<&Turn> = turns.iter().filter(|turn| turn.went_away(&backup)).collect();
        if gone.is_empty() {
            done.backup = Some(backup);
        } else {
            // It would pass for a whole backup; what was read of it is used again.
            open()?.remove(&backup.snapshot).map_err(failed)?;
            let went_away = |turn: &&Turn| Remark::WentAway { path: turn.path.clone() };
            done.remarks.extend(gone.iter().map(went_away));
        }
    }
    if let Some(backup) = &mut done.backup {
        let mut late = false;
        for turn in &mut turns {
            let held = backup.sources.iter().find(|own| own.path == turn.path);
            let Some(held) = held.filter(|_| turn.found.is_some()) else { continue };
            let shrunk = turn.known.as_ref().and_then(|known| shrunk(known, held));
            let is_accepted = turn.known.as_ref().is_some_and(|known| known.is_accepted);
            if let Some(remark) = shrunk.filter(|_| !asked.allow_shrink && !is_accepted)
                && !turn.is_shrunk
            {
                turn.is_shrunk = true;
                late = true;
                done.remarks.push(remark);
            }
            turn.found.get_or_insert_with(|| Found::nothing(&turn.path)).totals = held.clone();
        }
        if late && !plan.is_shrunk {
            // It shrank between the look at it and the backup.
            backup.snapshot = open()?.set_shrunk(&backup.snapshot, true).map_err(failed)?;
        }
        if asked.allow_shrink {
            open()?.accept_shrunk(&host, &plan.sources).map_err(failed)?;
        }
    }
    done.sources = turns.iter().filter_map(|turn| turn.known_now(done.backup.as_ref())).collect();
    // What the library made of a refused write is not asked: the run ends well only with its lease.
    container.check().map_err(|source| failed(repository::Error::Service { source }))?;
    Ok((done, repository))
}

/// A source in a run.
#[derive(Debug)]
struct Turn {
    path: PathBuf,
    known: Option<KnownSource>,
    /// How it was found; `None` if it is left out.
    found: Option<Found>,
    is_shrunk: bool,
}

impl Turn {
    /// Whether it is not where it was found, or nothing was left of it when it was read.
    fn went_away(&self, backup: &BackupDone) -> bool {
        let Some(found) = &self.found else { return false };
        let held = backup.sources.iter().find(|own| own.path == self.path);
        let is_emptied = found.totals.files > 0 && held.is_some_and(|own| own.files == 0);
        is_emptied || mount_of(&self.path) != found.mount
    }

    /// What is known of it after the run.
    fn known_now(&self, made: Option<&BackupDone>) -> Option<KnownSource> {
        let (Some(found), Some(made)) = (&self.found, made) else { return self.known.clone() };
        let snapshot = Some(made.snapshot.clone());
        let SourceTotals { path, files, bytes } = found.totals.clone();
        let mount = found.mount.clone();
        Some(match (&self.known, self.is_shrunk) {
            (Some(known), true) => {
                KnownSource { mount, snapshot, is_shrunk: true, ..known.clone() }
            }
            _ => KnownSource { mount, snapshot, ..KnownSource::new(path, files, bytes) },
        })
    }
}

/// Looks at the sources and puts into the plan what is to be backed up; returns patterns that leave
/// nothing out.
fn look(
    plan: &mut BackupPlan,
    turns: &mut [Turn],
    asked: &Asked<'_>,
    remarks: &mut Vec<Remark>,
) -> Result<Vec<String>, crate::repository::Error> {
    let mounts: Vec<_> = turns.iter().map(|turn| mount_of(&turn.path)).collect();
    let there = turns.iter().zip(&mounts).filter(|(_, mount)| mount.is_some());
    plan.sources = there.map(|(turn, _)| turn.path.clone()).collect();
    let seen = survey(plan)?;
    plan.sources.clear();
    for (turn, mount) in turns.iter_mut().zip(mounts) {
        let totals = seen.sources.iter().find(|own| own.path == turn.path).cloned();
        let mut found = Found::nothing(&turn.path);
        found.mount = mount;
        found.totals = totals.unwrap_or(found.totals);
        match judge(turn.known.as_ref(), &found) {
            Verdict::LeftOut(remark) => {
                remarks.push(remark);
                continue;
            }
            Verdict::Shrunk(remark) if !asked.allow_shrink => {
                plan.is_shrunk = true;
                turn.is_shrunk = true;
                remarks.push(remark);
            }
            Verdict::Shrunk(_) | Verdict::Taken => {}
        }
        plan.bytes = plan.bytes.saturating_add(found.totals.bytes);
        plan.sources.push(turn.path.clone());
        turn.found = Some(found);
    }
    Ok(seen.idle_patterns)
}

/// The newest snapshot of a source, one that is stamped ahead of now only if there is no other.
fn newest<'a>(
    snapshots: &[&'a Snapshot],
    path: &std::path::Path,
    now: Timestamp,
    is_meant: impl Fn(&Snapshot) -> bool,
) -> Option<&'a Snapshot> {
    let own = || snapshots.iter().rev().filter(|own| own.covers(path) && is_meant(own)).copied();
    own().find(|own| !is_ahead(own.time, now)).or_else(|| own().next())
}

/// What a snapshot says of a source that no run of this machine has seen yet.
fn known_by(
    snapshot: &Snapshot,
    path: &std::path::Path,
    repository: Repository,
) -> Result<KnownSource, crate::repository::Error> {
    let SourceTotals { path, files, bytes } = repository.totals_in(snapshot, path)?;
    Ok(KnownSource::new(path, files, bytes))
}
