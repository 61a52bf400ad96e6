//! A run over some drives, and what it has done.

use uuid::Uuid;

use super::bay::DriveBay;
use crate::Error;
use crate::dataset::{DataSet, FileList};
use crate::drive::{DriveName, NamedDrive};
use crate::journal::{Holder, JournalFolder};
use crate::monitor::Monitor;
use crate::noun::{JobName, Serial};
use crate::prepare::{PrepareOptions, PreparedDrive};
use crate::volume::gpt::PartitionTables;
use crate::world::World;

/// A run over some drives.
#[expect(missing_debug_implementations, reason = "world, bay and monitor need none")]
pub struct PrepareRun<'a> {
    /// What is to be copied.
    pub data_set: &'a DataSet,
    /// The drives that were named and found.
    pub drives: &'a [NamedDrive],
    /// Names to which there is no drive; a drive that an earlier run set aside may be gone.
    pub absent: &'a [DriveName],
    /// Where further drives come from.
    pub bay: &'a dyn DriveBay,
    /// Where journals and plan files lie.
    pub journals: JournalFolder,
    /// What was asked for.
    pub options: PrepareOptions,
    /// Drives that other jobs have sealed or begun.
    pub elsewhere: &'a [DriveElsewhere],
    /// The outside world.
    pub world: &'a dyn World,
    /// Who is told.
    pub monitor: &'a dyn Monitor,
}

/// A drive that another job has sealed or begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriveElsewhere {
    /// The drive.
    pub serial: Serial,
    /// What its partition table calls it, if that is known.
    pub disk_guid: Option<Uuid>,
    /// The job.
    pub job: JobName,
}

impl DriveElsewhere {
    /// Which of them a drive is: by its serial or, since that is another one in another dock or under
    /// another name, by its partition table.
    pub fn find<'a>(
        all: &'a [DriveElsewhere],
        serial: &Serial,
        tables: Option<&PartitionTables>,
    ) -> Option<&'a DriveElsewhere> {
        let is_it = |own: &&DriveElsewhere| {
            let names = |guid| tables.is_some_and(|tables| tables.names_disk(guid));
            own.serial == *serial || own.disk_guid.is_some_and(names)
        };
        all.iter().find(is_it)
    }
}

/// What a run has done, and what other runs have on the same folder.
#[derive(Debug, Default)]
pub struct PrepareOutcome {
    /// Drives that are sealed now, in the order of sealing; also those sealed before.
    pub sealed: Vec<PreparedDrive>,
    /// How many of them this run has sealed.
    pub newly_sealed: usize,
    /// Drives named that are not needed; nothing was written on them.
    pub unused: Vec<Serial>,
    /// Drives that ended with an error.
    pub failed: Vec<(Serial, Error)>,
    /// Drives that failed and whose files went to others: they must not be shipped.
    pub set_aside: Vec<Serial>,
    /// Drives that an earlier run set aside: they must not be shipped either.
    pub set_aside_before: Vec<Serial>,
    /// Drives that were begun before and not named now; their files wait for them.
    pub waiting: Vec<Serial>,
    /// Drives that another run is filling right now, or has died over, each with that run.
    pub with_others: Vec<(Serial, Holder)>,
    /// Files for which there was no room; not those that a sealed drive left out.
    pub unplaced: FileList,
}
