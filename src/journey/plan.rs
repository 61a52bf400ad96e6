//! How many drives are needed for what is on none yet, and what goes where. Nothing is written.

use disk_prep::dataset::FileList;
use disk_prep::drive::{DriveName, NamedDrive, expect_each_once};
use disk_prep::known::find_known;
use disk_prep::limits::SMALLEST_DRIVE_BYTES;
use disk_prep::noun::{ByteSize, Diagnose, ErrorKind, Serial};
use disk_prep::plan::{Spread, count_drives, spread};
use disk_prep::pool::{DriveElsewhere, is_new, room, without_place};

use super::desk::Desk;
use super::drives::journals_here;
use super::work::{Work, WorkOptions};
use crate::outcome::Failure;
use crate::state::StateError;

/// A size of which no drive is prepared.
#[derive(Debug, thiserror::Error)]
#[error("No drive of {size} is prepared: the smallest has {}", ByteSize(SMALLEST_DRIVE_BYTES))]
struct TooSmall {
    size: ByteSize,
}

impl Diagnose for TooSmall {
    fn code(&self) -> &'static str {
        "drive-size-refused"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
}

/// The bytes that an image of this size would have: whole MiB. Refuses a size that no drive has.
pub(super) fn drive_bytes(size: ByteSize) -> Result<u64, Failure> {
    let whole = |bytes: u64| bytes >> 20 << 20;
    match whole(size.0) < whole(SMALLEST_DRIVE_BYTES) {
        true => Err(TooSmall { size }.into()),
        false => Ok(whole(size.0)),
    }
}

/// Counts drives of one size.
pub fn count(
    options: &WorkOptions,
    size: ByteSize,
    desk: &Desk<'_>,
) -> Result<DriveCount, Failure> {
    let bytes = drive_bytes(size)?;
    let (_, files, placed) = opened(options, desk)?;
    let serial = Serial::new("DRIVE").expect("this is a serial");
    let drives = count_drives(&files, &room(&serial, bytes)?)?;
    Ok(DriveCount { drives, size, files, placed })
}

/// Spreads the files over drives that are at hand.
pub fn place(
    options: &WorkOptions,
    names: &[DriveName],
    desk: &Desk<'_>,
) -> Result<DrivePlanned, Failure> {
    let (work, files, placed) = opened(options, desk)?;
    let folder = work.journals();
    let (mut journals, mut elsewhere): (_, Vec<DriveElsewhere>) =
        (vec![folder.clone()], Vec::new());
    match desk.state() {
        Err(StateError::NoHome) => {}
        state => {
            let state = state?;
            journals = journals_here(Some(&folder), &state);
            elsewhere = state.drives_held(work.id)?;
        }
    }
    let found = names.iter().map(|name| find_known(name, &journals));
    let found: Vec<NamedDrive> = found.collect::<Result<_, _>>()?;
    expect_each_once(&found.iter().map(|own| &own.drive).collect::<Vec<_>>())?;
    let (mut rooms, mut held) = (Vec::new(), Vec::new());
    for NamedDrive { drive, .. } in &found {
        drive.check_fit()?;
        match is_new(drive, &work.job, &folder, &elsewhere)? {
            true => rooms.push(room(&drive.serial, drive.bytes)?),
            false => held.push(drive.serial.clone()),
        }
    }
    let spread = spread(&files, &rooms)?;
    let serials = rooms.into_iter().map(|room| room.serial).collect();
    Ok(DrivePlanned { serials, held, spread, files, placed })
}

/// What is to be planned: the files without a place, and how many have one.
fn opened(options: &WorkOptions, desk: &Desk<'_>) -> Result<(Work, FileList, usize), Failure> {
    let work = Work::open(options, desk)?;
    work.set.remarks().iter().for_each(|remark| desk.attendant.warn(remark));
    let files = without_place(&work.journals(), &work.set)?;
    let placed = work.set.files.len() - files.len();
    Ok((work, files, placed))
}

/// How many drives of a size would do.
#[derive(Debug)]
pub struct DriveCount {
    /// So many.
    pub drives: usize,
    /// Of this size.
    pub size: ByteSize,
    /// What goes onto them.
    pub files: FileList,
    /// Files that are on drives already, or planned for one that is begun.
    pub placed: usize,
}

/// What goes onto which drive.
#[derive(Debug)]
pub struct DrivePlanned {
    /// The drives that can be begun.
    pub serials: Vec<Serial>,
    /// Those of the job that are begun or sealed already.
    pub held: Vec<Serial>,
    /// Which files go where, by their places in the list and among the drives.
    pub spread: Spread,
    /// The files.
    pub files: FileList,
    /// Files that are on drives already, or planned for one that is begun.
    pub placed: usize,
}

impl DrivePlanned {
    /// Bytes of these files.
    pub fn bytes(&self, files: &[u32]) -> u64 {
        files.iter().map(|&at| self.files.at(at as usize).bytes()).sum()
    }
}
