//! Whether a copy is still what its last point is. Between two rounds nobody writes to it; what somebody
//! did write would be in every later point.

use super::error::Error;
use super::listing::listed;
use crate::azure::{PageBlob, PageFacts};

/// What the service says where a blob was written over as a whole ("Get Page Ranges").
const WRITTEN_OVER: [&str; 2] = ["BlobOverwritten", "BlobGenerationMismatch"];

/// Refuses a copy that was written to, or got another length, since its last point.
pub(super) fn check_untouched(
    copy: &dyn PageBlob,
    facts: &PageFacts,
    point: &str,
) -> Result<(), Error> {
    let failed = |source| Error::of(copy, source);
    let changed = || Error::CopyChanged { blob: copy.address() };
    let Some(held) = copy.facts(Some(point)).map_err(failed)? else { return Ok(()) };
    if held.bytes != facts.bytes {
        return Err(changed());
    }
    // Its differences are no ground to stand on.
    if facts.is_azurite {
        return Ok(());
    }
    let mut is_same = true;
    let told = listed(copy, None, Some(point), facts.bytes, |part| {
        is_same &= part.is_empty();
        Ok(())
    });
    match told {
        Ok(()) if is_same => Ok(()),
        Ok(()) => Err(changed()),
        Err(Error::NoDifference { code, .. }) if WRITTEN_OVER.contains(&code.as_str()) => {
            Err(changed())
        }
        Err(Error::NoDifference { code, .. }) => {
            tracing::info!(%code, "whether the copy was written to is not told");
            Ok(())
        }
        Err(error) => Err(error),
    }
}
