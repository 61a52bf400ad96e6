//! A seed becomes the vault's: its blobs are taken in, the repository that they make is checked,
//! what waited for it is shown, and only then the container says so.

use std::sync::Arc;

use bytes::Bytes;
use disk_prep::monitor::Monitor;
use secrecy::SecretString;

use super::aside::{asides, publish_asides};
use super::error::Error;
use super::ingest::{Ingested, Prove, Taking, ingest};
use super::joining::leave;
use super::lease::{LOCK, Lease};
use super::record::Vault;
use super::seed_list::SeedList;
use super::shelf::{Import, Shelf};
use super::taken::mark_taken_in;
use super::versions::Versions;
use crate::azure::{Container, Fenced};
use crate::repository::{self, ArrivalStore, BlobStore, Repository};

/// A vault that a seed arrives at, held by a lease.
#[expect(missing_debug_implementations, reason = "it is made of functions")]
pub struct Arrival<'a> {
    /// Its record.
    pub vault: &'a Vault,
    /// Its container.
    pub container: &'a Arc<dyn Container>,
    /// The right to change it.
    pub lease: &'a Lease,
    /// The password of its repository.
    pub secret: &'a SecretString,
    /// The name of this machine.
    pub host: &'a str,
    /// Who is told how far it is.
    pub monitor: Arc<dyn Monitor>,
}

impl Arrival<'_> {
    /// Takes the seed in. After any failure the same call goes on.
    pub fn take_in(
        &self,
        seed: &SeedList,
        import: Import,
        taking: Taking<'_>,
    ) -> Result<Ingested, Error> {
        let Arrival { vault, container, lease, host, .. } = self;
        let shelf = Shelf::new(vault, Arc::clone(container), import, lease);
        let fenced = lease.guard(Arc::clone(container));
        let prove = |new| self.prove(&fenced, new);
        let prove: Option<Prove<'_>> = vault.joins_since.is_some().then_some(&prove);
        let versions = Versions::unknown(seed.len());
        let taking = Taking { prove, versions: Some(&versions), ..taking };
        let ingested = ingest(seed, &shelf, taking, self.monitor.as_ref())?;
        publish_asides(fenced.as_ref(), &vault.aside(), &vault.prefix)?;
        if vault.joins_since.is_none() {
            self.check(&fenced)?;
        }
        let lost = |source| Error::Blob { path: LOCK.to_owned(), source };
        lease.check().map_err(lost)?;
        let (amount, id) = ((seed.len() as u64, seed.bytes()), vault.seed()?.id);
        versions.keep(&fenced, id)?;
        mark_taken_in(container.as_ref(), &vault.name, id, amount)?;
        if vault.joins_since.is_some() {
            leave(&fenced, id, host)?;
        }
        Ok(ingested)
    }

    fn failed(&self, source: repository::Error) -> Error {
        Error::Repository { vault: self.vault.name.clone(), source }
    }

    fn there(&self, container: &Arc<dyn Fenced>) -> Arc<BlobStore> {
        Arc::new(BlobStore::changing(container, &self.vault.prefix))
    }

    /// Brings into the index what a killed run has sent and no index names.
    fn put_in_order(&self, container: &Arc<dyn Fenced>) -> Result<Repository, Error> {
        let monitor = Arc::clone(&self.monitor);
        let opened = Repository::open(self.there(container), self.secret, monitor);
        let opened = opened.map_err(|source| self.failed(source))?;
        opened.repair_index().map_err(|source| self.failed(source))?;
        Ok(opened)
    }

    /// Proves before the snapshots of a seed that joins are shown, and those that were made since it
    /// was staged, that the vault has all of what they hold: a part of it was there before, and may
    /// be gone.
    fn prove(
        &self,
        container: &Arc<dyn Fenced>,
        mut new: Vec<(String, Bytes)>,
    ) -> Result<(), Error> {
        let aside = asides(container.container().as_ref(), &self.vault.aside())?;
        new.extend(aside.into_iter().map(|own| (own.place.id.to_string(), own.content)));
        self.put_in_order(container)?;
        let arriving = Arc::new(ArrivalStore::new(self.there(container), new));
        let opened = Repository::open(arriving, self.secret, Arc::clone(&self.monitor));
        let proven = opened.and_then(|own| own.check_among_others());
        proven.map_err(|source| match source {
            repository::Error::Damaged { remarks: faults } => {
                Error::BaseGone { vault: self.vault.name.clone(), faults }
            }
            source => self.failed(source),
        })
    }

    /// The repository's own check: every pack there and named by the index, every tree readable.
    fn check(&self, container: &Arc<dyn Fenced>) -> Result<(), Error> {
        let in_order = self.put_in_order(container)?;
        in_order.again().and_then(|own| own.check()).map_err(|source| self.failed(source))
    }
}
