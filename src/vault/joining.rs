//! Seeds that join a vault which has a repository: they hold only what it did not have when they
//! were staged, so nothing of it may be pruned until they are taken in. The container says so, since
//! any machine of the vault may be the one that prunes.

use std::sync::Arc;

use bytes::Bytes;
use disk_prep::noun::{Md5Digest, VaultName, plain_word};
use jiff::Timestamp;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::Error;
use super::taken::taken_in;
use crate::azure::{Container, Fenced};

/// Stands before the blob of each.
const JOINING: &str = "azseed/joining/";
/// So many are looked at; a vault has a few.
const MOST: usize = 1_000;
const VERSION: u32 = 1;

/// A seed that joins a vault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joining {
    version: u32,
    /// The vault.
    pub vault: VaultName,
    /// The seed.
    pub seed: Uuid,
    /// The machine that began it.
    pub host: String,
    /// When it began.
    pub since: Timestamp,
}

/// A blob for each machine that waits for the seed: one of them may give it up.
fn name(seed: Uuid, host: &str) -> String {
    format!("{JOINING}{seed}/{}.json", plain_word(host))
}

/// Whether the container knows that a machine waits for a seed.
pub fn is_joining(container: &dyn Container, seed: Uuid, host: &str) -> Result<bool, Error> {
    let path = name(seed, host);
    let facts = container.facts(&path).map_err(|source| Error::Blob { path, source })?;
    Ok(facts.is_some())
}

/// Writes down that a seed joins, by a run that has the lease: so nobody prunes at this moment, and
/// whoever prunes later sees it.
pub fn join(
    container: &Arc<dyn Fenced>,
    vault: &VaultName,
    seed: Uuid,
    host: &str,
) -> Result<(), Error> {
    let (path, since) = (name(seed, host), Timestamp::now());
    let own =
        Joining { version: VERSION, vault: vault.clone(), seed, host: host.to_owned(), since };
    let text: Bytes = serde_json::to_vec(&own).expect("names can be written").into();
    let md5 = Md5Digest::new(Md5::digest(&text).into());
    container.write(&path, text, md5).map_err(|source| Error::Blob { path, source })
}

/// Takes it back for a machine; whether nobody waits for the seed any more.
pub fn leave(container: &Arc<dyn Fenced>, seed: Uuid, host: &str) -> Result<bool, Error> {
    let path = name(seed, host);
    container.remove_any(&path).map_err(|source| Error::Blob { path, source })?;
    let left = container.container().list(&format!("{JOINING}{seed}/"));
    Ok(left.map_err(|source| Error::List { source })?.is_empty())
}

/// Seeds that join and are not taken in, the oldest first. A blob that says nothing of the kind
/// counts too: what it stood for is not known.
pub fn joining(container: &dyn Container) -> Result<Vec<String>, Error> {
    let listed = container.list(JOINING).map_err(|source| Error::List { source })?;
    let mut all = Vec::new();
    for path in listed.into_keys().take(MOST) {
        let failed = |source| Error::Blob { path: path.clone(), source };
        let Some(text) = container.read(&path).map_err(failed)? else { continue };
        match serde_json::from_slice::<Joining>(&text)
            .ok()
            .filter(|own| name(own.seed, &own.host) == path)
        {
            Some(own) if taken_in(container, own.seed)?.is_some() => {}
            Some(own) => all.push((Some(own.since), format!("{} of {}", own.seed, own.host))),
            None => all.push((None, path)),
        }
    }
    all.sort();
    Ok(all.into_iter().map(|(_, text)| text).collect())
}
