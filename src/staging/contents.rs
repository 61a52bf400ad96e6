//! What a repository consists of, so that one that changed meanwhile is found out.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use walkdir::WalkDir;

use crate::repository::{Rank, is_repository_path, rank};

/// What a repository consisted of when it was staged or adopted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Packs.
    pub packs: u64,
    /// Indexes.
    pub indexes: u64,
    /// Snapshots.
    pub snapshots: u64,
    /// SHA-256 over the path and length of each file, in the order of the paths.
    pub digest: String,
}

impl Contents {
    /// What is there now.
    pub(super) fn of(root: &Path) -> io::Result<Self> {
        let mut contents = Contents { packs: 0, indexes: 0, snapshots: 0, digest: String::new() };
        let mut files = BTreeMap::new();
        for entry in WalkDir::new(root) {
            let entry = entry?;
            let Some(path) = repository_path(root, entry.path()) else { continue };
            match rank(&path) {
                Some(Rank::Pack) => contents.packs += 1,
                Some(Rank::Index) => contents.indexes += 1,
                Some(Rank::Snapshot) => contents.snapshots += 1,
                _ => {}
            }
            files.insert(path, entry.metadata()?.len());
        }
        let mut digest = Sha256::new();
        for (path, bytes) in files {
            digest.update(format!("{path} {bytes}\n"));
        }
        let digest = digest.finalize();
        contents.digest = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(contents)
    }
}

/// The path of a file below the root of a repository, if repositories have such a file.
pub(super) fn repository_path(root: &Path, path: &Path) -> Option<String> {
    let path = path.strip_prefix(root).ok()?.to_str()?;
    is_repository_path(path).then(|| path.to_owned())
}
