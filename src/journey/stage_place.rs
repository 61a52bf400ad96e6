//! Two repositories in one place of a container: the files of one that have no name of their own, as
//! its `config`, would be written over by the other's, and neither could be read.

use std::path::{Path, PathBuf};

use disk_prep::noun::{ContainerName, Diagnose, ErrorKind, Hint, JobName};

use crate::staging::{Destination, Seed, SeedKind, SeedState, Staging};
use crate::state::State;

/// Another seed goes there.
#[derive(Debug, thiserror::Error)]
#[error("The seed in {path} goes to the container {container} too, for job {job}")]
pub(super) struct PlaceTaken {
    path: PathBuf,
    container: ContainerName,
    job: JobName,
}

impl Diagnose for PlaceTaken {
    fn code(&self) -> &'static str {
        "container-of-another-seed"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Guard
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new("name another one with `--container`"))
    }
}

/// The seed that is there, if it can be read.
pub(super) fn seed_at(path: &Path) -> Option<Seed> {
    Staging::open(path).ok().and_then(|staging| Seed::find(&staging).ok().flatten())
}

/// Refuses a new repository where one goes that this machine knows and that is not cleared.
pub(super) fn expect_own_place(
    target: &Destination,
    path: &Path,
    state: &State,
) -> Result<(), PlaceTaken> {
    let own = std::fs::canonicalize(path).ok();
    for path in state.staging_paths() {
        let Some(seed) = seed_at(&path).filter(|_| own.as_ref() != Some(&path)) else { continue };
        let is_there = (&seed.target.storage_account, &seed.target.container)
            == (&target.storage_account, &target.container);
        let is_alone = seed.kind == SeedKind::Repository && seed.vault.is_none();
        if is_there && is_alone && seed.state != SeedState::Cleared {
            let (container, job) = (seed.target.container, seed.target.job);
            return Err(PlaceTaken { path, container, job });
        }
    }
    Ok(())
}
