//! Packs: sealed blobs one after another, and behind them a sealed list of what they are. Each is
//! written as soon as it is full, and named in an index after that; so a kill leaves packs that the
//! next run brings into an index, and never an index of what is not there.
//! <https://restic.readthedocs.io/en/stable/100_references.html#pack-format>.

use std::num::NonZeroU32;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender};
use std::time::{Duration, Instant};

use bytes::Bytes;
use disk_prep::noun::Sha256Digest;
use disk_prep::sys::hold::hold;
use jiff::Timestamp;
use rustic_core::repofile::{BlobType, ConfigFile};
use rustic_core::{BytesList, ErrorKind, FileType, Id, RusticError, WriteBackend};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::super::repo::Library;
use super::sealer::{Sealed, Sealer};
use crate::azure::each_of;

/// A pack is ended with so many blobs, or when it is so old: what is lost when a run is killed.
const MOST_BLOBS: usize = 10_000;
const MOST_AGE: Duration = Duration::from_secs(5 * 60);
/// An index file is ended with so many blobs.
const MOST_INDEXED: usize = 50_000;
/// Small blobs are laid together, so that a pack is written in few calls.
const PART_BYTES: usize = 1 << 20;
/// Bytes of the list at the end for each blob, at most.
const MOST_ENTRY_BYTES: u64 = 41;

/// A blob in a pack.
#[derive(Debug, Serialize)]
struct Blob {
    id: Sha256Digest,
    r#type: BlobType,
    offset: u32,
    length: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    uncompressed_length: Option<NonZeroU32>,
}

/// A pack that grows.
#[derive(Debug)]
pub(super) struct Pack {
    parts: Vec<Vec<u8>>,
    bytes: u32,
    blobs: Vec<Blob>,
    begun: Instant,
}

impl Default for Pack {
    fn default() -> Self {
        Pack { parts: Vec::new(), bytes: 0, blobs: Vec::new(), begun: Instant::now() }
    }
}

impl Pack {
    fn add(&mut self, id: Sha256Digest, r#type: BlobType, sealed: Sealed) {
        let length = sealed.bytes.len() as u32;
        let uncompressed_length = sealed.unpacked;
        self.blobs.push(Blob { id, r#type, offset: self.bytes, length, uncompressed_length });
        self.append(sealed.bytes);
    }

    fn append(&mut self, bytes: Vec<u8>) {
        self.bytes += bytes.len() as u32;
        match self.parts.last_mut() {
            Some(last) if last.len() + bytes.len() <= PART_BYTES => last.extend_from_slice(&bytes),
            _ => self.parts.push(bytes),
        }
    }

    fn is_full(&self, bytes: u64) -> bool {
        u64::from(self.bytes) >= bytes
            || self.blobs.len() >= MOST_BLOBS
            || self.begun.elapsed() >= MOST_AGE
    }

    /// The list of its blobs.
    fn list(&self) -> Vec<u8> {
        let mut list = Vec::new();
        for blob in &self.blobs {
            let packed = if blob.uncompressed_length.is_some() { 2 } else { 0 };
            let tree = u8::from(blob.r#type == BlobType::Tree);
            list.push(packed + tree);
            list.extend_from_slice(&blob.length.to_le_bytes());
            let unpacked = blob.uncompressed_length;
            list.extend(unpacked.iter().flat_map(|bytes| bytes.get().to_le_bytes()));
            list.extend_from_slice(blob.id.bytes());
        }
        list
    }
}

/// What was added.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Added {
    pub blobs: u64,
    pub bytes: u64,
    pub packed_bytes: u64,
}

/// Packs of one kind of blobs.
pub(super) struct Packs {
    kind: BlobType,
    growth: Growth,
    open: Mutex<(Pack, Added, u64)>,
    writer: SyncSender<Pack>,
}

/// How large packs get: larger in a large repository.
#[derive(Debug, Clone, Copy)]
struct Growth {
    first: u64,
    factor: u64,
    most: u64,
    /// Where several are on the line at once, each is half as large: the line waits less for the
    /// first, and they take less memory. No prune takes a half for too small.
    share: u64,
}

impl Growth {
    fn bytes(self, of_all: u64) -> u64 {
        (self.first + of_all.isqrt() * self.factor).min(self.most) / self.share
    }
}

impl Packs {
    /// Packs of this kind, of which the repository has so many bytes; so many are written at once.
    pub fn new(
        kind: BlobType,
        config: &ConfigFile,
        held_bytes: u64,
        (writer, at_once): (SyncSender<Pack>, usize),
    ) -> Self {
        let (first, factor, most) = config.packsize(kind);
        let share = if at_once > 1 { 2 } else { 1 };
        let growth =
            Growth { first: first.into(), factor: factor.into(), most: most.into(), share };
        let open = Mutex::new((Pack::default(), Added::default(), held_bytes));
        Packs { kind, growth, open, writer }
    }

    /// Adds a blob that the repository does not have.
    pub fn add(&self, id: Sha256Digest, sealed: Sealed) -> Library<()> {
        let mut open = hold(&self.open);
        let (pack, added, held_bytes) = &mut *open;
        added.blobs += 1;
        added.bytes += sealed.content_bytes;
        added.packed_bytes += sealed.bytes.len() as u64;
        pack.add(id, self.kind, sealed);
        if !pack.is_full(self.growth.bytes(*held_bytes)) {
            return Ok(());
        }
        *held_bytes += u64::from(pack.bytes) + pack.blobs.len() as u64 * MOST_ENTRY_BYTES;
        // Whoever else has something to add waits, so that no more is packed than can be written.
        self.hand_over(std::mem::take(pack))
    }

    /// Hands over what is not full too.
    pub fn finish(&self) -> Library<Added> {
        let mut open = hold(&self.open);
        let (pack, added, _) = &mut *open;
        if !pack.blobs.is_empty() {
            self.hand_over(std::mem::take(pack))?;
        }
        Ok(*added)
    }

    fn hand_over(&self, pack: Pack) -> Library<()> {
        let ended = |_| RusticError::new(ErrorKind::Backend, "No more packs can be written");
        self.writer.send(pack).map_err(ended)
    }
}

/// A pack in an index.
#[derive(Debug, Serialize)]
struct IndexedPack {
    id: Id,
    blobs: Vec<Blob>,
    time: Timestamp,
}

#[derive(Debug, Default, Serialize)]
struct IndexFile {
    packs: Vec<IndexedPack>,
}

/// An index that grows.
struct Index {
    file: IndexFile,
    begun: Instant,
}

impl Default for Index {
    fn default() -> Self {
        Index { file: IndexFile::default(), begun: Instant::now() }
    }
}

impl Index {
    fn is_full(&self) -> bool {
        let count: usize = self.file.packs.iter().map(|pack| pack.blobs.len()).sum();
        count >= MOST_INDEXED || self.begun.elapsed() >= MOST_AGE
    }
}

/// Writes packs and their index.
pub(super) struct Writer<'a> {
    store: &'a dyn WriteBackend,
    sealer: &'a Sealer,
    /// Those that come; none any more once one could not be written.
    packs: Mutex<Option<Receiver<Pack>>>,
    index: Mutex<Index>,
}

impl<'a> Writer<'a> {
    pub fn new(store: &'a dyn WriteBackend, sealer: &'a Sealer, packs: Receiver<Pack>) -> Self {
        Writer { store, sealer, packs: Mutex::new(Some(packs)), index: Mutex::default() }
    }

    /// Writes all packs that come, so many at once, and their index.
    pub fn run(self, at_once: usize) -> Library<()> {
        each_of(0..at_once, at_once, |_| {
            let done = self.write_all();
            if done.is_err() {
                // Whoever has one more to hand over is told, and does no more.
                hold(&self.packs).take();
            }
            done
        })?;
        self.write_index(std::mem::take(&mut *hold(&self.index)))
    }

    fn write_all(&self) -> Library<()> {
        while let Some(pack) = self.next() {
            let written = self.write(pack)?;
            let mut index = hold(&self.index);
            index.file.packs.push(written);
            if index.is_full() {
                let full = std::mem::take(&mut *index);
                drop(index);
                self.write_index(full)?;
            }
        }
        Ok(())
    }

    fn next(&self) -> Option<Pack> {
        hold(&self.packs).as_ref()?.recv().ok()
    }

    fn write(&self, mut pack: Pack) -> Library<IndexedPack> {
        let list = self.sealer.encrypt(&[&pack.list()])?;
        let length = (list.len() as u32).to_le_bytes();
        pack.append([&list[..], &length].concat());
        let mut hash = Sha256::new();
        pack.parts.iter().for_each(|part| hash.update(part));
        let id = Id::new(hash.finalize().into());
        let mut content = BytesList::default();
        pack.parts.into_iter().for_each(|part| content.add(Bytes::from(part)));
        let is_tree = pack.blobs.iter().any(|blob| blob.r#type == BlobType::Tree);
        self.store.write_bytes(FileType::Pack, &id, is_tree, content)?;
        Ok(IndexedPack { id, blobs: pack.blobs, time: Timestamp::now() })
    }

    fn write_index(&self, index: Index) -> Library<()> {
        if index.file.packs.is_empty() {
            return Ok(());
        }
        save(self.store, self.sealer, FileType::Index, &index.file).map(drop)
    }
}

/// Writes a file that is no pack; returns its id.
pub(super) fn save(
    store: &dyn WriteBackend,
    sealer: &Sealer,
    kind: FileType,
    content: &impl Serialize,
) -> Library<Id> {
    let failed = |error: serde_json::Error| {
        RusticError::new(ErrorKind::Internal, format!("A file of the repository: {error}"))
    };
    let sealed = sealer.file(&serde_json::to_vec(content).map_err(failed)?)?;
    let id = Id::new(Sha256::digest(&sealed).into());
    store.write_bytes(kind, &id, false, Bytes::from(sealed).into())?;
    Ok(id)
}
