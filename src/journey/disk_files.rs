//! The digest tables of points, which lie beside a disk's copy, below `azseed/disks/NAME/points/`.

use std::sync::Arc;

use bytes::Bytes;
use disk_prep::noun::Md5Digest;
use md5::{Digest, Md5};

use super::desk::Desk;
use super::disk_bench::{Attended, DiskOptions, files};
use super::repair::Open;
use crate::azure::{Container, PageBlob};
use crate::disk_backup::{DiskBackup, DiskPoint, Error, Table, compare_table};
use crate::outcome::{Failure, chain};

fn table_name(backup: &DiskBackup, source_snapshot: &str) -> String {
    format!("azseed/disks/{}/points/{source_snapshot}.sha256", backup.name)
}

/// The digest table of a point; `None` if there is none.
pub(super) fn read_table(
    backup: &DiskBackup,
    source_snapshot: &str,
    container: &Arc<dyn Container>,
) -> Result<Option<Table>, Error> {
    let blob = table_name(backup, source_snapshot);
    let read = container.read(&blob);
    let text = read.map_err(|source| Error::Blob { blob: blob.clone(), source })?;
    let table = text.map(|text| Table::parse(&text)).transpose();
    table.map_err(|source| Error::Table { blob, source })
}

/// Keeps the digest table of a point.
pub(super) fn write_table(
    backup: &DiskBackup,
    source_snapshot: &str,
    table: &Table,
    container: &Arc<dyn Container>,
) -> Result<(), Error> {
    let (blob, text) = (table_name(backup, source_snapshot), table.encode());
    let md5 = Md5Digest::new(Md5::digest(&text).into());
    let fenced = Arc::clone(container).fenced(Arc::new(Open));
    let written = fenced.write(&blob, Bytes::from(text), md5);
    written.map_err(|source| Error::Blob { blob, source })
}

/// Deletes the digest table of a point that is gone.
pub(super) fn remove_table(
    backup: &DiskBackup,
    source_snapshot: &str,
    container: &Arc<dyn Container>,
) -> Result<(), Failure> {
    let fenced = Arc::clone(container).fenced(Arc::new(Open));
    fenced.remove_any(&table_name(backup, source_snapshot))?;
    Ok(())
}

/// What proves a point, if anything does.
pub(super) fn table_of(
    backup: &DiskBackup,
    point: &DiskPoint,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<Option<Table>, Failure> {
    let container = files(backup, options, desk)?;
    match read_table(backup, &point.source_snapshot, &container) {
        Err(error @ Error::Table { .. }) => {
            desk.attendant.warn(&format!("{}; the point is restored as it is", chain(&error)));
            Ok(None)
        }
        found => Ok(found?),
    }
}

/// A point that is not what its table says is put nowhere that it could not be taken back from.
pub(super) fn check_point(
    backup: &DiskBackup,
    (point, copy): (&DiskPoint, &Arc<dyn PageBlob>),
    table: &Table,
    watch: &Attended<'_>,
) -> Result<(), Error> {
    let own = (copy.as_ref(), Some(point.backup_snapshot.as_str()));
    let found = compare_table(table, own, None, watch)?;
    match found.first() {
        Some(offset) => Err(wrong(backup, (point, copy), offset)),
        None => Ok(()),
    }
}

/// The same of its length, which is looked at before anything is made.
pub(super) fn check_length(
    backup: &DiskBackup,
    (point, copy): (&DiskPoint, &Arc<dyn PageBlob>),
    table: &Table,
) -> Result<(), Error> {
    match table.bytes() == point.bytes {
        true => Ok(()),
        false => Err(wrong(backup, (point, copy), table.bytes().min(point.bytes))),
    }
}

fn wrong(
    backup: &DiskBackup,
    (point, copy): (&DiskPoint, &Arc<dyn PageBlob>),
    offset: u64,
) -> Error {
    let (name, snapshot) = (backup.name.clone(), point.source_snapshot.clone());
    Error::PointWrong { name, snapshot, blob: copy.address(), offset }
}
