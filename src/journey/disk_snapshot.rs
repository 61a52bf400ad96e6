//! `disk-backup snapshot`: snapshots of a disk by hand. A snapshot that a backup goes on from is not
//! deleted here, and a disk itself never is.

use std::sync::Arc;

use disk_prep::noun::{VaultName, typed};

use super::desk::Desk;
use super::disk_bench::{DiskOptions, DiskWord, check_source, facts, opened as open};
use crate::azure::{PageBlob, SnapshotFacts};
use crate::disk_backup::{DiskBackup, DiskSource, Error, IMAGE, OWNER, POINT};
use crate::outcome::Failure;

/// What stands in the names of a managed disk's snapshots in place of a backup's.
const BY_HAND: &str = "hand";

/// A snapshot of a disk.
#[derive(Debug)]
pub struct HandSnapshot {
    /// What the service says of it.
    pub facts: SnapshotFacts,
    /// The backup that it belongs to, by the name that this machine has for it, else by its identity.
    pub owner: Option<String>,
    /// The snapshot of a source that it is equal to, if it is a point of a backup.
    pub point: Option<String>,
}

/// Snapshots of a disk, and what was done with them.
#[derive(Debug)]
pub struct HandSnapshots {
    /// The disk.
    pub source: DiskSource,
    /// The snapshots, the oldest first.
    pub all: Vec<HandSnapshot>,
    /// What was done.
    pub deed: SnapshotDeed,
}

/// What was done with snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotDeed {
    /// It was made.
    Made,
    /// They are there.
    Listed,
    /// It was deleted.
    Deleted,
}

/// The disk that a word names; it is there, and a page blob.
fn opened(
    word: &str,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<(DiskSource, Arc<dyn PageBlob>), Failure> {
    let wrong = || DiskWord::Source { word: word.to_owned() };
    if word.starts_with(IMAGE) {
        return Err(Error::NoPages { blob: word.to_owned() }.into());
    }
    let source: DiskSource = word.parse().map_err(|_| wrong())?;
    let disk = open(&source, BY_HAND, options, desk)?;
    let disk = disk.ok_or_else(|| Error::NoPages { blob: word.to_owned() })?;
    check_source(&disk)?;
    Ok((source, disk))
}

fn all(disk: &Arc<dyn PageBlob>, desk: &Desk<'_>) -> Result<Vec<HandSnapshot>, Failure> {
    let known = DiskBackup::all(&desk.state()?)?.all;
    let named = |id: &String| -> Option<&VaultName> {
        known.iter().find(|own| own.id.to_string() == *id).map(|own| &own.name)
    };
    let one = |facts: SnapshotFacts| HandSnapshot {
        owner: facts
            .metadata
            .get(OWNER)
            .map(|id| named(id).map_or(id.clone(), |own| own.to_string())),
        point: facts.metadata.get(POINT).cloned(),
        facts,
    };
    Ok(disk.snapshots()?.into_iter().map(one).collect())
}

/// Takes one.
pub fn create(
    word: &str,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<HandSnapshots, Failure> {
    let (source, disk) = opened(word, options, desk)?;
    let mut metadata = facts(&disk)?.map(|own| own.metadata).unwrap_or_default();
    // It is nobody's but the person's, and is the copy of no backup.
    metadata.retain(|name, _| !name.starts_with("bk_") && !name.starts_with("azseed-"));
    metadata.insert("by".to_owned(), "hand".to_owned());
    let id = disk.snapshot(&metadata, None).map_err(|error| Error::of(disk.as_ref(), error))?;
    let all = all(&disk, desk)?.into_iter().filter(|own| own.facts.id == id).collect();
    Ok(HandSnapshots { source, all, deed: SnapshotDeed::Made })
}

/// Lists all.
pub fn list(word: &str, options: &DiskOptions, desk: &Desk<'_>) -> Result<HandSnapshots, Failure> {
    let (source, disk) = opened(word, options, desk)?;
    Ok(HandSnapshots { source, all: all(&disk, desk)?, deed: SnapshotDeed::Listed })
}

/// Deletes one, once that is said.
pub fn delete(
    word: &str,
    at: &str,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<HandSnapshots, Failure> {
    let (source, disk) = opened(word, options, desk)?;
    let none = || {
        let list = ["azseed", "disk-backup", "snapshot", "list", "--source", &source.word()];
        Error::NotTaken { blob: disk.address(), snapshot: at.to_owned(), line: typed(list) }
    };
    let own = all(&disk, desk)?.into_iter().find(|own| own.facts.id == at).ok_or_else(none)?;
    if let Some(owner) = &own.owner {
        let (blob, snapshot, owner) = (disk.address(), at.to_owned(), owner.clone());
        return Err(Error::OfBackup { blob, snapshot, owner }.into());
    }
    let kind = if own.point.is_some() { ", a point that can be restored," } else { "" };
    desk.attendant.consent(&format!("the snapshot {at} of {source}{kind} goes"))?;
    disk.remove_snapshot(at)?;
    Ok(HandSnapshots { source, all: vec![own], deed: SnapshotDeed::Deleted })
}
