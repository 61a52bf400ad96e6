//! Drives are taken from a bay only as long as what goes onto them is what was planned.

use disk_prep::dataset::DataFile;
use disk_prep::pool::{DriveBay, Offer};

use crate::journey::work::Work;

/// A bay that offers nothing more once an adopted repository has changed.
pub(super) struct SteadyBay<'a> {
    pub bay: &'a dyn DriveBay,
    pub work: &'a Work,
}

impl DriveBay for SteadyBay<'_> {
    fn next(&self, missing: &[DataFile]) -> Option<Offer> {
        // The run's end says what has changed.
        self.work.check_unchanged().ok()?;
        let offer = self.bay.next(missing)?;
        self.work.check_unchanged().ok().map(|()| offer)
    }

    fn refused(&self, error: &disk_prep::Error) {
        self.bay.refused(error);
    }
}
