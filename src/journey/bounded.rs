//! Work that nobody waits for longer than he said.

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

/// What comes of some work, unless the time is over before; the work is left to itself then.
pub(super) fn bounded<T: Send + 'static>(
    within: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let (tell, told) = channel();
    let run = move || {
        let _ = tell.send(work());
    };
    thread::Builder::new().spawn(run).ok()?;
    told.recv_timeout(within).ok()
}
