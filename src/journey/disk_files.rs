//! The digest tables of points, which lie beside a disk's copy, below `azseed/disks/NAME/points/`.

use std::sync::Arc;

use bytes::Bytes;
use disk_prep::noun::Md5Digest;
use md5::{Digest, Md5};

use super::repair::Open;
use crate::azure::Container;
use crate::disk_backup::{DiskBackup, Error, Table};
use crate::outcome::Failure;

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
