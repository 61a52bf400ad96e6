//! `disk-backup prune` and `disk-backup set`: which points are kept, and how often there is one.

use std::sync::Arc;

use disk_prep::noun::{ByteSize, ErrorKind, VaultName, count};
use jiff::Zoned;

use super::desk::Desk;
use super::disk_backup::{Rounds, meant};
use super::disk_bench::{
    DiskOptions, facts, files, hold, known, named, open, own_points, shown, tell_ahead,
};
use super::disk_files::remove_table;
use super::disk_shared::{change, newest, owner};
use crate::azure::PageBlob;
use crate::disk_backup::{
    Chain, DiskBackup, DiskPoint, Engine, Error, Keep, OWNER, freed_bytes, let_go, written_bytes,
};
use crate::outcome::{Exit, Failure, chain};
use crate::state::Lock;

/// Whether anything is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prune {
    /// It is.
    Delete,
    /// It is only told.
    Tell,
}

/// A point that goes.
#[derive(Debug)]
pub struct GonePoint {
    /// The point.
    pub point: DiskPoint,
    /// Bytes that only it held; none if the service does not tell that.
    pub freed_bytes: Option<u64>,
}

/// What goes, or went, of one disk's backup.
#[derive(Debug)]
pub struct PrunedDisk {
    /// The backup.
    pub backup: DiskBackup,
    /// How many points stay.
    pub kept: usize,
    /// Points that no rule keeps, the oldest first.
    pub gone: Vec<GonePoint>,
    /// Snapshots of the disk that runs which were killed have left.
    pub left_over: Vec<String>,
    /// Copies of former generations that have no point any more.
    pub copies: Vec<String>,
    /// Calls that delete.
    pub requests: u64,
    /// Whether it was done, or only told.
    pub is_done: bool,
}

/// What came of pruning.
#[derive(Debug)]
pub struct Pruned(pub Vec<PrunedDisk>);

/// A backup whose settings are others.
#[derive(Debug)]
pub struct ChangedDisk {
    /// Its record.
    pub backup: DiskBackup,
    /// Whether something is different now.
    pub is_changed: bool,
    /// What was kept before, if that is another now.
    pub former: Option<Keep>,
}

impl PrunedDisk {
    fn is_nothing(&self) -> bool {
        self.requests == 0
    }

    /// Bytes that are freed; none if the service does not tell that.
    pub fn freed_bytes(&self) -> Option<u64> {
        self.gone.iter().map(|own| own.freed_bytes).sum()
    }

    /// What goes, in words.
    fn words(&self) -> String {
        let mut what = Vec::new();
        let mut add = |number: usize, noun: &str| {
            if number > 0 {
                what.push(count(number, noun));
            }
        };
        add(self.gone.len(), "point");
        add(self.left_over.len(), "left-over snapshot");
        add(self.copies.len(), "former copy");
        let freed = match self.freed_bytes() {
            Some(bytes) => format!(", {} are freed", ByteSize(bytes)),
            None => String::new(),
        };
        let requests = count(usize::try_from(self.requests).unwrap_or(usize::MAX), "request");
        format!("of {} {} go by {requests}{freed}", self.backup.name, what.join(" and "))
    }
}

/// One backup with its blobs, held.
struct Bench {
    _lock: Lock,
    /// None of an image.
    source: Option<Arc<dyn PageBlob>>,
    target: Arc<dyn PageBlob>,
    plan: PrunedDisk,
}

/// Deletes what no rule keeps.
pub fn prune(
    names: &[VaultName],
    mode: Prune,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<Pruned, Failure> {
    let (names, mut failures) = meant(names, desk)?;
    let mut all = Vec::new();
    for name in &names {
        match look(name, options, desk) {
            Ok(bench) => all.push(bench),
            // The others are pruned all the same.
            Err(failure) => failures.push((Some(name.clone()), named(name)(failure))),
        }
    }
    let told: Vec<String> =
        all.iter().filter(|own| !own.plan.is_nothing()).map(|own| own.plan.words()).collect();
    if mode == Prune::Delete && !told.is_empty() {
        desk.attendant.consent(&told.join("; "))?;
        for bench in &mut all {
            if let Err(failure) = bench.delete(options, desk) {
                let name = bench.plan.backup.name.clone();
                failures.push((Some(name.clone()), named(&name)(failure)));
            }
        }
    }
    let pruned = Pruned(all.into_iter().map(|own| own.plan).collect());
    let is_empty = pruned.0.is_empty();
    shown(pruned, is_empty, failures, desk)
}

/// Deletes what no rule keeps after a run, whatever came of that: what went wrong with one disk lets
/// no point of another pile up. Of two failures the one that is to be known first ends it.
pub fn prune_after(
    rounds: Result<Rounds, Failure>,
    names: &[VaultName],
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<Pruned, Failure> {
    let failed = match rounds {
        // Whoever ends a run has all of it end.
        Err(failure) if failure.0.kind() == ErrorKind::Interrupted => return Err(failure),
        Err(failure) => failure,
        Ok(rounds) => {
            desk.attendant.show(&rounds);
            return prune(names, Prune::Delete, options, desk);
        }
    };
    match prune(names, Prune::Delete, options, desk) {
        Ok(pruned) => {
            desk.attendant.show(&pruned);
            Err(failed)
        }
        Err(other) => {
            let [first, second] = [failed.0.kind(), other.0.kind()];
            let is_first = Exit::of([first, second]) == Exit::Failed(first);
            let (told, last) = if is_first { (other, failed) } else { (failed, other) };
            let [text, same] = [&told, &last].map(|own| chain(&*own.0));
            // Whatever keeps a disk from its round mostly keeps its points, too.
            if text != same {
                desk.attendant.warn(&text);
            }
            Err(last)
        }
    }
}

/// No point goes by the rules of one backup that another one may keep.
fn check_alone(backup: &DiskBackup, options: &DiskOptions, desk: &Desk<'_>) -> Result<(), Failure> {
    let (name, blob) = (backup.name.clone(), backup.target.to_string());
    match owner(backup, options, desk)? {
        Some(DiskBackup { name: owner, .. }) => Err(Error::OfTwo { blob, name, owner }.into()),
        None => Ok(()),
    }
}

/// What would go.
fn look(name: &VaultName, options: &DiskOptions, desk: &Desk<'_>) -> Result<Bench, Failure> {
    let lock = hold(name, desk)?;
    let backup = newest(known(name, desk)?, options, desk)?;
    let (source, target) = open(&backup, options, desk)?;
    let all = own_points(&backup, source.as_ref(), &target)?;
    tell_ahead(&all, name, desk);
    let gone = let_go(backup.keep, &all, &Zoned::now());
    if !gone.is_empty() {
        check_alone(&backup, options, desk)?;
    }
    let is_gone = |own: &DiskPoint| gone.iter().any(|gone| gone == &own);
    let told = facts(&target)?;
    let tells = told.as_ref().is_some_and(|facts| !facts.is_azurite);
    let freed = gone
        .iter()
        .map(|point| {
            let freed_bytes = bytes_of((&backup, tells), &target, point, (&all, &gone))?;
            Ok(GonePoint { point: (*point).clone(), freed_bytes })
        })
        .collect::<Result<Vec<_>, Error>>()?;
    let mut copies = Vec::new();
    for generation in 1..backup.generation {
        let has_point = all.iter().any(|own| own.generation == generation && !is_gone(own));
        let name = backup.copy_name(generation);
        if !has_point && facts(&target.beside(&name))?.is_some() {
            copies.push(name);
        }
    }
    let baseline = match backup.engine {
        Engine::Diff => {
            let chain = told.and_then(|facts| Chain::parse(&facts.metadata));
            chain.and_then(|chain| chain.baseline)
        }
        Engine::IncrementalCopy | Engine::FullCopy => {
            all.last().map(|newest| newest.source_snapshot.clone())
        }
    };
    let left_over = match (baseline, &source) {
        (Some(baseline), Some(source)) => left_over(source, &backup, &baseline)?,
        _ => Vec::new(),
    };
    let requests = 2 * freed.len() + left_over.len() + copies.len();
    let plan = PrunedDisk {
        kept: all.len() - freed.len(),
        backup,
        gone: freed,
        left_over,
        copies,
        requests: requests as u64,
        is_done: false,
    };
    Ok(Bench { _lock: lock, source, target, plan })
}

/// Bytes that are freed when a point goes; none if the service does not tell that.
fn bytes_of(
    (backup, tells): (&DiskBackup, bool),
    target: &Arc<dyn PageBlob>,
    point: &DiskPoint,
    (all, gone): (&[DiskPoint], &[&DiskPoint]),
) -> Result<Option<u64>, Error> {
    let copy = target.beside(&point.copy);
    if backup.engine == Engine::FullCopy {
        let own = Some(point.backup_snapshot.as_str());
        return written_bytes(copy.as_ref(), own, point.bytes).map(Some);
    }
    let mut own: Vec<&DiskPoint> =
        all.iter().filter(|own| own.generation == point.generation).collect();
    // The service tells differences in its own order, whatever a clock said.
    own.sort_by_key(|own| own.backup_snapshot.as_str());
    let at = own.iter().position(|own| *own == point).unwrap_or_default();
    // As if they went one after the other: the one before is one that stays.
    let before = own.iter().take(at).rev().find(|own| !gone.contains(own));
    let before = before.map(|own| own.backup_snapshot.as_str());
    let after = own.get(at + 1).copied();
    // The last of a former copy that the service brought: all of the copy goes with it.
    let is_told = backup.engine == Engine::Diff || after.is_some();
    match tells && is_told {
        true => freed_bytes(copy.as_ref(), before, point, after).map(Some),
        false => Ok(None),
    }
}

/// Our snapshots of the disk that are older than the one that the copy holds.
fn left_over(
    source: &Arc<dyn PageBlob>,
    backup: &DiskBackup,
    baseline: &str,
) -> Result<Vec<String>, Error> {
    let all = source.snapshots();
    let all = all.map_err(|error| Error::Blob { blob: source.address(), source: error })?;
    let id = backup.id.to_string();
    let is_old = |own: &crate::azure::SnapshotFacts| {
        own.metadata.get(OWNER) == Some(&id) && own.id.as_str() < baseline
    };
    Ok(all.into_iter().filter(is_old).map(|own| own.id).collect())
}

impl Bench {
    fn delete(&mut self, options: &DiskOptions, desk: &Desk<'_>) -> Result<(), Failure> {
        if self.plan.is_nothing() {
            self.plan.is_done = true;
            return Ok(());
        }
        let container = files(&self.plan.backup, options, desk)?;
        let backup = &mut self.plan.backup;
        let gone = &self.plan.gone;
        // The point itself is the last that goes: while it is there, the next run finds the rest of it.
        change(backup, options, desk, |own| {
            for GonePoint { point, .. } in gone {
                own.proofs.remove(&point.backup_snapshot);
            }
        })?;
        for GonePoint { point, .. } in &self.plan.gone {
            let copy = self.target.beside(&point.copy);
            remove_table(backup, &point.source_snapshot, &container)?;
            match (backup.engine, facts(&copy)?) {
                // Both at once: without its point nobody would know whose the blob is.
                (Engine::FullCopy, Some(seen)) => copy.remove(&seen.etag)?,
                _ => copy.remove_snapshot(&point.backup_snapshot)?,
            }
        }
        if let Some(source) = &self.source {
            for snapshot in &self.plan.left_over {
                source.remove_snapshot(snapshot)?;
            }
        }
        for name in &self.plan.copies {
            let copy = self.target.beside(name);
            // The service refuses one that has a point after all.
            if let Some(seen) = facts(&copy)? {
                copy.remove_bare(&seen.etag)?;
            }
        }
        self.plan.is_done = true;
        Ok(())
    }
}

/// Rules that keep nothing are a slip of the pen.
pub(super) fn check_keep(keep: Option<Keep>) -> Result<(), Error> {
    match keep.filter(|keep| keep.keeps_nothing()) {
        Some(keep) => Err(Error::KeepsNothing { keep: keep.to_string() }),
        None => Ok(()),
    }
}

/// Changes how often there is a point, and which are kept, for all machines that back the disk up.
pub fn set(
    name: &VaultName,
    every_secs: Option<u64>,
    keep: Option<Keep>,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<ChangedDisk, Failure> {
    check_keep(keep)?;
    let _lock = hold(name, desk)?;
    let mut backup = newest(known(name, desk)?, options, desk)?;
    let set = |own: &mut DiskBackup| {
        own.every_secs = every_secs.unwrap_or(own.every_secs);
        own.keep = keep.unwrap_or(own.keep);
    };
    let former = keep.and_then(|keep| (keep != backup.keep).then_some(backup.keep));
    let mut wanted = backup.clone();
    set(&mut wanted);
    let is_changed = wanted != backup;
    if is_changed {
        change(&mut backup, options, desk, set)?;
    }
    Ok(ChangedDisk { backup, is_changed, former })
}
