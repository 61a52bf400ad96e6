//! Steps 2 and 3 of `design` 4: nothing old can be mistaken for a volume, then both partition
//! tables. Repeated whole until the journal says that it is done; after that never.

mod fault;

use std::ops::Range;

use crate::device::Device;
use crate::drive::{self, Look, Traces, find_content, find_foreign};
use crate::drive_layout::DriveLayout;
use crate::fill::{FillOptions, Target};
use crate::journal::Begun;
use crate::limits::{CLUSTER_BYTES, SECTOR_BYTES};
use crate::monitor::{Event, Monitor, Step};
use crate::noun::Wipe;
use crate::sys::aligned::AlignedBuffer;
use crate::volume;
use crate::volume::bitlocker::write::Placement;
use crate::volume::gpt::{self, DiskLayout, EncodedTables, TableGuids};
use crate::world::World;

pub use fault::Fault;

const HEAD_BYTES: u64 = 1 << 20;
const EDGE_BYTES: u64 = 8192;
const CHUNK_BYTES: usize = 4 << 20;

/// Bytes that are discarded at once: seconds, so that a stop is soon heard.
const DISCARD_BYTES: u64 = 4 << 30;

/// The places of both steps: where old data could be mistaken for a volume, and the tables.
fn places(disk: &DiskLayout, placement: &Placement) -> Vec<Range<u64>> {
    let (start, end) = (disk.partition_start, disk.partition_end());
    let mut places = vec![0..HEAD_BYTES, end..disk.disk_bytes];
    places.extend([start..start + EDGE_BYTES, end - EDGE_BYTES..end]);
    places.extend(placement.metadata().map(|at| start + at..start + at + SECTOR_BYTES));
    places
}

/// Looks at a drive that was begun and is not labelled yet: only what these steps write may lie on
/// it, and what was to be erased. Nobody has consented to anything else being erased.
pub fn check_untouched(begun: &Begun, device: &dyn Device, look: Look) -> Result<(), Fault> {
    let disk = DiskLayout::plan(begun.drive_bytes).map_err(volume::Fault::Partitions)?;
    let placement =
        Placement::plan(disk.partition_bytes, CLUSTER_BYTES, 0).map_err(volume::Fault::Volume)?;
    let tables = tables(begun, &disk)?;
    let is_ours = |at: u64, sector: &[u8]| {
        let copies = [(0, &tables.primary), (tables.backup_offset, &tables.backup)];
        copies.iter().any(|(start, bytes)| {
            let inside = at.checked_sub(*start).map(|inside| inside as usize);
            let own = inside.and_then(|inside| bytes.get(inside..inside + sector.len()));
            own == Some(sector)
        })
    };
    let found = match (begun.erase, &begun.traces) {
        (false, _) => find_foreign(device, look, &places(&disk, &placement), &is_ours)?,
        // A program that kept no traces took any content for what was to be erased.
        (true, traces) if traces.is_empty() => None,
        (true, traces) => Traces::kept(&traces.0).find_other(device, &is_ours)?,
    };
    match found {
        None => Ok(()),
        Some(found) => Err(drive::Fault::UsedSinceBegun { found }.into()),
    }
}

/// Raw zeros over everything by which a volume is found; with `--wipe zero` over everything
/// outside the volume's partition too. With `--wipe discard` all of the drive is given back first.
pub fn clear(
    begun: &Begun,
    layout: &DriveLayout,
    target: &Target<'_>,
    options: &FillOptions,
    world: &dyn World,
    monitor: &dyn Monitor,
) -> Result<(), Fault> {
    if begun.wipe == Some(Wipe::Discard) {
        discard(begun, target, options, world, monitor)?;
    }
    zero(target, places(&layout.disk, &layout.placement), options)?;
    target.flush()?;
    if begun.wipe == Some(Wipe::Zero) {
        let (drive, step, start) = (&begun.serial, Step::Wipe, layout.disk.partition_start);
        monitor.event(&Event::StepStarted { drive, step, done_bytes: 0, total_bytes: start });
        zero(target, std::iter::once(HEAD_BYTES..start), options)?;
        target.flush()?;
        monitor.event(&Event::StepFinished { drive, step });
    }
    Ok(())
}

/// The drive promised that what is discarded reads as zeros. Where it cannot discard after all,
/// or did not keep its word, zeros are written.
fn discard(
    begun: &Begun,
    target: &Target<'_>,
    options: &FillOptions,
    world: &dyn World,
    monitor: &dyn Monitor,
) -> Result<(), Fault> {
    let (drive, step, total_bytes) = (&begun.serial, Step::Wipe, begun.drive_bytes);
    monitor.event(&Event::StepStarted { drive, step, done_bytes: 0, total_bytes });
    let mut is_done = true;
    let mut at = 0;
    while at < total_bytes && is_done {
        options.stop.check()?;
        let end = total_bytes.min(at + DISCARD_BYTES);
        is_done = target.device.discard(at..end).is_ok();
        at = end;
        monitor.event(&Event::BytesDone { drive, step, done_bytes: at, total_bytes });
    }
    target.flush()?;
    let look = Look::places(|bytes| world.random(bytes))?;
    let content = find_content(target.device, look)?;
    if !is_done || content.is_some() {
        zero(target, std::iter::once(0..total_bytes), options)?;
        target.flush()?;
    }
    monitor.event(&Event::StepFinished { drive, step });
    Ok(())
}

fn zero(
    target: &Target<'_>,
    ranges: impl IntoIterator<Item = Range<u64>>,
    options: &FillOptions,
) -> Result<(), Fault> {
    let zeros = AlignedBuffer::zeroed(CHUNK_BYTES);
    for range in ranges {
        let mut at = range.start;
        while at < range.end {
            options.stop.check()?;
            let length = (range.end - at).min(CHUNK_BYTES as u64);
            target.write_raw(&zeros[..length as usize], at)?;
            at += length;
        }
    }
    Ok(())
}

/// Raw zeros where a volume is found, and nowhere else: what is sealed by half, or whole without a
/// word of it in the journal, is no volume any more.
pub fn unmake(
    layout: &DriveLayout,
    target: &Target<'_>,
    options: &FillOptions,
) -> Result<(), Fault> {
    let start = layout.disk.partition_start;
    zero(target, std::iter::once(start..start + EDGE_BYTES), options)?;
    target.flush()?;
    let blocks = layout.placement.metadata().map(|at| start + at..start + at + SECTOR_BYTES);
    zero(target, blocks, options)?;
    Ok(target.flush()?)
}

/// Both partition tables, the backup first.
pub fn write(
    begun: &Begun,
    layout: &DriveLayout,
    target: &Target<'_>,
    monitor: &dyn Monitor,
) -> Result<(), Fault> {
    let drive = &begun.serial;
    let step = Step::Label;
    monitor.event(&Event::StepStarted { drive, step, done_bytes: 0, total_bytes: 0 });
    let tables = tables(begun, &layout.disk)?;
    target.write_raw(&tables.backup, tables.backup_offset)?;
    target.write_raw(&tables.primary, 0)?;
    target.flush()?;
    monitor.event(&Event::StepFinished { drive, step });
    Ok(())
}

/// Writes both tables again where they are not what was written: whoever had the drive between two
/// runs may have changed one, and the other tells whose drive it is.
pub fn renew(begun: &Begun, layout: &DriveLayout, target: &Target<'_>) -> Result<(), Fault> {
    let tables = tables(begun, &layout.disk)?;
    let is_there = |bytes: &[u8], offset| {
        let mut found = vec![0; bytes.len()];
        target.read_raw(&mut found, offset).map(|()| found == bytes)
    };
    if is_there(&tables.backup, tables.backup_offset)? && is_there(&tables.primary, 0)? {
        return Ok(());
    }
    target.write_raw(&tables.backup, tables.backup_offset)?;
    target.write_raw(&tables.primary, 0)?;
    Ok(target.flush()?)
}

/// Both tables as bytes.
fn tables(begun: &Begun, disk: &DiskLayout) -> Result<EncodedTables, volume::Fault> {
    let [reserved, data] = begun.partition_guids;
    gpt::encode(disk, &TableGuids { disk: begun.disk_guid, reserved, data })
        .map_err(volume::Fault::Partitions)
}

#[cfg(test)]
mod tests;
