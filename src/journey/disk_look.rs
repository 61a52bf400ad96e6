//! `disk-backup list`, `status`, `verify` and `release`: what there is of disks' backups.

use disk_prep::noun::VaultName;
use jiff::Timestamp;

use super::desk::Desk;
use super::disk_backup::{Attended, DiskOptions, facts, hold, known, next, open};
use crate::azure::{PageBlob, SnapshotFacts};
use crate::disk_backup::{Chain, Difference, DiskBackup, Error, POINT, compare};
use crate::outcome::Failure;

/// Disks that this machine backs up.
#[derive(Debug)]
pub struct Disks(pub Vec<DiskBackup>);

/// A point that can be restored.
#[derive(Debug, PartialEq, Eq)]
pub struct DiskPoint {
    /// The source's snapshot, which is the point's time.
    pub source_snapshot: String,
    /// The copy's snapshot.
    pub backup_snapshot: String,
    /// Its length.
    pub bytes: u64,
}

/// The points of one disk.
#[derive(Debug)]
pub struct Points {
    /// The disk.
    pub name: VaultName,
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
    /// Whether the source's snapshot that the copy holds is there.
    pub has_baseline: bool,
    /// Whether another run holds the copy.
    pub is_leased: bool,
    /// When the next point is due.
    pub next: Timestamp,
}

/// What came of comparing.
#[derive(Debug)]
pub struct DiskVerified {
    /// The disk.
    pub name: VaultName,
    /// The point that was compared.
    pub point: DiskPoint,
    /// What differs.
    pub difference: Difference,
}

/// A disk that this machine has forgotten.
#[derive(Debug)]
pub struct Released {
    /// What it knew.
    pub backup: DiskBackup,
}

/// What this machine backs up.
pub fn list(desk: &Desk<'_>) -> Result<Disks, Failure> {
    Ok(Disks(DiskBackup::all(&desk.state()?)?))
}

/// The points of one disk, the oldest first.
pub fn points(name: &VaultName, options: &DiskOptions, desk: &Desk<'_>) -> Result<Points, Failure> {
    let backup = known(name, desk)?;
    let (_, target) = open(&backup, options, desk)?;
    Ok(Points { name: name.clone(), all: points_of(target.as_ref())? })
}

fn points_of(target: &dyn PageBlob) -> Result<Vec<DiskPoint>, Error> {
    let all =
        target.snapshots().map_err(|source| Error::Blob { blob: target.address(), source })?;
    let point = |own: SnapshotFacts| {
        let source_snapshot = own.metadata.get(POINT)?.clone();
        Some(DiskPoint { source_snapshot, backup_snapshot: own.id, bytes: own.bytes })
    };
    Ok(all.into_iter().filter_map(point).collect())
}

/// How a backup stands.
pub fn status(
    name: &VaultName,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<DiskStatus, Failure> {
    let backup = known(name, desk)?;
    let (source, target) = open(&backup, options, desk)?;
    let facts = facts(&target)?;
    let chain = facts.as_ref().and_then(|facts| Chain::parse(&facts.metadata));
    let baseline = chain.as_ref().and_then(|chain| chain.baseline.as_deref());
    let has_baseline = match baseline {
        Some(id) => source.facts(Some(id))?.is_some(),
        None => false,
    };
    Ok(DiskStatus {
        next: next(&backup),
        points: points_of(target.as_ref())?.len(),
        is_leased: facts.is_some_and(|facts| facts.is_leased),
        backup,
        chain,
        has_baseline,
    })
}

/// Compares the newest point with the source's snapshot of it, all of both.
pub fn verify(
    name: &VaultName,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<DiskVerified, Failure> {
    let _lock = hold(name, desk)?;
    let mut backup = known(name, desk)?;
    let (source, target) = open(&backup, options, desk)?;
    let nothing = || Error::NoSource { blob: target.address() };
    let point = points_of(target.as_ref())?.pop().ok_or_else(nothing)?;
    let watch = Attended::new(format!("verify {name}"), desk.attendant);
    let difference = compare(
        (source.as_ref(), &point.source_snapshot),
        (target.as_ref(), &point.backup_snapshot),
        &watch,
    )?;
    if let (true, Some(last)) = (difference.is_none(), backup.last.as_mut()) {
        last.proven = Some((Timestamp::now(), point.backup_snapshot.clone()));
        backup.save(&desk.state()?)?;
    }
    Ok(DiskVerified { name: name.clone(), point, difference })
}

/// Forgets a backup on this machine.
pub fn release(name: &VaultName, desk: &Desk<'_>) -> Result<Released, Failure> {
    let _lock = hold(name, desk)?;
    let backup = known(name, desk)?;
    backup.forget(&desk.state()?)?;
    Ok(Released { backup })
}
