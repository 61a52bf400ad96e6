//! Reads that fail as a share or a disk does that may come back: which those are, and how long such
//! a one is waited for before a file is given up.

use crate::sys::hold::hold;
use std::io;
use std::sync::Mutex;
use std::time::Duration;

use rustix::io::Errno;

/// Waits before something is tried again; after the last it is given up.
const WAITS: [Duration; 3] =
    [Duration::from_millis(200), Duration::from_secs(1), Duration::from_secs(4)];
/// All waits together: thousands of bad files must not keep a run for days.
const MOST_WAITING: Duration = Duration::from_secs(120);
/// Errors of shares and disks that may come back.
const PASSING: [Errno; 8] = [
    Errno::IO,
    Errno::REMOTEIO,
    Errno::TIMEDOUT,
    Errno::STALE,
    Errno::AGAIN,
    Errno::CONNRESET,
    Errno::HOSTDOWN,
    Errno::HOSTUNREACH,
];

/// Whether a failure is one that may pass.
pub fn is_passing(error: &io::Error) -> bool {
    Errno::from_io_error(error).is_some_and(|errno| PASSING.contains(&errno))
}

/// How long a run has waited so far.
#[derive(Debug, Default)]
pub struct Patience(Mutex<Duration>);

impl Patience {
    /// Does something until it works, fails for good, or has failed too often. It is told which try
    /// this is, from 0 on.
    pub fn again<T, E>(
        &self,
        is_passing: impl Fn(&E) -> bool,
        wait: impl Fn(Duration),
        mut attempt: impl FnMut(usize) -> Result<T, E>,
    ) -> Result<T, E> {
        for (number, time) in WAITS.into_iter().enumerate() {
            match attempt(number) {
                Err(error) if is_passing(&error) && self.allows(time) => wait(time),
                done => return done,
            }
        }
        attempt(WAITS.len())
    }

    fn allows(&self, wait: Duration) -> bool {
        let mut waited = hold(&self.0);
        *waited += wait;
        *waited <= MOST_WAITING
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn what_may_pass_is_tried_four_times_and_a_run_has_so_much_patience_and_no_more() {
        let (patience, waits) = (Patience::default(), RefCell::new(Vec::new()));
        let ends = |error: Errno, times: usize| {
            let mut tries = 0;
            let done = patience.again(
                is_passing,
                |time| waits.borrow_mut().push(time),
                |number| {
                    assert_eq!(number, tries);
                    tries += 1;
                    if tries > times { Ok(()) } else { Err(io::Error::from(error)) }
                },
            );
            (done.is_ok(), tries, waits.take())
        };
        assert_eq!(ends(Errno::IO, 0), (true, 1, vec![]));
        assert_eq!(ends(Errno::IO, 3), (true, 4, WAITS.to_vec()));
        assert_eq!(ends(Errno::STALE, 9), (false, 4, WAITS.to_vec()));
        assert_eq!(ends(Errno::ACCESS, 9), (false, 1, vec![]));
        // Each takes more than five seconds of the two minutes.
        let whole = (0..30).filter(|_| ends(Errno::TIMEDOUT, 9).1 == 4).count();
        assert_eq!((whole, ends(Errno::TIMEDOUT, 9).1), (21, 1));
    }
}
