//! The imported container after the vault has taken all of it in: only what is the seed's goes, and
//! only as it was seen.

use super::error::Error;
use super::seed_list::SeedList;
use crate::azure::{Fenced, Removed};

/// What was cleared of a container.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Cleared {
    /// Blobs that were deleted.
    pub deleted: u64,
    /// Names of blobs that somebody has changed; they stay.
    pub left: Vec<String>,
}

/// Deletes the imported blobs of a seed below a prefix, each only as it was seen. One that says
/// another length or another MD5 was put there by somebody, and stays.
pub fn clear(import: &dyn Fenced, prefix: &str, seed: &SeedList) -> Result<Cleared, Error> {
    let seen = import.container().list(prefix).map_err(|source| Error::List { source })?;
    let mut cleared = Cleared::default();
    for blob in seed.blobs() {
        let name = format!("{prefix}{}", blob.path());
        let Some(facts) = seen.get(&name) else { continue };
        if facts.bytes != blob.bytes || facts.md5.is_some_and(|md5| md5 != blob.md5) {
            cleared.left.push(name);
            continue;
        }
        let removed = import.remove(&name, &facts.etag);
        match removed.map_err(|source| Error::Blob { path: name.clone(), source })? {
            Removed::Done => cleared.deleted += 1,
            Removed::Absent => {}
            Removed::Changed => cleared.left.push(name),
        }
    }
    Ok(cleared)
}
