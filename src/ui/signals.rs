//! What asks a run to stop: Ctrl-C, the end of its session, a service manager.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use disk_prep::noun::ErrorKind;
use disk_prep::stop::StopFlag;
use disk_prep::sys::hold::hold;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::screen::eprint;
use super::{drawn, progress};
use crate::outcome::Exit;

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
pub(super) fn stop_when_asked(
    is_heard: Arc<AtomicBool>,
    spot: progress::Spot,
    again: Again,
) -> StopFlag {
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
                let (place, again) = (place(&spot), line(&again));
                eprint(&format!("\nStopping at the next block{place}; {again} goes on{more}\n"));
                signals.next().await;
            }
            if hold(&spot).is_some() {
                eprint(&format!("\nStopped{}; {} goes on\n", place(&spot), line(&again)));
            }
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

/// What goes on.
fn line(again: &Again) -> String {
    hold(again).as_ref().map_or("the same command".to_owned(), |line| format!("`{line}`"))
}

/// Where the work is, behind what is said of it.
fn place(spot: &progress::Spot) -> String {
    hold(spot).as_ref().map_or(String::new(), |spot| format!(" ({spot})"))
}
