//! `disk-backup verify`: points are proven, against the disk's own snapshot while that is there, else
//! against their digest tables.

use std::sync::Arc;

use disk_prep::noun::{ReadShare, VaultName};
use jiff::Timestamp;

use super::desk::Desk;
use super::disk_bench::{Attended, DiskOptions, files, hold, known, open, own_points};
use super::disk_files::{read_table, write_table};
use super::disk_shared::{change, newest};
use crate::azure::{Container, PageBlob};
use crate::disk_backup::{
    Difference, DiskBackup, DiskPoint, Error, Proof, ProvenBy, compare, compare_table, point_at,
};
use crate::outcome::Failure;

/// Which points are proven.
#[derive(Debug, Clone, Copy)]
pub enum Proven {
    /// The newest.
    Newest,
    /// The last one that is not later.
    At(Timestamp),
    /// All of them.
    All,
}

/// What was found of a point.
#[derive(Debug)]
pub struct PointFound {
    /// The point.
    pub point: DiskPoint,
    /// How it is.
    pub found: Found,
}

/// How a point is.
#[derive(Debug)]
pub enum Found {
    /// By comparing it with this; and what differs.
    Compared(ProvenBy, Difference),
    /// There is nothing to compare it with.
    NoTable,
    /// Its digest table is damaged, as this says, and proves nothing.
    BadTable(Error),
}

/// What came of proving.
#[derive(Debug)]
pub struct DiskVerified {
    /// The disk.
    pub name: VaultName,
    /// The points, the oldest first.
    pub all: Vec<PointFound>,
    /// Whether only a share of them was read.
    pub is_share: bool,
}

/// Proves points.
pub fn verify(
    name: &VaultName,
    which: Proven,
    share: Option<ReadShare>,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<DiskVerified, Failure> {
    let _lock = hold(name, desk)?;
    let mut backup = newest(known(name, desk)?, options, desk)?;
    let (source, target) = open(&backup, options, desk)?;
    let there = own_points(&backup, source.as_ref(), &target)?;
    let nothing = || Error::NoPointYet { name: name.clone() };
    let newest = there.last().ok_or_else(nothing)?.clone();
    let chosen: Vec<DiskPoint> = match which {
        Proven::Newest => vec![newest],
        Proven::At(at) => vec![point_at(name, &there, at)?.clone()],
        Proven::All => there,
    };
    let watch = Attended::new(format!("verify {name}"), desk.attendant);
    let container = files(&backup, options, desk)?;
    let look = Look { source: source.as_ref(), target: &target, container: &container, share };
    let (mut all, mut proofs, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
    for point in chosen {
        let found = look.at(&backup, &point, &watch)?;
        let is_alone = !matches!(which, Proven::All);
        match found {
            Found::NoTable if is_alone => {
                let (name, snapshot) = (name.clone(), point.source_snapshot);
                return Err(Error::NoTable { name, snapshot }.into());
            }
            Found::BadTable(error) if is_alone => return Err(error.into()),
            _ => {}
        }
        if let Found::Compared(by, difference) = &found
            && difference.is_none()
        {
            let proof = Proof { at: Timestamp::now(), by: *by, is_whole: share.is_none() };
            // Said to the others when all is done, and known here if that is never.
            backup.proofs.insert(point.backup_snapshot.clone(), proof.clone());
            backup.save(&desk.state()?)?;
            proofs.push((point.backup_snapshot.clone(), proof));
        }
        if let Found::Compared(_, difference) = &found
            && !difference.is_none()
        {
            wrong.push(point.backup_snapshot.clone());
        }
        all.push(PointFound { point, found });
    }
    wrong.retain(|point| backup.proofs.contains_key(point));
    if !proofs.is_empty() || !wrong.is_empty() {
        change(&mut backup, options, desk, |own| {
            own.proofs.extend(proofs.clone());
            // Whatever proved them before does not hold any more.
            own.proofs.retain(|point, _| !wrong.contains(point));
        })?;
    }
    Ok(DiskVerified { name: name.clone(), all, is_share: share.is_some() })
}

/// Where points are looked at.
struct Look<'a> {
    source: Option<&'a Arc<dyn PageBlob>>,
    target: &'a Arc<dyn PageBlob>,
    container: &'a Arc<dyn Container>,
    share: Option<ReadShare>,
}

impl Look<'_> {
    /// How a point is.
    fn at(
        &self,
        backup: &DiskBackup,
        point: &DiskPoint,
        watch: &Attended<'_>,
    ) -> Result<Found, Failure> {
        let copy = self.target.beside(&point.copy);
        let own = (copy.as_ref(), Some(point.backup_snapshot.as_str()));
        let snapshot = point.source_snapshot.as_str();
        if let Some(source) = self.source
            && source.facts(Some(snapshot))?.is_some()
        {
            let theirs = (source.as_ref(), Some(snapshot));
            let found = compare(theirs, own, self.share, watch)?;
            if let Some(table) = &found.table {
                write_table(backup, snapshot, table, self.container)?;
            }
            return Ok(Found::Compared(ProvenBy::Source, found));
        }
        Ok(match read_table(backup, snapshot, self.container) {
            Err(error @ Error::Table { .. }) => Found::BadTable(error),
            table => match table? {
                None => Found::NoTable,
                Some(table) => {
                    let found = compare_table(&table, own, self.share, watch)?;
                    Found::Compared(ProvenBy::Table, found)
                }
            },
        })
    }
}
