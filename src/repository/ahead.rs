//! What stands between the library and a store. The library asks for one blob at a time; a caller
//! that knows which blobs it will want next has a whole stretch of a pack read at once, and the
//! library then finds its blobs there.

use disk_prep::sys::hold::hold;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use rustic_core::{BytesList, FileType, Id, ReadBackend, RusticResult, WriteBackend};

#[derive(Debug)]
struct Stretch {
    pack: Id,
    offset: u32,
    bytes: Bytes,
}

/// A store, and stretches of packs that were read ahead.
#[derive(Debug)]
pub(super) struct Ahead {
    store: Arc<dyn WriteBackend>,
    stretches: Mutex<Vec<Arc<Stretch>>>,
}

/// A stretch that is held; it is forgotten with this value.
#[derive(Debug)]
pub(super) struct Loaded<'a> {
    ahead: &'a Ahead,
    stretch: Arc<Stretch>,
}

impl Drop for Loaded<'_> {
    fn drop(&mut self) {
        let mut all = hold(&self.ahead.stretches);
        all.retain(|stretch| !Arc::ptr_eq(stretch, &self.stretch));
    }
}

impl Ahead {
    pub(super) fn new(store: Arc<dyn WriteBackend>) -> Self {
        Ahead { store, stretches: Mutex::default() }
    }

    /// Reads a stretch of a pack and holds it.
    pub(super) fn load(&self, pack: Id, offset: u32, length: u32) -> RusticResult<Loaded<'_>> {
        let bytes = self.store.read_partial(FileType::Pack, &pack, false, offset, length)?;
        let stretch = Arc::new(Stretch { pack, offset, bytes });
        let mut all = hold(&self.stretches);
        all.push(stretch.clone());
        Ok(Loaded { ahead: self, stretch })
    }

    fn held(&self, pack: &Id, offset: u32, length: u32) -> Option<Bytes> {
        let all = hold(&self.stretches);
        let inside = |stretch: &&Arc<Stretch>| {
            let end = u64::from(stretch.offset) + stretch.bytes.len() as u64;
            stretch.pack == *pack
                && stretch.offset <= offset
                && u64::from(offset) + u64::from(length) <= end
        };
        let stretch = all.iter().find(inside)?;
        let start = (offset - stretch.offset) as usize;
        Some(stretch.bytes.slice(start..start + length as usize))
    }
}

impl ReadBackend for Ahead {
    fn location(&self) -> String {
        self.store.location()
    }

    fn list_with_size(&self, kind: FileType) -> RusticResult<Vec<(Id, u32)>> {
        self.store.list_with_size(kind)
    }

    fn read_full(&self, kind: FileType, id: &Id) -> RusticResult<Bytes> {
        self.store.read_full(kind, id)
    }

    fn read_partial(
        &self,
        kind: FileType,
        id: &Id,
        cacheable: bool,
        offset: u32,
        length: u32,
    ) -> RusticResult<Bytes> {
        let held = (kind == FileType::Pack).then(|| self.held(id, offset, length)).flatten();
        match held {
            Some(bytes) => Ok(bytes),
            None => self.store.read_partial(kind, id, cacheable, offset, length),
        }
    }

    fn warmup_path(&self, kind: FileType, id: &Id) -> String {
        self.store.warmup_path(kind, id)
    }
}

impl WriteBackend for Ahead {
    fn create(&self) -> RusticResult<()> {
        self.store.create()
    }

    fn write_bytes(
        &self,
        kind: FileType,
        id: &Id,
        cacheable: bool,
        content: BytesList,
    ) -> RusticResult<()> {
        self.store.write_bytes(kind, id, cacheable, content)
    }

    fn remove(&self, kind: FileType, id: &Id, cacheable: bool) -> RusticResult<()> {
        self.store.remove(kind, id, cacheable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::FolderStore;
    use std::fs;

    #[test]
    fn a_blob_inside_a_held_stretch_needs_no_other_read_and_one_outside_does() {
        let folder = tempfile::tempdir().unwrap();
        let id: Id = "ab".repeat(32).parse().unwrap();
        let path = folder.path().join("data/ab");
        fs::create_dir_all(&path).unwrap();
        let path = path.join("ab".repeat(32));
        fs::write(&path, b"0123456789").unwrap();
        let ahead = Ahead::new(Arc::new(FolderStore::of(folder.path(), "")));
        let read = |offset, length| {
            ahead.read_partial(FileType::Pack, &id, false, offset, length).ok().map(Vec::from)
        };
        let loaded = ahead.load(id, 2, 5).unwrap();
        fs::write(&path, b"abcdefghij").unwrap();
        assert_eq!(read(2, 5).unwrap(), b"23456");
        assert_eq!(read(4, 2).unwrap(), b"45");
        assert_eq!(read(4, 4).unwrap(), b"efgh", "it ends behind the stretch");
        assert_eq!(read(1, 2).unwrap(), b"bc", "it begins before the stretch");
        assert_eq!(read(8, 4), None);
        drop(loaded);
        assert_eq!(read(2, 5).unwrap(), b"cdefg");
    }
}
