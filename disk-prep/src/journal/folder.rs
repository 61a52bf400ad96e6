//! The folder of journals: one journal and one plan file for each drive, and the claims that keep
//! runs apart.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::claim::Claim;
use super::error::Error;
use super::fault::JournalFault;
use super::history::History;
use super::holder::Holder;
use super::keeper::SecretKeeper;
use super::ledger::Journal;
use super::plan_file::{DrivePlan, FirstClusters, each_planned, read_plan, write_plan};
use super::record::Begun;
use super::witness::{Intent, Unwatched, Witness};
use crate::dataset::DataFile;
use crate::noun::{Serial, Sha256Digest};
use crate::sys::beneath::Folder;
use crate::sys::place::Place;

/// A folder of journals. What is in it may be anybody's: it is reached from its handle, without
/// links.
#[derive(Debug, Clone)]
pub struct JournalFolder {
    path: PathBuf,
    /// The folder that it is reached from, and its path there.
    beneath: Option<(Arc<Folder>, PathBuf)>,
    witness: Arc<dyn Witness>,
}

/// A run that only looks who works on a drive holds the claim's lock for less than this.
const GLANCE: Duration = Duration::from_millis(200);

/// How long a run waits for another one that plans files, makes jobs or adds to the custody log: all
/// take seconds.
const PATIENCE: Duration = Duration::from_secs(60);

impl JournalFolder {
    /// The folder at a path that the caller vouches for; it need not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        JournalFolder { path: path.into(), beneath: None, witness: Arc::new(Unwatched) }
    }

    /// The folder below one that is held open; it need not exist.
    pub fn beneath(root: Arc<Folder>, below: impl Into<PathBuf>) -> Self {
        let below = below.into();
        let path = root.path().join(&below);
        JournalFolder { path, beneath: Some((root, below)), witness: Arc::new(Unwatched) }
    }

    /// The same folder, and somebody who is told of all that is written into journals and plans.
    pub fn watched_by(self, witness: Arc<dyn Witness>) -> Self {
        JournalFolder { witness, ..self }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn open(&self) -> io::Result<Folder> {
        match &self.beneath {
            Some((root, below)) => root.folder(below),
            None => Folder::open(&self.path),
        }
    }

    /// The place of a file in the folder, which must exist.
    pub(super) fn place(&self, name: &str) -> Result<Place, Error> {
        let folder = self.open().map_err(|source| Error::not_written(&self.path, source))?;
        Ok(Place::new(folder, name))
    }

    /// The names of all that is in it; none if it does not exist.
    pub(super) fn names(&self) -> Result<Vec<OsString>, Error> {
        match self.open().and_then(|folder| folder.names()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            names => names.map_err(|source| Error::File { path: self.path.clone(), source }),
        }
    }

    fn journal_place(&self, serial: &Serial) -> Result<Place, Error> {
        self.place(&format!("{}.journal", serial.file_stem()))
    }

    fn plan_place(&self, serial: &Serial) -> Result<Place, Error> {
        self.place(&format!("{}.plan", serial.file_stem()))
    }

    /// Where the journal of a drive is.
    pub fn journal(&self, serial: &Serial) -> PathBuf {
        self.path.join(format!("{}.journal", serial.file_stem()))
    }

    /// Whether a journal of a drive is there; it may have no whole record.
    pub fn has_journal(&self, serial: &Serial) -> Result<bool, Error> {
        let found = match self.open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            folder => folder.and_then(|folder| {
                folder.find(Path::new(&format!("{}.journal", serial.file_stem())))
            }),
        };
        let at = |source| Error::File { path: self.journal(serial), source };
        found.map(|found| found.is_some()).map_err(at)
    }

    /// What the journal of a drive says, if there is one with a whole record.
    pub fn history(&self, serial: &Serial) -> Result<Option<History>, Error> {
        self.history_of(serial, Journal::read)
    }

    /// The same, without the digests of its files: little, however many there are.
    pub fn ends_of(&self, serial: &Serial) -> Result<Option<History>, Error> {
        self.history_of(serial, Journal::ends)
    }

    /// The same, and of its files only those that were left out.
    pub fn survey_of(&self, serial: &Serial) -> Result<Option<History>, Error> {
        self.history_of(serial, Journal::survey)
    }

    fn history_of(
        &self,
        serial: &Serial,
        read: impl Fn(&Place) -> Result<Option<History>, Error>,
    ) -> Result<Option<History>, Error> {
        if !self.has_journal(serial)? {
            return Ok(None);
        }
        let place = self.journal_place(serial)?;
        read(&place)?.map(|history| self.own(&place, history)).transpose()
    }

    /// Opens the journal of a drive to go on with it, if there is one with a whole record.
    pub fn go_on(&self, serial: &Serial) -> Result<Option<Journal>, Error> {
        // One that lies under the name of another drive is not opened: nothing may be added to it.
        if self.history_of(serial, Journal::survey)?.is_none() {
            return Ok(None);
        }
        Journal::open(&self.journal_place(serial)?, Arc::clone(&self.witness))
    }

    /// Begins the journal of a drive.
    pub fn begin(&self, begun: Begun, keeper: &dyn SecretKeeper) -> Result<Journal, Error> {
        let place = self.journal_place(&begun.serial)?;
        Journal::create(&place, begun, keeper, Arc::clone(&self.witness))
    }

    /// Writes the plan of a drive with the first clusters of its files; returns its digest.
    pub fn write_plan(
        &self,
        plan: &DrivePlan,
        first_clusters: FirstClusters<'_>,
    ) -> Result<Sha256Digest, Error> {
        write_plan(&self.plan_place(&plan.serial)?, plan, first_clusters, self.witness.as_ref())
    }

    /// Makes the folder if need be.
    pub fn create(&self) -> Result<(), Error> {
        let made = match &self.beneath {
            Some((root, below)) => root.make_folder(below, 0o700).map(drop),
            None => fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.path),
        };
        made.map_err(|source| Error::not_written(&self.path, source))
    }

    /// Keeps every other run off a drive, its journal and its plan file.
    pub fn claim(&self, serial: &Serial) -> Result<Claim, Error> {
        Claim::take(self.claim_place(serial)?, &claim_of(serial), GLANCE)
    }

    /// The run that works on a drive, if one does.
    pub fn holder(&self, serial: &Serial) -> Result<Option<Holder>, Error> {
        match self.open() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            _ => Claim::holder(&self.claim_place(serial)?),
        }
    }

    /// Removes the claim of another machine on a drive, whose run a person calls dead, and what
    /// else that run has claimed of the folder.
    pub fn free(&self, serial: &Serial) -> Result<(), Error> {
        let place = self.claim_place(serial)?;
        let holder = Claim::holder(&place)?;
        Claim::free(&place, &claim_of(serial))?;
        for (name, what) in [PLANNING, JOBS, CUSTODY] {
            let place = self.place(name)?;
            let is_of_that_run =
                |own: Holder| holder.as_ref().is_some_and(|dead| dead.is_run(&own));
            if Claim::holder(&place)?.is_some_and(is_of_that_run) {
                Claim::free(&place, what)?;
            }
        }
        Ok(())
    }

    fn claim_place(&self, serial: &Serial) -> Result<Place, Error> {
        self.place(&format!("{}.claim", serial.file_stem()))
    }

    /// Keeps every other run from choosing files; waits while one does.
    pub fn claim_planning(&self) -> Result<Claim, Error> {
        let (name, what) = PLANNING;
        Claim::take(self.place(name)?, what, PATIENCE)
    }

    /// Keeps every other run from making jobs; waits while one does.
    pub fn claim_jobs(&self) -> Result<Claim, Error> {
        self.create()?;
        let (name, what) = JOBS;
        Claim::take(self.place(name)?, what, PATIENCE)
    }

    /// Keeps every other run from adding to the custody log; waits while one does.
    pub fn claim_custody(&self) -> Result<Claim, Error> {
        self.create()?;
        let (name, what) = CUSTODY;
        Claim::take(self.place(name)?, what, PATIENCE)
    }

    /// What all journals say, by name; a torn first record counts as no journal.
    pub fn read(&self) -> Result<Vec<History>, Error> {
        self.look(Journal::read)
    }

    /// The same, and of their files only those that were left out: little, however many there are.
    pub fn survey(&self) -> Result<Vec<History>, Error> {
        self.look(Journal::survey)
    }

    fn look(
        &self,
        read: impl Fn(&Place) -> Result<Option<History>, Error>,
    ) -> Result<Vec<History>, Error> {
        let mut histories = Vec::new();
        for name in self.names()? {
            if !name.as_bytes().ends_with(b".journal") {
                continue;
            }
            let folder = self.open();
            let at = |source| Error::File { path: self.path.join(&name), source };
            let place = Place::new(folder.map_err(at)?, &name);
            if let Some(history) = read(&place)? {
                histories.push(self.own(&place, history)?);
            }
        }
        Ok(histories)
    }

    /// A journal lies under the name of its drive; one that was copied counts twice otherwise.
    fn own(&self, place: &Place, history: History) -> Result<History, Error> {
        let serial = &history.begun.serial;
        if place.name() == Path::new(&format!("{}.journal", serial.file_stem())) {
            return Ok(history);
        }
        let fault = JournalFault::OtherName { serial: serial.clone() };
        Err(Error::Damaged { path: place.path(), fault })
    }

    /// The plan of a drive, as its journal names it.
    pub fn read_plan(&self, history: &History) -> Result<DrivePlan, Error> {
        read_plan(&self.plan_place(&history.begun.serial)?, &history.begun.plan_sha256)
    }

    /// Hands over the files of that plan one by one, in order; how many there are takes no memory.
    pub fn each_planned(
        &self,
        history: &History,
        each: &mut dyn FnMut(&DataFile),
    ) -> Result<(), Error> {
        let place = self.plan_place(&history.begun.serial)?;
        each_planned(&place, &history.begun.plan_sha256, &mut |file, _| each(file)).map(drop)
    }

    /// Puts the journal of a drive that failed or was given up out of the way, for a new one.
    pub fn retire(&self, serial: &Serial) -> Result<(), Error> {
        let name = format!("{}.journal", serial.file_stem());
        let at = |source| Error::File { path: self.path.join(&name), source };
        let folder = self.open().map_err(at)?;
        let first = match Journal::first(&Place::new(folder.again().map_err(at)?, &name)) {
            // One that is damaged from its first record on has no mark that anybody knows.
            Err(Error::Damaged { .. }) => None,
            first => first?,
        };
        if let Some(first) = first {
            self.witness.tell(&Intent::Retire { first: &first }).map_err(at)?;
        }
        let mut number = 1u64;
        let free = loop {
            let free = PathBuf::from(format!("{name}.{number}"));
            if folder.find(&free).map_err(at)?.is_none() {
                break free;
            }
            number += 1;
        };
        folder.rename(Path::new(&name), &free).and_then(|()| folder.sync()).map_err(at)
    }
}

/// Claims of the folder, and what they are called.
const PLANNING: (&str, &str) = (".planning.claim", "The choice of files");
const JOBS: (&str, &str) = (".jobs.claim", "The making of jobs");
const CUSTODY: (&str, &str) = (".custody.claim", "The custody log");

fn claim_of(serial: &Serial) -> String {
    format!("Drive {serial}")
}
