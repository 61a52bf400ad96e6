//! What a service manager is told that asked for it, as systemd does for the units of a schedule:
//! that the program goes on, and where the work is, which `systemctl status` shows:
//! <https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html>.

use std::env;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use disk_prep::sys::hold::hold;
use sd_notify::{NotifyState, notify, watchdog_enabled};

use super::progress::Spot;

/// How often it is told, unless its watchdog is less patient.
const EVERY: Duration = Duration::from_secs(10);
/// Where it is told.
const SOCKET: &str = "NOTIFY_SOCKET";

/// Tells it until the process ends, by a thread of its own: a program that is stopped, or stuck with
/// its place in hand, tells nothing any more, and the watchdog ends it.
pub(super) fn tell(spot: &Spot) {
    if env::var_os(SOCKET).is_none() {
        return;
    }
    let least = Duration::from_secs(1);
    let every = watchdog_enabled().map_or(EVERY, |patience| (patience / 2).clamp(least, EVERY));
    let spot = Arc::clone(spot);
    let tell = move || {
        // Nobody listens to what it cannot send.
        while tell_once(&spot).is_ok() {
            thread::sleep(every);
        }
    };
    if let Err(error) = thread::Builder::new().spawn(tell) {
        tracing::warn!(%error, "the service manager is told nothing");
    }
}

fn tell_once(spot: &Spot) -> io::Result<()> {
    let place = hold(spot).clone();
    let status = place.as_deref().unwrap_or("At work");
    notify(&[NotifyState::Watchdog, NotifyState::Status(status)])
}
