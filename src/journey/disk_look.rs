//! `disk-backup list`, `status` and `release`: what there is of disks' backups.

use std::sync::Arc;

use disk_prep::noun::{BlobPlace, VaultName};
use jiff::Timestamp;

use super::desk::Desk;
use super::disk_backup::next;
use super::disk_bench::{
    DiskOptions, Failed, facts, hold, known, leased, named, open, own_points, shown, tell_ahead,
};
use super::disk_shared::newest;
use crate::azure::{PageBlob, PageFacts};
use crate::disk_backup::{
    Chain, DiskBackup, DiskPoint, Engine, Error, Known, Proof, freed_bytes, written_bytes,
};
use crate::outcome::{Failure, chain};

/// Disks that this machine backs up.
#[derive(Debug)]
pub struct Disks(pub Vec<ListedDisk>);

/// A disk that this machine backs up.
#[derive(Debug)]
pub struct ListedDisk {
    /// Its record.
    pub backup: DiskBackup,
    /// The source's snapshot that its newest point is equal to; none before the first.
    pub newest: Option<String>,
}

/// The points of one disk.
#[derive(Debug)]
pub struct Points {
    /// The disk's record, which knows what was proven.
    pub backup: DiskBackup,
    /// The oldest first.
    pub all: Vec<DiskPoint>,
}

/// How a disk's backup stands.
#[derive(Debug)]
pub struct DiskStatus {
    /// The record.
    pub backup: DiskBackup,
    /// What the copy says of itself; none if it is not there.
    pub chain: Option<Chain>,
    /// How many points there are.
    pub points: usize,
    /// The source's snapshot that the newest point is equal to.
    pub newest: Option<String>,
    /// The source's snapshot that the point is equal to which was proven last, and how it was.
    pub proven: Option<(String, Proof)>,
    /// Whether the source's snapshot that the copy holds is there.
    pub has_baseline: bool,
    /// What it costs; none where there is no copy.
    pub stored: Option<Stored>,
    /// Whether another run holds the copy.
    pub is_leased: bool,
    /// When the next point is due.
    pub next: Timestamp,
}

/// Bytes that are billed of a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Written in the copy that goes on.
    pub copy_bytes: u64,
    /// Beyond it, in points only; none if the service does not tell that.
    pub points_bytes: Option<u64>,
}

/// A disk that this machine has forgotten.
#[derive(Debug)]
pub struct Released {
    /// Its name.
    pub name: VaultName,
    /// The copy; none if its record did not say that any more.
    pub target: Option<BlobPlace>,
}

/// What this machine backs up, as far as the copies can be asked with what others have made of it.
pub fn list(options: &DiskOptions, desk: &Desk<'_>) -> Result<Disks, Failure> {
    let Known { all, unusable } = DiskBackup::all(&desk.state()?)?;
    let mut failures: Vec<Failed> =
        unusable.into_iter().map(|error| (None, error.into())).collect();
    let mut unasked: Option<Failure> = None;
    let mut told = Vec::new();
    for own in all {
        // Where one cannot be asked, the next would only be waited for as long.
        if unasked.is_none() {
            match listed(own.clone(), options, desk) {
                Ok(listed) => {
                    told.push(listed);
                    continue;
                }
                Err(failure) if is_of_it(&failure) => {
                    failures.push((Some(own.name.clone()), named(&own.name)(failure)));
                }
                Err(failure) => unasked = Some(failure),
            }
        }
        told.push(ListedDisk { newest: last_snapshot(&own), backup: own });
    }
    if let Some(Failure(error)) = unasked {
        let why = chain(&*error);
        let text =
            format!("What other machines have done is not known, and this is what was: {why}");
        desk.attendant.warn(&text);
    }
    let is_empty = told.is_empty();
    shown(Disks(told), is_empty, failures, desk)
}

fn last_snapshot(backup: &DiskBackup) -> Option<String> {
    backup.last.as_ref().map(|last| last.source_snapshot.clone())
}

/// A backup with what others have made of it, and its newest point as its copy has it.
fn listed(own: DiskBackup, options: &DiskOptions, desk: &Desk<'_>) -> Result<ListedDisk, Failure> {
    let backup = newest(own, options, desk)?;
    let (source, target) = open(&backup, options, desk)?;
    let newest = own_points(&backup, source.as_ref(), &target)?.pop();
    Ok(ListedDisk { newest: newest.map(|own| own.source_snapshot), backup })
}

/// Whether the backup itself is at fault, and not the way to it.
fn is_of_it(Failure(error): &Failure) -> bool {
    let own = ["disk-backup-other", "disk-copy-gone", "disk-points-gone", "disk-record-newer"];
    own.contains(&error.code())
}

/// The points of one disk, the oldest first.
pub fn points(name: &VaultName, options: &DiskOptions, desk: &Desk<'_>) -> Result<Points, Failure> {
    let backup = newest(known(name, desk)?, options, desk)?;
    let (source, target) = open(&backup, options, desk)?;
    let all = own_points(&backup, source.as_ref(), &target)?;
    tell_ahead(&all, name, desk);
    Ok(Points { backup, all })
}

/// How a backup stands.
pub fn status(
    name: &VaultName,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<DiskStatus, Failure> {
    let backup = newest(known(name, desk)?, options, desk)?;
    let (source, target) = open(&backup, options, desk)?;
    let facts = facts(&target)?;
    let points = own_points(&backup, source.as_ref(), &target)?;
    tell_ahead(&points, name, desk);
    let chain = match backup.engine {
        Engine::Diff => facts.as_ref().and_then(|facts| Chain::parse(&facts.metadata)),
        // Nothing is said by such copies; what they hold is their newest point.
        Engine::IncrementalCopy | Engine::FullCopy => points.last().map(|newest| Chain {
            id: backup.id.to_string(),
            source: backup.source.to_string(),
            baseline: Some(newest.source_snapshot.clone()),
            pending: None,
        }),
    };
    let baseline = chain.as_ref().and_then(|chain| chain.baseline.as_deref());
    let has_baseline = match (baseline, &source) {
        // Whole copies go on from nothing.
        (Some(_), Some(_)) if backup.engine == Engine::FullCopy => true,
        (Some(id), Some(source)) => source.snapshots()?.iter().any(|own| own.id == id),
        // An image's rounds go on from digests.
        (Some(_), None) => true,
        (None, _) => false,
    };
    let stored = match (&facts, points.is_empty()) {
        (Some(facts), _) if backup.engine == Engine::Diff => {
            Some(stored(&backup, &target, facts, &points)?)
        }
        (_, true) => None,
        _ => Some(stored_in_points(&target, &points)?),
    };
    let newest = points.last().map(|own| own.source_snapshot.clone());
    let proven = backup.last_proof().map(|(id, proof)| {
        let point = points.iter().find(|own| own.backup_snapshot == id);
        (point.map_or(id, |own| &own.source_snapshot).to_owned(), proof.clone())
    });
    let is_leased = self::facts(&leased(&backup, &target))?.is_some_and(|own| own.is_leased);
    Ok(DiskStatus {
        next: next(&backup),
        stored,
        points: points.len(),
        newest,
        proven,
        is_leased,
        backup,
        chain,
        has_baseline,
    })
}

/// What a backup holds, as far as the service tells differences.
fn stored(
    backup: &DiskBackup,
    target: &Arc<dyn PageBlob>,
    facts: &PageFacts,
    points: &[DiskPoint],
) -> Result<Stored, Error> {
    let copy_bytes = written_bytes(target.as_ref(), None, facts.bytes)?;
    if facts.is_azurite {
        return Ok(Stored { copy_bytes, points_bytes: None });
    }
    let mut points_bytes = 0_u64;
    for generation in 1..=backup.generation {
        let copy = target.beside(&backup.copy_name(generation));
        let mut own: Vec<&DiskPoint> =
            points.iter().filter(|own| own.generation == generation).collect();
        own.sort_by_key(|own| own.backup_snapshot.as_str());
        // A page that was written over is held by points one after the other; it is counted at the last.
        for (at, point) in own.iter().enumerate() {
            let after = own.get(at + 1).copied();
            points_bytes += freed_bytes(copy.as_ref(), None, point, after)?;
        }
    }
    Ok(Stored { copy_bytes, points_bytes: Some(points_bytes) })
}

/// The same where the copy itself tells nothing, or each point is one.
fn stored_in_points(target: &Arc<dyn PageBlob>, points: &[DiskPoint]) -> Result<Stored, Error> {
    let (mut copy_bytes, mut points_bytes) = (0_u64, 0_u64);
    for (at, point) in points.iter().enumerate() {
        let copy = target.beside(&point.copy);
        match points.get(at + 1).filter(|after| after.copy == point.copy) {
            Some(after) => {
                points_bytes += freed_bytes(copy.as_ref(), None, point, Some(after))?;
            }
            None => {
                let own = Some(point.backup_snapshot.as_str());
                copy_bytes += written_bytes(copy.as_ref(), own, point.bytes)?;
            }
        }
    }
    Ok(Stored { copy_bytes, points_bytes: Some(points_bytes) })
}

/// Forgets a backup on this machine; a record that says nothing any more is forgotten too.
pub fn release(name: &VaultName, desk: &Desk<'_>) -> Result<Released, Failure> {
    let _lock = hold(name, desk)?;
    let state = desk.state()?;
    let target = match DiskBackup::open(&state, name) {
        Err(Error::Record { .. }) => None,
        found => Some(found?.ok_or_else(|| Error::Unknown { name: name.clone() })?.target),
    };
    DiskBackup::forget(&state, name)?;
    Ok(Released { name: name.clone(), target })
}
