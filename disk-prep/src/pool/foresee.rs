//! What a run would do, looked at before anything is written or asked.

use super::candidate::Standing;
use super::run::PrepareRun;
use super::survey::{Retake, Survey};
use super::work::room;
use crate::Error;
use crate::dataset::{DataSet, FileList};
use crate::journal::JournalFolder;
use crate::noun::Serial;
use crate::plan::{check_names, spread};
use crate::sys::threads::each;

/// What a run would do.
#[derive(Debug, Default)]
pub struct Foreseen {
    /// The drives that it would begin.
    pub drives: Vec<ForeseenDrive>,
    /// Files that find no room.
    pub unplaced: FileList,
}

/// A drive that would be begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeseenDrive {
    /// The drive.
    pub serial: Serial,
    /// Files that would go onto it.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// The files of a data set that are on no drive and planned for none, by the journals. Opens for
/// reading only.
pub fn without_place(journals: &JournalFolder, data_set: &DataSet) -> Result<FileList, Error> {
    Ok(Survey::of(journals, data_set)?.without_place(data_set, Retake::TryAgain))
}

impl PrepareRun<'_> {
    /// Looks at every named drive as the run will, as if the consent to erase them were given, and
    /// spreads the files that have no place yet. No drive is written, and none is held afterwards.
    pub fn foresee(&self) -> Result<Foreseen, Error> {
        check_names(&self.data_set.files)?;
        self.journals.create()?;
        let named = self.hold_all()?;
        let all: Vec<Serial> = named.iter().map(|(held, _)| held.drive.serial.clone()).collect();
        let looked_at = named.iter().map(|(held, _)| held).collect();
        let standings = each(looked_at, |held| self.standing(held, &all, self.options.wipe));
        let mut rooms = Vec::new();
        for ((held, _), standing) in named.iter().zip(standings) {
            if let Standing::New(..) = standing? {
                rooms.push(room(&held.drive.serial, held.drive.bytes)?);
            }
        }
        let files = without_place(&self.journals, self.data_set)?;
        let spread = spread(&files, &rooms)?;
        let drives = spread.loads.into_iter().map(|load| {
            let bytes = load.files.iter().map(|&at| files.at(at as usize).bytes()).sum();
            let serial = rooms[load.room].serial.clone();
            ForeseenDrive { serial, files: load.files.len(), bytes }
        });
        let unplaced = files.select(spread.unplaced.iter().map(|&at| at as usize));
        Ok(Foreseen { drives: drives.collect(), unplaced })
    }
}
