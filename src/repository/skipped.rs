//! Files that could not be read: the library only logs them and goes on. This is the log it
//! writes to; while a backup runs, every file left out is kept with its reason.

use std::sync::{Mutex, MutexGuard, Once};

use log::{Level, LevelFilter, Log, Metadata, Record};

/// What the library says of a file that it leaves out begins so.
const IGNORED: &str = "ignoring error";

static KEPT: Mutex<Option<Vec<String>>> = Mutex::new(None);
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
static SINK: Sink = Sink;

struct Sink;

impl Log for Sink {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Warn && metadata.target().starts_with("rustic_core")
    }

    fn log(&self, record: &Record<'_>) {
        let text = record.args().to_string();
        if let Some(reason) = text.strip_prefix(IGNORED).filter(|_| self.enabled(record.metadata()))
        {
            let mut kept = KEPT.lock().expect("no holder of this lock can panic");
            if let Some(kept) = kept.as_mut() {
                kept.push(reason.trim_start_matches([':', ' ']).to_owned());
            }
        }
    }

    fn flush(&self) {}
}

/// Keeps what is left out until it is asked for; one at a time in a process.
pub(super) struct Listening {
    _turn: MutexGuard<'static, ()>,
}

/// Begins to listen.
pub(super) fn listen() -> Listening {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // If somebody else has taken the log, nothing would be heard: that must not go unseen.
        log::set_logger(&SINK).expect("nobody else sets the log of this program");
        log::set_max_level(LevelFilter::Warn);
    });
    let turn = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    *KEPT.lock().expect("no holder of this lock can panic") = Some(Vec::new());
    Listening { _turn: turn }
}

impl Listening {
    /// What was left out.
    pub(super) fn finish(self) -> Vec<String> {
        KEPT.lock().expect("no holder of this lock can panic").take().unwrap_or_default()
    }
}
