//! The record beside a disk's copy, `azseed/disks/NAME/record.json`, by which all machines that back the
//! disk up go on: what is newer there goes before what this machine knows, and what is changed here is
//! written there at once.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use disk_prep::noun::{BlobPlace, Md5Digest, VaultName};
use md5::{Digest, Md5};

use super::connections::page_blob;
use super::desk::Desk;
use super::disk_bench::{DiskOptions, all_points, facts, files};
use super::repair::Open;
use crate::azure::{Container, PageBlob};
use crate::disk_backup::{BACKUP, DiskBackup, Engine, Error};
use crate::outcome::Failure;

fn record_name(name: &VaultName) -> String {
    format!("azseed/disks/{name}/record.json")
}

/// The record that lies in the container of a copy; `None` if there is none, it is damaged, or it
/// speaks of copies elsewhere. One of a newer program is refused.
pub(super) fn read_record(
    name: &VaultName,
    target: &BlobPlace,
    container: &Arc<dyn Container>,
) -> Result<Option<DiskBackup>, Failure> {
    let blob = record_name(name);
    let Some(text) = container.read(&blob)? else { return Ok(None) };
    let place = format!("{}/{}/{blob}", target.account(), target.container());
    let found = match DiskBackup::read(&text, Path::new(&place), name.as_str()) {
        Err(error @ Error::Record { .. }) => {
            tracing::info!(%error, "nobody goes on by it");
            None
        }
        found => Some(found?),
    };
    let is_here = |own: &DiskBackup| {
        (own.target.account(), own.target.container()) == (target.account(), target.container())
    };
    Ok(found.filter(is_here))
}

/// Whether any copy of a backup is there; `beside` is a blob of its container.
pub(super) fn lives(backup: &DiskBackup, beside: &Arc<dyn PageBlob>) -> Result<bool, Error> {
    let copy = beside.beside(backup.target.name());
    if backup.engine == Engine::FullCopy {
        return Ok(!all_points(backup, None, &copy)?.is_empty());
    }
    for name in backup.copy_names().iter().rev() {
        if facts(&copy.beside(name))?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The record beside the copy of a backup that this machine knows. One of another backup is none of
/// its, as long as the copy itself says whose it is.
fn found(
    own: &DiskBackup,
    container: &Arc<dyn Container>,
    (options, desk): (&DiskOptions, &Desk<'_>),
) -> Result<Option<DiskBackup>, Failure> {
    let found = read_record(&own.name, &own.target, container)?;
    if found.as_ref().is_none_or(|found| found.id == own.id) {
        return Ok(found);
    }
    let copy = page_blob(&options.azure, &options.blobs, &own.target, desk.attendant)?;
    let id = own.id.to_string();
    match facts(&copy)?.is_some_and(|facts| facts.metadata.get(BACKUP) == Some(&id)) {
        true => Ok(None),
        false => {
            let place = format!("{}/{}", own.target.account(), own.target.container());
            Err(Error::Replaced { name: own.name.clone(), place }.into())
        }
    }
}

/// A backup as this machine knows it, with what is newer beside its copy.
pub(super) fn newest(
    own: DiskBackup,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<DiskBackup, Failure> {
    let container = files(&own, options, desk)?;
    Ok(match found(&own, &container, (options, desk))? {
        Some(found) => own.joined(found),
        None => own,
    })
}

/// Changes a backup for all machines: on top of what others have written meanwhile, there and here.
pub(super) fn change(
    backup: &mut DiskBackup,
    options: &DiskOptions,
    desk: &Desk<'_>,
    what: impl FnOnce(&mut DiskBackup),
) -> Result<(), Failure> {
    let mut own = newest(backup.clone(), options, desk)?;
    what(&mut own);
    own.revision = own.revision.saturating_add(1);
    write_record(&own, &files(&own, options, desk)?)?;
    own.save(&desk.state()?)?;
    *backup = own;
    Ok(())
}

/// Keeps the record of a backup that begins, or that this machine takes over, whatever was there.
pub(super) fn begin(
    backup: &mut DiskBackup,
    options: &DiskOptions,
    desk: &Desk<'_>,
) -> Result<(), Failure> {
    let container = files(backup, options, desk)?;
    let found = read_record(&backup.name, &backup.target, &container)?;
    let is_so = |found: &DiskBackup| *found == DiskBackup { run: None, ..backup.clone() };
    if !found.as_ref().is_some_and(is_so) {
        let former = found.map_or(0, |found| found.revision);
        backup.revision = backup.revision.max(former).saturating_add(1);
        write_record(backup, &container)?;
    }
    Ok(backup.save(&desk.state()?)?)
}

fn write_record(backup: &DiskBackup, container: &Arc<dyn Container>) -> Result<(), Failure> {
    // The id of a run is this machine's alone: who has it takes the lease over.
    let own = DiskBackup { run: None, ..backup.clone() };
    let text = own.text();
    let md5 = Md5Digest::new(Md5::digest(&text).into());
    let fenced = Arc::clone(container).fenced(Arc::new(Open));
    Ok(fenced.write(&record_name(&backup.name), Bytes::from(text), md5)?)
}
