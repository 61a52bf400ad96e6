//! The points of a backup: the snapshots of its copy, and of the copies before it.

use std::sync::Arc;

use disk_prep::noun::VaultName;
use jiff::Timestamp;

use super::chain::{BACKUP, POINT, SOURCE};
use super::error::Error;
use super::source::is_address;
use crate::azure::{PageBlob, SnapshotFacts};
use crate::schedule::is_ahead;

/// A point that can be restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskPoint {
    /// The source's snapshot, which is the point's time.
    pub source_snapshot: String,
    /// The copy's snapshot.
    pub backup_snapshot: String,
    /// Its length.
    pub bytes: u64,
    /// The name of the copy that has it.
    pub copy: String,
    /// Which copy that is; 1 is the first.
    pub generation: u32,
}

impl DiskPoint {
    /// When the disk was so.
    pub fn time(&self) -> Option<Timestamp> {
        self.source_snapshot.parse().ok()
    }

    /// When the copy's service has stamped it, if that is before the time which it bears: then the clock
    /// of the machine that made it was ahead, since nothing is copied before it is.
    pub fn stamped_before(&self) -> Option<Timestamp> {
        let stamp: Timestamp = self.backup_snapshot.parse().ok()?;
        self.time().filter(|time| is_ahead(*time, stamp)).map(|_| stamp)
    }
}

/// The copies that have a backup's points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Copies {
    /// These, the first one first; their snapshots say what they are.
    Marked(Vec<String>),
    /// These, brought by the service from the disk of this address, and bound to it.
    ByService {
        /// Their names.
        names: Vec<String>,
        /// The disk's address.
        source: String,
    },
    /// Each point has one of its own.
    Whole {
        /// What their names begin with.
        stem: String,
        /// The backup's identity.
        backup: String,
    },
}

const VHD: &str = ".vhd";

impl Copies {
    /// The name of the whole copy of a snapshot: its time without the signs that a file's name should
    /// not have.
    pub fn name_of(&self, snapshot: &str) -> String {
        let stem = match self {
            Copies::Whole { stem, .. } => stem.as_str(),
            Copies::Marked(_) | Copies::ByService { .. } => "",
        };
        let time: String = snapshot.chars().filter(|own| !matches!(own, '-' | ':')).collect();
        format!("{stem}.{time}{VHD}")
    }

    /// The identity of the backup whose whole copies of a disk stand there.
    pub fn owner(&self, newest: &Arc<dyn PageBlob>, source: &str) -> Result<Option<String>, Error> {
        let Copies::Whole { stem, .. } = self else { return Ok(None) };
        let all = newest.snapshots_below(&format!("{stem}."));
        let all = all.map_err(|source| Error::of(newest.as_ref(), source))?;
        let is_of_disk = |(copy, own): &&(String, SnapshotFacts)| {
            own.metadata.get(SOURCE).is_some_and(|from| is_address(from, source))
                && own.metadata.get(POINT).is_some_and(|point| *copy == self.name_of(point))
        };
        Ok(all.iter().rev().find(is_of_disk).and_then(|(_, own)| own.metadata.get(BACKUP).cloned()))
    }
}

/// All points of a backup, the oldest first by the clock of the copy's service, of copies that stand
/// beside the one that goes on.
pub fn points(copies: &Copies, newest: &Arc<dyn PageBlob>) -> Result<Vec<DiskPoint>, Error> {
    let mut all = match copies {
        Copies::Marked(names) => of_each(names, newest, |own| own.metadata.get(POINT).cloned())?,
        Copies::ByService { names, source } => {
            let of_disk = |own: &SnapshotFacts| {
                let from = own.copied.as_ref().filter(|from| from.address == *source)?;
                Some(from.snapshot.clone())
            };
            of_each(names, newest, of_disk)?
        }
        Copies::Whole { stem, backup } => {
            let found = newest.snapshots_below(&format!("{stem}."));
            let found = found.map_err(|source| Error::of(newest.as_ref(), source))?;
            let point = |(copy, own): (String, SnapshotFacts)| {
                let source_snapshot = own.metadata.get(POINT)?.clone();
                let is_ours = own.metadata.get(BACKUP) == Some(backup)
                    && copy == copies.name_of(&source_snapshot);
                is_ours.then_some(DiskPoint {
                    source_snapshot,
                    backup_snapshot: own.id,
                    bytes: own.bytes,
                    copy,
                    generation: 1,
                })
            };
            found.into_iter().filter_map(point).collect()
        }
    };
    // The copy's service tells which came first; the clock of a machine may have been wrong.
    all.sort_by(|one, other| one.backup_snapshot.cmp(&other.backup_snapshot));
    Ok(all)
}

/// The snapshots of copies of these names that are points; `of` tells of which snapshot of the disk.
fn of_each(
    names: &[String],
    newest: &Arc<dyn PageBlob>,
    of: impl Fn(&SnapshotFacts) -> Option<String>,
) -> Result<Vec<DiskPoint>, Error> {
    let mut all = Vec::new();
    for (name, generation) in names.iter().zip(1..) {
        let copy = newest.beside(name);
        let found = copy.snapshots().map_err(|source| Error::of(copy.as_ref(), source))?;
        let point = |own: SnapshotFacts| {
            let source_snapshot = of(&own)?;
            let (backup_snapshot, bytes, copy) = (own.id, own.bytes, name.clone());
            Some(DiskPoint { source_snapshot, backup_snapshot, bytes, copy, generation })
        };
        all.extend(found.into_iter().filter_map(point));
    }
    Ok(all)
}

/// The point that a time means: the last one that is not later. A time without a part of a second is
/// all of that second, as a person reads and types it.
pub fn point_at<'a>(
    name: &VaultName,
    points: &'a [DiskPoint],
    at: Timestamp,
) -> Result<&'a DiskPoint, Error> {
    let is_whole = at.subsec_nanosecond() == 0;
    let second = |time: Timestamp| Timestamp::from_second(time.as_second()).unwrap_or(time);
    let is_before = |own: &&DiskPoint| {
        own.time().is_some_and(|time| time <= at || is_whole && second(time) == at)
    };
    let found = points.iter().rev().find(is_before);
    found.ok_or_else(|| Error::NoPoint { name: name.clone(), at })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_all_of_itself() {
        let point = |id: &str| DiskPoint {
            copy: "os.vhd".to_owned(),
            backup_snapshot: id.to_owned(),
            source_snapshot: id.to_owned(),
            bytes: 512,
            generation: 1,
        };
        let ids =
            ["2026-11-29T04:00:00.1234567Z", "2026-11-29T04:00:00.9Z", "2026-11-29T04:00:01.5Z"];
        let all = ids.map(point);
        let name: VaultName = "os".parse().unwrap();
        let at = |text: &str| {
            let found = point_at(&name, &all, text.parse().unwrap());
            found.ok().map(|own| own.backup_snapshot.clone())
        };
        assert_eq!(at("2026-11-29T04:00:00Z").as_deref(), Some(ids[1]));
        assert_eq!(at("2026-11-29T04:00:00.5Z").as_deref(), Some(ids[0]));
        assert_eq!(at("2026-11-29T05:00:01+01:00").as_deref(), Some(ids[2]));
        assert_eq!(at("2026-11-29T03:59:59Z"), None);
    }

    #[test]
    fn a_point_that_bears_a_time_after_its_stamp_was_made_by_a_clock_that_was_ahead() {
        let point = |time: &str, stamp: &str| DiskPoint {
            copy: "os.vhd".to_owned(),
            backup_snapshot: stamp.to_owned(),
            source_snapshot: time.to_owned(),
            bytes: 512,
            generation: 1,
        };
        let stamp = "2026-11-29T04:00:00.1234567Z";
        let told = |time: &str| point(time, stamp).stamped_before();
        assert_eq!(told("2037-01-01T00:00:00Z"), Some(stamp.parse().unwrap()));
        for time in ["2026-11-29T03:00:00Z", "2026-11-29T04:04:00Z", "no time"] {
            assert_eq!(told(time), None, "{time}");
        }
        assert_eq!(point("2037-01-01T00:00:00Z", "none").stamped_before(), None);
    }

    #[test]
    fn a_whole_copy_is_named_after_its_time() {
        let (stem, backup) = ("os".to_owned(), "b".to_owned());
        let copies = Copies::Whole { stem, backup };
        let name = copies.name_of("2026-11-29T04:00:00.1234567Z");
        assert_eq!(name, "os.20261129T040000.1234567Z.vhd");
    }
}
