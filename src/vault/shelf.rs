//! The vault's container and the imported one, at the blob service.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use disk_prep::noun::VaultName;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::Error;
use super::ingest::{Held, SeedBlob, Shelf, Taken};
use super::lease::Lease;
use super::record::Vault;
use crate::azure::{self, Container, Copied, Fenced, Made};

/// Says whose the container is.
const CLAIM: &str = "azseed/vault.json";

/// Two containers of one account.
#[derive(Debug)]
pub struct ContainerShelf {
    /// The vault's container.
    pub vault: Fenced,
    /// Stands before every blob of the vault.
    pub vault_prefix: String,
    /// The imported container.
    pub import: Fenced,
    /// Stands before every imported blob.
    pub import_prefix: String,
}

impl ContainerShelf {
    /// The containers of a vault and its seed, to be changed as long as the lease is held.
    pub fn new(
        vault: &Vault,
        container: &Arc<Container>,
        import: &Arc<Container>,
        lease: &Lease,
    ) -> Self {
        ContainerShelf {
            vault: lease.guard(Arc::clone(container)),
            vault_prefix: vault.prefix.clone(),
            import: lease.guard(Arc::clone(import)),
            import_prefix: vault.seed.prefix.clone(),
        }
    }
}

/// What a container holds below a prefix, by the paths that follow it.
pub fn held(container: &Container, prefix: &str) -> Result<BTreeMap<String, Held>, azure::Error> {
    let below = |name: String| name.strip_prefix(prefix).map(str::to_owned);
    let held = |(name, facts): (String, azure::BlobFacts)| {
        Some((below(name)?, Held { bytes: facts.bytes, md5: facts.md5 }))
    };
    Ok(container.list(prefix)?.into_iter().filter_map(held).collect())
}

impl Shelf for ContainerShelf {
    fn held(&self) -> Result<BTreeMap<String, Held>, azure::Error> {
        held(&self.vault, &self.vault_prefix)
    }

    fn copy(&self, blob: &SeedBlob) -> Result<Taken, azure::Error> {
        let from = format!("{}{}", self.import_prefix, blob.path);
        let to = format!("{}{}", self.vault_prefix, blob.path);
        Ok(match self.vault.copy_from((&self.import, &from), &to, blob.md5)? {
            Copied::Done => Taken::Copied,
            Copied::Absent => Taken::Absent,
            Copied::Different => Taken::Different,
            Copied::Unsupported => Taken::Unsupported,
        })
    }

    fn imported(&self, path: &str) -> Result<Option<Bytes>, azure::Error> {
        self.import.read(&format!("{}{path}", self.import_prefix))
    }

    fn write(&self, blob: &SeedBlob, content: Bytes) -> Result<(), azure::Error> {
        self.vault.write(&format!("{}{}", self.vault_prefix, blob.path), content, blob.md5)
    }
}

#[derive(Serialize, Deserialize)]
struct Claim {
    version: u32,
    vault: VaultName,
    /// The seed that the vault began with; the first version did not say.
    #[serde(default)]
    seed: Option<Uuid>,
}

/// Makes the container and writes down whose it is, if nobody has; of two that come at once one
/// gets it. Refuses a container that another vault has.
pub fn claim(container: &Container, name: &VaultName, seed: Uuid) -> Result<(), Error> {
    let failed = |source| Error::Blob { path: CLAIM.to_owned(), source };
    container.make().map_err(failed)?;
    let claim = Claim { version: 1, vault: name.clone(), seed: Some(seed) };
    let text = serde_json::to_vec(&claim).expect("names can be written");
    if container.write_new(CLAIM, text.into()).map_err(failed)? == Made::New {
        return Ok(());
    }
    let there = container.read(CLAIM).map_err(failed)?.unwrap_or_default();
    let container = container.name().clone();
    match serde_json::from_slice::<Claim>(&there) {
        // A call that was cut off after its claim, and the same vault seen from another machine.
        Ok(claim) if claim.vault == *name && claim.seed.is_none_or(|own| own == seed) => Ok(()),
        Ok(claim) => Err(Error::Claimed { container, vault: format!("the vault {}", claim.vault) }),
        Err(_) => {
            let vault = "something that this program does not know".to_owned();
            Err(Error::Claimed { container, vault })
        }
    }
}
