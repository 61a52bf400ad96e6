//! Whether a point can become a managed disk: it is a fixed VHD of a length that the service takes.

use disk_prep::limits::{PAGE_BYTES, UPLOAD_DISK_BYTES, UPLOAD_DISK_LEAST_BYTES};

use super::error::Error;
use super::pages::read;
use super::points::DiskPoint;
use super::vhd::{FOOTER_BYTES, Shape, shape};
use crate::azure::PageBlob;

/// A managed disk has so many MiB.
const MIB: u64 = 1 << 20;

/// Refuses a point that the service would not take as a disk, before anything is made.
pub fn check_upload(point: &DiskPoint, copy: &dyn PageBlob) -> Result<(), Error> {
    let refused = |fault| {
        Err(Error::NoDisk { snapshot: point.source_snapshot.clone(), bytes: point.bytes, fault })
    };
    if !(UPLOAD_DISK_LEAST_BYTES..=UPLOAD_DISK_BYTES).contains(&point.bytes) {
        return refused("it has less than 20 MiB or more than 32 TiB");
    }
    let snapshot = Some(point.backup_snapshot.as_str());
    let head = read(copy, snapshot, (0, PAGE_BYTES))?;
    let tail = read(copy, snapshot, (point.bytes - FOOTER_BYTES, point.bytes))?;
    match shape(&head, &tail, point.bytes) {
        Shape::FixedVhd if (point.bytes - FOOTER_BYTES).is_multiple_of(MIB) => Ok(()),
        Shape::FixedVhd => refused("it has no whole number of MiB"),
        Shape::Raw => refused("it does not end with the footer of a VHD"),
        Shape::BrokenVhd(fault) => refused(fault),
        Shape::Other(_) => refused("it is an image in a form of its own"),
    }
}
