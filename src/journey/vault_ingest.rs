//! A seed becomes the vault's: its blobs are taken in, the repository that they make is checked,
//! and only then it is written down, in the container and in this machine's record.

use std::sync::Arc;

use jiff::Timestamp;

use super::desk::Desk;
use super::seed_blobs::{seed_blobs, spare};
use super::vault_meant::{VaultOptions, own_seed, staging};
use super::vault_password::password;
use super::vault_writer::Writer;
use crate::azure::Container;
use crate::outcome::Failure;
use crate::repository::Rank;
use crate::staging::{Seed, Staging};
use crate::vault::{
    Arrival, Estimate, Import, Ingested, Lease, SeedList, Taking, cleared, taken_in, this_host,
};

/// Writes down what another machine of the same vault has done; whether it has taken the seed in.
pub fn follow(writer: &mut Writer<'_>, container: &dyn Container) -> Result<bool, Failure> {
    let Some(at) = taken_in(container, writer.vault.seed()?.id)? else { return Ok(false) };
    writer.record(|own| {
        own.ingested_at = Some(at);
        own.none_is_aside();
    })?;
    Ok(true)
}

/// Writes down that another machine of the same vault has cleared the seed: the retention lets go from
/// then on, on every machine.
pub fn follow_cleanup(writer: &mut Writer<'_>, container: &dyn Container) -> Result<(), Failure> {
    let Some(link) = writer.vault.seed.as_ref().filter(|_| writer.vault.cleaned_at.is_none())
    else {
        return Ok(());
    };
    match cleared(container, link.id)? {
        Some(at) => writer.record(|own| own.cleaned_at = Some(at)),
        None => Ok(()),
    }
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
    let tell = |estimate: &Estimate| {
        desk.attendant.show(&Expected { vault: vault.name.to_string(), estimate: *estimate });
    };
    let secret = password(vault, &options.password, desk)?;
    let taking = Taking {
        spare: &spare,
        repair_limit: how.repair_limit,
        tell: &tell,
        prove: None,
        versions: None,
    };
    let arrival = Arrival {
        vault,
        container,
        lease,
        secret: &secret,
        host: &this_host(),
        monitor: desk.attendant.monitor(),
    };
    let ingested = arrival.take_in(&blobs, import, taking)?;
    writer.record(|own| {
        own.ingested_at = Some(Timestamp::now());
        own.none_is_aside();
    })?;
    Ok((ingested, staging))
}

/// What a seed brings into its vault. One that joins has the keys as they were when it was staged:
/// whoever lost one since does not get it back.
pub fn seed_list(seed: &Seed, staging: &Staging) -> Result<SeedList, Failure> {
    let all = seed_blobs(seed, staging)?;
    Ok(if seed.vault.is_some() { all.without(Rank::Key) } else { all })
}

/// What an ingest will ask of the service.
#[derive(Debug)]
pub struct Expected {
    /// The vault.
    pub vault: String,
    /// The calls and bytes.
    pub estimate: Estimate,
}
