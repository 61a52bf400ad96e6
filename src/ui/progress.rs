//! Plain lines, one every ten seconds; and what stands before every face: what is kept back, logged,
//! or remembered as the place where the work is.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use disk_prep::monitor::{Event, Monitor, Step};
use disk_prep::noun::{ByteSize, Serial, count};
use disk_prep::sys::hold::hold;
use tracing::{debug, info};

use super::screen::{self, eprint};

/// How far the drives of a run are: bytes done and bytes in all, while they are filled.
#[derive(Debug, Default)]
pub(super) struct Fleet(BTreeMap<Serial, (u64, u64)>);

impl Fleet {
    /// Takes a drive's news; false if they are none of filling.
    pub fn note(&mut self, event: &Event<'_>) -> bool {
        match event {
            Event::StepStarted { drive, step: Step::Fill, done_bytes, total_bytes } => {
                self.0.insert((*drive).clone(), (*done_bytes, *total_bytes));
            }
            Event::BytesDone { drive, step: Step::Fill, done_bytes, .. } => {
                if let Some((done, _)) = self.0.get_mut(*drive) {
                    *done = *done_bytes;
                }
            }
            // Its files are counted with the drive that takes them.
            Event::DriveFailed { drive, .. } => {
                self.0.remove(*drive);
            }
            _ => return false,
        }
        true
    }

    /// The sums, if there is more than one drive.
    pub fn total(&self) -> Option<(u64, u64)> {
        let sum = |of: fn(&(u64, u64)) -> u64| self.0.values().map(of).sum();
        (self.0.len() > 1).then(|| (sum(|drive| drive.0), sum(|drive| drive.1)))
    }
}

/// What a person should read at once, in one line.
pub(super) fn remark(event: &Event<'_>) -> Option<String> {
    let text = match event {
        Event::DrivePlanned { drive, files, bytes, blank } => {
            let (files, bytes) = (count(*files, "file"), ByteSize(*bytes));
            let found =
                blank.map_or(String::new(), |look| format!("; it is blank: {}", look.text()));
            Some(format!("drive {drive}: {files}, {bytes} planned{found}"))
        }
        Event::FileLeftOut { drive, path, why } => {
            Some(format!("drive {drive}: {path} is left out: {why}"))
        }
        Event::DriveFailed { drive, error } => Some(format!("drive {drive}: {error}")),
        Event::Warning { drive, text } => Some(format!("drive {drive}: {text}")),
        _ => None,
    };
    text.map(|text| screen::line(&text).into_owned())
}

const LINE_EVERY: Duration = Duration::from_secs(10);

/// One plain line every ten seconds for each drive, and one for all of them.
#[derive(Debug, Default)]
pub struct Lines(Mutex<Standings>);

#[derive(Debug, Default)]
struct Standings {
    drives: HashMap<Serial, Standing>,
    fleet: Fleet,
    total: Option<Standing>,
    task: Option<Standing>,
}

/// Where something stood when its step began, and when it was last told of.
#[derive(Debug)]
struct Standing {
    began: Instant,
    began_bytes: u64,
    total_bytes: u64,
    told: Instant,
}

impl Standing {
    fn new(began_bytes: u64, total_bytes: u64) -> Self {
        let began = Instant::now();
        Standing { began, began_bytes, total_bytes, told: began }
    }

    /// How far it is, how fast, and how long it will take; `None` if it was told just now.
    fn tell(&mut self, done_bytes: u64) -> Option<String> {
        if self.told.elapsed() < LINE_EVERY || self.total_bytes == 0 {
            return None;
        }
        self.told = Instant::now();
        let total = self.total_bytes;
        let percent = u128::from(done_bytes) * 100 / u128::from(total);
        let speed =
            done_bytes.saturating_sub(self.began_bytes) as f64 / self.began.elapsed().as_secs_f64();
        let left = match speed {
            0.0 => "standing still".to_owned(),
            speed => {
                let seconds = total.saturating_sub(done_bytes) as f64 / speed;
                format!("{}/s, {} left", ByteSize(speed as u64), clock(seconds as u64))
            }
        };
        Some(format!("{percent} %, {} of {}, {left}", ByteSize(done_bytes), ByteSize(total)))
    }
}

/// A time as hours, minutes and seconds.
pub(super) fn clock(seconds: u64) -> String {
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds} s"),
        (0, _) => format!("{minutes} min"),
        _ => format!("{hours} h {minutes} min"),
    }
}

impl Lines {
    /// Nothing told yet.
    pub fn new() -> Self {
        Lines::default()
    }
}

impl Monitor for Lines {
    fn event(&self, event: &Event<'_>) {
        let told = &mut *hold(&self.0);
        match event {
            Event::StepStarted { drive, step, done_bytes, total_bytes } => {
                told.drives.insert((*drive).clone(), Standing::new(*done_bytes, *total_bytes));
                eprint(&format!("drive {drive}: {} begins\n", step.name()));
            }
            Event::BytesDone { drive, step, done_bytes, .. } => {
                let standing = told.drives.get_mut(*drive);
                if let Some(text) = standing.and_then(|standing| standing.tell(*done_bytes)) {
                    eprint(&format!("drive {drive}: {} {text}\n", step.name()));
                }
            }
            Event::TaskStarted { .. } => told.task = Some(Standing::new(0, 0)),
            Event::TaskBytes { task, done_bytes, total_bytes } => {
                let standing = told.task.get_or_insert_with(|| Standing::new(0, 0));
                standing.total_bytes = *total_bytes;
                if let Some(text) = standing.tell(*done_bytes) {
                    eprint(&format!("{} {text}\n", screen::line(task)));
                }
            }
            Event::TaskFinished { .. } => told.task = None,
            other => {
                if let Some(text) = remark(other) {
                    eprint(&format!("{text}\n"));
                }
            }
        }
        if told.fleet.note(event)
            && let Some((done, all)) = told.fleet.total()
        {
            let standing = told.total.get_or_insert_with(|| Standing::new(done, all));
            standing.total_bytes = all;
            if let Some(text) = standing.tell(done) {
                eprint(&format!("total: {text}\n"));
            }
        }
    }
}

/// Hands on what begins and ends, and not how far it is.
pub struct Steps(pub Arc<dyn Monitor>);

impl Monitor for Steps {
    fn event(&self, event: &Event<'_>) {
        if !matches!(event, Event::BytesDone { .. } | Event::TaskBytes { .. }) {
            self.0.event(event);
        }
    }
}

/// Hands on what makes the exit code another than 0: what is left out, and what fails.
pub struct Troubles(pub Arc<dyn Monitor>);

impl Monitor for Troubles {
    fn event(&self, event: &Event<'_>) {
        if matches!(
            event,
            Event::FileLeftOut { .. } | Event::DriveFailed { .. } | Event::DriveSetAside { .. }
        ) {
            self.0.event(event);
        }
    }
}

/// Where the work is, in words; for whoever stops it.
pub(super) type Spot = Arc<Mutex<Option<String>>>;

/// Hands every event on, and remembers where the work is.
pub struct Placed(pub Arc<dyn Monitor>, pub(super) Spot);

impl Monitor for Placed {
    fn event(&self, event: &Event<'_>) {
        let so_far = |done: u64, total: u64| match total {
            0 => format!("{} done", ByteSize(done)),
            _ => format!("{} of {}", ByteSize(done.min(total)), ByteSize(total)),
        };
        let spot = match event {
            Event::StepStarted { drive, step, total_bytes: 0, .. } => {
                Some(format!("drive {drive}: {}", step.name()))
            }
            Event::StepStarted { drive, step, done_bytes, total_bytes }
            | Event::BytesDone { drive, step, done_bytes, total_bytes } => {
                let so_far = so_far(*done_bytes, *total_bytes);
                Some(format!("drive {drive}: {}, {so_far}", step.name()))
            }
            Event::TaskStarted { task } => Some((*task).to_owned()),
            Event::TaskBytes { task, done_bytes, total_bytes } => {
                Some(format!("{task}: {}", so_far(*done_bytes, *total_bytes)))
            }
            _ => None,
        };
        if let Some(spot) = spot {
            *hold(&self.1) = Some(screen::line(&spot).into_owned());
        }
        self.0.event(event);
    }
}

/// Hands every event on, and logs what it means for the drive: steps, and what is durable.
pub struct Logged(pub Arc<dyn Monitor>);

impl Monitor for Logged {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::StepStarted { drive, step, done_bytes, total_bytes } => {
                info!(%drive, step = step.name(), done_bytes, total_bytes, "step begins");
            }
            Event::BytesDone { drive, step: Step::Fill, done_bytes, .. } => {
                info!(%drive, done_bytes, "checkpoint: flushed and journalled");
            }
            Event::BytesDone { drive, step, done_bytes, .. } => {
                debug!(%drive, step = step.name(), done_bytes, "goes on");
            }
            Event::StepFinished { drive, step } => {
                info!(%drive, step = step.name(), "step ends");
            }
            Event::FileLeftOut { drive, path, why } => info!(%drive, %path, %why, "left out"),
            Event::DriveFailed { drive, error } => info!(%drive, code = error.code(), "fails"),
            Event::DriveSetAside { drive, error } => {
                info!(%drive, code = error.code(), "is set aside");
            }
            Event::TaskStarted { task } => info!(task, "begins"),
            Event::TaskBytes { task, done_bytes, .. } => debug!(task, done_bytes, "goes on"),
            Event::TaskFinished { task } => info!(task, "ends"),
            _ => {}
        }
        self.0.event(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_that_of_all_drives_that_are_filled() {
        let [one, two]: [Serial; 2] = ["A", "B"].map(|text| text.parse().unwrap());
        let mut fleet = Fleet::default();
        let begin = |drive, done_bytes, total_bytes| {
            let step = Step::Fill;
            Event::StepStarted { drive, step, done_bytes, total_bytes }
        };
        assert!(fleet.note(&begin(&one, 10, 100)));
        assert_eq!(fleet.total(), None, "one drive is its own total");
        assert!(fleet.note(&begin(&two, 0, 50)));
        let done = |step, done_bytes| {
            let (drive, total_bytes) = (&two, 50);
            Event::BytesDone { drive, step, done_bytes, total_bytes }
        };
        assert!(fleet.note(&done(Step::Fill, 20)));
        assert!(!fleet.note(&done(Step::Wipe, 9)));
        assert_eq!(fleet.total(), Some((30, 150)));
    }

    #[test]
    fn a_line_says_how_far_how_fast_and_how_long() {
        let mut standing = Standing::new(1_000_000_000, 10_000_000_000);
        assert_eq!(standing.tell(2_000_000_000), None, "it was told just now");
        standing.began -= Duration::from_secs(100);
        standing.told -= Duration::from_secs(100);
        let text = standing.tell(3_000_000_000).unwrap();
        assert!(text.starts_with("30 %, 3.00 GB of 10.0 GB, "), "{text}");
        assert!(text.ends_with("MB/s, 5 min left"), "{text}");
        assert_eq!((clock(59), clock(7320)), ("59 s".to_owned(), "2 h 2 min".to_owned()));
    }
}
