//! Whether a copy is still what its last point is. Between two rounds nobody writes to it; what somebody
//! did write would be in every later point.

use super::error::Error;
use super::listing::listed;
use super::pages::read;
use super::ranges::Span;
use super::table::BLOCK_BYTES;
use crate::azure::{PageBlob, PageFacts};

/// What the service says where a blob was written over as a whole ("Get Page Ranges").
const WRITTEN_OVER: [&str; 2] = ["BlobOverwritten", "BlobGenerationMismatch"];

fn is_equal(copy: &dyn PageBlob, point: &str, (start, end): Span) -> Result<bool, Error> {
    let mut at = start;
    while at < end {
        let span = (at, end.min(at + BLOCK_BYTES));
        if read(copy, None, span)? != read(copy, Some(point), span)? {
            return Ok(false);
        }
        at = span.1;
    }
    Ok(true)
}

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
        for range in part {
            // A killed run that is gone on with writes what is there already.
            is_same = is_same && is_equal(copy, point, (range.start, range.end))?;
        }
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
