//! What is asked of a page blob and its snapshots: read, listed by what changed, written page by page.
//! The service stands behind it in [`super::ServicePageBlob`]; tests put memory there. Every change
//! carries the id of a lease, so that a writer who was stopped for longer than his lease lasts writes
//! nothing when he goes on.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use bytes::Bytes;
use disk_prep::noun::Md5Digest;
use uuid::Uuid;

use super::container::Made;
use super::copy_source::CopySource;
use super::error::Error;
use super::page_list::PageList;

/// What the service says of a page blob or a snapshot of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageFacts {
    /// Its length.
    pub bytes: u64,
    /// Its version.
    pub etag: String,
    /// Names of one's own.
    pub metadata: BTreeMap<String, String>,
    /// Whether it is a page blob at all.
    pub is_pages: bool,
    /// Whether somebody holds a lease.
    pub is_leased: bool,
    /// The copy by the service that it comes from.
    pub copy: Option<CopyFacts>,
    /// Whether the service is known to tell no differences.
    pub is_azurite: bool,
    /// Whether it can be written no more: a snapshot, or a managed disk that is whole.
    pub is_sealed: bool,
    /// Whether only incremental copies by the service change it.
    pub is_incremental: bool,
}

/// How a copy by the service stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopyFacts {
    /// Whether it goes on.
    pub is_pending: bool,
    /// Why it came to nothing; `None` if it did not.
    pub failure: Option<String>,
    /// How far it is, as the service writes it: `DONE/TOTAL`.
    pub progress: String,
}

/// A snapshot of a page blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotFacts {
    /// Its identity, which is its time.
    pub id: String,
    /// Names of one's own.
    pub metadata: BTreeMap<String, String>,
    /// Its length.
    pub bytes: u64,
    /// What the service copied it from, where it did.
    pub copied: Option<CopiedFrom>,
}

/// Where the service copied from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiedFrom {
    /// The blob's address, without anything that opens it.
    pub address: String,
    /// The snapshot of it.
    pub snapshot: String,
}

/// What the service says of a storage account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountFacts {
    /// Its kind of storage, such as `Standard_LRS`.
    pub sku: String,
    /// Whether its blobs are files in folders.
    pub has_folders: bool,
}

/// Which pages are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PagesAsked<'a> {
    /// Of this snapshot, or of the blob itself.
    pub snapshot: Option<&'a str>,
    /// What changed since this one; without it what is written.
    pub since: Option<&'a str>,
    /// Where the list goes on.
    pub marker: Option<&'a str>,
}

/// One page blob. May be used from many threads.
pub trait PageBlob: Debug + Send + Sync {
    /// Its address, without anything that opens it.
    fn address(&self) -> String;
    /// Whether it is a managed disk, whose snapshots are opened before they are read, and beside which
    /// there is no other blob.
    fn is_managed(&self) -> bool {
        false
    }
    /// How much of a snapshot is there, of a hundred, if it cannot be read yet.
    fn percent(&self, _: &str) -> Result<Option<u32>, Error> {
        Ok(None)
    }
    /// Ends what runs that were killed have left open of the snapshots that are `mine` by their
    /// metadata.
    fn end_left(&self, _: &dyn Fn(&BTreeMap<String, String>) -> bool) -> Result<(), Error> {
        Ok(())
    }
    /// What the service says of it or a snapshot; `None` if it does not exist.
    fn facts(&self, snapshot: Option<&str>) -> Result<Option<PageFacts>, Error>;
    /// Its snapshots, the oldest first.
    fn snapshots(&self) -> Result<Vec<SnapshotFacts>, Error>;
    /// One part of a list of pages.
    fn pages(&self, asked: PagesAsked<'_>) -> Result<PageList, Error>;
    /// A stretch of 4 MiB at most, and the MD5 that the service has of it.
    fn read(
        &self,
        snapshot: Option<&str>,
        start: u64,
        bytes: u64,
    ) -> Result<(Bytes, Option<Md5Digest>), Error>;
    /// A snapshot as the source of a copy by the service.
    fn source(&self, snapshot: &str) -> Result<CopySource, Error>;
    /// Makes it, with no page written, if there is none of its name.
    fn create(&self, bytes: u64, metadata: &BTreeMap<String, String>) -> Result<Made, Error>;
    /// Has the service begin to copy a snapshot to it, if there is none of its name.
    fn copy_from(
        &self,
        source: &CopySource,
        metadata: &BTreeMap<String, String>,
    ) -> Result<Made, Error>;
    /// Takes a snapshot with this metadata; sent once, since a second one would be another.
    fn snapshot(
        &self,
        metadata: &BTreeMap<String, String>,
        lease: Option<Uuid>,
    ) -> Result<String, Error>;
    /// Writes whole pages, 4 MiB at most.
    fn write(&self, start: u64, content: Bytes, md5: Md5Digest, lease: Uuid) -> Result<(), Error>;
    /// Has the service write whole pages of a source at the same place, 4 MiB at most; with an MD5,
    /// only if the source has that there.
    fn write_from(
        &self,
        source: &CopySource,
        place: (u64, u64),
        md5: Option<Md5Digest>,
        lease: Uuid,
    ) -> Result<(), Error>;
    /// Has the service begin to bring it to a snapshot by what changed since the one before, or to
    /// make it, whatever a former call of the same has begun.
    fn copy_changes(&self, source: &CopySource) -> Result<(), Error>;
    /// The snapshots of all blobs beside it whose names begin so, with the names.
    fn snapshots_below(&self, prefix: &str) -> Result<Vec<(String, SnapshotFacts)>, Error>;
    /// What the service says of its account; `None` if it says nothing to this caller.
    fn account(&self) -> Option<AccountFacts> {
        None
    }
    /// Clears whole pages.
    fn clear(&self, start: u64, end: u64, lease: Uuid) -> Result<(), Error>;
    /// Gives it another length.
    fn resize(&self, bytes: u64, lease: Uuid) -> Result<(), Error>;
    /// Sets all of its metadata, if it is still the version that was seen.
    fn set_metadata(
        &self,
        metadata: &BTreeMap<String, String>,
        etag: &str,
        lease: Option<Uuid>,
    ) -> Result<(), Error>;
    /// Deletes a snapshot; one that is gone is gone.
    fn remove_snapshot(&self, id: &str) -> Result<(), Error>;
    /// Deletes it with all of its snapshots, if it is still the version that was seen.
    fn remove(&self, etag: &str) -> Result<(), Error>;
    /// Deletes it if it has no snapshot and is still the version that was seen.
    fn remove_bare(&self, etag: &str) -> Result<(), Error>;
    /// Leases it for so many seconds. Tried once, as all that is done with leases.
    fn lease(&self, id: Uuid, secs: i32) -> Result<(), Error>;
    /// Renews a lease that is held.
    fn renew_lease(&self, id: Uuid) -> Result<(), Error>;
    /// Takes a lease over from a run whose id is known.
    fn change_lease(&self, from: Uuid, to: Uuid) -> Result<(), Error>;
    /// Gives a lease back.
    fn release_lease(&self, id: Uuid) -> Result<(), Error>;
    /// Ends the lease of whoever has it.
    fn break_lease(&self) -> Result<(), Error>;
    /// Another blob of the same container.
    fn beside(&self, name: &str) -> Arc<dyn PageBlob>;
}
