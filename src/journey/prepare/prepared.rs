//! What a preparation has come to.

use disk_prep::dataset::DataFile;
use disk_prep::journal::LeftOut;
use disk_prep::noun::{JobName, Serial};
use disk_prep::pool::PrepareOutcome;

use super::next::Next;
use super::shortage::Shortage;
use crate::import_job::{Job, Written};
use crate::journey::escrow::{Escrow, Escrowed};
use crate::journey::misnamed::Misnamed;
use crate::journey::verify::Verified;
use crate::outcome::Failure;

/// What a preparation has come to.
#[derive(Debug)]
pub struct Prepared {
    /// The job that the drives are for.
    pub job: JobName,
    /// Whether the keys of the repository are on no drive.
    pub holds_keys: bool,
    /// What became of the drives.
    pub outcome: PrepareOutcome,
    /// Files of the repository that were damaged before they were copied.
    pub misnamed: Vec<Misnamed>,
    /// What reading them back found.
    pub verified: Option<Verified>,
    /// What the escrow of the sealed drives' keys is worth.
    pub escrows: Vec<Escrowed>,
    /// What found no room.
    pub shortage: Shortage,
    /// What can be typed next.
    pub next: Next,
    /// Whether a person has asked to stop.
    pub is_interrupted: bool,
    /// The jobs that were made, or why not; `None` when none was to be made yet.
    pub jobs: Option<Result<Vec<(Job, Written)>, Failure>>,
}

impl Prepared {
    /// Whether every file has its place on a sealed drive, or is named as left out, and no escrow
    /// was found to open nothing.
    pub fn is_complete(&self) -> bool {
        let is_whole = |(serial, _): &(Serial, _)| self.outcome.set_aside.contains(serial);
        self.shortage.files == 0
            && self.outcome.waiting.is_empty()
            && self.outcome.with_others.is_empty()
            && self.outcome.failed.iter().all(is_whole)
            && self.misnamed.is_empty()
            && self.lacking().next().is_none()
            && !self.escrows.iter().any(|own| matches!(own.escrow, Escrow::Failed(_)))
    }

    /// Whether all that is left lies with other runs, so that this one had nothing to do.
    pub fn is_idle(&self) -> bool {
        let PrepareOutcome { newly_sealed, failed, with_others, .. } = &self.outcome;
        *newly_sealed == 0 && failed.is_empty() && !with_others.is_empty()
    }

    /// Files without which nobody can read the repository, and which no sealed drive has.
    pub fn lacking(&self) -> impl Iterator<Item = (&Serial, &DataFile, &LeftOut)> {
        self.left_out().filter(|(_, file, _)| file.together)
    }

    /// Files that sealed drives lack, with the drive and the reason.
    pub fn left_out(&self) -> impl Iterator<Item = (&Serial, &DataFile, &LeftOut)> {
        self.outcome
            .sealed
            .iter()
            .flat_map(|drive| drive.left_out.iter().map(|(file, why)| (&drive.serial, file, why)))
    }
}
