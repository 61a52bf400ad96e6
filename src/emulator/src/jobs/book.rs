//! The job book: every job in one file of its own below `DIR/meta/jobs`, written whole or not at
//! all, readable by its owner only since it holds keys of drives.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use disk_prep::noun::secret;
use disk_prep::noun::{Diagnose, ErrorKind, Hint};
use disk_prep::sys::durable::{self, Access};
use disk_prep::sys::hold::hold;
use jiff::Timestamp;
use serde::de::Error;

use super::clocks::{Fate, settle};
use super::job::Job;
use super::key::{JobKey, Service};

/// Records of `Microsoft.DataBox` are the second version; an older program must not take them for
/// what it knows.
const VERSION: u32 = 2;

/// A job book that cannot be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BookError {
    /// A file of it.
    #[error("Cannot use the job book at {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A record that is no record.
    #[error("The job record {path} is damaged")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where it breaks.
        #[source]
        source: serde_json::Error,
    },
    /// A record of a later program.
    #[error("The job record {path} has version {version}; this program knows up to {known}")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
        /// Ours.
        known: u32,
    },
}

impl Diagnose for BookError {
    fn code(&self) -> &'static str {
        match self {
            BookError::Io { .. } => "job-book-io",
            BookError::Damaged { .. } => "job-book-damaged",
            BookError::Newer { .. } => "job-book-newer",
        }
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Failed
    }
    fn hint(&self) -> Option<Hint> {
        matches!(self, BookError::Damaged { .. })
            .then(|| Hint::new("remove the record; the emulator forgets that job"))
    }
}

/// All jobs. May be used from many threads.
#[derive(Debug)]
pub struct JobBook {
    folder: PathBuf,
    jobs: Mutex<Vec<Job>>,
}

impl JobBook {
    /// Opens the book in a folder, which is made if need be.
    pub fn open(folder: &Path) -> Result<Self, BookError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| BookError::Io { path, source }
        };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(at(folder))?;
        let mut jobs = Vec::new();
        for entry in fs::read_dir(folder).map_err(at(folder))? {
            let path = entry.map_err(at(folder))?.path();
            // A draft that a power cut left behind was never the record.
            if path.extension().is_some_and(|extension| extension == "json") {
                jobs.push(read(&path)?);
            }
        }
        jobs.sort_by(|one: &Job, other| one.key.cmp(&other.key));
        Ok(JobBook { folder: folder.to_owned(), jobs: Mutex::new(jobs) })
    }

    /// Lets every job live up to `now`; what is over is forgotten.
    pub fn settle(&self, now: Timestamp) -> Result<(), BookError> {
        let mut jobs = self.lock();
        let mut kept = Vec::with_capacity(jobs.len());
        for job in jobs.iter() {
            let mut job = job.clone();
            match settle(&mut job, now) {
                Fate::Unchanged => {}
                Fate::Changed => self.write(&job)?,
                Fate::Deleted => {
                    self.erase(&job.key)?;
                    continue;
                }
            }
            kept.push(job);
        }
        *jobs = kept;
        Ok(())
    }

    /// The jobs, by name.
    pub fn all(&self) -> Vec<Job> {
        self.lock().clone()
    }

    /// One job.
    pub fn find(&self, key: &JobKey) -> Option<Job> {
        self.lock().iter().find(|job| job.key.is(key)).cloned()
    }

    /// Decides on the jobs as they are now, all at once: `decide` sees them all and returns the
    /// record to keep, or refuses. The record is durable before anybody else sees it.
    pub fn record<R, E: From<BookError>>(
        &self,
        decide: impl FnOnce(&[Job]) -> Result<(Job, R), E>,
    ) -> Result<R, E> {
        let mut jobs = self.lock();
        let (job, result) = decide(&jobs)?;
        self.write(&job)?;
        match jobs.iter_mut().find(|known| known.key.is(&job.key)) {
            Some(known) => *known = job,
            None => {
                jobs.push(job);
                jobs.sort_by(|one, other| one.key.cmp(&other.key));
            }
        }
        Ok(result)
    }

    /// Changes one job; `None` when there is none of that name.
    pub fn change<R, E: From<BookError>>(
        &self,
        key: &JobKey,
        change: impl FnOnce(&mut Job) -> Result<R, E>,
    ) -> Result<Option<R>, E> {
        let mut jobs = self.lock();
        let Some(known) = jobs.iter_mut().find(|job| job.key.is(key)) else { return Ok(None) };
        let mut job = known.clone();
        let result = change(&mut job)?;
        self.write(&job)?;
        *known = job;
        Ok(Some(result))
    }

    /// Forgets a job if `may` lets it go; `None` when there is none of that name.
    pub fn remove<E: From<BookError>>(
        &self,
        key: &JobKey,
        may: impl FnOnce(&Job) -> Result<(), E>,
    ) -> Result<Option<()>, E> {
        let mut jobs = self.lock();
        let Some(at) = jobs.iter().position(|job| job.key.is(key)) else { return Ok(None) };
        may(&jobs[at])?;
        self.erase(&jobs[at].key)?;
        jobs.remove(at);
        Ok(Some(()))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Job>> {
        // Every record is durable before it stands in the list, so a thread that died leaves no
        // half-made one.
        hold(&self.jobs)
    }

    fn path(&self, key: &JobKey) -> PathBuf {
        self.folder.join(key.file_name())
    }

    fn write(&self, job: &Job) -> Result<(), BookError> {
        let path = self.path(&job.key);
        let text = secret::cleared(|to| serde_json::to_writer_pretty(to, job))
            .expect("names and texts can be written");
        durable::write(&path, &text, Access::Private)
            .map_err(|source| BookError::Io { path, source })
    }

    fn erase(&self, key: &JobKey) -> Result<(), BookError> {
        let path = self.path(key);
        fs::remove_file(&path)
            .and_then(|()| durable::sync_folder(&self.folder))
            .map_err(|source| BookError::Io { path, source })
    }
}

fn read(path: &Path) -> Result<Job, BookError> {
    let bytes = fs::read(path).map_err(|source| BookError::Io { path: path.to_owned(), source })?;
    let job: Job = serde_json::from_slice(&bytes)
        .map_err(|source| BookError::Damaged { path: path.to_owned(), source })?;
    if job.version > VERSION {
        let version = job.version;
        return Err(BookError::Newer { path: path.to_owned(), version, known: VERSION });
    }
    if job.key.service == Service::DataBox && job.order.is_none() {
        let source = serde_json::Error::custom("a job of Data Box without its order");
        return Err(BookError::Damaged { path: path.to_owned(), source });
    }
    Ok(job)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use crate::jobs::job::tests::{job, order};
    use crate::jobs::states::JobState;
    use secrecy::ExposeSecret;

    use super::*;

    fn keep(book: &JobBook, job: Job) {
        book.record::<(), BookError>(|_| Ok((job, ()))).unwrap();
    }

    #[test]
    fn a_book_that_is_opened_again_has_the_same_jobs_in_private_files() {
        let folder = tempfile::tempdir().unwrap();
        let book = JobBook::open(folder.path()).unwrap();
        keep(&book, job("one", &["A"]));
        keep(&book, job("two", &["B"]));
        book.remove::<BookError>(&job("two", &[]).key, |_| Ok(())).unwrap().unwrap();
        let file = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        fs::File::create(folder.path().join("x.json.7.new")).unwrap();
        let again = JobBook::open(folder.path()).unwrap();
        let [found] = &again.all()[..] else { panic!("one job is left") };
        assert_eq!(format!("{found:?}"), format!("{:?}", job("one", &["A"])));
        assert_eq!(
            found.drives[0].key.expose_secret(),
            job("one", &["A"]).drives[0].key.expose_secret()
        );
    }

    #[test]
    fn a_refused_change_leaves_the_record_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let book = JobBook::open(folder.path()).unwrap();
        keep(&book, job("one", &["A"]));
        let key = job("one", &[]).key;
        let refused = book.change(&key, |job| {
            job.cancel_requested = true;
            Err::<(), _>(BookError::Io { path: "x".into(), source: io::Error::other("no") })
        });
        assert!(refused.is_err());
        assert!(!book.find(&key).unwrap().cancel_requested);
        let none = book.change::<(), BookError>(&job("none", &[]).key, |_| Ok(())).unwrap();
        assert!(none.is_none());
    }

    #[test]
    fn jobs_that_were_never_shipped_are_forgotten_when_the_clock_has_moved() {
        let folder = tempfile::tempdir().unwrap();
        let book = JobBook::open(folder.path()).unwrap();
        keep(&book, job("one", &["A"]));
        let mut shipped = job("two", &["B"]);
        shipped.step(JobState::Shipping, Timestamp::UNIX_EPOCH).unwrap();
        keep(&book, shipped);
        book.settle("1970-01-15T00:00:00Z".parse().unwrap()).unwrap();
        let names: Vec<_> = book.all().iter().map(|job| job.key.name.to_string()).collect();
        assert_eq!(names, ["two"]);
        assert_eq!(JobBook::open(folder.path()).unwrap().all().len(), 1);
    }

    #[test]
    fn jobs_of_two_services_with_one_name_are_kept_and_forgotten_apart() {
        let folder = tempfile::tempdir().unwrap();
        let book = JobBook::open(folder.path()).unwrap();
        keep(&book, job("one", &["A"]));
        keep(&book, order("one", &["B"]));
        let again = JobBook::open(folder.path()).unwrap();
        assert_eq!(again.all().len(), 2);
        let (old, new) = (job("one", &[]).key, order("one", &[]).key);
        assert_eq!(again.find(&new).unwrap().drives[0].serial.as_str(), "B");
        again.remove::<BookError>(&old, |_| Ok(())).unwrap().unwrap();
        let last = JobBook::open(folder.path()).unwrap();
        assert!(last.find(&old).is_none());
        let order = last.find(&new).unwrap();
        assert_eq!(order.order.unwrap().return_carrier.account.expose_secret(), "989ffff");
    }

    #[test]
    fn a_record_from_before_there_were_two_services_is_read_and_keeps_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let book = JobBook::open(folder.path()).unwrap();
        keep(&book, job("one", &["A"]));
        let path = folder.path().join("00000000-0000-0000-0000-000000000001.rg.one.json");
        let mut old: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(old["key"].get("service"), None);
        assert!(old["drives"][0].as_object_mut().unwrap().remove("files").is_some());
        durable::write(&path, old.to_string().as_bytes(), Access::Private).unwrap();
        let again = JobBook::open(folder.path()).unwrap();
        let key = job("one", &[]).key;
        let cancelled = again.change(&key, |job| {
            job.cancel_requested = true;
            Ok::<(), BookError>(())
        });
        cancelled.unwrap().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(JobBook::open(folder.path()).unwrap().find(&key).unwrap().cancel_requested);
    }

    #[test]
    fn a_damaged_or_later_record_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        durable::write(&path, b"{", Access::Private).unwrap();
        assert_eq!(JobBook::open(folder.path()).unwrap_err().code(), "job-book-damaged");
        let mut bare = order("one", &["A"]);
        bare.order = None;
        durable::write(&path, &serde_json::to_vec(&bare).unwrap(), Access::Private).unwrap();
        assert_eq!(JobBook::open(folder.path()).unwrap_err().code(), "job-book-damaged");
        let mut later = job("one", &["A"]);
        later.version = 3;
        durable::write(&path, &serde_json::to_vec(&later).unwrap(), Access::Private).unwrap();
        assert_eq!(JobBook::open(folder.path()).unwrap_err().code(), "job-book-newer");
    }
}
