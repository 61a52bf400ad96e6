//! The vault's container and the imported one beside it: what a seed is made of, what the vault
//! holds of it, and whose the container is.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use disk_prep::noun::{Md5Digest, VaultName};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::Error;
use super::lease::Lease;
use super::record::Vault;
use crate::azure::{self, Container, Copied, Fenced, Made};

/// Says whose the container is.
const CLAIM: &str = "azseed/vault.json";

/// A blob that the seed consists of, as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeedBlob {
    /// Path below the repository's root, for example `data/3f/3f…`.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// Its MD5, computed when the drive was filled.
    pub md5: Md5Digest,
}

/// What the vault says of a blob that it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shelved {
    /// Its length.
    pub bytes: u64,
    /// Its MD5, if the service has it.
    pub md5: Option<Md5Digest>,
}

/// Whether the vault holds this blob. Never by the length alone: one without an MD5 counts as not
/// held.
pub fn is_held(held: &BTreeMap<String, Shelved>, blob: &SeedBlob) -> bool {
    held.get(&blob.path) == Some(&Shelved { bytes: blob.bytes, md5: Some(blob.md5) })
}

/// What a container holds below a prefix, by the paths that follow it.
pub fn held(
    container: &dyn Container,
    prefix: &str,
) -> Result<BTreeMap<String, Shelved>, azure::Error> {
    let below = |name: String| name.strip_prefix(prefix).map(str::to_owned);
    let held = |(name, facts): (String, azure::BlobFacts)| {
        Some((below(name)?, Shelved { bytes: facts.bytes, md5: facts.md5 }))
    };
    Ok(container.list(prefix)?.into_iter().filter_map(held).collect())
}

/// The vault and the imported container beside it, two of one account. Paths are those of
/// [`SeedBlob`].
#[derive(Debug)]
pub struct Shelf {
    /// The vault's container.
    pub vault: Arc<dyn Fenced>,
    /// Stands before every blob of the vault.
    pub vault_prefix: String,
    /// The imported container.
    pub import: Arc<dyn Container>,
    /// Stands before every imported blob.
    pub import_prefix: String,
}

impl Shelf {
    /// The containers of a vault and its seed; the vault's is changed as long as the lease is held.
    pub fn new(
        vault: &Vault,
        container: Arc<dyn Container>,
        import: Arc<dyn Container>,
        lease: &Lease,
    ) -> Self {
        Shelf {
            vault: lease.guard(container),
            vault_prefix: vault.prefix.clone(),
            import,
            import_prefix: vault.seed.prefix.clone(),
        }
    }

    /// All that the vault holds.
    pub fn held(&self) -> Result<BTreeMap<String, Shelved>, azure::Error> {
        held(self.vault.container().as_ref(), &self.vault_prefix)
    }

    /// Lets the service copy from the import into the vault if the content has this MD5.
    pub fn copy(&self, blob: &SeedBlob) -> Result<Copied, azure::Error> {
        let from = format!("{}{}", self.import_prefix, blob.path);
        let to = format!("{}{}", self.vault_prefix, blob.path);
        self.vault.copy_from((self.import.name(), &from), &to, blob.md5)
    }

    /// The imported content; `None` if there is none.
    pub fn imported(&self, path: &str) -> Result<Option<Bytes>, azure::Error> {
        self.import.read(&format!("{}{path}", self.import_prefix))
    }

    /// Writes a blob into the vault, whole or not at all, with its MD5.
    pub fn write(&self, blob: &SeedBlob, content: Bytes) -> Result<(), azure::Error> {
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
pub fn claim(container: &dyn Container, name: &VaultName, seed: Uuid) -> Result<(), Error> {
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
