//! The staging paths that this machine worked on, with the drives and the password of each, so that
//! a drive of one seed is never taken for another.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use disk_prep::journal::{Begun, CopyState, History, JournalFolder};
use disk_prep::noun::{JobName, Serial, with_unknown};
use disk_prep::sys::durable::{self, Access};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::door::Staging;
use super::seed::Seed;
use crate::escrow::generate;
use crate::state::{State, StateError, expect_text, io_at, record_at};

const VERSION: u32 = 1;

/// A staging path that was worked on.
#[derive(Debug, Serialize, Deserialize)]
struct Known {
    version: u32,
    staging: PathBuf,
    job: JobName,
    /// Drives that are sealed or begun for it, for when the staging path is out of reach.
    #[serde(default)]
    drives: Vec<Serial>,
    /// Their partition tables' names: in another dock, or as an image named otherwise, a drive has
    /// another serial.
    #[serde(default)]
    disks: BTreeMap<Serial, Uuid>,
    /// Since when at the latest they are.
    #[serde(default)]
    since: Option<Timestamp>,
}

/// A drive that is sealed or begun for a seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldDrive {
    /// The drive.
    pub serial: Serial,
    /// What its partition table calls it, if that is known.
    pub disk_guid: Option<Uuid>,
    /// The job of the seed.
    pub job: JobName,
    /// Since when at the latest, if that is known.
    pub since: Option<Timestamp>,
}

/// A seed that a drive is sealed or begun for, as this machine remembers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DriveHome {
    /// The seed.
    pub id: Uuid,
    /// Its job.
    pub job: JobName,
    /// Where it was.
    pub staging: PathBuf,
}

impl State {
    fn seeds(&self) -> PathBuf {
        self.folder().join("seeds")
    }

    /// Remembers where a seed is, and drives that are sealed or begun for it. Where the journals can be
    /// read, what they say counts too: another run may have begun a drive since the caller looked.
    /// A drive that only its partition table's name is remembered of stays: a journal that was taken
    /// away gives no drive up.
    pub fn remember(
        &self,
        id: Uuid,
        job: &JobName,
        staging: &Path,
        drives: Vec<Serial>,
    ) -> Result<(), StateError> {
        self.keep(id, job, staging, Some(drives), &[])
    }

    /// Remembers drives that are about to be begun for a seed, each with its partition table's name:
    /// whatever becomes of run and journals, no other job takes them.
    pub fn remember_begun(
        &self,
        id: Uuid,
        job: &JobName,
        staging: &Path,
        begun: &[(Serial, Uuid)],
    ) -> Result<(), StateError> {
        self.keep(id, job, staging, None, begun)
    }

    /// Keeps the record of a seed; without `drives` those that it had.
    fn keep(
        &self,
        id: Uuid,
        job: &JobName,
        staging: &Path,
        drives: Option<Vec<Serial>>,
        new: &[(Serial, Uuid)],
    ) -> Result<(), StateError> {
        let _lock = self.hold_records()?;
        let folder = self.seeds();
        self.make_folder(&folder, Access::Public)?;
        let staging = fs::canonicalize(staging).map_err(io_at(staging))?;
        expect_text(&staging)?;
        let histories = match Staging::open(&staging) {
            Ok(there) => there.journals().survey()?,
            Err(_) => Vec::new(),
        };
        let path = folder.join(format!("{id}.json"));
        let (before, old) = match read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Default::default(),
            Err(error) => return Err(record_at(&path)(error)),
            Ok((_, own)) => (durable::read(&path).map_err(record_at(&path))?, Some(own)),
        };
        let (before_drives, mut disks, before_since) =
            old.map_or_else(Default::default, |own| (own.drives, own.disks, own.since));
        let has = |serial: &Serial| histories.iter().any(|own| own.begun.serial == *serial);
        disks.retain(|serial, _| !has(serial));
        let mut all: BTreeSet<Serial> = drives.unwrap_or(before_drives).into_iter().collect();
        let mut latest = if disks.is_empty() { None } else { before_since };
        let mut is_known = all.iter().all(|own| has(own) || disks.contains_key(own));
        for begun in still_held(histories) {
            latest = latest.max(Some(begun.at));
            disks.insert(begun.serial, begun.disk_guid);
        }
        is_known &= new.is_empty();
        disks.extend(new.iter().cloned());
        all.extend(disks.keys().cloned());
        let since = if is_known { latest } else { Some(Timestamp::now()) };
        let drives = all.into_iter().collect();
        self.forget_gone(id, &staging)?;
        let known = Known { version: VERSION, staging, job: job.clone(), drives, disks, since };
        write(&path, &before, &known)
    }

    /// Forgets that a drive is sealed or begun for a seed.
    pub fn forget_drive(&self, id: Uuid, serial: &Serial) -> Result<(), StateError> {
        let _lock = self.hold_records()?;
        let path = self.seeds().join(format!("{id}.json"));
        let mut known = match read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            known => known.map_err(record_at(&path))?.1,
        };
        let before = durable::read(&path).map_err(record_at(&path))?;
        known.drives.retain(|own| own != serial);
        known.disks.remove(serial);
        write(&path, &before, &known)
    }

    /// Forgets a job that has a folder of its own instead of a staging path, if nothing was ever begun
    /// for it.
    pub fn forget_unbegun(&self, job: &JobName) -> Result<(), StateError> {
        let Some(folder) = self.known_job_folder(job) else { return Ok(()) };
        let _lock = self.hold_records()?;
        // Folders that hold something stay.
        let _ = fs::remove_dir(folder.join("journals"));
        if fs::remove_dir(&folder).is_err() {
            return Ok(());
        }
        let folder = fs::canonicalize(self.folder()).map_err(io_at(self.folder()))?;
        let place = folder.join("jobs").join(job.as_str());
        for path in self.records()? {
            if read(&path).is_ok_and(|(_, known)| known.staging == place) {
                fs::remove_file(&path).map_err(io_at(&path))?;
            }
        }
        Ok(())
    }

    /// A seed whose place another one has taken is not there any more; if it has drives, they are
    /// remembered all the same.
    fn forget_gone(&self, id: Uuid, staging: &Path) -> Result<(), StateError> {
        for path in self.records()? {
            // One that cannot be read keeps its drives, and stops nobody here.
            let Ok((other, known)) = read(&path) else { continue };
            if other != id && known.staging == staging && known.drives.is_empty() {
                fs::remove_file(&path).map_err(io_at(&path))?;
            }
        }
        Ok(())
    }

    /// Where the password of a seed's repository is, if this machine knows it.
    pub fn password_path(&self, seed: &Seed) -> Option<PathBuf> {
        let made = self.passwords().join(seed.id.to_string());
        // The path is one of this system, in any bytes.
        let named = durable::read(&made.with_extension("path")).ok();
        let named = named.map(|bytes| PathBuf::from(OsString::from_vec(bytes)));
        named.or_else(|| made.exists().then_some(made))
    }

    /// Remembers the file with a password that was given; the password stays where it is.
    pub fn remember_password(&self, seed: &Seed, file: &Path) -> Result<PathBuf, StateError> {
        let file = fs::canonicalize(file).map_err(io_at(file))?;
        let path = self.passwords().join(seed.id.to_string()).with_extension("path");
        self.make_folder(&self.passwords(), Access::Private)?;
        let text = file.as_os_str().as_encoded_bytes();
        durable::write(&path, text, Access::Private).map_err(io_at(&path))?;
        Ok(file)
    }

    /// Makes a password for a seed's repository, before the repository is made. One that another
    /// run has made meanwhile is kept: it may have made the repository with it.
    pub fn make_password(&self, seed: &Seed) -> Result<PathBuf, StateError> {
        let _lock = self.hold_records()?;
        let path = self.passwords().join(seed.id.to_string());
        self.make_folder(&self.passwords(), Access::Private)?;
        if path.exists() {
            return Ok(path);
        }
        let password = generate().map_err(io_at(Path::new("/dev/urandom")))?;
        durable::write(&path, password.as_bytes(), Access::Private).map_err(io_at(&path))?;
        Ok(path)
    }

    fn passwords(&self) -> PathBuf {
        self.folder().join("passwords")
    }

    /// Drives that seeds other than this one have sealed or begun: by their journals, or if the
    /// staging path is out of reach or has a damaged one, by what was remembered. A drive that came
    /// home and went out again is there once for each seed, and one whose journal was taken away is
    /// still sealed, also where nothing but its serial is remembered. A record that cannot be read
    /// is an error, since its drives would pass for nobody's.
    pub fn drives_of_others(&self, own: Uuid) -> Result<Vec<HeldDrive>, StateError> {
        let mut drives = Vec::new();
        for path in self.records()? {
            let (id, known) = read(&path).map_err(record_at(&path))?;
            if id == own {
                continue;
            }
            let there = Staging::open(&known.staging).ok();
            let is_that = |staging: &Staging| {
                Seed::find(staging).is_ok_and(|there| there.is_some_and(|own| own.id == id))
            };
            let Known { job, since, drives: remembered, disks, .. } = known;
            let held =
                |serial, disk_guid, since| HeldDrive { serial, disk_guid, job: job.clone(), since };
            let journals = there.filter(is_that).map(|staging| staging.journals().survey());
            match journals.and_then(Result::ok) {
                Some(histories) => {
                    let has = |own: &Serial| histories.iter().any(|one| one.begun.serial == *own);
                    let gone = remembered.into_iter().filter(|own| !has(own));
                    drives.extend(gone.map(|own| {
                        let disk_guid = disks.get(&own).copied();
                        held(own, disk_guid, since)
                    }));
                    let held = |own: Begun| held(own.serial, Some(own.disk_guid), Some(own.at));
                    drives.extend(still_held(histories).map(held));
                }
                None => drives.extend(remembered.into_iter().map(|own| {
                    let disk_guid = disks.get(&own).copied();
                    held(own, disk_guid, since)
                })),
            }
        }
        Ok(drives)
    }

    /// Whether this machine knows seeds beside this one.
    pub fn knows_others(&self, own: Uuid) -> Result<bool, StateError> {
        for path in self.records()? {
            if read(&path).map_err(record_at(&path))?.0 != own {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The staging paths that this machine remembers; a record that cannot be read hides no other.
    pub fn staging_paths(&self) -> Vec<PathBuf> {
        let records = self.records().unwrap_or_default();
        let known = records.iter().filter_map(|path| read(path).ok());
        let mut paths: Vec<PathBuf> = known.map(|(_, known)| known.staging).collect();
        paths.sort();
        paths.dedup();
        paths
    }

    /// Why records of seeds cannot be read, each with its path.
    pub fn unread_seeds(&self) -> Result<Vec<StateError>, StateError> {
        let why = |path: PathBuf| read(&path).err().map(record_at(&path));
        Ok(self.records()?.into_iter().filter_map(why).collect())
    }

    /// The job of the seed on a staging path, as this machine remembers it, and whether it has drives.
    pub fn job_at(&self, staging: &Path) -> Option<(JobName, bool)> {
        let records = self.records().unwrap_or_default();
        let known = records.iter().filter_map(|path| read(path).ok());
        let here = known.filter(|(_, own)| own.staging == staging);
        let own = here.map(|(_, own)| own).max_by_key(|own| !own.drives.is_empty())?;
        Some((own.job, !own.drives.is_empty()))
    }

    /// The seeds and data sets that this machine knows: the job of each, and where it is.
    pub fn seeds_known(&self) -> Result<Vec<(JobName, PathBuf)>, StateError> {
        let known = |path: PathBuf| -> Result<_, StateError> {
            let (_, known) = read(&path).map_err(record_at(&path))?;
            Ok((known.job, known.staging))
        };
        let mut all: Vec<_> =
            self.records()?.into_iter().map(known).collect::<Result<_, StateError>>()?;
        all.sort_by(|one: &(JobName, PathBuf), other| {
            (one.0.as_str(), &one.1).cmp(&(other.0.as_str(), &other.1))
        });
        all.dedup();
        Ok(all)
    }

    /// The staging path of a job's seed, or of the only one if no job is named; `None` if none or
    /// several may be meant.
    pub fn staging_of(&self, job: Option<&JobName>) -> Result<Option<PathBuf>, StateError> {
        let mut paths = Vec::new();
        for path in self.records()? {
            let (_, known) = read(&path).map_err(record_at(&path))?;
            if job.is_none_or(|job| *job == known.job) {
                paths.push(known.staging);
            }
        }
        // A seed that is gone is remembered with its drives, where another has taken its place.
        paths.sort();
        paths.dedup();
        Ok(if paths.len() == 1 { paths.pop() } else { None })
    }

    /// The staging path of the seed that a drive is sealed or begun for.
    pub fn staging_with(&self, serial: &Serial) -> Result<Option<PathBuf>, StateError> {
        Ok(self.homes_of(serial)?.into_iter().next().map(|home| home.staging))
    }

    /// The seeds that a drive is sealed or begun for.
    pub fn homes_of(&self, serial: &Serial) -> Result<Vec<DriveHome>, StateError> {
        let mut homes = Vec::new();
        for path in self.records()? {
            let (id, known) = read(&path).map_err(record_at(&path))?;
            if known.drives.contains(serial) {
                homes.push(DriveHome { id, job: known.job, staging: known.staging });
            }
        }
        Ok(homes)
    }

    fn records(&self) -> Result<Vec<PathBuf>, StateError> {
        // Who cannot look into it does not know which drives are another job's.
        self.records_in(&self.seeds()).map_err(|error| match error {
            StateError::Io { path, source } => StateError::Record { path, source },
            error => error,
        })
    }
}

/// Reads a record, which is named after its seed.
fn read(path: &Path) -> io::Result<(Uuid, Known)> {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let id = name.parse().map_err(|_| io::Error::other("its name is not the id of a seed"))?;
    let known: Known = serde_json::from_slice(&durable::read(path)?)?;
    if known.version > VERSION {
        let version = known.version;
        return Err(io::Error::other(format!("it has version {version}, of a newer azseed")));
    }
    Ok((id, known))
}

/// Writes a record; what a newer program kept there stays.
fn write(path: &Path, before: &[u8], known: &Known) -> Result<(), StateError> {
    let text = with_unknown(before, known)
        .and_then(|known| serde_json::to_vec(&known))
        .expect("paths and names can be written");
    durable::write(path, &text, Access::Public).map_err(io_at(path))
}

/// Drives that journals call sealed or begun.
pub fn drives_of(journals: &JournalFolder) -> Result<Vec<Serial>, disk_prep::journal::Error> {
    Ok(still_held(journals.survey()?).map(|begun| begun.serial).collect())
}

/// The drives that were neither given up nor set aside.
fn still_held(histories: Vec<History>) -> impl Iterator<Item = Begun> {
    let is_over = |own: &History| matches!(own.state, CopyState::Released | CopyState::SetAside);
    histories.into_iter().filter(move |own| !is_over(own)).map(|own| own.begun)
}

#[cfg(test)]
mod tests;
