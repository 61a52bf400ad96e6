//! What asks a run to stop: Ctrl-C, the end of its session, a service manager.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use disk_prep::noun::ErrorKind;
use disk_prep::stop::StopFlag;
use disk_prep::sys::hold::hold;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::faults::Stopped;
use super::screen::{eprint, tell_json};
use super::{drawn, progress};
use crate::outcome::Exit;
use crate::report::said;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asker {
    Keyboard,
    /// SIGTERM or SIGHUP.
    System,
}

/// The signals that are waited for.
struct Signals {
    keyboard: Signal,
    end: Signal,
    /// None where whoever began the run has it outlive its session, as `nohup` does.
    hangup: Option<Signal>,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        let hangup = match is_hangup_ignored() {
            true => None,
            false => Some(signal(SignalKind::hangup())?),
        };
        let (keyboard, end) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        Ok(Signals { keyboard, end, hangup })
    }

    async fn next(&mut self) -> Asker {
        let hangup = async {
            match &mut self.hangup {
                Some(signal) => signal.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.keyboard.recv() => Asker::Keyboard,
            _ = self.end.recv() => Asker::System,
            _ = hangup => Asker::System,
        }
    }
}

/// Whether SIGHUP, which is signal 1, is ignored, as the kernel says it: proc(5), `SigIgn`.
fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & 1 == 1)
}

/// The first signal asks for a stop at the next block boundary; the second, or the first when nobody
/// looks at the flag, ends at once. Both are safe: the journal is the truth of a drive, and a backup
/// goes on from the packs that are whole.
pub(super) fn stop_when_asked(is_heard: Arc<AtomicBool>, last: Last) -> StopFlag {
    let stop = StopFlag::default();
    let asked = stop.clone();
    let wait = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async {
            let Ok(mut signals) = Signals::new() else { return };
            let asker = signals.next().await;
            if is_heard.load(Ordering::Relaxed) {
                asked.ask();
                let more = match asker {
                    Asker::Keyboard => ". Press Ctrl-C again to stop at once",
                    Asker::System => "",
                };
                let Stopped { place, again } = last.stopped();
                eprint(&format!("\nStopping at the next block{place}; {again} goes on{more}\n"));
                signals.next().await;
            }
            last.tell();
            drawn::clear();
            Exit::Failed(ErrorKind::Interrupted).leave();
        });
    };
    if let Err(error) = std::thread::Builder::new().spawn(wait) {
        // Then it ends at once, which is as safe.
        tracing::warn!(%error, "no thread waits for Ctrl-C");
    }
    stop
}

/// The line that goes on, where the same would begin anew.
pub(super) type Again = Arc<Mutex<Option<String>>>;

/// What is said last.
pub(super) struct Last {
    pub is_json: bool,
    /// Whether the command does more than to look.
    pub is_work: bool,
    pub spot: progress::Spot,
    pub again: Again,
}

impl Last {
    fn stopped(&self) -> Stopped {
        let place = hold(&self.spot).as_ref().map_or(String::new(), |spot| format!(" ({spot})"));
        let again = hold(&self.again).as_ref().map(|line| format!("`{line}`"));
        Stopped { place, again: again.unwrap_or("the same command".to_owned()) }
    }

    /// Nothing of what was only looked at.
    fn tell(&self) {
        let stopped = self.stopped();
        match self.is_json {
            _ if !self.is_work && stopped.place.is_empty() => {}
            true => tell_json(said::failure(&stopped)),
            false => eprint(&format!("\n{stopped}; {} goes on\n", stopped.again)),
        }
    }
}
