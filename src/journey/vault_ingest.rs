//! A seed becomes the vault's: its blobs are taken in, the repository that they make is checked,
//! and only then it is written down, in the container and in this machine's record.

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use secrecy::SecretString;

use super::desk::Desk;
use super::seed_blobs::{seed_blobs, spare};
use super::vault::{VaultOptions, failed, own_seed, staging};
use super::vault_password::password;
use super::vault_writer::Writer;
use crate::azure::{Container, Fenced};
use crate::outcome::Failure;
use crate::repository::{self, ArrivalStore, BlobStore, Rank, Repository};
use crate::staging::{Seed, Staging};
use crate::vault::{
    Error, Estimate, Import, Ingested, Lease, Prove, SeedList, Shelf, Taking, Vault, asides,
    ingest, leave, mark_taken_in, publish_asides, taken_in, this_host,
};

/// Writes down what another machine of the same vault has done; whether it has taken the seed in.
pub fn follow(writer: &mut Writer<'_>, container: &dyn Container) -> Result<bool, Failure> {
    let Some(at) = taken_in(container, writer.vault.seed()?.id)? else { return Ok(false) };
    writer.record(|own| {
        own.ingested_at = Some(at);
        (own.joins_since, own.kept_aside) = (None, 0);
    })?;
    Ok(true)
}

/// How a seed comes.
#[derive(Debug, Clone, Copy)]
pub struct Bringing {
    /// Bytes that may be sent from the staging path for what the import lacks.
    pub repair_limit: Option<u64>,
    /// Whether the drives are lost, and all is sent from the staging path.
    pub is_lost: bool,
}

/// Takes the seed in.
pub fn take_in(
    writer: &mut Writer<'_>,
    options: &VaultOptions,
    how: Bringing,
    [container, import]: [&Arc<dyn Container>; 2],
    lease: &Lease,
    desk: &Desk<'_>,
) -> Result<(Ingested, Staging), Failure> {
    let vault = &writer.vault;
    let staging = staging(vault, options, desk)?;
    let seed = own_seed(vault, &staging)?;
    let blobs = seed_list(&seed, &staging)?;
    let spare = spare(staging.data(&seed)?);
    let import = if how.is_lost {
        Import::Lost
    } else if vault.is_in_place() {
        Import::InPlace
    } else {
        Import::Container(Arc::clone(import), vault.seed()?.prefix.clone())
    };
    let shelf = Shelf::new(vault, Arc::clone(container), import, lease);
    let tell = |estimate: &Estimate| {
        desk.attendant.show(&Expected { vault: vault.name.to_string(), estimate: *estimate });
    };
    let fenced = lease.guard(Arc::clone(container));
    let secret = password(vault, &options.password, desk)?;
    let prove = |new| prove(vault, &fenced, &secret, new, desk);
    let prove: Option<Prove<'_>> = if vault.joins_since.is_some() { Some(&prove) } else { None };
    let taking = Taking { spare: &spare, repair_limit: how.repair_limit, tell: &tell, prove };
    let monitor = desk.attendant.monitor();
    let ingested = ingest(&blobs, &shelf, taking, monitor.as_ref())?;
    publish_asides(fenced.as_ref(), &vault.aside(), &vault.prefix)?;
    if vault.joins_since.is_none() {
        check(vault, &fenced, &secret, desk)?;
    }
    lease.check()?;
    let amount = (blobs.len() as u64, blobs.bytes());
    mark_taken_in(container.as_ref(), &vault.name, vault.seed()?.id, amount)?;
    if vault.joins_since.is_some() {
        leave(&fenced, vault.seed()?.id, &this_host())?;
    }
    writer.record(|own| {
        own.ingested_at = Some(Timestamp::now());
        (own.joins_since, own.kept_aside) = (None, 0);
    })?;
    Ok((ingested, staging))
}

/// What a seed brings into its vault. One that joins has the keys as they were when it was staged:
/// whoever lost one since does not get it back.
pub fn seed_list(seed: &Seed, staging: &Staging) -> Result<SeedList, Failure> {
    let all = seed_blobs(seed, staging)?;
    Ok(if seed.vault.is_some() { all.without(Rank::Key) } else { all })
}

/// Proves before the snapshots of a seed that joins are shown, and those that were made since it was
/// staged, that the vault has all of what they hold: a part of it was there before, and may be gone.
fn prove(
    vault: &Vault,
    container: &Arc<dyn Fenced>,
    secret: &SecretString,
    mut new: Vec<(String, Bytes)>,
    desk: &Desk<'_>,
) -> Result<(), Error> {
    let aside = asides(container.container().as_ref(), &vault.aside())?;
    new.extend(aside.into_iter().map(|own| (own.place.id.to_string(), own.content)));
    let failed = |source| match source {
        repository::Error::Damaged { remarks: faults } => {
            Error::BaseGone { vault: vault.name.clone(), faults }
        }
        source => failed(vault, source),
    };
    let there = || Arc::new(BlobStore::changing(container, &vault.prefix));
    let monitor = || desk.attendant.monitor();
    Repository::open(there(), secret, monitor())
        .and_then(|own| own.repair_index())
        .map_err(failed)?;
    let arriving = Arc::new(ArrivalStore::new(there(), new));
    let opened = Repository::open(arriving, secret, monitor());
    opened.and_then(|own| own.check_among_others()).map_err(failed)
}

/// The repository's own check: every pack there and named by the index, every tree readable.
fn check(
    vault: &Vault,
    container: &Arc<dyn Fenced>,
    secret: &SecretString,
    desk: &Desk<'_>,
) -> Result<(), Failure> {
    let open = || {
        let store = Arc::new(BlobStore::changing(container, &vault.prefix));
        Repository::open(store, secret, desk.attendant.monitor())
    };
    // What a killed run sent meanwhile may be in no index.
    let repaired = open().and_then(|repository| repository.repair_index());
    let checked = repaired.and_then(|()| open()?.check());
    Ok(checked.map_err(|source| failed(vault, source))?)
}

/// What an ingest will ask of the service.
#[derive(Debug)]
pub struct Expected {
    /// The vault.
    pub vault: String,
    /// The calls and bytes.
    pub estimate: Estimate,
}
