//! What is told before the first copy of a disk is made: how much it is, how long it takes at best, and
//! what of the disk does not go along.

use std::sync::Arc;

use disk_prep::limits::PAGE_BLOB_RATE;
use disk_prep::noun::{ByteSize, count, lasting};

use super::desk::Desk;
use super::disk_bench::facts;
use super::disk_image::image_of;
use crate::azure::PageBlob;
use crate::disk_backup::{DiskBackup, Engine, Error, FirstCopy, OWNER, typed_time, written_bytes};
use crate::outcome::Failure;

/// Tells it of a page blob, a managed disk or an image that goes by wire.
pub(super) fn tell_first(
    backup: &DiskBackup,
    source: Option<&Arc<dyn PageBlob>>,
    desk: &Desk<'_>,
) -> Result<(), Failure> {
    if backup.first == FirstCopy::Drive {
        return Ok(());
    }
    let Some(source) = source else {
        let bytes = image_of(backup, desk)?.own_bytes();
        let (size, time) = (ByteSize(bytes), at_best(bytes));
        desk.attendant.say(&format!(
            "The first copy: {size} at most, since what holds nothing is left out. {time}"
        ));
        return Ok(());
    };
    let Some(own) = facts(source)? else { return Ok(()) };
    let written = match source.is_managed() {
        // What of it is written is told of its snapshots only, and there is none yet.
        true => own.bytes,
        false => written_bytes(source.as_ref(), None, own.bytes)?,
    };
    let (part, whole, time) = (ByteSize(written), ByteSize(own.bytes), at_best(written));
    desk.attendant.say(&match backup.engine {
        Engine::Diff | Engine::IncrementalCopy => {
            format!("The first copy: {part} of {whole} are written now. {time}")
        }
        Engine::FullCopy => format!(
            "Every point of {} is a whole copy: {part} of {whole} are written now, and are sent and \
             billed once more every {}. {time}. Kept: {}. `--engine diff` sends and keeps only what \
             changed",
            backup.name,
            typed_time(backup.every_secs),
            backup.keep,
        ),
    });
    desk.attendant.say(&not_along(backup, source)?);
    Ok(())
}

fn at_best(bytes: u64) -> String {
    let (rate, secs) = (ByteSize(PAGE_BLOB_RATE), bytes.div_ceil(PAGE_BLOB_RATE));
    let time = if secs < 60 { "less than a minute".to_owned() } else { lasting(secs) };
    format!("At best it takes {time}: a page blob takes {rate} a second")
}

/// What stays behind.
fn not_along(backup: &DiskBackup, source: &Arc<dyn PageBlob>) -> Result<String, Error> {
    let failed = |error| Error::Blob { blob: source.address(), source: error };
    let own = backup.id.to_string();
    let all = source.snapshots().map_err(failed)?;
    let others = all.iter().filter(|one| one.metadata.get(OWNER) != Some(&own)).count();
    let snapshots = match others {
        0 => String::new(),
        _ => format!("{} that it has by now, ", count(others, "snapshot")),
    };
    Ok(match source.is_managed() {
        true if others == 0 => "Not copied along: snapshots of the disk by others".to_owned(),
        true => format!("Not copied along: {}", snapshots.trim_end_matches(", ")),
        false => format!("Not copied along of the disk: {snapshots}its lease, its access tier"),
    })
}
