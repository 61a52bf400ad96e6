//! The lease of a copy while a run works on it, renewed at a third of its life. The service itself
//! refuses writes under a lease that is over, so a run that was stopped for long does no harm when it
//! goes on; here it learns of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use disk_prep::limits::BLOB_LEASE_SECS;
use uuid::Uuid;

use super::error::Error;
use super::watch::Watch;
use crate::azure::{self, PageBlob};

const RENEW_EVERY: Duration = Duration::from_secs(20);
/// Pause before one that somebody has is asked for again.
const PAUSE: Duration = Duration::from_secs(5);
/// A lease that a dead run has left is over by then.
const LOOKS: u32 = 13;

/// A held lease; it is given back with the value.
#[derive(Debug)]
pub struct Keeper {
    /// Its id, for every change.
    pub id: Uuid,
    blob: Arc<dyn PageBlob>,
    is_lost: Arc<AtomicBool>,
    stop: Option<Sender<()>>,
    renewer: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Takes the lease of a blob that is there for that alone; it is made if it is not there.
    pub fn beside(
        lock: &Arc<dyn PageBlob>,
        id: Uuid,
        former: Option<Uuid>,
        watch: &dyn Watch,
    ) -> Result<Self, Error> {
        let made = lock.create(0, &BTreeMap::new());
        made.map_err(|source| Error::of(lock.as_ref(), source))?;
        Keeper::take(lock, id, former, watch)
    }

    /// Takes the lease under this id, from nobody or from a former run of this backup here.
    pub fn take(
        blob: &Arc<dyn PageBlob>,
        id: Uuid,
        former: Option<Uuid>,
        watch: &dyn Watch,
    ) -> Result<Self, Error> {
        let failed = |source| Error::Blob { blob: blob.address(), source };
        let mut looks = 0;
        loop {
            match blob.lease(id, BLOB_LEASE_SECS) {
                Ok(()) => break,
                Err(azure::Error::Leased { .. }) => {
                    let is_ours =
                        former.is_some_and(|former| blob.change_lease(former, id).is_ok());
                    if is_ours && blob.renew_lease(id).is_ok() {
                        break;
                    }
                    looks += 1;
                    if looks > LOOKS {
                        return Err(failed(azure::Error::Leased { what: blob.address() }));
                    }
                    watch.wait("for the lease of another run to end", PAUSE)?;
                }
                Err(source) => return Err(failed(source)),
            }
        }
        let is_lost = Arc::new(AtomicBool::new(false));
        let (stop, stopped) = mpsc::channel();
        let (own, lost) = (Arc::clone(blob), Arc::clone(&is_lost));
        let renewer = std::thread::spawn(move || {
            while stopped.recv_timeout(RENEW_EVERY) == Err(RecvTimeoutError::Timeout) {
                // Another try comes in time; who has lost it is told so by every write as well.
                if let Err(azure::Error::Leased { .. }) = own.renew_lease(id) {
                    lost.store(true, Ordering::Relaxed);
                    return;
                }
            }
        });
        let blob = Arc::clone(blob);
        Ok(Keeper { id, blob, is_lost, stop: Some(stop), renewer: Some(renewer) })
    }

    /// Refuses once the lease is known to be lost.
    pub fn check(&self) -> Result<(), Error> {
        if self.is_lost.load(Ordering::Relaxed) {
            return Err(Error::LeaseLost { blob: self.blob.address() });
        }
        Ok(())
    }
}

impl Keeper {
    /// Why something went wrong: what another run has done meanwhile is no fault of what was asked.
    pub fn because(&self, error: Error) -> Error {
        let is_taken =
            || matches!(self.blob.renew_lease(self.id), Err(azure::Error::Leased { .. }));
        match error {
            Error::Stopped | Error::LeaseLost { .. } => error,
            _ if self.check().is_err() || is_taken() => {
                tracing::info!(%error, "after the lease was lost");
                Error::LeaseLost { blob: self.blob.address() }
            }
            error => error,
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.stop.take());
        let is_ended = self.renewer.take().is_some_and(|renewer| renewer.join().is_ok());
        if let Err(error) = self.blob.release_lease(self.id) {
            tracing::info!(%error, is_ended, "the lease was not given back; it ends by itself");
        }
    }
}
