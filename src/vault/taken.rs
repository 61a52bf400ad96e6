//! What the vault's container says of seeds: which were taken in. Several machines have one vault,
//! and the one that comes later must not bring back what was forgotten since.

use bytes::Bytes;
use disk_prep::noun::VaultName;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::Error;
use crate::azure::Container;

const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Taken {
    version: u32,
    vault: VaultName,
    ingested_at: Timestamp,
    blobs: u64,
    bytes: u64,
}

fn name(seed: Uuid) -> String {
    format!("azseed/seeds/{seed}.json")
}

/// When a seed was taken in, as the vault's container says; `None` if it was not.
pub fn taken_in(container: &dyn Container, seed: Uuid) -> Result<Option<Timestamp>, Error> {
    let path = name(seed);
    let failed = |source| Error::Blob { path: path.clone(), source };
    let Some(text) = container.read(&path).map_err(failed)? else { return Ok(None) };
    let taken: Taken = serde_json::from_slice(&text)
        .map_err(|source| Error::Control { path: path.clone(), source })?;
    Ok(Some(taken.ingested_at))
}

/// Writes down that all of a seed is in the vault and was checked there; who was first stays.
pub fn mark_taken_in(
    container: &dyn Container,
    vault: &VaultName,
    seed: Uuid,
    (blobs, bytes): (u64, u64),
) -> Result<(), Error> {
    let (path, ingested_at) = (name(seed), Timestamp::now());
    let taken = Taken { version: VERSION, vault: vault.clone(), ingested_at, blobs, bytes };
    let text: Bytes = serde_json::to_vec(&taken).expect("numbers can be written").into();
    let written = container.write_new(&path, text);
    written.map(drop).map_err(|source| Error::Blob { path, source })
}

#[derive(Serialize, Deserialize)]
struct Cleared {
    version: u32,
    vault: VaultName,
    cleared_at: Timestamp,
}

fn cleared_name(seed: Uuid) -> String {
    format!("azseed/cleared/{seed}.json")
}

/// When a seed was cleared, as the vault's container says; `None` if it was not. One machine clears
/// it, and the others let snapshots go from then on too.
pub fn cleared(container: &dyn Container, seed: Uuid) -> Result<Option<Timestamp>, Error> {
    let path = cleared_name(seed);
    let failed = |source| Error::Blob { path: path.clone(), source };
    let Some(text) = container.read(&path).map_err(failed)? else { return Ok(None) };
    let cleared: Cleared = serde_json::from_slice(&text)
        .map_err(|source| Error::Control { path: path.clone(), source })?;
    Ok(Some(cleared.cleared_at))
}

/// Writes down that a seed was proven and cleared; who was first stays.
pub fn mark_cleared(container: &dyn Container, vault: &VaultName, seed: Uuid) -> Result<(), Error> {
    let (path, cleared_at) = (cleared_name(seed), Timestamp::now());
    let cleared = Cleared { version: VERSION, vault: vault.clone(), cleared_at };
    let text: Bytes = serde_json::to_vec(&cleared).expect("names can be written").into();
    let written = container.write_new(&path, text);
    written.map(drop).map_err(|source| Error::Blob { path, source })
}
