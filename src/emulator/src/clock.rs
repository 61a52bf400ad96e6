//! Two clocks. The movable one is the datacenter's: it dates jobs and blobs, and can be put
//! forward. Signatures and tokens go by the wall clock, since the other side has only that one.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use disk_prep::sys::durable::{self, Access};
use disk_prep::sys::hold::hold;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::error::Error;

/// How far the datacenter's clock is ahead, kept in a file.
#[derive(Debug)]
pub(super) struct Clock {
    path: PathBuf,
    ahead: Mutex<SignedDuration>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    version: u32,
    ahead_secs: i64,
}

impl Clock {
    /// The clock as it was left.
    pub fn open(meta: &Path) -> Result<Self, Error> {
        let path = meta.join("clock.json");
        let ahead = match std::fs::read(&path) {
            Ok(bytes) => {
                let kept: Kept = serde_json::from_slice(&bytes).map_err(|error| {
                    Error::Damaged { path: path.clone(), fault: error.to_string() }
                })?;
                SignedDuration::from_secs(kept.ahead_secs)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => SignedDuration::ZERO,
            Err(source) => return Err(Error::Folder { path, source }),
        };
        Ok(Clock { path, ahead: Mutex::new(ahead) })
    }

    /// The datacenter's time.
    pub fn now(&self) -> Timestamp {
        let ahead = *hold(&self.ahead);
        Timestamp::now().saturating_add(ahead).unwrap_or(Timestamp::MAX)
    }

    /// Puts it forward.
    pub fn forward(&self, by: SignedDuration) -> Result<Timestamp, Error> {
        let mut ahead = hold(&self.ahead);
        let next = ahead.saturating_add(by);
        let kept = Kept { version: 1, ahead_secs: next.as_secs() };
        let text = serde_json::to_vec(&kept).expect("numbers can be written");
        durable::write(&self.path, &text, Access::Public)
            .map_err(|source| Error::Folder { path: self.path.clone(), source })?;
        *ahead = next;
        drop(ahead);
        Ok(self.now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_put_forward_stays_so() {
        let folder = tempfile::tempdir().unwrap();
        let days = SignedDuration::from_hours(15 * 24);
        Clock::open(folder.path()).unwrap().forward(days).unwrap();
        let ahead = Clock::open(folder.path()).unwrap().now().duration_since(Timestamp::now());
        assert!((ahead - days).abs() < SignedDuration::from_secs(60), "{ahead}");
    }
}
