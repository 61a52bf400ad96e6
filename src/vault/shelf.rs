//! The vault's container and the imported one, at the blob service.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use disk_prep::noun::{Md5Digest, VaultName};
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::{Error, Held, SeedBlob, Shelf, Taken};
use crate::azure::{self, Container, Copied};

/// Says whose the container is.
const CLAIM: &str = "azseed/vault.json";

/// Two containers of one account.
#[derive(Debug)]
pub struct ContainerShelf {
    /// The vault's container.
    pub vault: Arc<Container>,
    /// Stands before every blob of the vault.
    pub vault_prefix: String,
    /// The imported container.
    pub import: Container,
    /// Stands before every imported blob.
    pub import_prefix: String,
}

impl Shelf for ContainerShelf {
    fn held(&self) -> Result<BTreeMap<String, Held>, azure::Error> {
        let listed = self.vault.list(&self.vault_prefix)?;
        let below = |name: String| name.strip_prefix(&self.vault_prefix).map(str::to_owned);
        let held = |(name, facts): (String, azure::BlobFacts)| {
            Some((below(name)?, Held { bytes: facts.bytes, md5: facts.md5 }))
        };
        Ok(listed.into_iter().filter_map(held).collect())
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
}

/// Makes the container and writes down whose it is; refuses one that another vault has.
pub fn claim(container: &Container, name: &VaultName) -> Result<(), Error> {
    let failed = |source| Error::Blob { path: CLAIM.to_owned(), source };
    container.make().map_err(failed)?;
    if let Some(bytes) = container.read(CLAIM).map_err(failed)? {
        return match serde_json::from_slice::<Claim>(&bytes) {
            Ok(claim) if claim.vault == *name => Ok(()),
            Ok(claim) => Err(Error::Claimed {
                container: container.name().clone(),
                vault: claim.vault.to_string(),
            }),
            Err(_) => Err(Error::Claimed {
                container: container.name().clone(),
                vault: "something that this program does not know".to_owned(),
            }),
        };
    }
    let claim = Claim { version: 1, vault: name.clone() };
    let text = serde_json::to_vec(&claim).expect("names can be written");
    let md5 = Md5Digest::new(Md5::digest(&text).into());
    container.write(CLAIM, text.into(), md5).map_err(failed)
}
