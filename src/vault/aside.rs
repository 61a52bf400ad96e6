//! Snapshots of increments that were made while the seed travelled. They lie in a place of our own,
//! since no reader could restore them yet, and become the repository's once all of the seed is
//! there.

use bytes::Bytes;
use disk_prep::noun::{Md5Digest, Sha256Digest};
use md5::{Digest, Md5};
use sha2::Sha256;
use tracing::info;

use super::error::Error;
use crate::azure::Fenced;
use crate::repository::{ASIDE, Place, Rank};

/// Puts every snapshot that is kept aside into the repository below `prefix`; returns how many. A
/// call that was cut off between the two steps has left both, and the next one ends it.
pub fn publish_asides(container: &dyn Fenced, prefix: &str) -> Result<u64, Error> {
    let reader = container.container();
    let kept = reader.list(&format!("{ASIDE}snapshots/"));
    let kept = kept.map_err(|source| Error::List { source })?;
    for name in kept.keys() {
        let failed = |source| Error::Blob { path: name.clone(), source };
        let place = name.strip_prefix(ASIDE).and_then(Place::of);
        let foreign = || Error::ForeignBlob { path: name.clone() };
        let place = place.filter(|place| place.rank == Rank::Snapshot).ok_or_else(foreign)?;
        let Some(content) = reader.read(name).map_err(failed)? else { continue };
        let sha256 = sha256(&content);
        if !place.is_named_by(sha256) {
            return Err(Error::Misnamed { path: name.clone(), sha256 });
        }
        let md5 = Md5Digest::new(Md5::digest(&content).into());
        let own = format!("{prefix}{}", place.path());
        container.write(&own, content, md5).map_err(failed)?;
        container.remove_any(name).map_err(failed)?;
        info!(snapshot = place.path(), "what was kept aside is in its place");
    }
    Ok(kept.len() as u64)
}

fn sha256(content: &Bytes) -> Sha256Digest {
    Sha256Digest::new(Sha256::digest(content).into())
}
