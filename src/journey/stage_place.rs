//! Two seeds with one job, and two repositories in one place of a container: the files of one that have no name of their own, as
//! its `config`, are written over by the other's, and neither can be read then.

use std::fmt;
use std::path::{Path, PathBuf};

use disk_prep::noun::JobName;

use crate::outcome::{Attendant, Failure, NoConsent};
use crate::staging::{Destination, Seed, SeedKind, SeedState, Staging, drives_of, has_record};
use crate::state::State;
use crate::vault::{self, Vault};

/// The seed that is there, if it can be read.
pub(super) fn seed_at(path: &Path) -> Option<Seed> {
    Staging::open(path).ok().and_then(|staging| Seed::find(&staging).ok().flatten())
}

/// Whether a drive of the seed that is there is begun, as far as its journals can be read.
pub(super) fn has_drives(path: &Path) -> bool {
    let drives = Staging::open(path).ok().and_then(|own| drives_of(&own.journals()).ok());
    drives.is_some_and(|drives| !drives.is_empty())
}

/// A seed that this machine knows at this path and that is not there: its disk or share may not be
/// mounted, and what lies below the mount point is another file system.
pub(super) struct LostSeed {
    job: JobName,
    /// Whether drives are begun or sealed for it.
    has_drives: bool,
    /// Where it was.
    path: PathBuf,
}

impl LostSeed {
    /// The one of this path. A record that is there and cannot be read is another matter.
    pub fn at(path: &Path, state: &State) -> Option<Self> {
        let resolved = std::fs::canonicalize(path).or_else(|_| std::path::absolute(path)).ok()?;
        if has_record(&resolved) {
            return None;
        }
        let (job, has_drives) = state.job_at(&resolved)?;
        Some(LostSeed { job, has_drives, path: path.to_owned() })
    }

    /// Asks before another is begun for the same job, of which drives are on their way: that means the
    /// same seed. Else it is told.
    pub fn ask(&self, target: &Destination, attendant: &dyn Attendant) -> Result<(), NoConsent> {
        if self.has_drives && self.job == target.job {
            return attendant.consent(&format!("Would begin a new seed: {self}"));
        }
        attendant.warn(&self.to_string());
        Ok(())
    }
}

impl fmt::Display for LostSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LostSeed { job, path, .. } = self;
        let path = path.display();
        write!(f, "the seed of job {job} that was in {path} is gone, or its disk is not mounted")
    }
}

/// Refuses to send a new repository into a vault that this machine knows.
fn expect_no_vault(target: &Destination, state: &State) -> Result<(), Failure> {
    let place = (&target.storage_account, &target.container);
    let is_there = |own: &Vault| (&own.storage_account, &own.container) == place;
    match state.vaults()?.into_iter().find(is_there) {
        Some(Vault { name: vault, prefix, .. }) => {
            let place = format!("{}/{}/{prefix}", target.storage_account, target.container);
            Err(vault::Error::SeedOver { vault, place }.into())
        }
        None => Ok(()),
    }
}

/// Looks at what this machine knows of the place where a new seed is to go: a vault where a repository
/// is to go is refused, another seed that is in its way is told.
pub(super) fn look_at_neighbours(
    (target, kind): (&Destination, SeedKind),
    path: &Path,
    state: &State,
    attendant: &dyn Attendant,
) -> Result<(), Failure> {
    if kind == SeedKind::Repository {
        expect_no_vault(target, state)?;
    }
    warn_of_neighbours((target, kind), path, state, attendant);
    Ok(())
}

/// Tells of another seed that this machine knows, that is not cleared, and that has the same job, or
/// whose repository goes where this one is to go.
pub(super) fn warn_of_neighbours(
    (target, kind): (&Destination, SeedKind),
    path: &Path,
    state: &State,
    attendant: &dyn Attendant,
) {
    // One share may be mounted at several places.
    let own = seed_at(path).map(|seed| seed.id);
    for path in state.staging_paths() {
        let Some(seed) = seed_at(&path).filter(|seed| own != Some(seed.id)) else { continue };
        let is_there = (&seed.target.storage_account, &seed.target.container)
            == (&target.storage_account, &target.container);
        let at = |own: &Destination| {
            let group = own.resource_group.to_string().to_lowercase();
            (own.service(), own.subscription.clone(), group, own.job.to_string().to_lowercase())
        };
        if seed.state != SeedState::Cleared && at(&seed.target) == at(target) {
            attendant.warn(&format!(
                "the seed in {} is for job {} too: two seeds cannot have one job; name another one \
                 with `--job`",
                path.display(),
                seed.target.job
            ));
        }
        let is_alone = [kind, seed.kind] == [SeedKind::Repository; 2] && seed.vault.is_none();
        if is_there && is_alone && seed.state != SeedState::Cleared {
            attendant.warn(&format!(
                "the seed in {} goes to the container {} too, for job {}: if both are imported there, \
                 neither can be read; name another one with `--container`",
                path.display(),
                seed.target.container,
                seed.target.job
            ));
        }
    }
}
