//! What all journals of a folder say together: which files have a place, and on which drives.

use std::collections::HashSet;

use super::run::PrepareOutcome;
use crate::Error;
use crate::dataset::{DataSet, FileList};
use crate::journal::{CopyState, History, Holder, JournalFolder};
use crate::noun::{DrivePath, Serial};
use crate::prepare::{PreparedDrive, prepared};

/// What becomes of files that a sealed drive left out because their source had changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retake {
    /// They were looked at anew, and get another place.
    TryAgain,
    /// They would be left out again.
    Leave,
}

/// What the plans say of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    #[default]
    None,
    /// Only that sealed drives left it out.
    LeftOut,
    Placed,
}

/// The folder at one moment.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// For each file of the data set, what the plans say of it.
    places: Vec<Place>,
    /// Files with a place that are not in the data set: metadata, and what is gone.
    strangers: HashSet<DrivePath>,
    sealed: Vec<PreparedDrive>,
    set_aside: Vec<Serial>,
    begun: Vec<Serial>,
    /// Begun, and claimed right now.
    with_others: Vec<(Serial, Holder)>,
    unplaced: FileList,
}

impl Survey {
    pub fn of(journals: &JournalFolder, data_set: &DataSet) -> Result<Self, Error> {
        let places = vec![Place::None; data_set.files.len()];
        let mut survey = Survey { places, ..Survey::default() };
        for history in journals.survey()? {
            survey.note(&history, journals, data_set)?;
        }
        survey.sealed.sort_by_key(|drive| drive.sealed.at);
        for drive in &mut survey.sealed {
            let is_placed = |path: &DrivePath| match data_set.files.find(path.parts()) {
                Some(at) => survey.places[at] == Place::Placed,
                None => survey.strangers.contains(path),
            };
            drive.left_out.retain(|(file, _)| !is_placed(&file.path));
        }
        survey.unplaced = survey.without_place(data_set, Retake::Leave);
        Ok(survey)
    }

    fn note(
        &mut self,
        history: &History,
        journals: &JournalFolder,
        data_set: &DataSet,
    ) -> Result<(), Error> {
        let serial = &history.begun.serial;
        let is_open =
            !matches!(history.state, CopyState::Released | CopyState::SetAside | CopyState::Sealed);
        let holder = if is_open { journals.holder(serial)? } else { None };
        // A run that held it until just now may have sealed it since its journal was read.
        let anew = if is_open && holder.is_none() { journals.survey_of(serial)? } else { None };
        let history = anew.as_ref().unwrap_or(history);
        let is_sealed = match history.state {
            CopyState::Released => return Ok(()),
            CopyState::SetAside => {
                self.set_aside.push(serial.clone());
                return Ok(());
            }
            state => state == CopyState::Sealed,
        };
        let plan = journals.read_plan(history)?;
        for (index, file) in plan.files.iter().enumerate() {
            let left_out = history.files.is_left_out(index);
            let place = if is_sealed && left_out { Place::LeftOut } else { Place::Placed };
            match data_set.files.find(file.path_parts()) {
                Some(at) => self.places[at] = self.places[at].max(place),
                None if place == Place::Placed => drop(self.strangers.insert(file.path())),
                None => {}
            }
        }
        if is_sealed {
            self.sealed.push(prepared(history, &plan)?);
        } else if let Some(holder) = holder {
            self.with_others.push((serial.clone(), holder));
        } else {
            self.begun.push(serial.clone());
        }
        Ok(())
    }

    /// The files that are on no drive and planned for none.
    pub fn without_place(&self, data_set: &DataSet, retake: Retake) -> FileList {
        let is_left = |at: &usize| match self.places[*at] {
            Place::None => true,
            Place::LeftOut => retake == Retake::TryAgain,
            Place::Placed => false,
        };
        data_set.files.select((0..data_set.files.len()).filter(is_left))
    }

    /// Adds to the outcome of a run what the journals say in the end. `named` are the drives of
    /// the run.
    pub fn tell(self, named: &[Serial], outcome: &mut PrepareOutcome) {
        let others = |mut serials: Vec<Serial>| {
            serials.retain(|serial| !named.contains(serial));
            serials
        };
        outcome.sealed = self.sealed;
        outcome.unplaced = self.unplaced;
        outcome.waiting = others(self.begun);
        outcome.with_others = self.with_others;
        outcome.with_others.retain(|(serial, _)| !named.contains(serial));
        outcome.set_aside_before = self.set_aside;
        outcome.set_aside_before.retain(|serial| !outcome.set_aside.contains(serial));
    }
}
