//! The wish to stop. Whoever works looks at it at every block boundary.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::noun::{DriveFault, ErrorKind, Hint, Serial};

/// Shared between the one who asks (Ctrl-C) and those who work.
#[derive(Debug, Clone, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// Asks everybody to stop at the next block boundary.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked.
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// The same for who works on a drive and ends by an error.
    pub fn check(&self) -> Result<(), Stopped> {
        if self.is_asked() { Err(Stopped) } else { Ok(()) }
    }
}

/// Somebody asked to stop the work on a drive.
#[derive(Debug)]
pub struct Stopped;

impl DriveFault for Stopped {
    fn tell(&self, serial: &Serial, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stopped as asked; drive {serial} can be resumed")
    }

    fn code(&self) -> &'static str {
        "stopped"
    }

    fn kind(&self) -> ErrorKind {
        ErrorKind::Interrupted
    }

    fn hint(&self, _: &Serial) -> Option<Hint> {
        Some(Hint::new("run the same command again to go on"))
    }
}
