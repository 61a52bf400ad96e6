//! Which version of each imported blob was proven when its seed was taken in: the cleanup deletes that
//! version and no other (`design` 7). Eight bytes of a blob, since a seed may have a million.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use disk_prep::noun::Md5Digest;
use md5::{Digest, Md5};
use sha2::Sha256;
use uuid::Uuid;

use super::error::Error;
use crate::azure::{Container, Fenced};

/// How the file of them begins.
const MAGIC: &[u8; 16] = b"azseed-versions1";
/// Nothing is known: a run that was killed had brought the blob.
const UNKNOWN: u64 = 0;
/// What was imported was not the seed's.
const FOREIGN: u64 = 1;

/// A version of each blob of a seed, in the order of its list.
#[derive(Debug)]
pub struct Versions(Box<[AtomicU64]>);

/// An ETag in short.
fn short(etag: &str) -> u64 {
    let digest = Sha256::digest(etag.trim_matches('"'));
    let (first, _) = digest.split_first_chunk::<8>().expect("a digest is longer");
    u64::from_le_bytes(*first).max(FOREIGN + 1)
}

fn name(seed: Uuid) -> String {
    format!("azseed/seeds/{seed}.versions")
}

impl Versions {
    /// Of so many blobs nothing is known.
    pub fn unknown(count: usize) -> Self {
        Versions((0..count).map(|_| AtomicU64::new(UNKNOWN)).collect())
    }

    /// This version of a blob lies in the import.
    pub fn see(&self, index: usize, etag: &str) {
        self.0[index].store(short(etag), Ordering::Relaxed);
    }

    /// What lies there is not the seed's, or nothing does.
    pub fn reject(&self, index: usize) {
        self.0[index].store(FOREIGN, Ordering::Relaxed);
    }

    /// Nobody has looked at the content of what lies there.
    pub fn forget(&self, index: usize) {
        self.0[index].store(UNKNOWN, Ordering::Relaxed);
    }

    /// Whether a blob of this ETag may be what was proven; of one that was not taken in nothing is known.
    pub fn may_be(&self, index: Option<usize>, etag: &str) -> bool {
        match index.map_or(UNKNOWN, |index| self.0[index].load(Ordering::Relaxed)) {
            UNKNOWN => true,
            known => known == short(etag),
        }
    }

    /// Keeps them beside the vault. What a run before has kept goes on for what this one does not know.
    pub fn keep(&self, container: &Arc<dyn Fenced>, seed: Uuid) -> Result<(), Error> {
        if let Some(before) = Versions::read(container.container().as_ref(), seed, self.0.len())? {
            for (own, before) in self.0.iter().zip(before.0.iter()) {
                if own.load(Ordering::Relaxed) == UNKNOWN {
                    own.store(before.load(Ordering::Relaxed), Ordering::Relaxed);
                }
            }
        }
        let each = self.0.iter().flat_map(|own| own.load(Ordering::Relaxed).to_le_bytes());
        let content: Bytes = MAGIC.iter().copied().chain(each).collect();
        let (path, md5) = (name(seed), Md5Digest::new(Md5::digest(&content).into()));
        container.write(&path, content, md5).map_err(|source| Error::Blob { path, source })
    }

    /// Those that were kept; `None` if nobody has, or what lies there is of other blobs.
    pub fn read(
        container: &dyn Container,
        seed: Uuid,
        count: usize,
    ) -> Result<Option<Self>, Error> {
        let path = name(seed);
        let found = container.read(&path).map_err(|source| Error::Blob { path, source })?;
        let Some(content) = found else { return Ok(None) };
        let own = content.strip_prefix(MAGIC.as_slice()).map(|own| own.as_chunks::<8>());
        Ok(own.filter(|(own, rest)| own.len() == count && rest.is_empty()).map(|(own, _)| {
            Versions(own.iter().map(|own| AtomicU64::new(u64::from_le_bytes(*own))).collect())
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::memory::Memory;
    use crate::azure::{self, Fence};

    #[derive(Debug)]
    struct Open;

    impl Fence for Open {
        fn check(&self) -> Result<(), azure::Error> {
            Ok(())
        }
    }

    #[test]
    fn what_was_proven_is_known_again_and_a_later_run_takes_nothing_of_it_back() {
        let memory = Memory::default();
        let (container, seed) = (memory.container("vault"), Uuid::from_u128(7));
        let fenced = Arc::clone(&container).fenced(Arc::new(Open));
        let first = Versions::unknown(3);
        first.see(0, "\"0x8D\"");
        first.reject(1);
        first.keep(&fenced, seed).unwrap();
        let second = Versions::unknown(3);
        second.see(2, "0x9");
        second.forget(2);
        second.keep(&fenced, seed).unwrap();
        let kept = Versions::read(container.as_ref(), seed, 3).unwrap().unwrap();
        assert!(kept.may_be(Some(0), "0x8D") && !kept.may_be(Some(0), "0x8E"));
        assert!(!kept.may_be(Some(1), "0x8D"), "it was never the seed's");
        assert!(kept.may_be(Some(2), "0x9") && kept.may_be(Some(2), "0xA"), "nobody knows");
        assert!(Versions::read(container.as_ref(), seed, 4).unwrap().is_none());
    }
}
