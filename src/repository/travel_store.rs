//! A repository of which a part is on its way: what was staged is read where it was staged, what
//! is new goes to where all of it will be. Nothing staged is changed. Snapshots are kept aside,
//! where no reader looks for them, until the rest has arrived.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use disk_prep::noun::Sha256Digest;
use rustic_core::{
    BytesList, ErrorKind as LibraryKind, FileType, Id, ReadBackend, RusticError, RusticResult,
    WriteBackend,
};

use super::blob_store::BlobStore;
use super::error::Error;
use super::folder_store::FolderStore;
use super::layout::{Place, Rank};
use super::store::Store;
use crate::azure::Fenced;

/// Says of a staged file whether it is on its way.
pub type IsShipped = Arc<dyn Fn(&Place) -> bool + Send + Sync>;

/// Snapshots that are kept aside lie below this prefix of the container; those of seeds that join a
/// vault below one of the seed in it.
pub const ASIDE: &str = "azseed/aside/";

/// Where configuration and keys of a repository are read that is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// Where it was staged: there is no other yet.
    Staged,
    /// In the vault that it joins: keys may have been changed there since.
    InVault,
}

/// A repository of two places.
pub struct TravelStore {
    staged: Arc<FolderStore>,
    is_shipped: IsShipped,
    sent: Arc<BlobStore>,
    aside: Arc<BlobStore>,
    keys: Keys,
}

impl std::fmt::Debug for TravelStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TravelStore({})", self.location())
    }
}

impl TravelStore {
    /// What was staged and is shipped, and the container that it will be taken into below a prefix;
    /// snapshots are kept below the prefix `aside` meanwhile.
    pub fn new(
        staged: FolderStore,
        is_shipped: IsShipped,
        container: &Arc<dyn Fenced>,
        (prefix, aside): (&str, &str),
        keys: Keys,
    ) -> Self {
        let sent = Arc::new(BlobStore::changing(container, prefix));
        let aside = Arc::new(BlobStore::changing(container, aside));
        TravelStore { staged: Arc::new(staged), is_shipped, sent, aside, keys }
    }

    /// Whether a file is read where it was staged. What somebody has written there since is not
    /// on its way, and nothing may come to rest on it.
    fn is_staged(&self, kind: FileType, id: &Id) -> bool {
        let rank = match kind {
            FileType::Config | FileType::Key => return self.keys == Keys::Staged,
            FileType::Pack => Rank::Pack,
            FileType::Index => Rank::Index,
            FileType::Snapshot => Rank::Snapshot,
        };
        let named: Option<Sha256Digest> = id.to_hex().parse().ok();
        named.is_some_and(|id| (self.is_shipped)(&Place { rank, id })) && self.staged.has(kind, id)
    }

    /// What takes new files of a kind.
    fn writer(&self, kind: FileType) -> RusticResult<&Arc<BlobStore>> {
        match kind {
            FileType::Pack | FileType::Index => Ok(&self.sent),
            FileType::Snapshot => Ok(&self.aside),
            FileType::Config | FileType::Key => Err(RusticError::new(
                LibraryKind::Unsupported,
                "what was staged is not changed while it is on its way",
            )),
        }
    }

    fn reader(&self, kind: FileType, id: &Id) -> &dyn ReadBackend {
        match self.is_staged(kind, id) {
            true => self.staged.as_ref(),
            false => self.elsewhere(kind).as_ref(),
        }
    }

    /// Where a file is read that is not read where it was staged.
    fn elsewhere(&self, kind: FileType) -> &Arc<BlobStore> {
        if kind == FileType::Snapshot { &self.aside } else { &self.sent }
    }
}

impl Store for TravelStore {
    fn take_fault(&self) -> Option<Error> {
        let all: [&dyn Store; 3] = [self.sent.as_ref(), self.aside.as_ref(), self.staged.as_ref()];
        all.into_iter().find_map(Store::take_fault)
    }

    fn is_broken(&self) -> bool {
        self.sent.is_broken() || self.aside.is_broken()
    }

    fn packs_at_once(&self) -> usize {
        self.sent.packs_at_once()
    }

    fn backend(self: Arc<Self>) -> Arc<dyn WriteBackend> {
        self
    }
}

impl ReadBackend for TravelStore {
    fn location(&self) -> String {
        format!("{} and {}", self.staged.location(), self.sent.location())
    }

    fn list_with_size(&self, kind: FileType) -> RusticResult<Vec<(Id, u32)>> {
        let staged = self.staged.list_with_size(kind)?;
        let staged = staged.into_iter().filter(|(id, _)| self.is_staged(kind, id));
        let mut all: BTreeMap<Id, u32> = staged.collect();
        let is_key = matches!(kind, FileType::Config | FileType::Key);
        if !is_key || self.keys == Keys::InVault {
            // A part of what was staged may have been taken in already.
            for (id, bytes) in self.elsewhere(kind).list_with_size(kind)? {
                all.entry(id).or_insert(bytes);
            }
        }
        Ok(all.into_iter().collect())
    }

    fn read_full(&self, kind: FileType, id: &Id) -> RusticResult<Bytes> {
        self.reader(kind, id).read_full(kind, id)
    }

    fn read_partial(
        &self,
        kind: FileType,
        id: &Id,
        cacheable: bool,
        offset: u32,
        length: u32,
    ) -> RusticResult<Bytes> {
        self.reader(kind, id).read_partial(kind, id, cacheable, offset, length)
    }

    fn warmup_path(&self, kind: FileType, id: &Id) -> String {
        self.sent.warmup_path(kind, id)
    }
}

impl WriteBackend for TravelStore {
    fn create(&self) -> RusticResult<()> {
        self.sent.create()
    }

    fn write_bytes(
        &self,
        kind: FileType,
        id: &Id,
        cacheable: bool,
        content: BytesList,
    ) -> RusticResult<()> {
        self.writer(kind)?.write_bytes(kind, id, cacheable, content)
    }

    fn remove(&self, kind: FileType, id: &Id, cacheable: bool) -> RusticResult<()> {
        if self.is_staged(kind, id) {
            return Err(RusticError::new(
                LibraryKind::Unsupported,
                "what was staged is not removed while it is on its way",
            ));
        }
        self.writer(kind)?.remove(kind, id, cacheable)
    }
}
