//! A repository as blobs of a container, below a prefix. The service takes a blob whole or not at
//! all, so there are no drafts.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use disk_prep::noun::Md5Digest;
use disk_prep::sys::hold::hold;
use md5::{Digest, Md5};
use rustic_core::{
    BytesList, ErrorKind as LibraryKind, FileType, Id, ReadBackend, RusticError, RusticResult,
    WriteBackend,
};

use super::error::Error;
use super::store::Store;
use crate::azure::{self, Container, Fenced};

/// A container with a repository.
#[derive(Debug)]
pub struct BlobStore {
    container: Arc<dyn Container>,
    /// The same with the right to change it.
    changes: Option<Arc<dyn Fenced>>,
    /// Ends in a slash unless empty.
    prefix: String,
    fault: Mutex<Option<azure::Error>>,
    is_broken: AtomicBool,
}

impl BlobStore {
    /// The repository below `prefix`, which ends in a slash unless empty; it is only read.
    pub fn reading(container: Arc<dyn Container>, prefix: &str) -> Self {
        let prefix = prefix.to_owned();
        let (fault, is_broken) = (Mutex::new(None), AtomicBool::new(false));
        BlobStore { container, changes: None, prefix, fault, is_broken }
    }

    /// The same to be changed, as long as this run may.
    pub fn changing(container: &Arc<dyn Fenced>, prefix: &str) -> Self {
        let store = BlobStore::reading(container.container(), prefix);
        BlobStore { changes: Some(Arc::clone(container)), ..store }
    }

    fn changes(&self) -> RusticResult<&Arc<dyn Fenced>> {
        self.changes.as_ref().ok_or_else(|| {
            RusticError::new(LibraryKind::Unsupported, "the repository was opened to be read")
        })
    }

    fn name(&self, kind: FileType, id: &Id) -> String {
        let prefix = &self.prefix;
        let hex = id.to_hex();
        match kind {
            FileType::Config => format!("{prefix}config"),
            FileType::Pack => format!("{prefix}data/{}/{}", &hex[..2], &hex[..]),
            _ => format!("{prefix}{}/{}", kind.dirname(), &hex[..]),
        }
    }

    fn failed(&self, error: azure::Error) -> Box<RusticError> {
        let text = error.to_string();
        *hold(&self.fault) = Some(error);
        RusticError::new(LibraryKind::Backend, text)
    }
}

impl Store for BlobStore {
    fn take_fault(&self) -> Option<Error> {
        let fault = hold(&self.fault).take();
        fault.map(|source| Error::Service { source })
    }

    fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Relaxed)
    }

    fn backend(self: Arc<Self>) -> Arc<dyn WriteBackend> {
        self
    }
}

impl ReadBackend for BlobStore {
    fn location(&self) -> String {
        format!("{}/{}", self.container.name(), self.prefix)
    }

    fn list_with_size(&self, kind: FileType) -> RusticResult<Vec<(Id, u32)>> {
        let within = match kind {
            FileType::Config => format!("{}config", self.prefix),
            _ => format!("{}{}/", self.prefix, kind.dirname()),
        };
        let listed = self.container.list(&within).map_err(|error| self.failed(error))?;
        let size = |bytes: u64| u32::try_from(bytes).unwrap_or(u32::MAX);
        if kind == FileType::Config {
            let config = listed.get(&within);
            return Ok(config.map(|own| (Id::default(), size(own.bytes))).into_iter().collect());
        }
        let id = |name: &str| name.rsplit('/').next()?.parse::<Id>().ok();
        Ok(listed.iter().filter_map(|(name, own)| Some((id(name)?, size(own.bytes)))).collect())
    }

    fn read_full(&self, kind: FileType, id: &Id) -> RusticResult<Bytes> {
        let name = self.name(kind, id);
        let read = self.container.read(&name).and_then(|content| {
            let message = "the blob does not exist".to_owned();
            content.ok_or(azure::Error::NotFound { what: name, message, call: None })
        });
        read.map_err(|error| self.failed(error))
    }

    fn read_partial(
        &self,
        kind: FileType,
        id: &Id,
        _cacheable: bool,
        offset: u32,
        length: u32,
    ) -> RusticResult<Bytes> {
        let name = self.name(kind, id);
        let part = self.container.read_part(&name, offset.into(), length.into());
        part.map_err(|error| self.failed(error))
    }

    fn warmup_path(&self, kind: FileType, id: &Id) -> String {
        self.name(kind, id)
    }
}

impl WriteBackend for BlobStore {
    fn create(&self) -> RusticResult<()> {
        self.changes()?.container().make().map_err(|error| self.failed(error))
    }

    fn write_bytes(
        &self,
        kind: FileType,
        id: &Id,
        _cacheable: bool,
        content: BytesList,
    ) -> RusticResult<()> {
        let content: Bytes = content.slice().concat().into();
        let md5 = Md5Digest::new(Md5::digest(&content).into());
        let written = self.changes()?.write(&self.name(kind, id), content, md5);
        written.map_err(|error| {
            self.is_broken.store(true, Ordering::Relaxed);
            self.failed(error)
        })
    }

    fn remove(&self, kind: FileType, id: &Id, _cacheable: bool) -> RusticResult<()> {
        let removed = self.changes()?.remove_any(&self.name(kind, id));
        removed.map(drop).map_err(|error| self.failed(error))
    }
}
