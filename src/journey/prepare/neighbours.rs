//! What this machine knows of the places that the files of a preparation are sent to.

use disk_prep::noun::{AccountName, BlobPath};

use crate::journey::stage_place::warn_of_neighbours;
use crate::journey::work::Work;
use crate::outcome::{Attendant, Failure};
use crate::state::State;
use crate::vault::{Error, Vault};

/// Refuses files that would be written over a vault, and tells of another repository that goes to the
/// same place. `account` is that of the blobs, if it is known.
pub(super) fn look_at_neighbours(
    work: &Work,
    account: Option<&AccountName>,
    state: &State,
    attendant: &dyn Attendant,
) -> Result<(), Failure> {
    let target = work.target();
    let account = target.map(|own| &own.storage_account).or(account);
    let is_other = |own: &Vault| own.seed.as_ref().is_none_or(|link| link.id != work.id);
    for vault in state.vaults()?.into_iter().filter(is_other) {
        if account != Some(&vault.storage_account) {
            continue;
        }
        let is_hit =
            |blob: BlobPath| *blob.container() == vault.container && vault.owns(blob.name());
        if work.set.files.iter().any(|file| is_hit(file.blob())) {
            let place = format!("{}/{}/{}", vault.storage_account, vault.container, vault.prefix);
            return Err(Error::SeedOver { vault: vault.name, place }.into());
        }
    }
    if let Some(target) = target {
        warn_of_neighbours((target, work.kind), &work.home, state, attendant);
    }
    Ok(())
}
