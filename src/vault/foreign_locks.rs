//! Locks of restic clients. This program takes none and heeds them: what is forgotten and pruned
//! under a client that is reading or writing would be lost to it (`staging-repository` 5, "Locks").

use jiff::{SignedDuration, Timestamp};

use super::error::Error;
use crate::azure::Container;

/// A client renews its lock every few minutes by a new one; an older one is of a client that is
/// gone (`staging-repository` 5).
const STALE_AFTER: SignedDuration = SignedDuration::from_mins(30);

/// How many locks of clients that may be at work the repository below a prefix has. One of which
/// nobody knows the age counts.
pub fn live_locks(container: &dyn Container, prefix: &str, now: Timestamp) -> Result<usize, Error> {
    let all = container.list(&format!("{prefix}locks/"));
    let all = all.map_err(|source| Error::List { source })?;
    let is_live = |at: Timestamp| now.duration_since(at) < STALE_AFTER;
    Ok(all.values().filter(|facts| facts.modified_at.is_none_or(is_live)).count())
}

/// Refuses while a client may be at work.
pub fn expect_no_locks(container: &dyn Container, prefix: &str) -> Result<(), Error> {
    match live_locks(container, prefix, Timestamp::now())? {
        0 => Ok(()),
        locks => Err(Error::ClientLocked { container: container.name().clone(), locks }),
    }
}
