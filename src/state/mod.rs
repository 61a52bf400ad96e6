//! The state directory of this machine: a convenience that remembers staging paths, so that a
//! drive of one seed is never taken for another. Written durably.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use disk_prep::journal::{JournalFolder, State as DriveState};
use disk_prep::noun::{Diagnose, ErrorKind, JobName, Serial};
use disk_prep::sys::durable::{self, Access};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::staging::{Seed, generate, journals};

/// The state directory.
#[derive(Debug, Clone)]
pub struct State(PathBuf);

/// A state directory that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// A file in it.
    #[error("Cannot use the state directory at {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Nobody says where it is.
    #[error("There is no state directory: neither XDG_STATE_HOME nor HOME is set")]
    NoHome,
}

impl Diagnose for StateError {
    fn code(&self) -> &'static str {
        match self {
            StateError::Io { .. } => "state-directory",
            StateError::NoHome => "state-no-home",
        }
    }
    fn kind(&self) -> ErrorKind {
        match self {
            StateError::Io { .. } => ErrorKind::Failed,
            StateError::NoHome => ErrorKind::Usage,
        }
    }
}

/// A staging path that was worked on.
#[derive(Debug, Serialize, Deserialize)]
struct Known {
    version: u32,
    staging: PathBuf,
    job: JobName,
    /// Drives that are sealed or begun for it, for when the staging path is out of reach.
    #[serde(default)]
    drives: Vec<Serial>,
}

impl State {
    /// The directory that was named; else root's, else the user's.
    pub fn open(named: Option<&Path>) -> Result<Self, StateError> {
        let path = match named {
            Some(path) => path.to_owned(),
            None if rustix::process::geteuid().is_root() => PathBuf::from("/var/lib/azseed"),
            None => std::env::var_os("XDG_STATE_HOME")
                .map(PathBuf::from)
                .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/state")))
                .ok_or(StateError::NoHome)?
                .join("azseed"),
        };
        Ok(State(path))
    }

    fn seeds(&self) -> PathBuf {
        self.0.join("seeds")
    }

    /// Remembers where a seed is, and drives that are sealed or begun for it or may be in a moment.
    pub fn remember(
        &self,
        seed: &Seed,
        staging: &Path,
        drives: Vec<Serial>,
    ) -> Result<(), StateError> {
        let folder = self.seeds();
        self.make_folder(&folder)?;
        let staging = fs::canonicalize(staging).map_err(io_at(staging))?;
        let known = Known { version: 1, staging, job: seed.target.job.clone(), drives };
        let text = serde_json::to_vec(&known).expect("paths and names can be written");
        let path = folder.join(format!("{}.json", seed.id));
        durable::write(&path, &text, Access::Public).map_err(io_at(&path))
    }

    /// Where the password of a seed's repository is, if this machine knows it.
    pub fn password_path(&self, seed: &Seed) -> Option<PathBuf> {
        let made = self.passwords().join(seed.id.to_string());
        let named = fs::read_to_string(made.with_extension("path")).ok().map(PathBuf::from);
        named.or_else(|| made.exists().then_some(made))
    }

    /// Remembers the file with a password that was given; the password stays where it is.
    pub fn remember_password(&self, seed: &Seed, file: &Path) -> Result<PathBuf, StateError> {
        let file = fs::canonicalize(file).map_err(io_at(file))?;
        let path = self.passwords().join(seed.id.to_string()).with_extension("path");
        self.make_folder(&self.passwords())?;
        let text = file.as_os_str().as_encoded_bytes();
        durable::write(&path, text, Access::Private).map_err(io_at(&path))?;
        Ok(file)
    }

    /// Makes a password for a seed's repository, before the repository is made.
    pub fn make_password(&self, seed: &Seed) -> Result<PathBuf, StateError> {
        let path = self.passwords().join(seed.id.to_string());
        self.make_folder(&self.passwords())?;
        let password = generate().map_err(io_at(Path::new("/dev/urandom")))?;
        durable::write(&path, password.as_bytes(), Access::Private).map_err(io_at(&path))?;
        Ok(path)
    }

    fn passwords(&self) -> PathBuf {
        self.0.join("passwords")
    }

    fn make_folder(&self, folder: &Path) -> Result<(), StateError> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(io_at(folder))
    }

    /// Drives that seeds other than this one have sealed or begun, with their jobs: by their
    /// journals, or if the staging path is out of reach, by what was remembered.
    pub fn drives_of_other_seeds(
        &self,
        seed: &Seed,
    ) -> Result<BTreeMap<Serial, JobName>, disk_prep::Error> {
        let mut drives = BTreeMap::new();
        for (id, known) in self.known() {
            if id == seed.id {
                continue;
            }
            let is_there =
                Seed::find(&known.staging).is_ok_and(|there| there.is_some_and(|own| own.id == id));
            let serials = if is_there { drives_of(&known.staging)? } else { known.drives };
            drives.extend(serials.into_iter().map(|serial| (serial, known.job.clone())));
        }
        Ok(drives)
    }

    /// The staging paths that this machine remembers.
    pub fn staging_paths(&self) -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> =
            self.known().into_iter().map(|(_, known)| known.staging).collect();
        paths.sort();
        paths
    }

    fn known(&self) -> Vec<(Uuid, Known)> {
        let Ok(entries) = fs::read_dir(self.seeds()) else { return Vec::new() };
        let read = |path: PathBuf| {
            let id = path.file_stem()?.to_str()?.parse().ok()?;
            Some((id, serde_json::from_slice(&fs::read(path).ok()?).ok()?))
        };
        entries.flatten().filter_map(|entry| read(entry.path())).collect()
    }
}

/// Drives that the journals of a staging path call sealed or begun.
pub fn drives_of(staging: &Path) -> Result<Vec<Serial>, disk_prep::Error> {
    let mut histories = JournalFolder::new(journals(staging)).read()?;
    histories
        .retain(|history| !matches!(history.state, DriveState::Released | DriveState::SetAside));
    Ok(histories.into_iter().map(|history| history.begun.serial).collect())
}

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> StateError {
    let path = path.to_owned();
    move |source| StateError::Io { path, source }
}
