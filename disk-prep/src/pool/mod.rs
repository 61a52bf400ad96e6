//! Many drives at once: which are new, which go on, what goes where, one thread for each. One
//! failing drive never stops the others; its files go to a spare, if there is one.
//!
//! The journals are the truth at every moment: what has a place is read from them, under a claim
//! that keeps other runs on the same folder from choosing the same files.

mod bay;
mod candidate;
mod foresee;
mod run;
mod survey;
mod work;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, mpsc};
use std::thread::{self, Builder};

use crate::Error;
use crate::dataset::FileList;
use crate::device::Device;
use crate::drive::Kernel;
use crate::fill::{self, FillOptions, Hall};
use crate::journal::{Record, SetAside};
use crate::monitor::Event;
use crate::noun::{DriveError, Serial};
use crate::plan::{Spread, check_names, spread};
use crate::prepare::{PrepareOptions, PreparedDrive, begin_drawn, draw, prepare};

pub use bay::{DriveBay, NoBay, Offer};
pub use candidate::{expect_set_aside, is_new};
pub use foresee::{Foreseen, ForeseenDrive, without_place};
pub use run::{DriveElsewhere, PrepareOutcome, PrepareRun};
pub use work::room;

use candidate::Spare;
use survey::{Retake, Survey};
use work::Work;

impl PrepareRun<'_> {
    /// Prepares the drives. An error means that nothing was started on any.
    pub fn run(&self) -> Result<PrepareOutcome, Error> {
        check_names(&self.data_set.files)?;
        self.journals.create()?;
        let (mut works, mut spares) = self.candidates()?;
        let mut named: Vec<Serial> = works.iter().map(Work::serial).collect();
        named.extend(spares.iter().map(Spare::serial));
        works.extend(self.begin_new(&mut spares, Retake::TryAgain)?);
        let mut outcome = PrepareOutcome::default();
        let trouble = self.work(works, &mut spares, &mut named, &mut outcome);
        outcome.unused = spares.iter().map(Spare::serial).collect();
        match trouble.map_or_else(|| self.survey(), Err) {
            Ok(survey) => survey.tell(&named, &mut outcome),
            Err(error) if outcome.failed.is_empty() => return Err(error),
            // A folder of journals that went away is what the drives failed of, too.
            Err(_) => {}
        }
        Ok(outcome)
    }

    /// What the journals say, after another run that may be about to take what is left.
    fn survey(&self) -> Result<Survey, Error> {
        let _planning = self.journals.claim_planning()?;
        Survey::of(&self.journals, self.data_set)
    }

    /// Fills drives side by side until all files have a place or no other drive is to be had.
    /// Returns what kept it from going on with further drives.
    fn work(
        &self,
        works: Vec<Work>,
        spares: &mut Vec<Spare>,
        named: &mut Vec<Serial>,
        outcome: &mut PrepareOutcome,
    ) -> Option<Error> {
        let mut failed: Vec<(Work, Error)> = Vec::new();
        let mut trouble = None;
        let hall = &Arc::<Hall>::default();
        thread::scope(|scope| {
            let (report, reports) = mpsc::channel();
            let mut running = 0;
            let mut start = |works: Result<Vec<Work>, Error>, running: &mut usize| {
                let works = works.unwrap_or_else(|error| {
                    trouble.get_or_insert(error);
                    Vec::new()
                });
                let drives = *running + works.len();
                for work in works {
                    let (report, serial) = (report.clone(), work.serial());
                    let made = Builder::new().spawn_scoped(scope, move || {
                        let ended = catch_unwind(AssertUnwindSafe(|| self.one(work, hall, drives)));
                        // Nobody listens any more when another thread's panic ends the run.
                        report.send(ended).ok();
                    });
                    match made {
                        Ok(_) => *running += 1,
                        // The drive was begun at most; the next run goes on with it.
                        Err(source) => {
                            let fault = fill::Fault::Thread { source };
                            trouble.get_or_insert(DriveError::new(&serial, fault).into());
                        }
                    }
                }
            };
            start(Ok(works), &mut running);
            loop {
                while running > 0 {
                    let ended = reports.recv().expect("this thread has a sender");
                    running -= 1;
                    match ended.unwrap_or_else(|panic| resume_unwind(panic)) {
                        (_, Ok(drive)) => {
                            outcome.sealed.push(drive);
                            outcome.newly_sealed += 1;
                        }
                        (work, Err(error)) => {
                            let drive = &work.serial();
                            self.monitor.event(&Event::DriveFailed { drive, error: &error });
                            failed.push((work, error));
                            start(self.replace(&mut failed, spares, outcome), &mut running);
                        }
                    }
                }
                match self.another(&failed) {
                    Ok(None) => break,
                    Ok(Some(spare)) => {
                        named.push(spare.serial());
                        spares.push(spare);
                        start(self.replace(&mut failed, spares, outcome), &mut running);
                    }
                    Err(error) => {
                        start(Err(error), &mut running);
                        break;
                    }
                }
            }
        });
        outcome.failed.extend(failed.into_iter().map(|(work, error)| (work.serial(), error)));
        trouble
    }

    /// Sets the drives aside that failed, if spares are there, and begins spares for all files
    /// without a place. Without a spare a failed drive keeps its files: the next run goes on with
    /// it.
    fn replace(
        &self,
        failed: &mut Vec<(Work, Error)>,
        spares: &mut Vec<Spare>,
        outcome: &mut PrepareOutcome,
    ) -> Result<Vec<Work>, Error> {
        if spares.is_empty() || self.options.stop.is_asked() {
            return Ok(Vec::new());
        }
        for (mut work, error) in failed.extract_if(.., |(_, error)| error.is_of_the_drive()) {
            work.begun.journal.append(Record::SetAside(SetAside::of(&error)))?;
            self.monitor.event(&Event::DriveSetAside { drive: &work.serial(), error: &error });
            outcome.set_aside.push(work.serial());
            outcome.failed.push((work.serial(), error));
        }
        self.begin_new(spares, Retake::Leave)
    }

    /// Waits for a drive that was not named, as long as files have no place.
    fn another(&self, failed: &[(Work, Error)]) -> Result<Option<Spare>, Error> {
        let survey = self.survey()?;
        let mut missing = Vec::from([survey.without_place(self.data_set, Retake::Leave)]);
        for (work, error) in failed {
            if !error.is_of_the_drive() {
                return Ok(None);
            }
            missing.push(work.begun.plan.files.clone());
        }
        let missing = FileList::together(missing);
        while !missing.is_empty() && !self.options.stop.is_asked() {
            let Some(offer) = self.bay.next(&missing) else { break };
            match self.admit(&offer) {
                Ok(spare) => return Ok(Some(spare)),
                Err(error) => self.bay.refused(&error),
            }
        }
        Ok(None)
    }

    /// Spreads the files without a place over new drives and begins those that are needed.
    fn begin_new(&self, spares: &mut Vec<Spare>, retake: Retake) -> Result<Vec<Work>, Error> {
        let _planning = self.journals.claim_planning()?;
        let survey = Survey::of(&self.journals, self.data_set)?;
        let files = survey.without_place(self.data_set, retake);
        let mut rooms = Vec::new();
        for Spare { held, .. } in spares.iter() {
            rooms.push(room(&held.drive.serial, held.drive.bytes)?);
        }
        let Spread { loads, .. } = spread(&files, &rooms)?;
        let mut drives: Vec<Option<Spare>> = spares.drain(..).map(Some).collect();
        let mut drawn = Vec::new();
        for load in loads {
            if let Some(spare) = drives[load.room].take() {
                let own = files.select(load.files.iter().map(|&at| at as usize));
                let drive = draw(&spare.held.drive, &own, &self.options, self.world)?;
                drawn.push((spare, drive));
            }
        }
        // The making of a key is slow, and of many at once little slower.
        let passwords: Vec<_> = drawn.iter().map(|(_, own)| own.password_and_salt()).collect();
        let keys = self.world.stretch_all(&passwords);
        let begun: Vec<_> =
            drawn.iter().map(|(spare, own)| (spare.serial(), own.disk_guid())).collect();
        if !begun.is_empty() {
            self.world.will_begin(&begun)?;
        }
        let mut works = Vec::new();
        for ((spare, own), key) in drawn.into_iter().zip(keys) {
            let Spare { mut held, clearance, blank, claim } = spare;
            let serial = held.drive.serial.clone();
            if self.journals.has_journal(&serial)? {
                self.journals.retire(&serial)?;
            }
            let (drive, journals) = (&held.drive, &self.journals);
            let begun =
                begin_drawn(own, &key, drive, clearance, journals, &self.options, self.world)?;
            let plan = &begun.plan;
            let (files, bytes) = (plan.files.len(), plan.files.total_bytes());
            self.monitor.event(&Event::DrivePlanned { drive: &serial, files, bytes, blank });
            held.device()?;
            works.push(Work { held, begun, _claim: claim });
        }
        spares.extend(drives.into_iter().flatten());
        Ok(works)
    }

    /// Fills one of so many drives; their files are hashed in one hall.
    fn one(
        &self,
        mut work: Work,
        hall: &Arc<Hall>,
        drives: usize,
    ) -> (Work, Result<PreparedDrive, Error>) {
        let PrepareOptions { strict, checkpoint_bytes, stop, .. } = &self.options;
        let fill = FillOptions {
            checkpoint_bytes: *checkpoint_bytes,
            hall: Arc::clone(hall),
            ..FillOptions::new(
                work.held.drive.rotational,
                drives,
                &work.begun.plan.files,
                *strict,
                stop.clone(),
            )
        };
        let root = &self.data_set.root;
        let failed_before = Kernel::here().failed_commands(&work.held.drive);
        let result = work.held.device().map_err(Error::from).and_then(|device| {
            let device = self.world.device(&work.held.drive.serial, device);
            let device: &dyn Device = device.as_ref();
            prepare(&mut work.begun, device, root, &fill, self.world, self.monitor)
        });
        // What the kernel repeated by itself may have gone wrong unseen.
        let failed = Kernel::here().failed_commands(&work.held.drive);
        if result.is_ok() && failed > failed_before {
            let drive = &work.serial();
            let text = "some commands to it failed and were repeated; read it back with `azseed \
                        verify` before you ship it";
            self.monitor.event(&Event::Warning { drive, text });
        }
        (work, result)
    }
}
