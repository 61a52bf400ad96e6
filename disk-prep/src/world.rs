//! What comes from outside and is different every time: randomness, the time, the slow making of
//! keys, sources that can fail, and how well a drive does. Passed in, so that tests can put their
//! own in its place.

use std::error::Error as StdError;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

use crate::device::Device;
use crate::noun::{Diagnose, ErrorKind, Hint, RecoveryPassword, Serial};
use crate::sys::beneath::Folder;
use crate::sys::machine::machine;
use crate::volume::bitlocker::write::{StretchedKey, stretch, stretch_all};

/// Why sources are no longer what was planned, in the words of who knows them.
pub type SourcesFault = Box<dyn Diagnose + Send + Sync>;

/// Why a drive may not be begun, in the words of who remembers drives.
#[derive(Debug)]
pub struct NotBegun(pub Box<dyn Diagnose + Send + Sync>);

impl fmt::Display for NotBegun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for NotBegun {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

impl Diagnose for NotBegun {
    fn code(&self) -> &'static str {
        self.0.code()
    }
    fn kind(&self) -> ErrorKind {
        self.0.kind()
    }
    fn hint(&self) -> Option<Hint> {
        self.0.hint()
    }
}

/// The outside world.
pub trait World: Sync {
    /// Fills a buffer with random bytes that nobody can guess.
    fn random(&self, bytes: &mut [u8]) -> io::Result<()>;
    /// The time.
    fn now(&self) -> Timestamp;
    /// Name of this machine.
    fn host(&self) -> String {
        machine().1
    }
    /// Makes a key of a password, in a million rounds.
    fn stretch(&self, password: &RecoveryPassword, salt: &[u8; 16]) -> StretchedKey;
    /// The same for many at once.
    fn stretch_all(&self, passwords: &[(&RecoveryPassword, &[u8; 16])]) -> Vec<StretchedKey> {
        passwords.iter().map(|(password, salt)| self.stretch(password, salt)).collect()
    }
    /// Waits before something is tried again.
    fn wait(&self, time: Duration) {
        std::thread::sleep(time);
    }
    /// Opens a source file below the folder of all sources.
    fn open(&self, root: &Folder, source: &Path) -> io::Result<File> {
        root.linked_file(source)
    }
    /// Reads all of `buffer` from byte `at` of an open source file.
    fn read(&self, file: &File, _source: &Path, at: u64, buffer: &mut [u8]) -> io::Result<()> {
        file.read_exact_at(buffer, at)
    }
    /// Refuses once what is copied is, as a whole, no longer what was planned, or cannot be looked
    /// at: a drive that holds a part of it is not sealed then.
    fn check_sources(&self) -> Result<(), SourcesFault> {
        Ok(())
    }
    /// Is told of drives that this run holds and is about to begin, each with what its partition table
    /// will call it. When it returns, that is kept; an error keeps all of them from being begun.
    fn will_begin(&self, _drives: &[(Serial, Uuid)]) -> Result<(), NotBegun> {
        Ok(())
    }
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
    fn stretch_all(&self, passwords: &[(&RecoveryPassword, &[u8; 16])]) -> Vec<StretchedKey> {
        stretch_all(passwords)
    }
}
