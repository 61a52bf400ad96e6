//! Where this machine keeps what it remembers, and how files and folders are made there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use disk_prep::noun::JobName;
use disk_prep::sys::durable::{self, Access};

use super::error::{StateError, io_at};

/// Folders with what opens drives and backups.
const SECRETS: [&str; 3] = ["jobs", "keys", "passwords"];

/// The folder that a variable names. One that is not absolute is to be ignored: the XDG Base Directory
/// Specification, <https://specifications.freedesktop.org/basedir-spec/latest/>.
fn absolute(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute())
}

/// The state directory.
#[derive(Debug, Clone)]
pub struct State(pub(super) PathBuf);

impl State {
    /// The directory that was named; else root's, else the user's.
    pub fn open(named: Option<&Path>) -> Result<Self, StateError> {
        let path = match named {
            Some(path) => path.to_owned(),
            None if rustix::process::geteuid().is_root() => PathBuf::from("/var/lib/azseed"),
            None => absolute("XDG_STATE_HOME")
                .or_else(|| Some(absolute("HOME")?.join(".local/state")))
                .ok_or(StateError::NoHome)?
                .join("azseed"),
        };
        Ok(State(path))
    }

    /// The directory, whether it is there yet or not.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// Where the folder of a job is that has no staging path, if it is there.
    pub fn job_place(&self, job: &JobName) -> PathBuf {
        self.0.join("jobs").join(job.as_str())
    }

    /// The folder of a job that has no staging path, made if need be.
    pub fn job_folder(&self, job: &JobName) -> Result<PathBuf, StateError> {
        let folder = self.job_place(job);
        self.make_folder(&folder, Access::Public)?;
        Ok(folder)
    }

    /// The folder of a job that has no staging path, if this machine has one.
    pub fn known_job_folder(&self, job: &JobName) -> Option<PathBuf> {
        let folder = self.job_place(job);
        folder.is_dir().then_some(folder)
    }

    /// Whether a file or folder has in it, or lies among, what opens drives and backups.
    pub fn has_secrets_at(&self, path: &Path) -> bool {
        let real = |path: &Path| path.canonicalize().ok();
        let (Some(path), Some(own)) = (real(path), real(&self.0)) else { return false };
        let is_among = |name: &&str| path.starts_with(own.join(name));
        own.starts_with(&path) || SECRETS.iter().any(is_among)
    }

    /// Makes a folder for files of this kind, with its mode whatever the umask; the state
    /// directory itself is open to all, since it holds both. A folder for secrets or locks that
    /// others can open is closed to them.
    pub fn make_folder(&self, folder: &Path, access: Access) -> Result<(), StateError> {
        durable::make_folder(&self.0, Access::Public).map_err(io_at(&self.0))?;
        let below = folder.strip_prefix(&self.0).unwrap_or(folder);
        let mut path = self.0.clone();
        for name in below {
            path.push(name);
            durable::make_folder(&path, access).map_err(io_at(&path))?;
        }
        Ok(())
    }

    /// The files of a folder that records lie in; drafts of killed runs have another ending.
    pub fn records_in(&self, folder: &Path) -> Result<Vec<PathBuf>, StateError> {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(io_at(folder))?,
        };
        let paths = entries.map(|entry| entry.map(|entry| entry.path()));
        let mut paths: Vec<PathBuf> = paths.collect::<Result<_, _>>().map_err(io_at(folder))?;
        paths.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
        Ok(paths)
    }
}
