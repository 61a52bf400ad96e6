//! Trees and blobs of a repository, each proven by the hash that is its name. What the index says
//! is looked at before any memory is taken for it, and a library that gives up on what it finds
//! is an error like any other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;
use disk_prep::noun::{Diagnose, ErrorKind};
use rustic_core::repofile::{BlobType, Node, Tree};
use rustic_core::{BlobId, DataId, Id, IndexedFullStatus, PackedId, RusticResult, TreeId};
use sha2::{Digest, Sha256};

use super::super::ahead::Ahead;
use super::super::error::Error;
use super::super::layout::content_bytes;
use super::super::store::Store;

/// Where a blob lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Location {
    pub pack: Id,
    pub offset: u32,
    /// Bytes in the pack.
    pub length: u32,
    /// Bytes of the content.
    pub bytes: u32,
}

/// Why a blob could not be had.
#[derive(Debug)]
pub(super) enum Unread {
    /// It is missing or not whole; others may be.
    Damaged(String),
    /// Nothing more can be had.
    Ended(Error),
}

/// What a folder holds.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub nodes: Vec<Node>,
    /// What is of no kind that we know: a sentence for each.
    pub unknown: Vec<String>,
}

impl Listing {
    fn parse(bytes: &[u8]) -> serde_json::Result<Self> {
        if let Ok(tree) = serde_json::from_slice::<Tree>(bytes) {
            return Ok(Listing { nodes: tree.nodes, unknown: Vec::new() });
        }
        // One node that cannot be understood is no reason to lose the others.
        let tree: Loose = serde_json::from_slice(bytes)?;
        let mut listing = Listing::default();
        for node in tree.nodes.unwrap_or_default() {
            let name = node["name"].as_str().unwrap_or_default().to_owned();
            match serde_json::from_value::<Node>(node) {
                Ok(node) => listing.nodes.push(node),
                Err(error) => listing.unknown.push(format!("{name:?} in it is not known: {error}")),
            }
        }
        Ok(listing)
    }
}

#[derive(serde::Deserialize)]
struct Loose {
    nodes: Option<Vec<serde_json::Value>>,
}

/// A repository, for reading.
pub(super) struct Reader {
    inner: rustic_core::Repository<IndexedFullStatus>,
    store: Arc<dyn Store>,
    ahead: Arc<Ahead>,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reader({})", self.store.location())
    }
}

impl Reader {
    pub(super) fn new(
        inner: rustic_core::Repository<IndexedFullStatus>,
        store: Arc<dyn Store>,
        ahead: Arc<Ahead>,
    ) -> Self {
        Reader { inner, store, ahead }
    }

    pub(super) fn ahead(&self) -> &Ahead {
        &self.ahead
    }

    /// Forgets what went wrong in the store so far.
    pub(super) fn forget_faults(&self) {
        drop(self.store.take_fault());
    }

    /// Where the index has a blob, if it can be true.
    pub(super) fn locate<I: PackedId>(&self, id: &I) -> Result<Location, String> {
        let found = self.inner.get_index_entry(id);
        let entry = found.map_err(|_| "the index of the repository does not have it".to_owned())?;
        let at = entry.location;
        let bytes = content_bytes(at.offset, at.length, at.uncompressed_length);
        let bytes = bytes.ok_or("the index of the repository gives it a length that none has")?;
        Ok(Location { pack: entry.pack.into_inner(), offset: at.offset, length: at.length, bytes })
    }

    /// A data blob, or whatever the library says.
    pub(super) fn try_data(&self, id: &DataId) -> Option<Bytes> {
        let read = self.ask(BlobType::Data, &BlobId::from(*id));
        read.and_then(Result::ok).filter(|bytes| is_named(bytes, id))
    }

    /// A data blob. Only one thread may ask at a time, so that what went wrong in the store is
    /// what went wrong here.
    pub(super) fn data(&self, id: &DataId) -> Result<Bytes, Unread> {
        self.locate(id).map_err(Unread::Damaged)?;
        self.blob(BlobType::Data, BlobId::from(*id))
    }

    /// What a folder holds; as for [`Self::data`].
    pub(super) fn tree(&self, id: &TreeId) -> Result<Listing, Unread> {
        self.locate(id).map_err(Unread::Damaged)?;
        let bytes = self.blob(BlobType::Tree, BlobId::from(*id))?;
        Listing::parse(&bytes)
            .map_err(|error| Unread::Damaged(format!("it is no list of a folder: {error}")))
    }

    fn blob(&self, kind: BlobType, id: BlobId) -> Result<Bytes, Unread> {
        self.forget_faults();
        let damaged = |text: &str| Err(Unread::Damaged(text.to_owned()));
        match self.ask(kind, &id) {
            None => damaged("the library of the repository's format gives up on it"),
            Some(Ok(bytes)) if is_named(&bytes, &id) => Ok(bytes),
            Some(Ok(_)) => damaged("what the repository holds is not what it was"),
            Some(Err(_)) => match self.store.take_fault() {
                None => damaged("what the repository holds is not what it was"),
                Some(fault) if is_of_one_file(&fault) => {
                    let cause = std::error::Error::source(&fault).map(ToString::to_string);
                    let cause = cause.map_or_else(String::new, |cause| format!(": {cause}"));
                    Err(Unread::Damaged(format!("{fault}{cause}")))
                }
                Some(fault) => Err(Unread::Ended(fault)),
            },
        }
    }

    /// Asks the library; `None` if it panics.
    fn ask(&self, kind: BlobType, id: &BlobId) -> Option<RusticResult<Bytes>> {
        let id = id.to_hex();
        // Nothing of ours is left half-changed: the library reads, decrypts and returns.
        catch_unwind(AssertUnwindSafe(|| self.inner.cat_blob(kind, id.as_str()))).ok()
    }
}

/// Whether a store's fault concerns one file, and another may be read.
fn is_of_one_file(fault: &Error) -> bool {
    match fault {
        Error::Service { source } => {
            matches!(source.kind(), ErrorKind::NotFound | ErrorKind::Refused | ErrorKind::Failed)
        }
        _ => matches!(fault, Error::Store { .. }),
    }
}

/// Whether this is the content that the name stands for.
pub(super) fn is_named(bytes: &[u8], id: &Id) -> bool {
    Id::new(Sha256::digest(bytes).into()) == *id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_of_an_unknown_kind_is_named_and_the_others_are_kept() {
        let tree = br#"{"nodes":[{"name":"a","type":"file"},{"name":"b","type":"door"}]}"#;
        let listing = Listing::parse(tree).unwrap();
        assert_eq!((listing.nodes.len(), listing.nodes[0].name.as_str()), (1, "a"));
        assert!(listing.unknown[0].starts_with("\"b\" in it"), "{:?}", listing.unknown);
        assert!(Listing::parse(b"{\"nodes\":null}").unwrap().nodes.is_empty());
        for wrong in [&b""[..], b"[]", b"{\"nodes\":7}", b"\xff"] {
            assert!(Listing::parse(wrong).is_err());
        }
    }
}
