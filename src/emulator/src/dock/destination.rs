//! Where the dock puts what a drive holds: the emulator's own blob service, or another one.

use std::io::Write;

use jiff::Timestamp;

use crate::blobs::record::Properties;
use crate::blobs::store::Draft;
use crate::error::Error;

/// Account, container and name of a blob.
pub(crate) type Place<'a> = (&'a str, &'a str, &'a str);

/// A blob service as the dock sees it, which asks nobody whether it may write.
pub(crate) trait Destination: Send + Sync {
    /// Content that may become a blob.
    fn draft(&self) -> Result<Draft, Error>;
    /// Whether there is such a blob.
    fn has(&self, place: Place<'_>) -> Result<bool, Error>;
    /// Makes a draft a blob, and its container too if need be.
    fn put(
        &self,
        place: Place<'_>,
        draft: Draft,
        properties: Properties,
        now: Timestamp,
    ) -> Result<(), Error>;
}

/// Writes a text as a blob.
pub(super) fn put_text(
    to: &dyn Destination,
    place: Place<'_>,
    text: &[u8],
    now: Timestamp,
) -> Result<(), Error> {
    let mut draft = to.draft()?;
    draft.write_all(text).map_err(own)?;
    let content_type = Some("application/xml".to_owned());
    to.put(place, draft, Properties { content_type, ..Default::default() }, now)
}

/// A fault of the emulator's own folder.
pub(crate) fn own(source: std::io::Error) -> Error {
    Error::Folder { path: "blobs".into(), source }
}
