//! The folder of journals: one journal and one plan file for each drive, and the lock that keeps
//! two runs apart.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::{DrivePlan, History, Journal, read_plan};
use crate::Error;
use crate::noun::Serial;

/// A folder of journals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalFolder(PathBuf);

/// Held while a run prepares drives from this folder.
#[derive(Debug)]
pub struct FolderLock {
    /// The lock ends when this is closed.
    _file: File,
}

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

    /// Makes the folder if need be, and keeps every other run out.
    pub fn lock(&self) -> Result<FolderLock, Error> {
        let at = |source: io::Error| match source.kind() {
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
                Error::NoJournals { path: self.0.clone(), source }
            }
            _ => Error::JournalFile { path: self.0.clone(), source },
        };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.0).map_err(at)?;
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.0.join(".prep.lock"))
            .map_err(at)?;
        flock(&file, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| Error::Held { what: format!("{}", self.0.display()) })?;
        Ok(FolderLock { _file: file })
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
