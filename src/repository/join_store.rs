//! A repository that is added to from afar: what it has is read where it is, what is new is written
//! into a folder of its own, under the same configuration and keys. Nothing that is there is
//! changed; the folder is of no use without the rest.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use rustic_core::{
    BytesList, ErrorKind as LibraryKind, FileType, Id, ReadBackend, RusticError, RusticResult,
    WriteBackend,
};

use super::blob_store::BlobStore;
use super::error::Error;
use super::folder_store::FolderStore;
use super::repo::library;
use super::store::Store;

/// A folder, and the repository that it adds to.
#[derive(Debug)]
pub struct JoinStore {
    own: Arc<FolderStore>,
    base: Arc<BlobStore>,
}

impl JoinStore {
    /// What is added lies in the folder.
    pub fn new(own: Arc<FolderStore>, base: Arc<BlobStore>) -> Self {
        JoinStore { own, base }
    }

    /// Takes configuration and keys over, the configuration last: with it the folder passes for a
    /// repository. Keys are as they are there now: one that was taken away since opens nothing any
    /// more. Whether the folder has that configuration then; one that has another belongs to another
    /// repository and stays as it is.
    pub fn take_over(&self) -> Result<bool, Error> {
        const ACTION: &str = "Taking over configuration and keys";
        let copy = |kind, id: &Id| {
            let content = self.base.read_full(kind, id)?;
            self.own.write_bytes(kind, id, false, BytesList::from(content))
        };
        library(self, ACTION, || {
            let config = Id::default();
            let is_begun = self.own.has_config();
            let there = self.base.read_full(FileType::Config, &config)?;
            if is_begun && self.own.read_full(FileType::Config, &config)? != there {
                return Ok(false);
            }
            self.own.create()?;
            let keys: BTreeMap<Id, u32> =
                self.base.list_with_size(FileType::Key)?.into_iter().collect();
            for id in keys.keys().filter(|id| !self.own.has(FileType::Key, id)) {
                copy(FileType::Key, id)?;
            }
            for (id, _) in self.own.list_with_size(FileType::Key)? {
                if !keys.contains_key(&id) {
                    self.own.remove(FileType::Key, &id, false)?;
                }
            }
            if !is_begun {
                copy(FileType::Config, &config)?;
            }
            Ok(true)
        })
    }

    /// Whether a file of this kind is looked for in the repository that is added to: its snapshots
    /// are not those of the folder, and configuration and keys were taken over.
    fn is_shared(kind: FileType) -> bool {
        matches!(kind, FileType::Pack | FileType::Index)
    }

    fn reader(&self, kind: FileType, id: &Id) -> &dyn ReadBackend {
        match Self::is_shared(kind) && !self.own.has(kind, id) {
            true => self.base.as_ref(),
            false => self.own.as_ref(),
        }
    }
}

impl Store for JoinStore {
    fn take_fault(&self) -> Option<Error> {
        self.own.take_fault().or_else(|| self.base.take_fault())
    }

    fn is_broken(&self) -> bool {
        self.own.is_broken()
    }

    fn packs_at_once(&self) -> usize {
        self.own.packs_at_once()
    }

    fn backend(self: Arc<Self>) -> Arc<dyn WriteBackend> {
        self
    }
}

impl ReadBackend for JoinStore {
    fn location(&self) -> String {
        format!("{} and {}", self.own.location(), self.base.location())
    }

    fn list_with_size(&self, kind: FileType) -> RusticResult<Vec<(Id, u32)>> {
        let mut all: BTreeMap<Id, u32> = self.own.list_with_size(kind)?.into_iter().collect();
        if Self::is_shared(kind) {
            // What was shipped and taken in already is in both.
            for (id, bytes) in self.base.list_with_size(kind)? {
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
        self.reader(kind, id).warmup_path(kind, id)
    }
}

impl WriteBackend for JoinStore {
    fn create(&self) -> RusticResult<()> {
        self.own.create()
    }

    fn write_bytes(
        &self,
        kind: FileType,
        id: &Id,
        cacheable: bool,
        content: BytesList,
    ) -> RusticResult<()> {
        self.own.write_bytes(kind, id, cacheable, content)
    }

    fn remove(&self, kind: FileType, id: &Id, cacheable: bool) -> RusticResult<()> {
        match self.own.has(kind, id) {
            true => self.own.remove(kind, id, cacheable),
            false => Err(RusticError::new(
                LibraryKind::Unsupported,
                "what the repository has is not removed from afar",
            )),
        }
    }
}
