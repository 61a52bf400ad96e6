//! Many drives at once: which are new, which go on, what goes where, one thread for each. One
//! failing drive never stops the others; its files go to a spare, if one was named.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::thread;

use crate::Error;
use crate::dataset::{DataFile, DataSet, Listing};
use crate::device::Device;
use crate::drive::{Clearance, DriveName, HeldDrive, Kind, hold};
use crate::fill::FillOptions;
use crate::journal::{DrivePlan, FileEnd, History, Journal, JournalFolder, Record, State};
use crate::monitor::{Event, Monitor};
use crate::noun::{DrivePath, JobName, Serial};
use crate::plan::{Room, Spread, check_names, spread};
use crate::prepare::{PrepareOptions, PreparedDrive, begin, prepare, prepared, recognise};
use crate::volume::gpt::DiskLayout;
use crate::world::World;

/// A run over some drives.
#[expect(missing_debug_implementations, reason = "world and monitor need none")]
pub struct PrepareRun<'a> {
    /// What is to be copied.
    pub data_set: &'a DataSet,
    /// The drives that were named.
    pub drives: &'a [DriveName],
    /// Where journals and plan files lie.
    pub journals: JournalFolder,
    /// What was asked for.
    pub options: PrepareOptions,
    /// Drives that other jobs have sealed or begun.
    pub elsewhere: &'a BTreeMap<Serial, JobName>,
    /// The outside world.
    pub world: &'a dyn World,
    /// Who is told.
    pub monitor: &'a dyn Monitor,
}

/// What a run has done.
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
    /// Files for which there was no room.
    pub unplaced: Vec<DataFile>,
}

/// A named drive, with what its journal says.
struct Candidate {
    held: HeldDrive,
    standing: Standing,
}

enum Standing {
    New(Clearance),
    Begun(Box<History>),
    Sealed,
}

/// A drive whose thread can be started.
struct Work {
    held: HeldDrive,
    journal: Journal,
    plan: DrivePlan,
}

impl PrepareRun<'_> {
    /// Prepares the drives. An error means that nothing was started on any.
    pub fn run(&self) -> Result<PrepareOutcome, Error> {
        check_names(&self.data_set.files)?;
        let _lock = self.journals.lock()?;
        let histories = self.journals.read()?;
        let candidates = self.candidates(&histories)?;
        let mut outcome = PrepareOutcome::default();
        let mut placed = HashSet::new();
        for history in &histories {
            self.note(history, &candidates, &mut placed, &mut outcome)?;
        }
        let mut left: Vec<DataFile> = self
            .data_set
            .files
            .iter()
            .filter(|file| !placed.contains(&file.path))
            .cloned()
            .collect();
        let mut spares = Vec::new();
        let mut works = Vec::new();
        for Candidate { held, standing } in candidates {
            match standing {
                Standing::New(clearance) => spares.push((held, clearance)),
                Standing::Begun(history) => works.push(self.resume(held, *history)?),
                Standing::Sealed => {}
            }
        }
        loop {
            let Begun { mut begun, unplaced } = self.begin_new(left, &mut spares)?;
            works.append(&mut begun);
            if works.is_empty() {
                outcome.unplaced = unplaced;
                break;
            }
            let freed = self.work(std::mem::take(&mut works), spares.is_empty(), &mut outcome)?;
            left = [unplaced, freed].concat();
            if left.is_empty() || spares.is_empty() || self.options.stop.is_asked() {
                outcome.unplaced = left;
                break;
            }
        }
        outcome.unused = spares.into_iter().map(|(held, _)| held.drive.serial).collect();
        outcome.sealed.sort_by_key(|drive| drive.sealed.at);
        Ok(outcome)
    }

    /// Holds every named drive and finds out whether it may be used, before any is written.
    fn candidates(&self, histories: &[History]) -> Result<Vec<Candidate>, Error> {
        let mut held: BTreeMap<Serial, PathBuf> = BTreeMap::new();
        let mut candidates = Vec::new();
        for name in self.drives {
            let drive = hold(name)?;
            let serial = drive.drive.serial.clone();
            if let Some(first) = held.insert(serial.clone(), drive.drive.path.clone()) {
                return Err(Error::SerialTwice { serial, first, second: drive.drive.path });
            }
            let history = histories.iter().find(|history| history.begun.serial == serial);
            let standing = self.standing(&drive, history)?;
            candidates.push(Candidate { held: drive, standing });
        }
        Ok(candidates)
    }

    fn standing(&self, held: &HeldDrive, history: Option<&History>) -> Result<Standing, Error> {
        let serial = &held.drive.serial;
        let clear = || held.clear(&self.options.erase, self.options.wipe).map(Standing::New);
        let Some(history) = history else {
            if let Some(job) = self.elsewhere.get(serial) {
                let job = job.to_string();
                return Err(Error::SealedElsewhere { serial: serial.clone(), job });
            }
            return clear();
        };
        if history.begun.job != self.options.job {
            let job = history.begun.job.to_string();
            return Err(Error::SealedElsewhere { serial: serial.clone(), job });
        }
        match history.state {
            State::SetAside | State::Released if self.options.erase.contains(serial) => clear(),
            State::SetAside => {
                let reason = history.set_aside.clone().unwrap_or_default();
                Err(Error::WasSetAside { serial: serial.clone(), reason })
            }
            State::Released => clear(),
            State::Sealed => {
                check_same(held, history)?;
                Ok(Standing::Sealed)
            }
            State::Begun | State::Labelled | State::Filled => {
                check_same(held, history)?;
                Ok(Standing::Begun(Box::new(history.clone())))
            }
        }
    }

    /// What a journal of this folder means for the run: which files have a place already.
    fn note(
        &self,
        history: &History,
        candidates: &[Candidate],
        placed: &mut HashSet<DrivePath>,
        outcome: &mut PrepareOutcome,
    ) -> Result<(), Error> {
        let serial = &history.begun.serial;
        let is_named = candidates.iter().any(|candidate| candidate.held.drive.serial == *serial);
        if history.state == State::SetAside && !is_named {
            outcome.set_aside_before.push(serial.clone());
        }
        if matches!(history.state, State::SetAside | State::Released) {
            return Ok(());
        }
        let plan = self.journals.read_plan(history)?;
        let is_sealed = history.state == State::Sealed;
        for (index, file) in plan.files.iter().enumerate() {
            let left_out = matches!(history.files.get(&index), Some(FileEnd::LeftOut { .. }));
            if !(is_sealed && left_out) {
                placed.insert(file.path.clone());
            }
        }
        if is_sealed {
            outcome.sealed.push(prepared(history, &plan)?);
        } else if !is_named {
            outcome.waiting.push(serial.clone());
        }
        Ok(())
    }

    fn resume(&self, mut held: HeldDrive, history: History) -> Result<Work, Error> {
        let plan = self.journals.read_plan(&history)?;
        let path = self.journals.journal(&held.drive.serial);
        let mut journal = Journal::open(&path)?.ok_or_else(|| Error::JournalFile {
            path: path.clone(),
            source: std::io::ErrorKind::NotFound.into(),
        })?;
        journal.unseal(self.options.keeper.as_ref())?;
        recognise(held.device()?.as_ref(), journal.history())?;
        Ok(Work { held, journal, plan })
    }

    /// Spreads files over new drives and begins those that are needed.
    fn begin_new(
        &self,
        files: Vec<DataFile>,
        spares: &mut Vec<(HeldDrive, Clearance)>,
    ) -> Result<Begun, Error> {
        let mut rooms = Vec::new();
        for (held, _) in spares.iter() {
            rooms.push(room(&held.drive.serial, held.drive.bytes)?);
        }
        let Spread { loads, unplaced, .. } = spread(&files, &rooms)?;
        let mut drives: Vec<Option<(HeldDrive, Clearance)>> = spares.drain(..).map(Some).collect();
        let mut begun = Vec::new();
        for load in loads {
            let Some((mut held, clearance)) = drives[load.room].take() else { continue };
            let serial = held.drive.serial.clone();
            let own = load.files.iter().map(|&at| files[at].clone()).collect();
            if self.journals.journal(&serial).exists() {
                self.journals.retire(&serial)?;
            }
            let (journal, plan) =
                begin(&held.drive, clearance, own, &self.journals, &self.options, self.world)?;
            held.device()?;
            begun.push(Work { held, journal, plan });
        }
        spares.extend(drives.into_iter().flatten());
        Ok(Begun { begun, unplaced: unplaced.into_iter().map(|at| files[at].clone()).collect() })
    }

    /// Fills drives side by side. Returns the files of those that failed, if a spare can take
    /// them; else a failed drive keeps its files and the next run goes on with it.
    fn work(
        &self,
        works: Vec<Work>,
        is_last: bool,
        outcome: &mut PrepareOutcome,
    ) -> Result<Vec<DataFile>, Error> {
        let ended: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> =
                works.into_iter().map(|work| scope.spawn(move || self.one(work))).collect();
            threads
                .into_iter()
                .map(|thread| {
                    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
                .collect()
        });
        let mut freed = Vec::new();
        for (Work { held, mut journal, plan }, result) in ended {
            let serial = held.drive.serial.clone();
            match result {
                Ok(drive) => {
                    outcome.sealed.push(drive);
                    outcome.newly_sealed += 1;
                }
                Err(error) => {
                    self.monitor.event(&Event::DriveSetAside { drive: &serial, error: &error });
                    if error.is_of_the_drive() && !is_last {
                        journal.append(Record::SetAside { reason: error.to_string() })?;
                        // The next drive gets its own copies of metadata and properties.
                        let blobs = plan.files.into_iter();
                        freed.extend(blobs.filter(|file| file.listing != Listing::SideFile));
                        outcome.set_aside.push(serial.clone());
                    }
                    outcome.failed.push((serial, error));
                }
            }
        }
        Ok(freed)
    }

    fn one(&self, mut work: Work) -> (Work, Result<PreparedDrive, Error>) {
        let PrepareOptions { strict, stop, .. } = &self.options;
        let fill = FillOptions::new(work.held.drive.rotational, *strict, stop.clone());
        let root = &self.data_set.root;
        let result = work.held.device().and_then(|device| {
            let device: &dyn Device = device.as_ref();
            prepare(&mut work.journal, &work.plan, device, root, &fill, self.world, self.monitor)
        });
        (work, result)
    }
}

/// Drives that were begun, and files that found no room.
struct Begun {
    begun: Vec<Work>,
    unplaced: Vec<DataFile>,
}

/// A drive of this size as room for files.
pub fn room(serial: &Serial, drive_bytes: u64) -> Result<Room, Error> {
    let disk = DiskLayout::plan(drive_bytes)
        .map_err(|source| Error::Partitions { serial: serial.clone(), source })?;
    Ok(Room { serial: serial.clone(), volume_bytes: disk.partition_bytes })
}

/// Whether it can be the drive of the journal, by what it says of itself.
fn check_same(held: &HeldDrive, history: &History) -> Result<(), Error> {
    let (drive, begun) = (&held.drive, &history.begun);
    let wrong = |what: String| Err(Error::WrongDrive { serial: drive.serial.clone(), what });
    if drive.bytes != begun.drive_bytes {
        return wrong(format!("it has {} bytes, not {}", drive.bytes, begun.drive_bytes));
    }
    if drive.model != begun.model {
        return wrong("its model is another".to_owned());
    }
    if drive.kind == Kind::NewImage && history.state != State::Begun {
        return wrong("its image file is gone".to_owned());
    }
    Ok(())
}
