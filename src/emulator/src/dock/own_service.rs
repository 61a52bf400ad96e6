//! The emulator's own blob service as a place where the dock puts what a drive holds.

use jiff::Timestamp;

use super::destination::{Destination, Place, own};
use crate::blobs::record::Properties;
use crate::blobs::service::BlobService;
use crate::blobs::store::Draft;
use crate::error::Error;

impl Destination for BlobService {
    fn draft(&self) -> Result<Draft, Error> {
        self.draft().map_err(own)
    }

    fn has(&self, (account, container, name): Place<'_>) -> Result<bool, Error> {
        self.has((account, container), name).map_err(own)
    }

    fn put(
        &self,
        (account, container, name): Place<'_>,
        draft: Draft,
        properties: Properties,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.put((account, container), name, draft, properties, now).map_err(own)
    }
}
