//! Drives are taken from a bay, and sealed, only as long as what goes onto them is what was
//! planned.

use std::io;

use disk_prep::dataset::FileList;
use disk_prep::noun::{Diagnose, DriveError, RecoveryPassword, Serial};
use disk_prep::pool::{DriveBay, Offer};
use disk_prep::volume::bitlocker::write::StretchedKey;
use disk_prep::world::{NotBegun, RealWorld, SourcesFault, World};
use disk_prep::{Error, Unready};
use jiff::Timestamp;
use uuid::Uuid;

use crate::journey::work::Work;
use crate::state::State;

/// The real world, in which an adopted repository is looked at once more before a seal, and this
/// machine remembers a drive before it is begun.
pub(super) struct SteadyWorld<'a> {
    pub work: &'a Work,
    pub state: State,
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

    fn will_begin(&self, drives: &[(Serial, Uuid)]) -> Result<(), NotBegun> {
        let Work { id, job, home, .. } = self.work;
        // The run holds these drives: what another one had of them is remembered by now.
        let held = self.state.drives_held(*id).map_err(not_begun)?;
        for (serial, _) in drives {
            if let Some(own) = held.iter().find(|own| own.serial == *serial) {
                let (job, known_as) = (own.job.to_string(), own.serial.clone());
                let fault = Unready::SealedElsewhere { job, known_as };
                return Err(not_begun(Error::from(DriveError::new(serial, fault))));
            }
        }
        self.state.remember_begun(*id, job, home, drives).map_err(not_begun)
    }
}

fn not_begun(error: impl Diagnose + Send + Sync + 'static) -> NotBegun {
    NotBegun(Box::new(error))
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
