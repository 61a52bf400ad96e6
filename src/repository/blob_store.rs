//! A repository as blobs of a container, below a prefix. The service takes a blob whole or not at
//! all, so there are no drafts.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use disk_prep::noun::{Md5Digest, Sha256Digest};
use disk_prep::sys::hold::hold;
use md5::{Digest, Md5};
use rustic_core::{
    BytesList, ErrorKind as LibraryKind, FileType, Id, ReadBackend, RusticError, RusticResult,
    WriteBackend,
};
use sha2::Sha256;

use super::error::Error;
use super::kept::{Kept, WINDOW_BYTES};
use super::layout::{Place, Rank};
use super::proof::Proof;
use super::repo::told;
use super::store::Store;
use crate::azure::{self, Container, Fenced};

/// Packs that are sent at once: while one waits for its answer, others are on the line. Each takes
/// its length in memory.
const PACKS_AT_ONCE: usize = 3;

/// A container with a repository.
#[derive(Debug)]
pub struct BlobStore {
    container: Arc<dyn Container>,
    /// The same with the right to change it.
    changes: Option<Arc<dyn Fenced>>,
    /// Ends in a slash unless empty.
    prefix: String,
    fault: Mutex<Option<Error>>,
    is_broken: AtomicBool,
    kept: Kept,
    /// Files that were read and are not what their names say.
    changed: Mutex<BTreeSet<Place>>,
    /// Files that are not shown, since they are known to be no good.
    hidden: Mutex<BTreeSet<Place>>,
    /// What a check has read of packs; nobody else asks.
    proof: Option<Proof>,
}

/// The place of a file as the library names it.
pub(super) fn place(kind: FileType, id: &Id) -> Option<Place> {
    let rank = match kind {
        FileType::Pack => Rank::Pack,
        FileType::Index => Rank::Index,
        FileType::Key => Rank::Key,
        FileType::Snapshot => Rank::Snapshot,
        FileType::Config => return Place::of("config"),
    };
    Some(Place { rank, id: id.to_hex().parse().ok()? })
}

impl BlobStore {
    /// The repository below `prefix`, which ends in a slash unless empty; it is only read.
    pub fn reading(container: Arc<dyn Container>, prefix: &str) -> Self {
        let prefix = prefix.to_owned();
        let (fault, is_broken) = (Mutex::new(None), AtomicBool::new(false));
        let (kept, changed, hidden) = (Kept::default(), Mutex::default(), Mutex::default());
        let (changes, proof) = (None, None);
        BlobStore { container, changes, prefix, fault, is_broken, kept, changed, hidden, proof }
    }

    /// The same for a check, which wants to know of each pack that was read whether it is what its
    /// name says.
    pub fn proving(self) -> Self {
        BlobStore { proof: Some(Proof::default()), ..self }
    }

    /// Reads those packs whole of which a check has read a part and not proven all.
    pub fn prove_suspects(&self) -> Result<(), Error> {
        for place in self.proof.iter().flat_map(Proof::suspects) {
            let id: Id = place.id.to_string().parse().expect("it was made of one");
            match told(self, "Reading a pack", self.read_full(FileType::Pack, &id)) {
                Ok(_) | Err(Error::Changed { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Lists these files no more.
    pub fn hide(&self, places: impl IntoIterator<Item = Place>) {
        hold(&self.hidden).extend(places);
    }

    /// Files that were read whole and are not what their names say.
    pub fn changed(&self) -> BTreeSet<Place> {
        hold(&self.changed).clone()
    }

    /// Expects that content has the SHA-256 that is the file's name, as all but the configuration
    /// do.
    fn expect_named(&self, kind: FileType, id: &Id, content: &Bytes) -> RusticResult<()> {
        let Some(place) = place(kind, id) else { return Ok(()) };
        if place.is_named_by(Sha256Digest::new(Sha256::digest(content).into())) {
            return Ok(());
        }
        hold(&self.changed).insert(place);
        let error = Error::Changed { path: self.name(kind, id) };
        let text = error.to_string();
        *hold(&self.fault) = Some(error);
        Err(RusticError::new(LibraryKind::Backend, text))
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
        *hold(&self.fault) = Some(Error::Service { source: error });
        RusticError::new(LibraryKind::Backend, text)
    }
}

impl Store for BlobStore {
    fn take_fault(&self) -> Option<Error> {
        hold(&self.fault).take()
    }

    fn is_broken(&self) -> bool {
        self.is_broken.load(Ordering::Relaxed)
    }

    fn packs_at_once(&self) -> usize {
        PACKS_AT_ONCE
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
        let all = listed.iter().filter_map(|(name, own)| Some((id(name)?, size(own.bytes))));
        let hidden = hold(&self.hidden);
        let is_shown = |id: &Id| place(kind, id).is_none_or(|own| !hidden.contains(&own));
        Ok(all.filter(|(id, _)| is_shown(id)).collect())
    }

    fn read_full(&self, kind: FileType, id: &Id) -> RusticResult<Bytes> {
        let name = self.name(kind, id);
        if let Some(content) = self.kept.file(&name) {
            return Ok(content);
        }
        let read = self.container.read(&name).and_then(|content| {
            let (what, message) = (name.clone(), "the blob does not exist".to_owned());
            content.ok_or(azure::Error::NotFound { what, message, call: None })
        });
        let content = read.map_err(|error| self.failed(error))?;
        self.expect_named(kind, id, &content)?;
        if kind != FileType::Pack {
            self.kept.keep_file(&name, &content);
        }
        Ok(content)
    }

    fn read_partial(
        &self,
        kind: FileType,
        id: &Id,
        is_folder: bool,
        offset: u32,
        length: u32,
    ) -> RusticResult<Bytes> {
        let name = self.name(kind, id);
        let read = |length: u32| {
            let part = self.container.read_part(&name, offset.into(), length.into());
            part.map_err(|error| self.failed(error))
        };
        if !is_folder {
            let part = read(length)?;
            if let (Some(proof), Some(place)) = (&self.proof, place(kind, id)) {
                proof.hear(place, offset, &part);
            }
            return Ok(part);
        }
        if let Some(part) = self.kept.part(&name, offset, length) {
            return Ok(part);
        }
        // Where the pack ends sooner, less comes.
        let window = read(length.max(WINDOW_BYTES))?;
        let part = window.slice(..window.len().min(length as usize));
        self.kept.keep_part(&name, offset, window);
        Ok(part)
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
        let whole: Bytes = content.slice().concat().into();
        // A pack that is on the line is held once.
        drop(content);
        let md5 = Md5Digest::new(Md5::digest(&whole).into());
        let name = self.name(kind, id);
        self.kept.drop_file(&name);
        let written = self.changes()?.write(&name, whole, md5);
        written.map_err(|error| {
            self.is_broken.store(true, Ordering::Relaxed);
            self.failed(error)
        })
    }

    fn remove(&self, kind: FileType, id: &Id, _cacheable: bool) -> RusticResult<()> {
        let name = self.name(kind, id);
        self.kept.drop_file(&name);
        let removed = self.changes()?.remove_any(&name);
        removed.map(drop).map_err(|error| self.failed(error))
    }
}
