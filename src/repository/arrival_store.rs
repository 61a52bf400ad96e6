//! A repository to which snapshots are about to come: all else is there, and they are shown to the
//! check alone, so that nobody sees one of them before it is whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use rustic_core::{
    BytesList, ErrorKind as LibraryKind, FileType, Id, ReadBackend, RusticError, RusticResult,
    WriteBackend,
};

use super::blob_store::BlobStore;
use super::error::Error;
use super::store::Store;

/// A repository, and snapshots that are not in it yet.
#[derive(Debug)]
pub struct ArrivalStore {
    there: Arc<BlobStore>,
    snapshots: BTreeMap<Id, Bytes>,
}

impl ArrivalStore {
    /// Shows these snapshots, each a file by its name, in place of those that are there.
    pub fn new(there: Arc<BlobStore>, snapshots: Vec<(String, Bytes)>) -> Self {
        let named = |(name, content): (String, Bytes)| Some((name.parse().ok()?, content));
        ArrivalStore { there, snapshots: snapshots.into_iter().filter_map(named).collect() }
    }

    fn refused() -> Box<RusticError> {
        RusticError::new(LibraryKind::Unsupported, "what is about to come is only looked at")
    }
}

impl Store for ArrivalStore {
    fn take_fault(&self) -> Option<Error> {
        self.there.take_fault()
    }

    fn is_broken(&self) -> bool {
        false
    }

    fn packs_at_once(&self) -> usize {
        self.there.packs_at_once()
    }

    fn backend(self: Arc<Self>) -> Arc<dyn WriteBackend> {
        self
    }
}

impl ReadBackend for ArrivalStore {
    fn location(&self) -> String {
        self.there.location()
    }

    fn list_with_size(&self, kind: FileType) -> RusticResult<Vec<(Id, u32)>> {
        if kind != FileType::Snapshot {
            return self.there.list_with_size(kind);
        }
        let size = |content: &Bytes| u32::try_from(content.len()).unwrap_or(u32::MAX);
        Ok(self.snapshots.iter().map(|(id, content)| (*id, size(content))).collect())
    }

    fn read_full(&self, kind: FileType, id: &Id) -> RusticResult<Bytes> {
        match self.snapshots.get(id).filter(|_| kind == FileType::Snapshot) {
            Some(content) => Ok(content.clone()),
            None => self.there.read_full(kind, id),
        }
    }

    fn read_partial(
        &self,
        kind: FileType,
        id: &Id,
        cacheable: bool,
        offset: u32,
        length: u32,
    ) -> RusticResult<Bytes> {
        self.there.read_partial(kind, id, cacheable, offset, length)
    }

    fn warmup_path(&self, kind: FileType, id: &Id) -> String {
        self.there.warmup_path(kind, id)
    }
}

impl WriteBackend for ArrivalStore {
    fn create(&self) -> RusticResult<()> {
        Err(Self::refused())
    }

    fn write_bytes(&self, _: FileType, _: &Id, _: bool, _: BytesList) -> RusticResult<()> {
        Err(Self::refused())
    }

    fn remove(&self, _: FileType, _: &Id, _: bool) -> RusticResult<()> {
        Err(Self::refused())
    }
}
