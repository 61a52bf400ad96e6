//! Which files a repository consists of (`staging-repository` 1).

use std::num::NonZeroU32;

use disk_prep::noun::Sha256Digest;

use super::crypt::SEAL_BYTES;

/// The most bytes that one blob may have, packed or unpacked. The programs that write this format
/// cut files into pieces of at most 8 MiB; a folder with a million files has a tree of 400 MB.
pub(super) const MOST_BLOB_BYTES: u32 = 1 << 30;

/// The bytes of a blob's content, if what an index says of it can be true: where it begins in its
/// pack, how long it is there, and how long unpacked if it is packed.
pub(super) fn content_bytes(offset: u32, length: u32, unpacked: Option<NonZeroU32>) -> Option<u32> {
    offset.checked_add(length).filter(|_| length <= MOST_BLOB_BYTES)?;
    let inner = length.checked_sub(SEAL_BYTES)?;
    Some(unpacked.map_or(inner, NonZeroU32::get)).filter(|bytes| *bytes <= MOST_BLOB_BYTES)
}

/// What a file of a repository is, in the order of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    Pack,
    Index,
    Key,
    Config,
    Snapshot,
}

/// A file of a repository, smaller than its path: what it is, and the SHA-256 that it is named by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// What it is.
    pub rank: Rank,
    /// The SHA-256 of its content; zeros for the configuration, which has a fixed name.
    pub id: Sha256Digest,
}

impl Place {
    /// The place of a path below the root of a repository; `None` if no repository has such a
    /// file. Locks have none: they are never shipped.
    pub fn of(path: &str) -> Option<Self> {
        let place = |rank, id: &str| Some(Place { rank, id: parse(id)? });
        match path.split('/').collect::<Vec<_>>().as_slice() {
            ["config"] => Some(Place { rank: Rank::Config, id: Sha256Digest::new([0; 32]) }),
            ["data", start, id] if id.starts_with(start) && start.len() == 2 => {
                place(Rank::Pack, id)
            }
            ["index", id] => place(Rank::Index, id),
            ["keys", id] => place(Rank::Key, id),
            ["snapshots", id] => place(Rank::Snapshot, id),
            _ => None,
        }
    }

    /// Its path below the root of a repository.
    pub fn path(&self) -> String {
        let id = self.id.to_string();
        match self.rank {
            Rank::Pack => format!("data/{}/{id}", &id[..2]),
            Rank::Index => format!("index/{id}"),
            Rank::Key => format!("keys/{id}"),
            Rank::Config => "config".to_owned(),
            Rank::Snapshot => format!("snapshots/{id}"),
        }
    }

    /// Whether content of this SHA-256 may bear its name; the configuration is named by nothing.
    pub fn is_named_by(&self, sha256: Sha256Digest) -> bool {
        self.rank == Rank::Config || self.id == sha256
    }
}

/// 64 digits, as the format writes them: lower case only.
fn parse(id: &str) -> Option<Sha256Digest> {
    let is_plain = id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if is_plain { id.parse().ok() } else { None }
}

/// The rank of a path below the root of a repository; `None` if no repository has such a file.
pub fn rank(path: &str) -> Option<Rank> {
    Place::of(path).map(|place| place.rank)
}

/// Whether a path is one of the repository layout, so that nothing else is ever touched by it.
pub fn is_repository_path(path: &str) -> bool {
    rank(path).is_some()
}
