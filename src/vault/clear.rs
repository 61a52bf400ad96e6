//! The imported container after the vault has taken all of it in: only what is the seed's goes, and
//! only as it was seen.

use disk_prep::noun::count;

use super::error::Error;
use super::seed_list::{SeedBlob, SeedList};
use crate::azure::{Container, Fenced, Removed};
use crate::repository::Place;

/// What was cleared of a container.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Cleared {
    /// Blobs that were deleted.
    pub deleted: u64,
    /// Names of blobs that somebody has changed; they stay.
    pub left: Vec<String>,
}

/// Refuses if the imported repository has a snapshot or an index that is not the seed's: whoever made it
/// goes on there, and could read nothing without the files of the seed.
pub fn expect_unused(
    import: &dyn Container,
    (place, prefix): (&str, &str),
    seed: &SeedList,
) -> Result<(), Error> {
    let mut others: u64 = 0;
    for kind in ["index/", "snapshots/"] {
        let walked = import.walk(&format!("{prefix}{kind}"), &mut |name, _| {
            let own = name.strip_prefix(prefix).and_then(Place::of);
            others += u64::from(own.is_some_and(|own| !seed.has(&own)));
            true
        });
        walked.map_err(|source| Error::List { source })?;
    }
    match others {
        0 => Ok(()),
        _ => {
            let files = count(others, "snapshot or index file");
            let who = format!("as {files} that the seed does not have");
            Err(Error::ImportUsed { place: place.to_owned(), who })
        }
    }
}

/// Deletes the imported blobs of a seed below a prefix, each only in a version that `is_proven`. One
/// that says another length or another MD5 was put there by somebody, and stays too.
pub fn clear(
    import: &dyn Fenced,
    prefix: &str,
    seed: &SeedList,
    is_proven: &dyn Fn(&SeedBlob, &str) -> bool,
) -> Result<Cleared, Error> {
    let seen = import.container().list(prefix).map_err(|source| Error::List { source })?;
    let mut cleared = Cleared::default();
    for blob in seed.blobs() {
        let name = format!("{prefix}{}", blob.path());
        let Some(facts) = seen.get(&name) else { continue };
        let is_it = facts.bytes == blob.bytes && facts.md5.is_none_or(|md5| md5 == blob.md5);
        if !is_it || !is_proven(blob, &facts.etag) {
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
