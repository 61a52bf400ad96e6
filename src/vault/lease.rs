//! One run at a time: a lease of a blob in the vault's container, renewed while the run lasts. A
//! run that was killed and called again on the same machine has the same lease id and goes on at
//! once; another machine waits until the lease has ended, a minute at most.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;

use bytes::Bytes;
use disk_prep::noun::Md5Digest;
use md5::{Digest, Md5};
use uuid::Uuid;

use super::Error;
use crate::azure::{self, Container};

const NAME: &str = "azseed/lock";

/// A held lease; it is given back with the value.
#[derive(Debug)]
pub struct Lease {
    stop: Option<Sender<()>>,
    renewer: Option<JoinHandle<()>>,
}

impl Lease {
    /// Takes the lease of a vault's container.
    pub fn take(container: &Arc<Container>, id: Uuid) -> Result<Self, Error> {
        let failed = |source| match source {
            azure::Error::Leased { .. } => Error::Locked { container: container.name().clone() },
            source => Error::Blob { path: NAME.to_owned(), source },
        };
        match container.lease(NAME, id) {
            Err(azure::Error::NotFound { .. }) => {
                let nothing = Md5Digest::new(Md5::digest([]).into());
                container.write(NAME, Bytes::new(), nothing).map_err(failed)?;
                container.lease(NAME, id).map_err(failed)?;
            }
            other => other.map_err(failed)?,
        }
        let (stop, stopped) = mpsc::channel();
        let container = Arc::clone(container);
        let renewer = std::thread::spawn(move || {
            while stopped.recv_timeout(Container::RENEW_WITHIN) == Err(RecvTimeoutError::Timeout) {
                // A renewal that fails is tried again; the work fails by itself if Azure is gone.
                let _ = container.lease(NAME, id);
            }
            // It ends by itself within a minute.
            let _ = container.release(NAME, id);
        });
        Ok(Lease { stop: Some(stop), renewer: Some(renewer) })
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(renewer) = self.renewer.take() {
            let _ = renewer.join();
        }
    }
}
