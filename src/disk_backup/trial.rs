//! Whether a service tells what changed between snapshots: it is tried out on a small blob. A
//! service that does not know the call may answer with all pages, as if all had changed.

use std::collections::BTreeMap;

use bytes::Bytes;
use disk_prep::limits::PAGE_BYTES;
use uuid::Uuid;

use super::pages::md5_of;
use crate::azure::{Error, Made, PageBlob, PageRange, PageState, PagesAsked};

/// Tries it beside a blob; what it makes is deleted again. `false` if it cannot be tried. The trial's
/// blob has the backup's name, so that one that a killed run has left is deleted by the next.
pub fn tells_differences(beside: &dyn PageBlob, backup: Uuid) -> bool {
    let blob = beside.beside(&format!("azseed/trial-{backup}"));
    let told = remove(blob.as_ref()).and_then(|()| tried(blob.as_ref()));
    if let Err(error) = remove(blob.as_ref()) {
        tracing::info!(%error, "the blob of a trial was not deleted: {}", blob.address());
    }
    told.unwrap_or_else(|error| {
        tracing::info!(%error, "differences could not be tried out");
        false
    })
}

fn remove(blob: &dyn PageBlob) -> Result<(), Error> {
    match blob.facts(None)? {
        None => Ok(()),
        Some(facts) => {
            if facts.is_leased {
                blob.break_lease()?;
            }
            blob.remove(&facts.etag)
        }
    }
}

fn tried(blob: &dyn PageBlob) -> Result<bool, Error> {
    let none = BTreeMap::new();
    if blob.create(4 * PAGE_BYTES, &none)? != Made::New {
        return Ok(false);
    }
    let lease = Uuid::new_v4();
    blob.lease(lease, 60)?;
    let content = Bytes::from(vec![1; 2 * usize::try_from(PAGE_BYTES).unwrap_or(512)]);
    let md5 = md5_of(&content);
    blob.write(0, content, md5, lease)?;
    let snapshot = blob.snapshot(&none, Some(lease))?;
    blob.clear(PAGE_BYTES, 2 * PAGE_BYTES, lease)?;
    let asked = PagesAsked { snapshot: None, since: Some(&snapshot), marker: None };
    let told = blob.pages(asked);
    blob.release_lease(lease)?;
    let expected = PageRange { start: PAGE_BYTES, end: 2 * PAGE_BYTES, state: PageState::Cleared };
    Ok(told?.ranges == [expected])
}
