//! The cure of a vault's repository: a good copy from the staging path of its seed takes the place
//! of what is damaged; else what is no good is moved aside, so that the next run finds it missing
//! and sends it again. Nothing is deleted that is not kept elsewhere in the container.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use disk_prep::noun::{Md5Digest, Sha256Digest};
use md5::{Digest, Md5};
use secrecy::SecretString;
use sha2::Sha256;

use super::desk::Desk;
use super::seed_blobs::{seed_blobs, spare};
use super::settings::Given;
use super::vault::failed;
use super::vault_meant::{VaultOptions, own_seed, staging, staging_path};
use crate::azure::{Container, Fenced};
use crate::outcome::Failure;
use crate::repository::{BlobStore, Damage, DamageKind, Place, Rank, Repository};
use crate::staging::Seed;
use crate::vault::{Error, SeedList, Vault};

/// Where what is no good lies from then on.
const ASIDE: &str = "azseed/damaged/";

/// What a check does with what it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cure {
    /// Tells of it.
    Told,
    /// Brings back what can be brought back.
    Tried,
}

/// Whether there is a key without the damaged ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// One opens the repository; a damaged one is only in the way.
    OneOpens,
    /// None does. What is left of one is not moved: it is all that there is.
    NoneOpens,
}

/// What became of a damaged file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mended {
    /// A copy at the staging path was sent.
    Sent,
    /// It is gone; what it held is sent again by the next run, as far as the sources have it.
    Dropped,
    /// It was moved to where nobody reads it; what it held is sent again by the next run, as far
    /// as the sources have it.
    SetAside,
    /// Its content was made anew from the packs.
    MadeAnew,
    /// Nothing can be done.
    Lost,
}

type Spare = Box<dyn Fn(&str) -> io::Result<Option<Bytes>>>;

/// What the staging path of a vault's seed has, and the seed by its journals.
pub struct Spares(Option<Spared>);

struct Spared {
    list: SeedList,
    spare: Spare,
    has_config: bool,
}

impl Spares {
    /// Looks at the staging path that is named, or known and there; for a look alone, one that
    /// cannot be entered is none.
    pub fn of(
        vault: &Vault,
        options: &VaultOptions,
        cure: Cure,
        desk: &Desk<'_>,
    ) -> Result<Self, Failure> {
        let is_named = match &vault.seed {
            Some(_) => options.staging.as_ref().is_some_and(Given::is_typed),
            None => options.staging.is_some(),
        };
        if !is_named && (vault.seed.is_none() || !staging_path(vault, options)?.exists()) {
            return Ok(Spares(None));
        }
        let is_wanted = is_named || cure == Cure::Tried;
        let read = || {
            let staging = staging(vault, options, desk)?;
            let seed = match vault.seed.is_some() {
                true => own_seed(vault, &staging)?,
                false => Seed::open(&staging)?,
            };
            let list = seed_blobs(&seed, &staging)?;
            let data = staging.data(&seed)?;
            let spare: Spare = Box::new(spare(data));
            // Of which repository a seed that is not the vault's is nobody has said, and the
            // configuration is the one file that is not named by its content.
            let has_config = vault.seed.is_some();
            Ok(Spares(Some(Spared { list, spare, has_config })))
        };
        match read() {
            Err(_) if !is_wanted => Ok(Spares(None)),
            other => other,
        }
    }

    /// What a vault lacks of its seed or has otherwise. Once the seed is cleared its blobs may go
    /// with the retention, and nothing can be said.
    pub fn lost(&self, vault: &Vault, container: &dyn Container) -> Result<Vec<Damage>, Failure> {
        let is_all_kept = vault.has_repository() && vault.cleaned_at.is_none();
        let Some(Spared { list, .. }) = self.0.as_ref().filter(|_| is_all_kept) else {
            return Ok(Vec::new());
        };
        let listed = |source| Error::List { source };
        // One that does not say its MD5 was written by somebody else, and is proven by its name.
        let held = list.compare(container, &vault.prefix, |index, own| {
            let blob = &list.blobs()[index];
            own.bytes == blob.bytes && own.md5.is_none_or(|md5| md5 == blob.md5)
        });
        let held = held.map_err(listed)?;
        let there = list.compare(container, &vault.prefix, |_, _| true).map_err(listed)?;
        let same = list
            .compare(container, &vault.prefix, |index, own| own.bytes == list.blobs()[index].bytes);
        let same = same.map_err(listed)?;
        let kind = |index: usize| -> Result<DamageKind, Error> {
            match (there.has(index), same.has(index)) {
                (false, _) => Ok(DamageKind::Missing),
                (true, true) => Ok(DamageKind::Changed),
                (true, false) => {
                    let name = format!("{}{}", vault.prefix, list.blobs()[index].path());
                    let facts = container.facts(&name).map_err(|source| Error::List { source })?;
                    let (bytes, expected_bytes) =
                        (facts.map_or(0, |own| own.bytes), list.blobs()[index].bytes);
                    Ok(DamageKind::Cut { bytes, expected_bytes })
                }
            }
        };
        let damage =
            |index: usize| Ok(Damage { place: list.blobs()[index].place, kind: kind(index)? });
        held.missing().map(damage).collect::<Result<_, Error>>().map_err(Failure::from)
    }

    /// A good copy of a file. That of the configuration is known by the journals alone.
    fn good(&self, place: Place) -> Result<Option<Bytes>, Error> {
        let Some(Spared { list, spare, has_config }) = &self.0 else { return Ok(None) };
        let unreadable = |source| Error::Spare { path: place.path(), source };
        let content = spare(&place.path()).map_err(unreadable)?;
        Ok(content.filter(|content| match place.rank {
            Rank::Config => list.blobs().iter().any(|own| {
                *has_config
                    && own.place == place
                    && own.bytes == content.len() as u64
                    && own.md5.bytes() == Md5::digest(content).as_slice()
            }),
            _ => place.is_named_by(Sha256Digest::new(Sha256::digest(content).into())),
        }))
    }
}

/// Brings back what can be brought back, and says what became of each file.
pub fn mend(
    vault: &Vault,
    container: &Arc<dyn Fenced>,
    (damages, keys): (&[Damage], Keys),
    secret: &SecretString,
    spares: &Spares,
    desk: &Desk<'_>,
) -> Result<Vec<(Place, Mended)>, Failure> {
    let mut done = Vec::new();
    let mut left = Vec::new();
    for damage in damages {
        match spares.good(damage.place)? {
            Some(content) => {
                put(container, &format!("{}{}", vault.prefix, damage.place.path()), content)?;
                done.push((damage.place, Mended::Sent));
            }
            None => left.push(*damage),
        }
    }
    // A key that is not there may have been the only one, and without a configuration nothing of
    // the rest can be judged.
    let is_open = !left.iter().any(|own| own.place.rank == Rank::Config);
    for Damage { place, kind } in left {
        let is_there = kind != DamageKind::Missing;
        let stays = place.rank == Rank::Key && keys == Keys::NoneOpens;
        if is_there && is_open && !stays {
            set_aside(vault, container, place)?;
        }
        let became = match (place.rank, is_there) {
            (Rank::Pack, true) => Mended::SetAside,
            (Rank::Pack, false) => Mended::Dropped,
            (Rank::Index, _) => Mended::MadeAnew,
            (Rank::Key | Rank::Config | Rank::Snapshot, _) => Mended::Lost,
        };
        done.push((place, if is_open { became } else { Mended::Lost }));
    }
    if is_open {
        let store = Arc::new(BlobStore::changing(container, &vault.prefix));
        let opened = Repository::open(store, secret, desk.attendant.monitor());
        // If it cannot be opened, the look that follows says so.
        if let Ok(repository) = opened {
            repository.repair_index().map_err(|source| failed(vault, source))?;
        }
    }
    Ok(done)
}

fn put(container: &Arc<dyn Fenced>, name: &str, content: Bytes) -> Result<(), Error> {
    let md5 = Md5Digest::new(Md5::digest(&content).into());
    let path = || name.to_owned();
    container.write(name, content, md5).map_err(|source| Error::Blob { path: path(), source })
}

/// Moves a file to where nobody looks for it.
fn set_aside(vault: &Vault, container: &Arc<dyn Fenced>, place: Place) -> Result<(), Error> {
    let name = format!("{}{}", vault.prefix, place.path());
    let failed = |source| Error::Blob { path: name.clone(), source };
    let Some(content) = container.container().read(&name).map_err(failed)? else { return Ok(()) };
    put(container, &format!("{ASIDE}{}", place.path()), content)?;
    container.remove_any(&name).map_err(failed)?;
    Ok(())
}
