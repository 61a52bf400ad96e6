//! Where drives come from that were not named when the run began.

use crate::Error;
use crate::dataset::FileList;
use crate::drive::NamedDrive;
use crate::noun::Wipe;

/// A drive to go on with.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The drive.
    pub drive: NamedDrive,
    /// Whether its serial was typed, so that what is on it may be erased.
    pub erase: bool,
    /// What happens to its free space, if it was used before.
    pub wipe: Option<Wipe>,
}

/// Whoever can bring another drive.
pub trait DriveBay: Sync {
    /// Waits for another drive, now that `missing` files have no place on the drives there are;
    /// `None` ends the run without it.
    fn next(&self, missing: &FileList) -> Option<Offer>;
    /// The drive that was offered cannot be taken.
    fn refused(&self, error: &Error);
}

/// Nobody is there to bring one.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoBay;

impl DriveBay for NoBay {
    fn next(&self, _missing: &FileList) -> Option<Offer> {
        None
    }
    fn refused(&self, _error: &Error) {}
}
