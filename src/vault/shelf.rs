//! The vault's container and the imported one beside it: what a seed is made of, what the vault
//! holds of it, and whose the container is.

use std::sync::Arc;

use bytes::Bytes;
use disk_prep::noun::{Md5Digest, VaultName};
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::Error;
use super::lease::Lease;
use super::record::Vault;
use super::seed_list::{Marks, SeedBlob, SeedList};
use crate::azure::{self, BlobFacts, Container, Copied, Fenced, Made};
use crate::repository::Rank;

/// Says whose the container is.
pub(super) const CLAIM: &str = "azseed/vault.json";

/// The vault and the imported container beside it, of one account or of two.
#[derive(Debug)]
pub struct Shelf {
    /// The vault's container.
    pub vault: Arc<dyn Fenced>,
    /// Stands before every blob of the vault.
    pub vault_prefix: String,
    /// Where the seed was imported to.
    pub import: Import,
}

/// Where the seed was imported to.
#[derive(Debug)]
pub enum Import {
    /// A container, and what stands before every imported blob.
    Container(Arc<dyn Container>, String),
    /// The vault's own place: what was imported stays where it is.
    InPlace,
    /// Nowhere: the drives were lost, and all comes from the staging path.
    Lost,
}

/// A blob as it was read.
#[derive(Debug)]
pub struct Seen {
    /// All of it.
    pub content: Bytes,
    /// Its version in the vault, if it lies there.
    etag: Option<String>,
}

impl Shelf {
    /// The containers of a vault and its seed; the vault's is changed as long as the lease is held.
    pub fn new(
        vault: &Vault,
        container: Arc<dyn Container>,
        import: Import,
        lease: &Lease,
    ) -> Self {
        Shelf { vault: lease.guard(container), vault_prefix: vault.prefix.clone(), import }
    }

    /// Whether what was imported stays where it is.
    pub fn is_in_place(&self) -> bool {
        matches!(self.import, Import::InPlace)
    }

    fn name(&self, blob: &SeedBlob) -> String {
        format!("{}{}", self.vault_prefix, blob.path())
    }

    /// What the vault holds of a seed.
    pub fn held(&self, seed: &SeedList) -> Result<Marks, azure::Error> {
        seed.held(self.vault.container().as_ref(), &self.vault_prefix)
    }

    /// Refuses a vault whose repository is another one than the seed's: what is there would be
    /// lost with its configuration. Not so in place, where what was imported may be damaged.
    pub fn expect_own(&self, seed: &SeedList) -> Result<(), Error> {
        let vault = self.vault.container();
        let own = seed.blobs().iter().find(|blob| blob.place.rank == Rank::Config);
        let Some(own) = own.filter(|_| !self.is_in_place()) else { return Ok(()) };
        let failed = |source| Error::Blob { path: own.path(), source };
        let Some(facts) = vault.facts(&self.name(own)).map_err(failed)? else { return Ok(()) };
        // Of one that is as long as it should be and says no MD5, the content is looked at.
        let md5 = match facts.md5 {
            None if facts.bytes == own.bytes => {
                let content = vault.read(&self.name(own)).map_err(failed)?;
                content.map(|content| Md5Digest::new(Md5::digest(content).into()))
            }
            md5 => md5,
        };
        match facts.bytes == own.bytes && md5 == Some(own.md5) {
            true => Ok(()),
            false => Err(Error::OtherRepository { container: vault.name().clone() }),
        }
    }

    /// What the import lacks of a seed, or has with another length or another MD5. It may have
    /// another content all the same: an import tells no MD5 unless the drives did. `see` is told the
    /// ETag of each that it may have.
    pub fn lacking(
        &self,
        seed: &SeedList,
        see: &dyn Fn(usize, &str),
    ) -> Result<Marks, azure::Error> {
        let can_be = |index: usize, facts: &BlobFacts| {
            let blob = &seed.blobs()[index];
            let can_be = facts.bytes == blob.bytes && facts.md5.is_none_or(|md5| md5 == blob.md5);
            if can_be {
                see(index, &facts.etag);
            }
            can_be
        };
        let there = match &self.import {
            Import::Container(import, prefix) => seed.compare(import.as_ref(), prefix, can_be)?,
            Import::InPlace => {
                let vault = self.vault.container();
                seed.compare(vault.as_ref(), &self.vault_prefix, can_be)?
            }
            Import::Lost => return Ok(Marks::all(seed.len())),
        };
        Ok(there.turned())
    }

    /// Lets the service copy from the import into the vault if the content has this MD5.
    pub fn copy(&self, blob: &SeedBlob) -> Result<Copied, azure::Error> {
        let Import::Container(import, prefix) = &self.import else {
            return Ok(Copied::Absent);
        };
        let from = import.source(&format!("{prefix}{}", blob.path()));
        self.vault.copy_from(&from, &self.name(blob), blob.md5)
    }

    /// The imported content; `None` if there is none.
    pub fn imported(&self, blob: &SeedBlob) -> Result<Option<Seen>, azure::Error> {
        if let Import::Container(import, prefix) = &self.import {
            let content = import.read(&format!("{prefix}{}", blob.path()))?;
            return Ok(content.map(|content| Seen { content, etag: None }));
        }
        let (vault, name) = (self.vault.container(), self.name(blob));
        // Looked at first: of what is written in between the content will not fit the version.
        let Some(facts) = vault.facts(&name)? else { return Ok(None) };
        let content = vault.read(&name)?;
        Ok(content.map(|content| Seen { content, etag: Some(facts.etag) }))
    }

    /// Takes a blob that was read and is what it should be: it is written into the vault, or if it
    /// lies there its MD5 becomes its property. One that was changed meanwhile is found by the
    /// look at the end.
    pub fn accept(&self, blob: &SeedBlob, seen: Seen) -> Result<(), azure::Error> {
        match seen.etag {
            Some(etag) => self.vault.vouch(&self.name(blob), &etag, blob.md5).map(drop),
            None => self.write(blob, seen.content),
        }
    }

    /// Writes a blob into the vault, whole or not at all, with its MD5.
    pub fn write(&self, blob: &SeedBlob, content: Bytes) -> Result<(), azure::Error> {
        self.vault.write(&self.name(blob), content, blob.md5)
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

/// The vault that a container belongs to; `None` if nobody has said so, as in one that restic made.
pub fn claimed(container: &dyn Container) -> Result<Option<VaultName>, Error> {
    let failed = |source| Error::Blob { path: CLAIM.to_owned(), source };
    let Some(there) = container.read(CLAIM).map_err(failed)? else { return Ok(None) };
    match serde_json::from_slice::<Claim>(&there) {
        Ok(claim) => Ok(Some(claim.vault)),
        Err(_) => Err(unknown(container)),
    }
}

fn unknown(container: &dyn Container) -> Error {
    let vault = "something that this program does not know".to_owned();
    Error::Claimed { container: container.name().clone(), vault }
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
    match serde_json::from_slice::<Claim>(&there) {
        // A call that was cut off after its claim, and the same vault seen from another machine.
        Ok(claim) if claim.vault == *name && claim.seed.is_none_or(|own| own == seed) => Ok(()),
        Ok(claim) => {
            let container = container.name().clone();
            Err(Error::Claimed { container, vault: format!("the vault {}", claim.vault) })
        }
        Err(_) => Err(unknown(container)),
    }
}
