//! The folder of journals: one journal and one plan file for each drive, and the claims that keep
//! runs apart.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Claim, DrivePlan, History, Holder, Journal, read_plan};
use crate::Error;
use crate::noun::Serial;

/// A folder of journals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalFolder(PathBuf);

/// A run that only looks who works on a drive holds the claim's lock for less than this.
const GLANCE: Duration = Duration::from_millis(200);

/// How long a run waits for another one that plans files or makes jobs: both take seconds.
const PATIENCE: Duration = Duration::from_secs(60);

impl JournalFolder {
    /// The folder; it need not exist.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        JournalFolder(path.into())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The journal of a drive.
    pub fn journal(&self, serial: &Serial) -> PathBuf {
        self.0.join(format!("{}.journal", serial.file_stem()))
    }

    /// The plan file of a drive.
    pub fn plan(&self, serial: &Serial) -> PathBuf {
        self.0.join(format!("{}.plan", serial.file_stem()))
    }

    /// Makes the folder if need be.
    pub fn create(&self) -> Result<(), Error> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0);
        made.map_err(|source| not_written(&self.0, source))
    }

    /// Keeps every other run off a drive, its journal and its plan file.
    pub fn claim(&self, serial: &Serial) -> Result<Claim, Error> {
        let (path, what) = self.claim_file(serial);
        Claim::take(&path, &what, GLANCE)
    }

    /// The run that works on a drive, if one does.
    pub fn holder(&self, serial: &Serial) -> Option<Holder> {
        Claim::holder(&self.claim_file(serial).0)
    }

    /// Removes the claim of another machine on a drive, whose run a person calls dead, and what
    /// else that run has claimed of the folder.
    pub fn free(&self, serial: &Serial) -> Result<(), Error> {
        let (path, what) = self.claim_file(serial);
        let holder = Claim::holder(&path);
        Claim::free(&path, &what)?;
        for (path, what) in [self.planning(), self.jobs()] {
            let is_of_that_run =
                |own: Holder| holder.as_ref().is_some_and(|dead| dead.is_run(&own));
            if Claim::holder(&path).is_some_and(is_of_that_run) {
                Claim::free(&path, what)?;
            }
        }
        Ok(())
    }

    /// Where the claim on a drive lies, and what it is called.
    fn claim_file(&self, serial: &Serial) -> (PathBuf, String) {
        (self.0.join(format!("{}.claim", serial.file_stem())), format!("Drive {serial}"))
    }

    /// Keeps every other run from choosing files; waits while one does.
    pub fn claim_planning(&self) -> Result<Claim, Error> {
        let (path, what) = self.planning();
        Claim::take(&path, what, PATIENCE)
    }

    /// Keeps every other run from making jobs; waits while one does.
    pub fn claim_jobs(&self) -> Result<Claim, Error> {
        self.create()?;
        let (path, what) = self.jobs();
        Claim::take(&path, what, PATIENCE)
    }

    fn planning(&self) -> (PathBuf, &'static str) {
        (self.0.join(".planning.claim"), "The choice of files")
    }

    fn jobs(&self) -> (PathBuf, &'static str) {
        (self.0.join(".jobs.claim"), "The making of jobs")
    }

    /// What all journals say, by serial; a torn first record counts as no journal.
    pub fn read(&self) -> Result<Vec<History>, Error> {
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => {
                entries.map_err(|source| Error::JournalFile { path: self.0.clone(), source })?
            }
        };
        let mut paths: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "journal"))
            .collect();
        paths.sort();
        let mut histories = Vec::new();
        for path in paths {
            histories.extend(Journal::read(&path)?);
        }
        Ok(histories)
    }

    /// The plan of a drive, as its journal names it.
    pub fn read_plan(&self, history: &History) -> Result<DrivePlan, Error> {
        read_plan(&self.plan(&history.begun.serial), &history.begun.plan_sha256)
    }

    /// Puts the journal of a drive that failed or was given up out of the way, for a new one.
    pub fn retire(&self, serial: &Serial) -> Result<(), Error> {
        let path = self.journal(serial);
        let free = (1..)
            .map(|number| self.0.join(format!("{}.journal.{number}", serial.file_stem())))
            .find(|path| !path.exists())
            .expect("some number is free");
        fs::rename(&path, free)
            .and_then(|()| crate::sys::durable::sync_folder(&self.0))
            .map_err(|source| Error::JournalFile { path, source })
    }
}

/// What is wrong when nothing can be written into a folder of journals.
pub(super) fn not_written(path: &Path, source: io::Error) -> Error {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            Error::NoJournals { path, source }
        }
        _ => Error::JournalFile { path, source },
    }
}
