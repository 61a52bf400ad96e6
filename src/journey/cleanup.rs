//! The imported container and the staging path are cleared, once the vault has all.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use disk_prep::noun::count;
use jiff::{SignedDuration, Timestamp};

use super::desk::Desk;
use super::seed_blobs::seed_blobs;
use super::vault::{failed, open, open_containers};
use super::vault_ingest::{follow_cleanup, seed_list};
use super::vault_meant::{VaultOptions, own_seed, pick, staging, staging_path};
use super::vault_writer::Writer;
use crate::azure::Container;
use crate::outcome::Failure;
use crate::repository::Rank;
use crate::staging::{Origin, Seed, SeedState, Staging};
use crate::state::State;
use crate::vault::{
    Error, Lease, SeedBlob, SeedLink, SeedList, Vault, Versions, claimed, clear as clear_import,
    cleared, expect_unused, mark_cleared,
};

/// How it is cleared.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClearOptions {
    /// Whether it is only said what would go.
    pub is_dry: bool,
    /// The vault must have been protected for so many days.
    pub older_than_days: Option<u16>,
}

/// Clears what the vault holds.
pub fn clear(
    how: ClearOptions,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Result<Cleared, Failure> {
    let state = desk.state()?;
    let vault = pick(options, desk)?;
    let path = staging_path(&vault, options)?.to_owned();
    if vault.cleaned_at.is_some() {
        // Its retention may have dropped blobs of the seed since.
        return Ok(Cleared::before(&vault, path));
    }
    expect_free(&vault, how.older_than_days, &state)?;
    let staging = staging(&vault, options, desk)?;
    let seed = own_seed(&vault, &staging)?;
    let is_shared = shares(&vault, vault.seed()?);
    let blobs = seed_blobs(&seed, &staging)?;
    let [container, import] = open_containers(&vault, options, desk)?;
    if !vault.awaits_seed() && cleared(container.as_ref(), seed.id)?.is_some() {
        // Another machine has cleared it, and its retention may have dropped blobs of it since.
        follow_cleanup(&mut Writer::hold(&vault, &state)?, container.as_ref())?;
        return Ok(Cleared::before(&vault, path));
    }
    // Looked at and asked before anything is changed. A key may be another since: it is opened below.
    let listed = seed_list(&seed, &staging)?;
    let needed = listed.without(Rank::Key);
    prove(&vault, container.as_ref(), &needed)?;
    let checked = open(&vault, options, desk)?.check();
    checked.map_err(|source| failed(&vault, source))?;
    let is_ours = seed.origin == Origin::Written;
    let repository = is_ours.then(|| path.join("repo")).filter(|repository| repository.exists());
    // What was adopted where it lies is the vault's own now.
    let import = Some(import).filter(|_| !is_shared);
    if let Some(import) = &import {
        expect_import_unused(&vault, import.as_ref(), &blobs, &state)?;
    }
    let gone = what_would_go(&vault, import.as_deref(), &blobs, repository.as_deref(), &state)?;
    if how.is_dry {
        return Ok(Cleared { would_go: gone, is_dry: true, ..Cleared::before(&vault, path) });
    }
    if let Some(what) = gone {
        desk.attendant.consent(&what)?;
    }
    let (staging, seed) = (&staging, &seed);
    let found = Found { staging, seed, blobs: &blobs, listed: &listed, needed: &needed };
    let done = clear_held(&mut Writer::hold(&vault, &state)?, &container, import, &found, &state)?;
    Ok(Cleared { staging: path, ..done })
}

/// What is to be cleared, as it was found.
struct Found<'a> {
    staging: &'a Staging,
    seed: &'a Seed,
    blobs: &'a SeedList,
    /// What was taken in of them.
    listed: &'a SeedList,
    /// What the vault must have of them.
    needed: &'a SeedList,
}

/// Clears it, as long as the vault's lease is held.
fn clear_held(
    writer: &mut Writer<'_>,
    container: &Arc<dyn Container>,
    import: Option<Arc<dyn Container>>,
    found: &Found<'_>,
    state: &State,
) -> Result<Cleared, Failure> {
    let Found { staging, seed, blobs, listed, needed } = *found;
    let lease = writer.lease(container)?;
    let mut done = Cleared { vault: writer.vault.name.to_string(), ..Cleared::default() };
    if writer.vault.cleaned_at.is_some() {
        return Ok(done);
    }
    // Another run may have changed the vault since.
    prove(&writer.vault, container.as_ref(), needed)?;
    if let Some(import) = import {
        expect_import_unused(&writer.vault, import.as_ref(), blobs, state)?;
        let prefix = &writer.vault.seed()?.prefix;
        let versions = Versions::read(container.as_ref(), seed.id, listed.len())?;
        let is_proven = |blob: &SeedBlob, etag: &str| {
            let index = listed.index(&blob.place);
            versions.as_ref().is_none_or(|versions| versions.may_be(index, etag))
        };
        let cleared = clear_import(lease.guard(import).as_ref(), prefix, blobs, &is_proven)?;
        (done.blobs_deleted, done.blobs_left) = (cleared.deleted, cleared.left);
    }
    lease.check()?;
    if seed.origin == Origin::Written {
        done.files_deleted = clear_staged(staging, blobs, &lease)?;
    }
    mark_cleared(container.as_ref(), &writer.vault.name, seed.id)?;
    writer.record(|own| own.cleaned_at = Some(Timestamp::now()))?;
    Ok(done)
}

/// Clears the repository in the staging path, as long as the lease is held; the number of files.
fn clear_staged(staging: &Staging, blobs: &SeedList, lease: &Lease) -> Result<u64, Failure> {
    let seed = Seed::change(staging, |own| own.state = SeedState::Cleared)?;
    let paths: Vec<String> = blobs.blobs().iter().map(|blob| blob.path()).collect();
    // Whoever has the lease by then may still need them.
    let mut lost = Ok(());
    let files = paths.iter().map_while(|path| {
        lost = lease.check();
        lost.is_ok().then(|| Path::new(path))
    });
    let deleted = staging.data(&seed)?.clear(files)?;
    lost?;
    Ok(deleted)
}

/// Whether the imported container may hold blobs that are the vault's own.
fn shares(vault: &Vault, link: &SeedLink) -> bool {
    vault.container == link.container
        && link.storage_account.is_none()
        && (vault.prefix.starts_with(&link.prefix) || link.prefix.starts_with(&vault.prefix))
}

/// Refuses a vault that has not been protected for so long, and while another vault of this machine
/// waits for the same seed.
fn expect_free(vault: &Vault, days: Option<u16>, state: &State) -> Result<(), Failure> {
    expect_age(vault, days)?;
    let seed = vault.seed()?.id;
    let awaits = |own: &Vault| {
        let is_same = own.seed.as_ref().is_some_and(|link| link.id == seed);
        is_same && own.name != vault.name && own.awaits_seed()
    };
    match state.vaults()?.into_iter().find(awaits) {
        Some(other) => Err(Error::SeedAwaited { vault: other.name }.into()),
        None => Ok(()),
    }
}

/// Refuses while another vault goes on in the imported repository, here or anywhere.
fn expect_import_unused(
    vault: &Vault,
    import: &dyn Container,
    blobs: &SeedList,
    state: &State,
) -> Result<(), Failure> {
    let (link, account) = (vault.seed()?, vault.seed_account());
    let place = format!("{account}/{}/{}", link.container, link.prefix);
    let is_there = |own: &Vault| {
        own.name != vault.name
            && (&own.storage_account, &own.container) == (account, &link.container)
            && (own.prefix.starts_with(&link.prefix) || link.prefix.starts_with(&own.prefix))
    };
    if let Some(other) = state.vaults()?.into_iter().find(is_there) {
        let who = format!("as vault {} of this machine", other.name);
        return Err(Error::ImportUsed { place, who }.into());
    }
    expect_unused(import, (&place, &link.prefix), blobs)?;
    // Another machine may have made a vault of it, which has taken nothing in yet.
    let is_own = (&vault.storage_account, &vault.container) == (account, &link.container);
    let who = match claimed(import) {
        Ok(None) => return Ok(()),
        Ok(Some(_)) if is_own => return Ok(()),
        Ok(Some(other)) => format!("as the vault {other}"),
        Err(Error::Claimed { vault, .. }) => format!("by {vault}"),
        Err(error) => return Err(error.into()),
    };
    Err(Error::ImportUsed { place, who }.into())
}

/// Refuses a vault that has not been protected for so long.
fn expect_age(vault: &Vault, days: Option<u16>) -> Result<(), Error> {
    let (Some(days), Some(since)) = (days, vault.ingested_at) else { return Ok(()) };
    let until = since.checked_add(SignedDuration::from_hours(24 * i64::from(days)));
    match until.is_ok_and(|until| until <= Timestamp::now()) {
        true => Ok(()),
        false => Err(Error::TooYoung { vault: vault.name.clone(), since, days }),
    }
}

/// Refuses while the vault lacks a single blob of the seed.
fn prove(vault: &Vault, container: &dyn Container, blobs: &SeedList) -> Result<(), Error> {
    let held = blobs.held(container, &vault.prefix).map_err(|source| Error::List { source })?;
    let missing = held.missing().count();
    if missing > 0 || blobs.is_empty() || vault.ingested_at.is_none() || vault.awaits_seed() {
        let (is_whole, total) = (vault.ingested_at.is_some() && !vault.awaits_seed(), blobs.len());
        let vault = vault.name.clone();
        return Err(match is_whole && total > 0 {
            true => Error::SeedDiffers { vault, wrong: missing, total },
            false => Error::NotProtected { vault, missing, total },
        });
    }
    Ok(())
}

/// What would be deleted, in a sentence; `None` if nothing is left.
fn what_would_go(
    vault: &Vault,
    import: Option<&dyn Container>,
    blobs: &SeedList,
    repository: Option<&Path>,
    state: &State,
) -> Result<Option<String>, Failure> {
    let SeedLink { prefix, container, job, .. } = vault.seed()?;
    let Some(import) = import else {
        return Ok(
            repository.map(|path| format!("Would delete the repository in {}", path.display()))
        );
    };
    let there = blobs.compare(import, prefix, |_, _| true);
    let there = there.map_err(|source| Error::List { source })?;
    let imported = blobs.len() - there.missing().count();
    let container = format!("{}/{container}/{prefix}", vault.seed_account());
    let what = format!("Would delete {} of {container}", count(imported, "imported blob"));
    let what = match repository {
        Some(path) => format!("{what} and the repository in {}", path.display()),
        None if imported > 0 => what,
        None => return Ok(None),
    };
    Ok(Some(match state.jobs_underway(job)?.first() {
        Some(job) => format!(
            "{what}; job {} was {} when it was seen last, and what it brings after this stays",
            job.name, job.state
        ),
        None => what,
    }))
}

/// What was cleared.
#[derive(Debug, Default)]
pub struct Cleared {
    /// The vault.
    pub vault: String,
    /// The staging path.
    pub staging: PathBuf,
    /// Imported blobs that are gone.
    pub blobs_deleted: u64,
    /// Imported blobs that somebody changed.
    pub blobs_left: Vec<String>,
    /// Files of the staging path that are gone.
    pub files_deleted: u64,
    /// When it was cleared before this call.
    pub cleared_at: Option<Timestamp>,
    /// Whether it was only looked at.
    pub is_dry: bool,
    /// What would go, in a sentence; `None` if nothing is left, or it was not only looked at.
    pub would_go: Option<String>,
}

impl Cleared {
    /// Nothing was left to do.
    fn before(vault: &Vault, staging: PathBuf) -> Self {
        let (cleared_at, vault) = (vault.cleaned_at, vault.name.to_string());
        Cleared { vault, staging, cleared_at, ..Cleared::default() }
    }
}
