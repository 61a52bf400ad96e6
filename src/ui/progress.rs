//! Three ways to show the same events: bars, a plain line every ten seconds, JSON Lines.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use disk_prep::monitor::{Event, Monitor, Step};
use disk_prep::noun::{ByteSize, Diagnose, Serial};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::json;
use tracing::{debug, info};

use super::{eprint, print};

/// A bar for each drive and a line for what else happens.
#[derive(Debug)]
pub struct Bars {
    screen: MultiProgress,
    bars: Mutex<HashMap<Serial, ProgressBar>>,
}

impl Bars {
    /// An empty screen.
    pub fn new() -> Self {
        Bars { screen: MultiProgress::new(), bars: Mutex::default() }
    }

    fn line(&self, text: &str) {
        // Without a terminal there is nothing to draw on.
        let _ = self.screen.println(text);
    }
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template(
        "{prefix:<24} {msg:<7} {bar:24} {bytes:>10}/{total_bytes:<10} {bytes_per_sec:>12} {eta:>6}",
    )
    .expect("the template is right")
}

impl Monitor for Bars {
    fn event(&self, event: &Event<'_>) {
        let mut bars = self.bars.lock().expect("no holder of this lock can panic");
        match event {
            Event::StepStarted { drive, step, done_bytes, total_bytes } => {
                let bar = bars.entry((*drive).clone()).or_insert_with(|| {
                    let bar = ProgressBar::new(*total_bytes).with_style(style());
                    self.screen.add(bar.with_prefix(drive.to_string()))
                });
                bar.set_message(step.name());
                bar.set_length(*total_bytes);
                bar.set_position(*done_bytes);
                bar.reset_eta();
            }
            Event::BytesDone { drive, done_bytes, .. } => {
                if let Some(bar) = bars.get(*drive) {
                    bar.set_position(*done_bytes);
                }
            }
            Event::StepFinished { drive, step: Step::Seal | Step::Verify } => {
                if let Some(bar) = bars.remove(*drive) {
                    bar.finish_and_clear();
                }
            }
            Event::StepFinished { .. } => {}
            other => {
                if let Some(text) = remark(other) {
                    self.line(&text);
                }
            }
        }
    }
}

/// What a person should read at once.
fn remark(event: &Event<'_>) -> Option<String> {
    match event {
        Event::FileLeftOut { drive, path, reason } => {
            Some(format!("drive {drive}: {path} is left out: {reason}"))
        }
        Event::DriveSetAside { drive, error } => Some(format!("drive {drive}: {error}")),
        Event::Warning { drive, text } => Some(format!("drive {drive}: {text}")),
        _ => None,
    }
}

const LINE_EVERY: Duration = Duration::from_secs(10);
const JSON_EVERY: Duration = Duration::from_secs(1);

/// One plain line every ten seconds for each drive.
#[derive(Debug)]
pub struct Lines(Mutex<HashMap<Serial, Standing>>);

#[derive(Debug)]
struct Standing {
    step: Step,
    total_bytes: u64,
    told: Instant,
}

impl Lines {
    /// Nothing told yet.
    pub fn new() -> Self {
        Lines(Mutex::default())
    }
}

impl Monitor for Lines {
    fn event(&self, event: &Event<'_>) {
        let mut drives = self.0.lock().expect("no holder of this lock can panic");
        match event {
            Event::StepStarted { drive, step, total_bytes, .. } => {
                let told = Instant::now();
                let standing = Standing { step: *step, total_bytes: *total_bytes, told };
                drives.insert((*drive).clone(), standing);
                eprint(&format!("drive {drive}: {} begins\n", step.name()));
            }
            Event::BytesDone { drive, done_bytes, .. } => {
                let Some(standing) = drives.get_mut(*drive) else { return };
                if standing.told.elapsed() < LINE_EVERY || standing.total_bytes == 0 {
                    return;
                }
                standing.told = Instant::now();
                let percent = u128::from(*done_bytes) * 100 / u128::from(standing.total_bytes);
                let (done, total) = (ByteSize(*done_bytes), ByteSize(standing.total_bytes));
                let step = standing.step.name();
                eprint(&format!("drive {drive}: {step} {percent} %, {done} of {total}\n"));
            }
            other => {
                if let Some(text) = remark(other) {
                    eprint(&format!("{text}\n"));
                }
            }
        }
    }
}

/// Every event as one JSON object; how far a step is, at most once a second for each drive.
#[derive(Debug)]
pub struct JsonLines(Mutex<HashMap<Serial, Instant>>);

impl JsonLines {
    /// Nothing told yet.
    pub fn new() -> Self {
        JsonLines(Mutex::default())
    }

    fn is_due(&self, drive: &Serial) -> bool {
        let mut told = self.0.lock().expect("no holder of this lock can panic");
        let is_due = told.get(drive).is_none_or(|last| last.elapsed() >= JSON_EVERY);
        if is_due {
            told.insert(drive.clone(), Instant::now());
        }
        is_due
    }
}

impl Monitor for JsonLines {
    fn event(&self, event: &Event<'_>) {
        let line = match event {
            Event::StepStarted { drive, step, done_bytes, total_bytes } => json!({
                "type": "step-started", "version": 1, "serial": drive, "step": step.name(),
                "done_bytes": done_bytes, "total_bytes": total_bytes,
            }),
            Event::BytesDone { drive, .. } if !self.is_due(drive) => return,
            Event::BytesDone { drive, step, done_bytes } => json!({
                "type": "progress", "version": 1, "serial": drive, "step": step.name(),
                "done_bytes": done_bytes,
            }),
            Event::StepFinished { drive, step } => json!({
                "type": "step-finished", "version": 1, "serial": drive, "step": step.name(),
            }),
            Event::FileLeftOut { .. } => return,
            Event::DriveSetAside { drive, error } => json!({
                "type": "drive-error", "version": 1, "serial": drive, "code": error.code(),
                "message": error.to_string(),
            }),
            Event::Warning { drive, text } => json!({
                "type": "warning", "version": 1, "serial": drive, "message": text,
            }),
            _ => return,
        };
        print(&format!("{line}\n"));
    }
}

/// Hands every event on, and logs what it means for the drive: steps, and what is durable.
pub struct Logged(pub Box<dyn Monitor>);

impl Monitor for Logged {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::StepStarted { drive, step, done_bytes, total_bytes } => {
                info!(%drive, step = step.name(), done_bytes, total_bytes, "step begins");
            }
            Event::BytesDone { drive, step: Step::Fill, done_bytes } => {
                info!(%drive, done_bytes, "checkpoint: flushed and journalled");
            }
            Event::BytesDone { drive, step, done_bytes } => {
                debug!(%drive, step = step.name(), done_bytes, "goes on");
            }
            Event::StepFinished { drive, step } => {
                info!(%drive, step = step.name(), "step ends");
            }
            Event::FileLeftOut { drive, path, reason } => info!(%drive, %path, reason, "left out"),
            Event::DriveSetAside { drive, error } => info!(%drive, code = error.code(), "fails"),
            _ => {}
        }
        self.0.event(event);
    }
}
