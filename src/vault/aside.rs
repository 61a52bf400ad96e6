//! Snapshots of increments that were made while the seed travelled. They lie in a place of our own,
//! since no reader could restore them yet, and become the repository's once all of the seed is
//! there.

use std::sync::Arc;

use bytes::Bytes;
use disk_prep::noun::{Md5Digest, Sha256Digest};
use md5::{Digest, Md5};
use sha2::Sha256;
use tracing::info;

use super::error::Error;
use crate::azure::{Container, Fenced};
use crate::repository::{Place, Rank};

/// Puts every snapshot that is kept aside into the repository below `prefix`; returns how many. A
/// call that was cut off between the two steps has left both, and the next one ends it.
pub fn publish_asides(container: &dyn Fenced, aside: &str, prefix: &str) -> Result<u64, Error> {
    let kept = asides(container.container().as_ref(), aside)?;
    for own in &kept {
        let Aside { name, place, content } = own;
        let (content, failed) =
            (content.clone(), |source| Error::Blob { path: name.clone(), source });
        let md5 = Md5Digest::new(Md5::digest(&content).into());
        let own = format!("{prefix}{}", place.path());
        container.write(&own, content, md5).map_err(failed)?;
        container.remove_any(name).map_err(failed)?;
        info!(snapshot = place.path(), "what was kept aside is in its place");
    }
    Ok(kept.len() as u64)
}

/// Removes all that are kept below a prefix; returns how many.
pub fn drop_asides(container: &Arc<dyn Fenced>, aside: &str) -> Result<u64, Error> {
    let kept = asides(container.container().as_ref(), aside)?;
    for Aside { name, .. } in &kept {
        let failed = |source| Error::Blob { path: name.clone(), source };
        container.remove_any(name).map_err(failed)?;
    }
    Ok(kept.len() as u64)
}

/// A snapshot that is kept aside.
#[derive(Debug, Clone)]
pub struct Aside {
    name: String,
    /// Its place in the repository.
    pub place: Place,
    /// What it holds.
    pub content: Bytes,
}

/// All that are kept below a prefix; what is there and is none is an error.
pub fn asides(container: &dyn Container, aside: &str) -> Result<Vec<Aside>, Error> {
    let mut all = Vec::new();
    let kept = container.list(&format!("{aside}snapshots/"));
    for (name, _) in kept.map_err(|source| Error::List { source })? {
        let failed = |source| Error::Blob { path: name.clone(), source };
        let place = name.strip_prefix(aside).and_then(Place::of);
        let foreign = || Error::ForeignBlob { path: name.clone() };
        let place = place.filter(|place| place.rank == Rank::Snapshot).ok_or_else(foreign)?;
        let Some(content) = container.read(&name).map_err(failed)? else { continue };
        let sha256 = sha256(&content);
        if !place.is_named_by(sha256) {
            return Err(Error::Misnamed { path: name, sha256 });
        }
        all.push(Aside { name, place, content });
    }
    Ok(all)
}

fn sha256(content: &Bytes) -> Sha256Digest {
    Sha256Digest::new(Sha256::digest(content).into())
}
