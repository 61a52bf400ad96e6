//! Two repositories in one place of a container: the files of one that have no name of their own, as
//! its `config`, are written over by the other's, and neither can be read then.

use std::path::Path;

use crate::outcome::Attendant;
use crate::staging::{Destination, Seed, SeedKind, SeedState, Staging};
use crate::state::State;

/// The seed that is there, if it can be read.
pub(super) fn seed_at(path: &Path) -> Option<Seed> {
    Staging::open(path).ok().and_then(|staging| Seed::find(&staging).ok().flatten())
}

/// Tells of a repository that this machine knows, that is not cleared, and that goes where this new one
/// is to go.
pub(super) fn warn_of_neighbours(
    target: &Destination,
    path: &Path,
    state: &State,
    attendant: &dyn Attendant,
) {
    let own = std::fs::canonicalize(path).ok();
    for path in state.staging_paths() {
        let Some(seed) = seed_at(&path).filter(|_| own.as_ref() != Some(&path)) else { continue };
        let is_there = (&seed.target.storage_account, &seed.target.container)
            == (&target.storage_account, &target.container);
        let is_alone = seed.kind == SeedKind::Repository && seed.vault.is_none();
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
