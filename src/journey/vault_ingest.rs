//! A seed becomes the vault's: its blobs are taken in, the repository that they make is checked,
//! and only then it is written down, in the container and in this machine's record.

use std::sync::Arc;

use jiff::Timestamp;

use super::desk::Desk;
use super::seed_blobs::{seed_blobs, spare};
use super::vault::{VaultOptions, failed, own_seed, staging};
use super::vault_password::password;
use super::vault_writer::Writer;
use crate::azure::Container;
use crate::outcome::Failure;
use crate::repository::{BlobStore, Repository};
use crate::staging::Staging;
use crate::vault::{
    Estimate, Import, Ingested, Lease, Shelf, Taking, Vault, ingest, mark_taken_in, publish_asides,
    taken_in,
};

/// Writes down what another machine of the same vault has done; whether it has taken the seed in.
pub fn follow(writer: &mut Writer<'_>, container: &dyn Container) -> Result<bool, Failure> {
    let Some(at) = taken_in(container, writer.vault.seed()?.id)? else { return Ok(false) };
    writer.record(|own| {
        own.ingested_at = Some(at);
        own.kept_aside = 0;
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
    let blobs = seed_blobs(&seed, &staging)?;
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
    let taking = Taking { spare: &spare, repair_limit: how.repair_limit, tell: &tell };
    let monitor = desk.attendant.monitor();
    let ingested = ingest(&blobs, &shelf, taking, monitor.as_ref())?;
    let fenced = lease.guard(Arc::clone(container));
    publish_asides(fenced.as_ref(), &vault.prefix)?;
    check(vault, container, lease, options, desk)?;
    lease.check()?;
    let amount = (blobs.len() as u64, blobs.bytes());
    mark_taken_in(container.as_ref(), &vault.name, vault.seed()?.id, amount)?;
    writer.record(|own| {
        own.ingested_at = Some(Timestamp::now());
        own.kept_aside = 0;
    })?;
    Ok((ingested, staging))
}

/// The repository's own check: every pack there and named by the index, every tree readable.
fn check(
    vault: &Vault,
    container: &Arc<dyn Container>,
    lease: &Lease,
    options: &VaultOptions,
    desk: &Desk<'_>,
) -> Result<(), Failure> {
    let secret = password(vault, &options.password, desk)?;
    let (secret, fenced) = (secret, lease.guard(Arc::clone(container)));
    let store = Arc::new(BlobStore::changing(&fenced, &vault.prefix));
    let opened = Repository::open(store, &secret, desk.attendant.monitor());
    let checked = opened.and_then(|repository| {
        // What a killed run sent meanwhile may be in no index.
        repository.repair_index()?;
        repository.check()
    });
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
