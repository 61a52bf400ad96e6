//! How many drives are needed, and what goes where. Nothing is written.

use disk_prep::dataset::DataSet;
use disk_prep::drive::{DriveName, find};
use disk_prep::noun::{ByteSize, Serial};
use disk_prep::plan::{Spread, count_drives, spread};
use disk_prep::pool::room;

use super::desk::Desk;
use super::work::{Work, WorkOptions};
use crate::outcome::Failure;

/// Counts drives of one size.
pub fn count(
    options: &WorkOptions,
    size: ByteSize,
    desk: &Desk<'_>,
) -> Result<DriveCount, Failure> {
    let set = opened(options, desk)?;
    let serial = Serial::new("DRIVE").expect("this is a serial");
    // As an image of this size would be made: whole MiB.
    let bytes = size.0 >> 20 << 20;
    let drives = count_drives(&set.files, &room(&serial, bytes)?)?;
    Ok(DriveCount { drives, size, set })
}

/// Spreads the files over drives that are at hand.
pub fn place(
    options: &WorkOptions,
    drives: &[DriveName],
    desk: &Desk<'_>,
) -> Result<DrivePlanned, Failure> {
    let set = opened(options, desk)?;
    let mut rooms = Vec::new();
    for name in drives {
        let drive = find(name)?;
        drive.check_fit()?;
        rooms.push(room(&drive.serial, drive.bytes)?);
    }
    let spread = spread(&set.files, &rooms)?;
    let serials = rooms.into_iter().map(|room| room.serial).collect();
    Ok(DrivePlanned { serials, spread, set })
}

fn opened(options: &WorkOptions, desk: &Desk<'_>) -> Result<DataSet, Failure> {
    let Work { set, .. } = Work::open(options, desk)?;
    set.remarks().iter().for_each(|remark| desk.attendant.warn(remark));
    Ok(set)
}

/// How many drives of a size would do.
#[derive(Debug)]
pub struct DriveCount {
    /// So many.
    pub drives: usize,
    /// Of this size.
    pub size: ByteSize,
    /// What goes onto them.
    pub set: DataSet,
}

/// What goes onto which drive.
#[derive(Debug)]
pub struct DrivePlanned {
    /// The drives.
    pub serials: Vec<Serial>,
    /// Which files go where, by their places in the data set and among the drives.
    pub spread: Spread,
    /// The files.
    pub set: DataSet,
}

impl DrivePlanned {
    /// Bytes of these files.
    pub fn bytes(&self, files: &[u32]) -> u64 {
        files.iter().map(|&at| self.set.files.at(at as usize).bytes()).sum()
    }
}
