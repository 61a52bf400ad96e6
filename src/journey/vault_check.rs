//! `vault check`: whether the repository of a vault is whole, as far as it was asked for; what is
//! not, by name and with what it touches; and, if that was asked for, its cure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use disk_prep::noun::{ReadShare, VaultName};
use secrecy::SecretString;

use super::desk::Desk;
use super::vault::{failed, open_container};
use super::vault_meant::{VaultOptions, expect_place, find};
pub use super::vault_mend::{Cure, Mended};
use super::vault_mend::{Keys, Spares, mend};
use super::vault_password::password;
use super::vault_writer::Writer;
pub use crate::azure::Deleted;
use crate::azure::{Container, Protection};
use crate::outcome::Failure;
use crate::repository::{
    BlobStore, Checked, Damage, DamageKind, Error as RepositoryError, Place, Rank, Repository,
    Touched,
};
use crate::vault::{Error, Vault, expect_no_locks};

/// Checks a vault's repository; of its data, reads that share.
pub fn check(
    share: Option<ReadShare>,
    cure: Cure,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Result<VaultChecked, Failure> {
    let state = desk.state()?;
    let vault = find(options, &state)?;
    expect_place(&vault, desk)?;
    if !vault.has_repository() {
        return Err(Error::NoRepository { vault: vault.name }.into());
    }
    let container = open_container(&vault, options, desk)?;
    let secret = password(&vault, &options.password, desk)?;
    let spares = Spares::of(&vault, options, cure, desk)?;
    let mut found = look(&vault, &container, share, &secret, &spares, desk)?;
    let mut cures = Vec::new();
    if cure == Cure::Tried && !found.is_whole() {
        let writer = Writer::hold(&vault, &state)?;
        let lease = writer.lease(&container)?;
        expect_no_locks(container.as_ref(), &vault.prefix)?;
        let fenced = lease.guard(Arc::clone(&container));
        let keys = found.snapshots.map_or(Keys::NoneOpens, |_| Keys::OneOpens);
        cures = mend(&vault, &fenced, (&found.damages, keys), &secret, &spares, desk)?;
        let before = std::mem::take(&mut found.damages);
        found = look(&vault, &container, share, &secret, &spares, desk)?;
        // What is gone for good is found no more, and told all the same.
        let is_new = |own: &Damage| before.iter().all(|before| before.place != own.place);
        let new: Vec<_> = found.damages.iter().copied().filter(is_new).collect();
        found.damages = before;
        found.damages.extend(new);
        fenced.check()?;
    }
    let protection = container.protection();
    let path = vault.container.to_string();
    let protection = protection.map_err(|source| Error::Blob { path, source })?;
    let is_mending = cure == Cure::Tried;
    Ok(VaultChecked { vault: vault.name, found, is_mending, cures, protection })
}

/// Looks at all that is asked for.
fn look(
    vault: &Vault,
    container: &Arc<dyn Container>,
    share: Option<ReadShare>,
    secret: &SecretString,
    spares: &Spares,
    desk: &Desk<'_>,
) -> Result<Found, Failure> {
    let store = || BlobStore::reading(Arc::clone(container), &vault.prefix);
    let failed = |source| failed(vault, source);
    let mut damages = BTreeMap::<Place, DamageKind>::new();
    let mut add = |own: Vec<Damage>| {
        for own in own {
            damages.entry(own.place).or_insert(own.kind);
        }
    };
    add(spares.lost(vault, container.as_ref())?);
    add(store().prove_small().map_err(failed)?);
    add(config(vault, container.as_ref())?);
    let store = Arc::new(store().proving());
    // The library gives up on some of what is no good, so none of it is shown to it.
    store.hide(damages.keys().copied());
    let mut found = Found::default();
    let repository = match Repository::open(store.clone(), secret, desk.attendant.monitor()) {
        Ok(repository) => Some(repository),
        // All keys are what their names say, and one of them opens: what is left does not.
        Err(RepositoryError::Library { .. }) if !is_keyless(&damages) => {
            damages.entry(config_place()).or_insert(DamageKind::Changed);
            None
        }
        Err(error) if damages.is_empty() => return Err(failed(error).into()),
        Err(_) => None,
    };
    if let Some(repository) = repository {
        found.snapshots = Some(repository.snapshots().map_err(failed)?.len());
        let newest = vault.sources.iter().filter_map(|own| own.snapshot.as_deref());
        let mut lost = repository.lacking(newest).map_err(failed)?;
        lost.extend(repository.damaged_packs().map_err(failed)?);
        for Damage { place, kind } in lost {
            damages.entry(place).or_insert(kind);
        }
        store.hide(damages.keys().copied());
        let checked = repository.look_over(share).map_err(failed)?;
        store.prove_suspects().map_err(failed)?;
        for place in store.changed() {
            damages.entry(place).or_insert(DamageKind::Changed);
        }
        if !damages.is_empty() || !checked.faults.is_empty() {
            let packs: BTreeSet<Place> = damages.keys().copied().collect();
            let (touched, more) = repository.touched(&packs).map_err(failed)?;
            found.touched = touched;
            for place in more {
                damages.entry(place).or_insert(DamageKind::Changed);
            }
        }
        found.checked = checked;
    }
    found.damages = damages.into_iter().map(|(place, kind)| Damage { place, kind }).collect();
    Ok(found)
}

/// Whether a key is among what is damaged, so that it may be the one that would open.
fn is_keyless(damages: &BTreeMap<Place, DamageKind>) -> bool {
    damages.keys().any(|place| place.rank == Rank::Key)
}

fn config_place() -> Place {
    Place::of("config").expect("it is one of the layout")
}

/// A configuration that is not there.
fn config(vault: &Vault, container: &dyn Container) -> Result<Vec<Damage>, Error> {
    let place = config_place();
    let name = format!("{}{}", vault.prefix, place.path());
    let facts = container.facts(&name).map_err(|source| Error::Blob { path: name, source })?;
    let missing = facts.is_none().then_some(Damage { place, kind: DamageKind::Missing });
    Ok(missing.into_iter().collect())
}

/// What a look has found.
#[derive(Debug, Default)]
pub struct Found {
    /// Its snapshots; `None` if it cannot be opened.
    pub snapshots: Option<usize>,
    /// What the check of the format says.
    pub checked: Checked,
    /// Files that are not as they should be.
    pub damages: Vec<Damage>,
    /// What of the snapshots cannot be restored.
    pub touched: Vec<Touched>,
}

impl Found {
    /// Whether nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.snapshots.is_some() && self.checked.faults.is_empty() && self.damages.is_empty()
    }
}

/// A vault that was checked.
#[derive(Debug)]
pub struct VaultChecked {
    /// The vault.
    pub vault: VaultName,
    /// What was found; after a cure, what is so then.
    pub found: Found,
    /// Whether a cure was asked for.
    pub is_mending: bool,
    /// What became of each damaged file, if a cure was tried.
    pub cures: Vec<(Place, Mended)>,
    /// What keeps its blobs.
    pub protection: Protection,
}

impl VaultChecked {
    /// Whether nothing is wrong, or nothing is wrong any more.
    pub fn is_whole(&self) -> bool {
        let is_cured = |own: &Damage| {
            self.cures.iter().any(|(place, cure)| *place == own.place && *cure != Mended::Lost)
        };
        self.found.snapshots.is_some()
            && self.found.checked.faults.is_empty()
            && self.found.touched.is_empty()
            && self.found.damages.iter().all(is_cured)
    }
}
