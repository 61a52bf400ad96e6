//! Who seals and opens the recovery passwords of a staging path's drives.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::escrow::{Keeper, Recipient, Weak, read_password};
use crate::outcome::{Attendant, Failure};
use crate::repository::Repository;
use crate::staging::{Error, Seed, SeedKind, Staging};
use crate::state::State;

/// What opens recovery passwords that a journal holds only sealed.
#[derive(Debug, Clone, Default)]
pub struct KeyFiles {
    /// A file with the repository's password.
    pub password_file: Option<PathBuf>,
    /// A file with an age identity.
    pub identity: Option<PathBuf>,
}

/// The keeper for a staging path, if there is one. A seed that cannot be read keeps no drive from
/// being opened; plain files have no password.
pub fn keeper(
    staging: Option<&Staging>,
    files: &KeyFiles,
    recipient: Option<&Recipient>,
    state: &State,
) -> Arc<Keeper> {
    let seed = staging.and_then(|staging| Seed::find(staging).ok().flatten());
    let given = files.password_file.clone();
    Arc::new(Keeper {
        state: state.clone(),
        recipient: recipient.cloned(),
        password_file: match &seed {
            Some(seed) if seed.kind == SeedKind::Files => None,
            Some(seed) => given.or_else(|| state.password_path(seed)),
            None => given,
        },
        identity: files.identity.clone(),
    })
}

/// Makes sure that a password that was given is the repository's, before anything is sealed under
/// it.
pub fn prove(file: &Path, staging: &Staging, attendant: &dyn Attendant) -> Result<(), Failure> {
    let Some(seed) = Seed::find(staging)?.filter(|seed| seed.kind == SeedKind::Repository) else {
        return Ok(());
    };
    let (data, password) = (staging.data(&seed)?, read_password(file, Weak::Accepted)?);
    let path = data.path();
    let opened = Repository::open(Arc::new(data.store()), &password, attendant.monitor());
    opened.map(drop).map_err(|source| Error::Repository { path, source }.into())
}
