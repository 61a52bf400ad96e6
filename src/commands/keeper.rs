//! Who seals and opens the recovery passwords of a staging path's drives.

use std::path::Path;
use std::sync::Arc;

use super::Failure;
use crate::cli::KeyArgs;
use crate::escrow::{Keeper, Recipient};
use crate::repository::Repository;
use crate::staging::{Error, Seed, SeedKind, Staging, Weak, read_password};
use crate::state::State;
use crate::ui::Ui;

/// The keeper for a staging path, if there is one. A seed that cannot be read keeps no drive from
/// being opened; plain files have no password.
pub(super) fn keeper(
    staging: Option<&Staging>,
    args: &KeyArgs,
    recipient: Option<&Recipient>,
    state: &State,
) -> Arc<Keeper> {
    let seed = staging.and_then(|staging| Seed::find(staging).ok().flatten());
    let given = args.password_file.clone();
    Arc::new(Keeper {
        state: state.clone(),
        recipient: recipient.cloned(),
        password_file: match &seed {
            Some(seed) if seed.kind == SeedKind::Files => None,
            Some(seed) => given.or_else(|| state.password_path(seed)),
            None => given,
        },
        identity: args.identity.clone(),
    })
}

/// Makes sure that a password that was given is the repository's, before anything is sealed under
/// it.
pub(super) fn prove(file: &Path, staging: &Staging, ui: &Ui) -> Result<(), Failure> {
    let Some(seed) = Seed::find(staging)?.filter(|seed| seed.kind == SeedKind::Repository) else {
        return Ok(());
    };
    let (data, password) = (staging.data(&seed)?, read_password(file, Weak::Accepted)?);
    let path = data.path();
    let opened = Repository::open(Arc::new(data.store()), &password, ui.monitor());
    opened.map(drop).map_err(|source| Error::Repository { path, source }.into())
}
