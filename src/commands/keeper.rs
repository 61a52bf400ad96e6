//! Who seals and opens the recovery passwords of a staging path's drives.

use std::path::Path;
use std::sync::Arc;

use super::Failure;
use crate::cli::KeyArgs;
use crate::escrow::{Keeper, Recipient};
use crate::repository::{FolderStore, Repository};
use crate::staging::{Error, Seed, SeedKind, Weak, read_password};
use crate::state::State;
use crate::ui::Ui;

/// The keeper for a staging path, if there is one; without a repository no password seals.
pub(super) fn keeper(
    staging: Option<&Path>,
    args: &KeyArgs,
    recipient: Option<&Recipient>,
    state: &State,
) -> Result<Arc<Keeper>, Failure> {
    let seed = staging.map_or(Ok(None), Seed::find)?;
    let repository = seed.filter(|seed| seed.kind == SeedKind::Repository);
    let known = |seed| args.password_file.clone().or_else(|| state.password_path(seed));
    Ok(Arc::new(Keeper {
        state: state.clone(),
        recipient: recipient.cloned(),
        password_file: repository.as_ref().and_then(known),
        identity: args.identity.clone(),
    }))
}

/// Makes sure that a password that was given is the repository's, before anything is sealed under
/// it.
pub(super) fn prove(file: &Path, staging: &Path, ui: &Ui) -> Result<(), Failure> {
    let Some(seed) = Seed::find(staging)?.filter(|seed| seed.kind == SeedKind::Repository) else {
        return Ok(());
    };
    let (path, password) = (seed.data_root(staging), read_password(file, Weak::Accepted)?);
    let opened = Repository::open(Arc::new(FolderStore::new(&path)), &password, ui.watcher());
    opened.map(drop).map_err(|source| Error::Repository { path, source }.into())
}
