//! Bars on a terminal: a line for each drive, in the order of their serials, one for all of them, one
//! for what is of no drive. Where there are more drives than lines, the drives stand in one line that
//! names the slowest.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use disk_prep::monitor::{Event, Monitor, Step};
use disk_prep::noun::Serial;
use disk_prep::sys::hold::hold;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use rustix::termios::tcgetwinsize;

use super::bar_line::{Row, Size, lines};
use super::progress::{Fleet, remark};
use super::{drawn, screen};

/// A terminal that says no size has this one.
const USUAL: Size = Size { columns: 80, rows: 24 };
/// A speed is told once the work has gone on for so long.
const SETTLED: Duration = Duration::from_secs(1);

/// Bars.
#[derive(Debug)]
pub(super) struct Bars {
    screen: Arc<MultiProgress>,
    shown: Mutex<Shown>,
}

/// Something that goes on, and since when.
#[derive(Debug)]
struct Work {
    step: &'static str,
    began: Instant,
    began_bytes: u64,
    done_bytes: u64,
    total_bytes: u64,
}

impl Work {
    fn new(step: &'static str, done_bytes: u64, total_bytes: u64) -> Self {
        let began = Instant::now();
        Work { step, began, began_bytes: done_bytes, done_bytes, total_bytes }
    }

    fn row(&self, name: &str) -> Row {
        let seconds = self.began.elapsed();
        let done = self.done_bytes.saturating_sub(self.began_bytes);
        let speed = (seconds >= SETTLED && done > 0).then(|| done as f64 / seconds.as_secs_f64());
        Row {
            name: screen::line(name).into_owned(),
            step: self.step,
            done_bytes: self.done_bytes,
            total_bytes: self.total_bytes,
            bytes_per_second: speed.map(|speed| speed as u64).filter(|speed| *speed > 0),
        }
    }
}

#[derive(Debug, Default)]
struct Shown {
    /// Sorted by serial.
    drives: std::collections::BTreeMap<Serial, Work>,
    fleet: Fleet,
    total: Option<Work>,
    task: Option<(String, Work)>,
    /// The lines on the screen.
    slots: Vec<ProgressBar>,
}

impl Bars {
    /// An empty screen.
    pub fn new() -> Self {
        let screen = Arc::new(MultiProgress::new());
        drawn::show(&screen);
        Bars { screen, shown: Mutex::default() }
    }

    fn draw(&self, shown: &mut Shown) {
        let rows: Vec<Row> =
            shown.drives.iter().map(|(serial, work)| work.row(serial.as_str())).collect();
        let total = shown.total.as_ref().map(|work| work.row("total"));
        let task = shown.task.as_ref().map(|(name, work)| work.row(name));
        let texts = lines(&rows, total.as_ref(), task.as_ref(), size());
        while shown.slots.len() > texts.len() {
            if let Some(slot) = shown.slots.pop() {
                slot.finish_and_clear();
                self.screen.remove(&slot);
            }
        }
        while shown.slots.len() < texts.len() {
            let style = ProgressStyle::with_template("{msg}").expect("the template is right");
            shown.slots.push(self.screen.add(ProgressBar::new(0).with_style(style)));
        }
        for (slot, text) in shown.slots.iter().zip(texts) {
            slot.set_message(text);
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        // What was stopped leaves no half of a bar behind.
        let _ = self.screen.clear();
    }
}

/// The size of the terminal as it is now.
fn size() -> Size {
    tcgetwinsize(std::io::stderr()).map_or(USUAL, |size| {
        let known = |own: u16, usual: usize| if own == 0 { usual } else { usize::from(own) };
        Size { columns: known(size.ws_col, USUAL.columns), rows: known(size.ws_row, USUAL.rows) }
    })
}

impl Monitor for Bars {
    fn event(&self, event: &Event<'_>) {
        let shown = &mut *hold(&self.shown);
        match event {
            Event::StepStarted { drive, step, done_bytes, total_bytes } => {
                let work = Work::new(step.name(), *done_bytes, *total_bytes);
                shown.drives.insert((*drive).clone(), work);
            }
            Event::BytesDone { drive, done_bytes, .. } => {
                if let Some(work) = shown.drives.get_mut(*drive) {
                    work.done_bytes = *done_bytes;
                }
            }
            Event::StepFinished { drive, step: Step::Seal | Step::Verify } => {
                shown.drives.remove(*drive);
            }
            Event::StepFinished { .. } => {}
            Event::TaskStarted { task } => {
                shown.task = Some(((*task).to_owned(), Work::new("", 0, 0)));
            }
            Event::TaskBytes { done_bytes, total_bytes, .. } => {
                if let Some((_, work)) = &mut shown.task {
                    (work.done_bytes, work.total_bytes) = (*done_bytes, *total_bytes);
                }
            }
            Event::TaskFinished { .. } => shown.task = None,
            other => {
                if let Event::DriveFailed { drive, .. } = other {
                    shown.drives.remove(*drive);
                }
                if let Some(text) = remark(other) {
                    // Without a terminal there is nothing to draw on.
                    let _ = self.screen.println(screen::message(&text));
                }
            }
        }
        if shown.fleet.note(event) {
            shown.total =
                shown.fleet.total().filter(|(done, all)| done < all).map(|(done, all)| {
                    let mut work =
                        shown.total.take().unwrap_or_else(|| Work::new("fill", done, all));
                    (work.done_bytes, work.total_bytes) = (done, all);
                    work
                });
        }
        self.draw(shown);
    }
}
