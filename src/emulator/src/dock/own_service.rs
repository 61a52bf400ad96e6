//! The emulator's own blob service as a place where the dock puts what a drive holds.

use jiff::Timestamp;

use super::destination::{Destination, Place, own};
use crate::blobs::service::BlobService;
use crate::blobs::store::{Draft, Properties};
use crate::error::Error;

impl Destination for BlobService {
    fn draft(&self) -> Result<Draft, Error> {
        self.store.draft().map_err(own)
    }

    fn has(&self, (account, container, name): Place<'_>) -> Result<bool, Error> {
        let found = self.store.hold().blob((account, container), name).map_err(own)?;
        Ok(found.is_some())
    }

    fn put(
        &self,
        (account, container, name): Place<'_>,
        draft: Draft,
        properties: Properties,
        now: Timestamp,
    ) -> Result<(), Error> {
        let held = self.store.hold();
        let key = (account, container);
        if held.container(key, now).map_err(own)?.is_none() {
            held.make_container(key, Default::default(), now).map_err(own)?;
        }
        held.put(key, name, draft, properties, now).map(drop).map_err(own)
    }
}
