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

impl State {
    fn seeds(&self) -> PathBuf {
        self.folder().join("seeds")
    }

    /// Remembers where a seed is, and drives that are sealed or begun for it or may be in a
    /// moment. Where the journals can be read, what they say counts too: another run may have
    /// begun a drive since the caller looked.
    pub fn remember(
        &self,
        id: Uuid,
        job: &JobName,
        staging: &Path,
        drives: Vec<Serial>,
    ) -> Result<(), StateError> {
        let _lock = self.hold_records()?;
        let folder = self.seeds();
        self.make_folder(&folder, Access::Public)?;
        let staging = fs::canonicalize(staging).map_err(io_at(staging))?;
        expect_text(&staging)?;
        let mut all: BTreeSet<Serial> = drives.into_iter().collect();
        let begun = match Staging::open(&staging) {
            Ok(there) => begun(&there.journals())?,
            Err(_) => Vec::new(),
        };
        // One that has no journal yet may be begun in a moment.
        let is_begun = |serial: &Serial| begun.iter().any(|begun| begun.serial == *serial);
        let latest = begun.iter().map(|begun| begun.at).max();
        let since = if all.iter().all(is_begun) { latest } else { Some(Timestamp::now()) };
        let path = folder.join(format!("{id}.json"));
        let (before, mut disks) = match read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Default::default(),
            Err(error) => return Err(record_at(&path)(error)),
            Ok((_, own)) => (durable::read(&path).map_err(record_at(&path))?, own.disks),
        };
        disks.extend(begun.iter().map(|begun| (begun.serial.clone(), begun.disk_guid)));
        all.extend(begun.into_iter().map(|begun| begun.serial));
        disks.retain(|serial, _| all.contains(serial));
        let drives = all.into_iter().collect();
        self.forget_gone(id, &staging)?;
        let known = Known { version: VERSION, staging, job: job.clone(), drives, disks, since };
        let text = with_unknown(&before, &known)
            .and_then(|known| serde_json::to_vec(&known))
            .expect("paths and names can be written");
        durable::write(&path, &text, Access::Public).map_err(io_at(&path))
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
    /// still sealed. A record that cannot be read is an error, since its drives would pass for
    /// nobody's.
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
            let Known { job, since, disks, .. } = known;
            let held =
                |serial, disk_guid, since| HeldDrive { serial, disk_guid, job: job.clone(), since };
            let journals = there.filter(is_that).map(|staging| staging.journals().survey());
            match journals.and_then(Result::ok) {
                Some(histories) => {
                    let has = |own: &Serial| histories.iter().any(|one| one.begun.serial == *own);
                    let gone = disks.iter().filter(|(serial, _)| !has(serial));
                    let gone = gone.map(|(serial, guid)| held(serial.clone(), Some(*guid), since));
                    drives.extend(gone);
                    let held = |own: Begun| held(own.serial, Some(own.disk_guid), Some(own.at));
                    drives.extend(still_held(histories).map(held));
                }
                None => drives.extend(known.drives.into_iter().map(|own| {
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
        Ok(if paths.len() == 1 { paths.pop() } else { None })
    }

    /// The staging path of the seed that a drive is sealed or begun for.
    pub fn staging_with(&self, serial: &Serial) -> Result<Option<PathBuf>, StateError> {
        for path in self.records()? {
            let (_, known) = read(&path).map_err(record_at(&path))?;
            if known.drives.contains(serial) {
                return Ok(Some(known.staging));
            }
        }
        Ok(None)
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

/// Drives that journals call sealed or begun.
pub fn drives_of(journals: &JournalFolder) -> Result<Vec<Serial>, disk_prep::journal::Error> {
    Ok(begun(journals)?.into_iter().map(|begun| begun.serial).collect())
}

fn begun(journals: &JournalFolder) -> Result<Vec<Begun>, disk_prep::journal::Error> {
    Ok(still_held(journals.survey()?).collect())
}

/// The drives that were neither given up nor set aside.
fn still_held(histories: Vec<History>) -> impl Iterator<Item = Begun> {
    let is_over = |own: &History| matches!(own.state, CopyState::Released | CopyState::SetAside);
    histories.into_iter().filter(move |own| !is_over(own)).map(|own| own.begun)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use disk_prep::noun::{Diagnose, ErrorKind};

    use super::*;

    fn seed(job: &str) -> Seed {
        serde_json::from_value(serde_json::json!({
            "version": 1, "id": Uuid::new_v4(), "origin": "written", "kind": "repository",
            "state": "finished", "data": "repo", "job": job, "storage_account": "seedaccount",
            "container": "seed", "prefix": "", "resource_group": "backup",
            "subscription": "00000000-0000-0000-0000-000000000000",
            "begun_at": "1970-01-01T00:00:00Z",
        }))
        .unwrap()
    }

    #[test]
    fn a_record_that_cannot_be_read_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(Some(folder.path())).unwrap();
        let (one, other) = (seed("one"), seed("other"));
        assert!(state.drives_of_others(one.id).unwrap().is_empty());
        let serial = Serial::new("S1").unwrap();
        state.remember(other.id, &other.target.job, folder.path(), vec![serial.clone()]).unwrap();
        let known = state.drives_of_others(one.id).unwrap();
        assert_eq!((&known[0].serial, known[0].job.as_str(), known.len()), (&serial, "other", 1));
        assert!(known[0].since.is_some());
        assert!(state.drives_of_others(other.id).unwrap().is_empty());

        let record = state.seeds().join(format!("{}.json", other.id));
        let whole = fs::read_to_string(&record).unwrap();
        let newer = whole.replace("\"version\":1", "\"version\":2");
        for text in ["", "{", "{}", &newer] {
            fs::write(&record, text).unwrap();
            let error = state.drives_of_others(one.id).unwrap_err();
            assert_eq!((error.code(), error.kind()), ("state-record", ErrorKind::Guard), "{text}");
            assert!(error.to_string().contains(record.to_str().unwrap()), "{error}");
            assert!(error.hint().is_some());
            // Nor is it written over.
            let again = state.remember(other.id, &other.target.job, folder.path(), Vec::new());
            assert_eq!(again.unwrap_err().code(), "state-record", "{text}");
            assert_eq!(fs::read_to_string(&record).unwrap(), text);
        }
        fs::write(&record, &whole).unwrap();
        fs::write(state.seeds().join("notes.json"), &whole).unwrap();
        assert_eq!(state.drives_of_others(one.id).unwrap_err().code(), "state-record");
        assert_eq!(state.staging_paths().len(), 1);
    }

    #[test]
    fn a_drive_of_two_seeds_is_there_for_each() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(Some(folder.path())).unwrap();
        for job in ["first", "second"] {
            let own = seed(job);
            let drives = vec![Serial::new("S1").unwrap()];
            state.remember(own.id, &own.target.job, folder.path(), drives).unwrap();
        }
        let held = state.drives_of_others(seed("third").id).unwrap();
        let mut jobs: Vec<&str> = held.iter().map(|own| own.job.as_str()).collect();
        jobs.sort_unstable();
        assert_eq!(jobs, ["first", "second"]);
    }

    #[test]
    fn a_draft_of_a_killed_run_is_no_record() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(Some(folder.path())).unwrap();
        let one = seed("one");
        state.remember(one.id, &one.target.job, folder.path(), Vec::new()).unwrap();
        fs::write(state.seeds().join(format!("{}.json.7.new", one.id)), "{").unwrap();
        assert!(state.drives_of_others(seed("other").id).unwrap().is_empty());
    }

    #[test]
    fn records_may_be_read_by_all_and_passwords_and_locks_by_the_owner() {
        let folder = tempfile::tempdir().unwrap();
        let state = State::open(Some(&folder.path().join("state"))).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let seed = seed("one");
        let path = state.make_password(&seed).unwrap();
        let password = fs::read(&path).unwrap();
        assert_eq!(state.make_password(&seed).unwrap(), path);
        assert_eq!(fs::read(&path).unwrap(), password, "one that was made is kept");
        state.remember(seed.id, &seed.target.job, folder.path(), Vec::new()).unwrap();
        let locks = state.folder().join("locks");
        let modes = [state.folder(), &state.seeds(), &state.passwords(), &locks].map(mode);
        assert_eq!(modes, [0o755, 0o755, 0o700, 0o700]);
        let lock = locks.join("records.lock");
        assert_eq!(mode(&lock), 0o600);
        // What an older version or another umask left open is closed.
        fs::set_permissions(&locks, fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(&lock, fs::Permissions::from_mode(0o644)).unwrap();
        drop(state.hold_records().unwrap());
        assert_eq!((mode(&locks), mode(&lock)), (0o700, 0o600));
    }
}
