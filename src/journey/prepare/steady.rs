//! Drives are taken from a bay, and sealed, only as long as what goes onto them is what was
//! planned.

use std::io;

use disk_prep::dataset::FileList;
use disk_prep::noun::RecoveryPassword;
use disk_prep::pool::{DriveBay, Offer};
use disk_prep::volume::bitlocker::write::StretchedKey;
use disk_prep::world::{RealWorld, SourcesFault, World};
use jiff::Timestamp;

use crate::journey::work::Work;

/// The real world, in which an adopted repository is looked at once more before a seal.
pub(super) struct SteadyWorld<'a> {
    pub work: &'a Work,
}

impl World for SteadyWorld<'_> {
    fn random(&self, bytes: &mut [u8]) -> io::Result<()> {
        RealWorld.random(bytes)
    }

    fn now(&self) -> Timestamp {
        RealWorld.now()
    }

    fn stretch(&self, password: &RecoveryPassword, salt: &[u8; 16]) -> StretchedKey {
        RealWorld.stretch(password, salt)
    }

    fn check_sources(&self) -> Result<(), SourcesFault> {
        self.work.check_unchanged().map_err(|error| Box::new(error) as SourcesFault)
    }
}

/// A bay that offers nothing more once an adopted repository has changed.
pub(super) struct SteadyBay<'a> {
    pub bay: &'a dyn DriveBay,
    pub work: &'a Work,
}

impl DriveBay for SteadyBay<'_> {
    fn next(&self, missing: &FileList) -> Option<Offer> {
        // The run's end says what has changed.
        self.work.check_unchanged().ok()?;
        let offer = self.bay.next(missing)?;
        self.work.check_unchanged().ok().map(|()| offer)
    }

    fn refused(&self, error: &disk_prep::Error) {
        self.bay.refused(error);
    }
}
