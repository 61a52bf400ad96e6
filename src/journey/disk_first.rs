//! What is told before the first copy of a disk is made: how much it is, how long it takes at best, and
//! what of the disk does not go along.

use std::sync::Arc;

use disk_prep::limits::PAGE_BLOB_RATE;

use super::desk::Desk;
use super::disk_bench::facts;
use super::disk_image::image_of;
use crate::azure::PageBlob;
use crate::disk_backup::{DiskBackup, Error, FirstCopy, OWNER, written_bytes};
use crate::outcome::Failure;

/// A first copy that is about to be made.
#[derive(Debug)]
pub struct FirstAhead {
    /// The backup.
    pub backup: DiskBackup,
    /// The disk's length.
    pub bytes: u64,
    /// What of it is written, which goes into the copy; at most, of an image.
    pub written_bytes: u64,
    /// Seconds that a page blob takes for that at best.
    pub least_secs: u64,
    /// Snapshots that the disk has by others, which stay behind; none of an image.
    pub snapshots: usize,
}

/// Tells it of a page blob, a managed disk or an image that goes by wire.
pub(super) fn tell_first(
    backup: &DiskBackup,
    source: Option<&Arc<dyn PageBlob>>,
    desk: &Desk<'_>,
) -> Result<(), Failure> {
    if backup.first == FirstCopy::Drive {
        return Ok(());
    }
    let (bytes, written_bytes, snapshots) = match source {
        None => {
            let bytes = image_of(backup, desk)?.own_bytes();
            (bytes, bytes, 0)
        }
        Some(source) => {
            let Some(own) = facts(source)? else { return Ok(()) };
            let written = match source.is_managed() {
                // What of it is written is told of its snapshots only, and there is none yet.
                true => own.bytes,
                false => written_bytes(source.as_ref(), None, own.bytes)?,
            };
            (own.bytes, written, others(backup, source)?)
        }
    };
    let least_secs = written_bytes.div_ceil(PAGE_BLOB_RATE);
    let backup = backup.clone();
    desk.attendant.show(&FirstAhead { backup, bytes, written_bytes, least_secs, snapshots });
    Ok(())
}

/// How many snapshots of the disk are not this backup's.
fn others(backup: &DiskBackup, source: &Arc<dyn PageBlob>) -> Result<usize, Error> {
    let failed = |error| Error::Blob { blob: source.address(), source: error };
    let own = backup.id.to_string();
    let all = source.snapshots().map_err(failed)?;
    Ok(all.iter().filter(|one| one.metadata.get(OWNER) != Some(&own)).count())
}
