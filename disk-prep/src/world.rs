//! What comes from outside and is different every time: randomness, the time, the slow making of
//! keys, and how well a drive does. Passed in, so that tests can put their own in its place.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use jiff::Timestamp;

use crate::device::Device;
use crate::noun::{RecoveryPassword, Serial};
use crate::volume::bitlocker::write::{StretchedKey, stretch};

/// The outside world.
pub trait World: Sync {
    /// Fills a buffer with random bytes that nobody can guess.
    fn random(&self, bytes: &mut [u8]) -> io::Result<()>;
    /// The time.
    fn now(&self) -> Timestamp;
    /// Makes a key of a password, in a million rounds.
    fn stretch(&self, password: &RecoveryPassword, salt: &[u8; 16]) -> StretchedKey;
    /// A drive that the guard has opened, as it does in this world: tests let it fail.
    fn device(&self, _serial: &Serial, device: Arc<dyn Device>) -> Arc<dyn Device> {
        device
    }
}

/// The real one.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealWorld;

impl World for RealWorld {
    fn random(&self, bytes: &mut [u8]) -> io::Result<()> {
        File::open("/dev/urandom")?.read_exact(bytes)
    }
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
    fn stretch(&self, password: &RecoveryPassword, salt: &[u8; 16]) -> StretchedKey {
        stretch(password, salt)
    }
}
