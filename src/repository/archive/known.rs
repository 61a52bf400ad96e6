//! Blobs that a repository has, and those that this backup adds.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU32;
use std::sync::Mutex;

use disk_prep::sys::hold::hold;
use rustic_core::repofile::{BlobType, IndexFile, Tree};
use rustic_core::{ErrorKind, FileType, Id, OpenStatus, ReadBackend, RusticError};

use super::super::layout::content_bytes;
use super::super::repo::Library;
use super::sealer::Sealer;

/// Blobs of one kind.
#[derive(Debug, Default)]
pub(super) struct Ids {
    /// In order.
    old: Vec<Id>,
    new: Mutex<HashSet<Id>>,
    /// Bytes of the old ones in their packs.
    pub bytes: u64,
}

impl Ids {
    /// Whether a blob is in the repository; whoever adds one asks [`Self::claim`].
    pub fn has(&self, id: &Id) -> bool {
        self.old.binary_search(id).is_ok()
    }

    /// Whether the asker is the one who adds it: it is not there, and nobody else was told so.
    pub fn claim(&self, id: Id) -> bool {
        !self.has(&id) && hold(&self.new).insert(id)
    }
}

#[derive(Debug, Clone, Copy)]
struct Location {
    pack: Id,
    offset: u32,
    length: u32,
    unpacked: Option<NonZeroU32>,
}

/// All that a repository has.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub data: Ids,
    pub trees: Ids,
    places: HashMap<Id, Location>,
}

impl Known {
    /// What the index of a repository names.
    pub fn read(inner: &rustic_core::Repository<OpenStatus>) -> Library<Self> {
        let mut known = Known::default();
        for file in inner.stream_files::<IndexFile>()? {
            for pack in file?.1.packs {
                for blob in &pack.blobs {
                    let (id, at) = (*blob.id, blob.location);
                    let ids = match blob.tpe {
                        BlobType::Data => &mut known.data,
                        BlobType::Tree => {
                            let unpacked = at.uncompressed_length;
                            let (pack, offset, length) = (*pack.id, at.offset, at.length);
                            known.places.insert(id, Location { pack, offset, length, unpacked });
                            &mut known.trees
                        }
                    };
                    ids.old.push(id);
                    ids.bytes += u64::from(at.length);
                }
            }
        }
        for ids in [&mut known.data, &mut known.trees] {
            ids.old.sort_unstable();
            ids.old.dedup();
            ids.old.shrink_to_fit();
        }
        Ok(known)
    }

    /// A tree that the repository had before.
    pub fn tree(&self, store: &dyn ReadBackend, sealer: &Sealer, id: &Id) -> Library<Tree> {
        let failed = |text: &str| RusticError::new(ErrorKind::Internal, text.to_owned());
        let at = self.places.get(id).ok_or_else(|| failed("a tree is in no index"))?;
        content_bytes(at.offset, at.length, at.unpacked)
            .ok_or_else(|| failed("the index gives a tree a length that none has"))?;
        let sealed = store.read_partial(FileType::Pack, &at.pack, true, at.offset, at.length)?;
        let content = sealer.open(&sealed, at.unpacked)?;
        serde_json::from_slice(&content).map_err(|error| failed(&format!("a tree: {error}")))
    }
}
