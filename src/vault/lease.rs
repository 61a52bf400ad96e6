//! One writer at a time (`design` 7): a lease of a blob in the vault's container, renewed at a
//! third of its life. Once a renewal is refused, the lease is lost for good, and with it the right to
//! change anything: whoever changes the vault does so through [`Lease::fence`]. While a renewal is
//! late, nothing is changed. The service renews a lease that has ended as long as nobody else has
//! had it ("Lease Blob"), so a storm of refusals is waited out; after that the lease is lost too.
//!
//! Each run has a lease id of its own. The ids of former runs of the same machine are known from
//! the vault's record, so that a run that was killed and called again goes on at once; another
//! machine waits until the lease has ended, a minute at most.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use disk_prep::noun::{Diagnose, ErrorKind};
use disk_prep::sys::hold::hold;
use disk_prep::sys::machine;
use tracing::info;
use uuid::Uuid;

use super::error::Error;
use crate::azure::{self, Container, Fence, Fenced, Lost};

/// The blob that is leased.
pub const LOCK: &str = "azseed/lock";

/// A clock that goes on while the machine sleeps and is never set.
pub type Clock = Arc<dyn Fn() -> Duration + Send + Sync>;

/// When a lease is renewed and when it counts as lost.
#[derive(Clone)]
pub struct Timing {
    /// Its life at the service, seconds.
    pub lease_secs: i32,
    /// Time from one renewal to the next.
    pub renew_every: Duration,
    /// Time since the last renewal was asked for after which it is late. What is sent just before
    /// that still has the rest of the life to arrive.
    pub late_after: Duration,
    /// How much longer one that is late is waited for.
    pub patience: Duration,
    /// Pause before a renewal that did not reach the service is tried again.
    pub pause: Duration,
    /// What time is taken from.
    pub clock: Clock,
}

impl std::fmt::Debug for Timing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Timing({} s, {:?}, {:?})", self.lease_secs, self.renew_every, self.late_after)
    }
}

impl Default for Timing {
    fn default() -> Self {
        Timing {
            lease_secs: 60,
            renew_every: Duration::from_secs(20),
            late_after: Duration::from_secs(40),
            patience: Duration::ZERO,
            pause: Duration::from_secs(3),
            clock: Arc::new(machine::since_start),
        }
    }
}

/// A held lease; it is given back with the value.
#[derive(Debug)]
pub struct Lease {
    hold: Arc<Hold>,
    stop: Option<Sender<()>>,
    renewer: Option<JoinHandle<()>>,
}

impl Lease {
    /// Takes the lease of a vault's container under this id, from nobody or from a run of this
    /// machine that had one of the former ids.
    pub fn take(
        container: &Arc<dyn Container>,
        id: Uuid,
        former: &[Uuid],
        timing: Timing,
    ) -> Result<Self, Error> {
        let mut asked_at = (timing.clock)();
        let failed = |source| match source {
            azure::Error::Leased { .. } => Error::Locked { container: container.name().clone() },
            source => Error::Blob { path: LOCK.to_owned(), source },
        };
        match acquire(container.as_ref(), id, timing.lease_secs) {
            Err(azure::Error::Leased { .. }) if take_over(container.as_ref(), id, former) => {
                // What was left of the other's life is not known.
                container.renew_lease(LOCK, id).map_err(failed)?;
            }
            other => other.map_err(failed)?,
        }
        // A service that was busy has made it wait, and part of its life may be over.
        if (timing.clock)().saturating_sub(asked_at) >= timing.late_after {
            asked_at = (timing.clock)();
            container.renew_lease(LOCK, id).map_err(failed)?;
        }
        let state = Renewal { renewed_at: asked_at, closes_at: None, lost: None };
        let hold = Arc::new(Hold { timing, state: Mutex::new(state) });
        let (stop, stopped) = mpsc::channel();
        let (container, own) = (Arc::clone(container), Arc::clone(&hold));
        let renewer = std::thread::spawn(move || {
            let mut wait = own.timing.renew_every;
            while stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                let Some(next) = own.renew(container.as_ref(), id) else { return };
                wait = next;
            }
            if let Err(error) = container.release_lease(LOCK, id) {
                info!(%error, "the lease was not given back; it ends by itself");
            }
        });
        Ok(Lease { hold, stop: Some(stop), renewer: Some(renewer) })
    }

    /// What stands before every change that this lease gives the right to.
    pub fn fence(&self) -> Arc<dyn Fence> {
        Arc::clone(&self.hold) as Arc<dyn Fence>
    }

    /// A container, to be changed as long as the lease is held.
    pub fn guard(&self, container: Arc<dyn Container>) -> Arc<dyn Fenced> {
        container.fenced(self.fence())
    }

    /// After so long nothing more may be changed, though the lease is held.
    pub fn close_after(&self, time: Duration) {
        let end = (self.hold.timing.clock)().saturating_add(time);
        hold(&self.hold.state).closes_at = Some(end);
    }

    /// Refuses if the lease is lost; waits while it is in doubt.
    pub fn check(&self) -> Result<(), azure::Error> {
        self.hold.wait()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(renewer) = self.renewer.take()
            && renewer.join().is_err()
        {
            info!("the lease was not given back; it ends by itself");
        }
    }
}

fn acquire(container: &dyn Container, id: Uuid, secs: i32) -> Result<(), azure::Error> {
    match container.lease(LOCK, id, secs) {
        Err(azure::Error::NotFound { .. }) => {
            // Another run may make it at the same moment; one of them gets the lease.
            container.write_new(LOCK, Bytes::new())?;
            container.lease(LOCK, id, secs)
        }
        leased => leased,
    }
}

/// Whether the holder was a run of this machine, and the lease is ours now.
fn take_over(container: &dyn Container, id: Uuid, former: &[Uuid]) -> bool {
    former.iter().any(|former| container.change_lease(LOCK, *former, id).is_ok())
}

#[derive(Debug)]
struct Hold {
    timing: Timing,
    state: Mutex<Renewal>,
}

#[derive(Debug, Clone, Copy)]
struct Renewal {
    /// When the last renewal that came through was asked for.
    renewed_at: Duration,
    /// When the window of the day is over in which it is used.
    closes_at: Option<Duration>,
    lost: Option<Lost>,
}

impl Hold {
    /// Renews; how long to wait until the next time, or `None` if the lease is lost.
    fn renew(&self, container: &dyn Container, id: Uuid) -> Option<Duration> {
        let asked_at = (self.timing.clock)();
        self.check().ok()?;
        match container.renew_lease(LOCK, id) {
            Ok(()) => self.renewed(asked_at),
            Err(azure::Error::Unreachable { .. } | azure::Error::Failing { .. }) => {
                info!("the lease was not renewed; it is tried again until it is late");
                return Some(self.timing.pause);
            }
            Err(azure::Error::Leased { .. } | azure::Error::NotFound { .. }) => {
                self.lose(Lost::Taken);
            }
            Err(error) => {
                info!(%error, "the lease was not renewed");
                let is_forbidden = error.kind() == ErrorKind::NotAllowed;
                self.lose(if is_forbidden { Lost::NotAllowed } else { Lost::Refused });
            }
        }
        self.check().ok()?;
        // An answer may come so late that it says nothing any more.
        Some(if self.is_in_doubt() { self.timing.pause } else { self.timing.renew_every })
    }

    fn renewed(&self, asked_at: Duration) {
        hold(&self.state).renewed_at = asked_at;
    }

    /// Time since the last renewal that came through was asked for.
    fn age(&self) -> Duration {
        (self.timing.clock)().saturating_sub(hold(&self.state).renewed_at)
    }

    fn lose(&self, why: Lost) {
        hold(&self.state).lost.get_or_insert(why);
    }
}

impl Fence for Hold {
    fn check(&self) -> Result<(), azure::Error> {
        let (now, Timing { late_after, patience, .. }) = ((self.timing.clock)(), &self.timing);
        let mut state = hold(&self.state);
        if now.saturating_sub(state.renewed_at) >= late_after.saturating_add(*patience) {
            state.lost.get_or_insert(Lost::Late);
        }
        if state.closes_at.is_some_and(|end| now >= end) {
            state.lost.get_or_insert(Lost::Closed);
        }
        match state.lost {
            Some(why) => Err(azure::Error::LeaseLost { what: LOCK.to_owned(), why }),
            None => Ok(()),
        }
    }

    fn is_in_doubt(&self) -> bool {
        self.age() >= self.timing.late_after
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::azure::faulty::{Act, Fault, Plan, busy};
    use crate::azure::memory::Memory;
    use disk_prep::noun::Md5Digest;

    fn hold() -> (Arc<AtomicU64>, Hold) {
        let secs = Arc::new(AtomicU64::new(100));
        let own = Arc::clone(&secs);
        let clock: Clock = Arc::new(move || Duration::from_secs(own.load(Ordering::SeqCst)));
        let state = Renewal { renewed_at: Duration::from_secs(100), closes_at: None, lost: None };
        (secs, Hold { timing: Timing { clock, ..Timing::default() }, state: Mutex::new(state) })
    }

    #[test]
    fn a_window_that_closes_ends_the_right_to_change_however_the_lease_is() {
        let (secs, hold) = hold();
        super::hold(&hold.state).closes_at = Some(Duration::from_secs(130));
        secs.store(129, Ordering::SeqCst);
        assert!(hold.check().is_ok());
        secs.store(130, Ordering::SeqCst);
        hold.renewed(Duration::from_secs(130));
        let over = hold.check().unwrap_err();
        assert_eq!((over.code(), over.kind()), ("vault-window-over", ErrorKind::Resumable));
        secs.store(120, Ordering::SeqCst);
        assert!(hold.check().is_err(), "once over, for ever");
    }

    #[test]
    fn a_lease_is_held_until_two_thirds_of_its_life_and_a_renewal_begins_it_anew() {
        let (secs, hold) = hold();
        secs.store(139, Ordering::SeqCst);
        assert!(hold.check().is_ok());
        hold.renewed(Duration::from_secs(120));
        secs.store(159, Ordering::SeqCst);
        assert!(hold.check().is_ok());
        secs.store(160, Ordering::SeqCst);
        let lost = hold.check().unwrap_err();
        assert_eq!((lost.code(), lost.kind()), ("lease-lost", ErrorKind::Resumable));
    }

    #[test]
    fn a_late_lease_is_in_doubt_until_it_is_renewed_or_patience_ends() {
        let (secs, mut hold) = hold();
        hold.timing.patience = Duration::from_secs(60);
        let at = |now| {
            secs.store(now, Ordering::SeqCst);
            (hold.check().is_ok(), hold.is_in_doubt())
        };
        assert_eq!((at(139), at(140), at(199)), ((true, false), (true, true), (true, true)));
        hold.renewed(Duration::from_secs(199));
        assert_eq!((at(238), at(239)), ((true, false), (true, true)));
        hold.lose(Lost::Taken);
        assert!(hold.wait().is_err(), "nobody waits for what is lost");
        let (secs, mut hold) = self::hold();
        hold.timing.patience = Duration::from_secs(60);
        secs.store(200, Ordering::SeqCst);
        let lost = hold.wait().unwrap_err();
        assert_eq!((lost.code(), lost.kind()), ("lease-lost", ErrorKind::Resumable));
        hold.renewed(Duration::from_secs(200));
        assert!(hold.check().is_err(), "once lost, for ever");
    }

    #[test]
    fn what_is_lost_never_comes_back() {
        let (secs, late) = hold();
        secs.store(100_000, Ordering::SeqCst);
        assert!(late.check().is_err(), "the machine slept");
        late.renewed(Duration::from_secs(100_000));
        assert!(late.check().is_err());
        let (_, taken) = hold();
        taken.lose(Lost::Taken);
        taken.lose(Lost::Late);
        taken.renewed(Duration::from_secs(100));
        assert_eq!(taken.check().unwrap_err().kind(), ErrorKind::Busy, "the first reason counts");
    }

    /// A container in memory, and the same with calls that fail as planned.
    fn container(faults: &[Fault]) -> (Arc<dyn Container>, Arc<dyn Container>) {
        let plain = Memory::default().container("vault");
        (Arc::clone(&plain), Plan::of(faults).container(plain))
    }

    /// Time stands still, and nothing is renewed by itself.
    fn still() -> Timing {
        let clock: Clock = Arc::new(|| Duration::from_secs(100));
        Timing { renew_every: Duration::from_secs(3_600), clock, ..Timing::default() }
    }

    fn take(
        container: &Arc<dyn Container>,
        id: Uuid,
        former: &[Uuid],
    ) -> Result<Lease, &'static str> {
        Lease::take(container, id, former, still()).map_err(|error| error.code())
    }

    #[test]
    fn a_lease_is_one_runs_until_it_is_given_back_or_followed_by_its_own_machine() {
        let (plain, _) = container(&[]);
        let ids: Vec<Uuid> = (0..4).map(|_| Uuid::new_v4()).collect();
        let first = take(&plain, ids[0], &[]).unwrap();
        assert_eq!(take(&plain, ids[1], &[ids[3]]).unwrap_err(), "vault-locked");
        let second = take(&plain, ids[1], &[ids[3], ids[0]]).unwrap();
        // It notices at its next renewal, and gives nothing back that is not its own.
        assert_eq!(first.hold.renew(plain.as_ref(), ids[0]), None);
        assert_eq!(first.check().unwrap_err().kind(), ErrorKind::Busy);
        drop(first);
        assert_eq!(take(&plain, ids[2], &[]).unwrap_err(), "vault-locked");
        drop(second);
        take(&plain, ids[2], &[]).unwrap();
    }

    #[test]
    fn a_lease_that_is_not_answered_is_not_held() {
        let id = Uuid::new_v4();
        let fault = |act, is_done| Fault { act, after: 0, is_done, error: busy };
        for (act, is_done) in
            [Act::Lease, Act::WriteNew].into_iter().flat_map(|act| [(act, false), (act, true)])
        {
            let (plain, faulty) = container(&[fault(act, is_done)]);
            if act == Act::Lease {
                plain.write_new(LOCK, Bytes::new()).unwrap();
            }
            let came = take(&faulty, id, &[]);
            assert_eq!(came.err(), Some("azure-failing"), "{act:?} {is_done}");
            // The same run may ask again, under its own id.
            take(&plain, id, &[id]).unwrap();
        }
        let other = Uuid::new_v4();
        for (act, expected) in [(Act::TakeOver, "vault-locked"), (Act::Renew, "azure-failing")] {
            let (plain, faulty) = container(&[fault(act, true)]);
            plain.write_new(LOCK, Bytes::new()).unwrap();
            plain.lease(LOCK, other, 60).unwrap();
            assert_eq!(take(&faulty, id, &[other]).err(), Some(expected));
            take(&plain, id, &[other, id]).unwrap();
        }
    }

    #[test]
    fn a_renewal_that_fails_is_tried_again_and_one_that_is_refused_loses_the_lease() {
        let id = Uuid::new_v4();
        let refused = || azure::Error::Refused {
            code: "Word".to_owned(),
            message: "a rule".to_owned(),
            call: None,
        };
        let forbidden = || azure::Error::NotAllowed {
            asked: azure::Asked::Blobs,
            code: "Word".to_owned(),
            message: "a rule".to_owned(),
            call: None,
        };
        let gone =
            || azure::Error::NotFound { what: LOCK.to_owned(), message: String::new(), call: None };
        let taken = || azure::Error::Leased { what: LOCK.to_owned() };
        type Case = (fn() -> azure::Error, Option<ErrorKind>);
        let cases: [Case; 5] = [
            (busy, None),
            (refused, Some(ErrorKind::Resumable)),
            (forbidden, Some(ErrorKind::NotAllowed)),
            (gone, Some(ErrorKind::Busy)),
            (taken, Some(ErrorKind::Busy)),
        ];
        for (error, expected) in cases {
            let (_, faulty) =
                container(&[Fault { act: Act::Renew, after: 0, is_done: true, error }]);
            let lease = take(&faulty, id, &[]).unwrap();
            let next = lease.hold.renew(faulty.as_ref(), id);
            let guarded = lease.guard(Arc::clone(&faulty));
            let content = || Bytes::from_static(b"x");
            let md5 = Md5Digest::new([0; 16]);
            let written = guarded.write("repo/x", content(), md5).map_err(|error| error.kind());
            match expected {
                None => {
                    assert_eq!(next, Some(still().pause));
                    assert!(written.is_ok());
                    assert_eq!(lease.hold.renew(faulty.as_ref(), id), Some(still().renew_every));
                }
                Some(kind) => {
                    assert_eq!((next, written), (None, Err(kind)));
                    assert_eq!(lease.hold.renew(faulty.as_ref(), id), None, "it stays lost");
                    assert_eq!(faulty.read("repo/x").unwrap(), None);
                }
            }
        }
    }
}
