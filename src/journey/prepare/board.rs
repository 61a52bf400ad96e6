//! How far a preparation is, for others who look over a share: `status.json` and a page, written anew
//! every ten seconds below the staging path. They hold no secret, and a place that cannot be written
//! stops nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use disk_prep::monitor::{Event, Monitor, Step};
use disk_prep::noun::{JobName, Serial};
use disk_prep::sys::durable::Access;
use disk_prep::sys::hold::hold;
use jiff::{Timestamp, ToSpan};
use serde::Deserialize;

use crate::outcome::{Attendant, Outcome};
use crate::staging::Staging;
use crate::vault::this_host;

const FOLDER: &str = "reports";
const FOLDER_MODE: u32 = 0o755;
const EVERY: Duration = Duration::from_secs(10);
/// Until a drive is worked on.
const UNTIL_BEGUN: Duration = Duration::from_millis(200);
/// A machine that has not written for so long does not write any more.
const SILENCE_SECS: i64 = 60;
/// Bytes of what another machine wrote there, at most.
const MOST_BYTES: u64 = 1 << 20;

/// How far a drive is.
#[derive(Debug, Clone)]
pub struct DriveStanding {
    /// Files that are to go onto it.
    pub files: usize,
    /// The step that it is at; none before the first.
    pub step: Option<Step>,
    /// Bytes of that step that are done; of a drive that is sealed, those that were filled.
    pub done_bytes: u64,
    /// All bytes of it; 0 if nobody knows.
    pub total_bytes: u64,
    /// How fast the step goes, once that is known.
    pub bytes_per_second: Option<u64>,
    /// Whether it is sealed.
    pub is_sealed: bool,
    /// Why it failed.
    pub failed: Option<&'static str>,
    /// Files that are left out of it.
    pub left_out: usize,
    /// Bytes of the fill, once it is done.
    filled_bytes: u64,
    began: Instant,
    began_bytes: u64,
}

/// How far a preparation is.
#[derive(Debug, Clone)]
pub struct PrepStanding {
    /// The job.
    pub job: JobName,
    /// The machine.
    pub host: String,
    /// When this was written.
    pub at: Timestamp,
    /// When the run began.
    pub begun: Timestamp,
    /// Whether the run has ended.
    pub has_ended: bool,
    /// The drives, in the order of their serials.
    pub drives: BTreeMap<Serial, DriveStanding>,
}

/// What another machine wrote, as far as it matters.
#[derive(Deserialize)]
struct Other {
    host: String,
    ended: bool,
    at: Timestamp,
}

/// Hands every event on, and remembers how far each drive is.
pub(super) struct Board {
    standing: Mutex<PrepStanding>,
    shown: Arc<dyn Monitor>,
    /// What its files are called, without their endings.
    name: String,
}

impl DriveStanding {
    fn new(files: usize) -> Self {
        DriveStanding {
            files,
            step: None,
            done_bytes: 0,
            total_bytes: 0,
            bytes_per_second: None,
            is_sealed: false,
            failed: None,
            left_out: 0,
            filled_bytes: 0,
            began: Instant::now(),
            began_bytes: 0,
        }
    }

    /// What it does, or what became of it.
    pub fn word(&self) -> &'static str {
        match (self.failed, self.is_sealed, self.step) {
            (Some(code), _, _) => code,
            (None, true, Some(Step::Verify)) => "verify",
            (None, true, _) => "sealed",
            (None, false, Some(step)) => step.name(),
            (None, false, None) => "planned",
        }
    }

    /// Seconds until its step ends, if that is known.
    pub fn seconds_left(&self) -> Option<u64> {
        let left = self.total_bytes.saturating_sub(self.done_bytes);
        self.bytes_per_second.filter(|speed| *speed > 0).map(|speed| left.div_ceil(speed))
    }

    fn note(&mut self, event: &Event<'_>) {
        match event {
            Event::StepStarted { step, done_bytes, total_bytes, .. } => {
                self.step = Some(*step);
                (self.done_bytes, self.total_bytes) = (*done_bytes, *total_bytes);
                (self.began, self.began_bytes) = (Instant::now(), *done_bytes);
                (self.bytes_per_second, self.failed) = (None, None);
            }
            Event::BytesDone { done_bytes, total_bytes, .. } => {
                (self.done_bytes, self.total_bytes) = (*done_bytes, *total_bytes);
                let bytes = u128::from(done_bytes.saturating_sub(self.began_bytes));
                let speed = (bytes * 1000).checked_div(self.began.elapsed().as_millis());
                self.bytes_per_second = speed.and_then(|speed| u64::try_from(speed).ok());
            }
            Event::StepFinished { step, .. } => {
                self.done_bytes = self.done_bytes.max(self.total_bytes);
                match step {
                    Step::Fill => self.filled_bytes = self.done_bytes,
                    Step::Seal => {
                        self.is_sealed = true;
                        (self.done_bytes, self.total_bytes) =
                            (self.filled_bytes, self.filled_bytes);
                    }
                    _ => {}
                }
            }
            Event::FileLeftOut { .. } => self.left_out += 1,
            Event::DriveFailed { error, .. } | Event::DriveSetAside { error, .. } => {
                self.failed = Some(error.code());
            }
            _ => {}
        }
    }
}

impl Monitor for Board {
    fn event(&self, event: &Event<'_>) {
        let (drive, files) = match event {
            Event::DrivePlanned { drive, files, .. } => (Some(*drive), *files),
            Event::StepStarted { drive, .. }
            | Event::BytesDone { drive, .. }
            | Event::StepFinished { drive, .. }
            | Event::FileLeftOut { drive, .. }
            | Event::DriveFailed { drive, .. }
            | Event::DriveSetAside { drive, .. } => (Some(*drive), 0),
            _ => (None, 0),
        };
        if let Some(drive) = drive {
            let drives = &mut hold(&self.standing).drives;
            let own = drives.entry(drive.clone()).or_insert_with(|| DriveStanding::new(files));
            own.note(event);
        }
        self.shown.event(event);
    }
}

impl Board {
    pub fn new(job: &JobName, home: &Staging, shown: Arc<dyn Monitor>) -> Self {
        let (host, at) = (this_host(), Timestamp::now());
        let name = name(&host, other(home), at);
        let drives = BTreeMap::new();
        let job = job.clone();
        let standing = PrepStanding { job, host, at, begun: at, has_ended: false, drives };
        Board { standing: Mutex::new(standing), shown, name }
    }

    /// Does the work, and writes how far it is until it ends.
    pub fn during<T>(
        &self,
        home: &Staging,
        attendant: &dyn Attendant,
        work: impl FnOnce() -> T,
    ) -> T {
        let (end, ended) = mpsc::channel::<()>();
        let is_told = AtomicBool::new(false);
        let told = &is_told;
        let write = move || {
            loop {
                let has_begun = self.has_begun();
                if has_begun {
                    self.write(home, attendant, told);
                }
                let pause = if has_begun { EVERY } else { UNTIL_BEGUN };
                if ended.recv_timeout(pause) != Err(mpsc::RecvTimeoutError::Timeout) {
                    return;
                }
            }
        };
        let done = std::thread::scope(|scope| {
            if let Err(error) = std::thread::Builder::new().spawn_scoped(scope, write) {
                tracing::warn!(%error, "no thread writes how far the work is");
            }
            let done = work();
            drop(end);
            done
        });
        hold(&self.standing).has_ended = true;
        if self.has_begun() {
            self.write(home, attendant, &is_told);
        }
        done
    }

    /// Whether anything was done at a drive. A run that is refused, or has nothing to do, leaves
    /// what the last one wrote.
    fn has_begun(&self) -> bool {
        hold(&self.standing).drives.values().any(|own| own.step.is_some())
    }

    /// That a place cannot be written is told once.
    fn write(&self, home: &Staging, attendant: &dyn Attendant, is_told: &AtomicBool) {
        let standing = PrepStanding { at: Timestamp::now(), ..hold(&self.standing).clone() };
        let lines: String = standing.json().iter().map(|line| format!("{line}\n")).collect();
        let put = |ending: &str, text: &str| {
            let place = Path::new(FOLDER).join(format!("{}.{ending}", self.name));
            home.root().write(&place, text.as_bytes(), Access::Public)
        };
        let made = home.root().make_folder(Path::new(FOLDER), FOLDER_MODE);
        let done =
            made.and_then(|_| put("html", &standing.page())).and_then(|()| put("json", &lines));
        if let Err(error) = &done
            && !is_told.swap(true, Ordering::Relaxed)
        {
            let text = format!("how far the work is could not be written below {FOLDER}/: {error}");
            attendant.warn(&text);
        }
    }
}

/// What another machine may have written.
fn other(home: &Staging) -> Option<Other> {
    let bytes = home.root().read(&Path::new(FOLDER).join("status.json"), MOST_BYTES).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// `status`; where another machine that fills drives from the same share writes that, a name of this
/// machine's own.
fn name(host: &str, other: Option<Other>, now: Timestamp) -> String {
    let since = now.saturating_sub(SILENCE_SECS.seconds()).unwrap_or(Timestamp::MIN);
    let is_at_work = |own: &Other| own.host != host && !own.ended && own.at >= since;
    match other.filter(is_at_work) {
        None => "status".to_owned(),
        Some(_) => {
            let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
            format!("status-{}", host.chars().map(plain).collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests {
    use disk_prep::monitor::VoidMonitor;

    use super::*;

    #[test]
    fn a_machine_leaves_the_page_of_another_that_is_at_work_alone() {
        let now: Timestamp = "2026-11-29T08:00:00Z".parse().unwrap();
        let name = |host: &str, ended, secs: i64| {
            let at = now - secs.seconds();
            name("pc.two/3", Some(Other { host: host.to_owned(), ended, at }), now)
        };
        assert_eq!(name("pc-one", false, 10), "status-pc_two_3");
        assert_eq!(name("pc-one", true, 10), "status", "it has ended");
        assert_eq!(name("pc-one", false, 120), "status", "it died");
        assert_eq!(name("pc.two/3", false, 10), "status", "it is this one");
        assert_eq!(super::name("a", None, now), "status");
    }

    #[test]
    fn each_drive_stands_where_its_last_event_says() {
        let at = Timestamp::UNIX_EPOCH;
        let standing = PrepStanding {
            job: "seed-1".parse().unwrap(),
            host: "pc".to_owned(),
            at,
            begun: at,
            has_ended: false,
            drives: BTreeMap::new(),
        };
        let name = "status".to_owned();
        let board = Board { standing: Mutex::new(standing), shown: Arc::new(VoidMonitor), name };
        let [one, two]: [Serial; 2] = ["A", "B"].map(|text| text.parse().unwrap());
        let (fill, seal) = (Step::Fill, Step::Seal);
        let begin = |drive, step, done_bytes, total_bytes| {
            board.event(&Event::StepStarted { drive, step, done_bytes, total_bytes });
        };
        board.event(&Event::DrivePlanned { drive: &one, files: 7, bytes: 100, blank: None });
        begin(&one, fill, 10, 100);
        begin(&two, fill, 0, 50);
        board.event(&Event::BytesDone { drive: &two, step: fill, done_bytes: 20, total_bytes: 50 });
        board.event(&Event::StepFinished { drive: &one, step: fill });
        begin(&one, seal, 0, 0);
        board.event(&Event::StepFinished { drive: &one, step: seal });
        let standing = hold(&board.standing).clone();
        let own = &standing.drives[&one];
        assert_eq!((own.files, own.step, own.is_sealed), (7, Some(seal), true));
        assert_eq!((own.done_bytes, own.total_bytes), (100, 100), "what was filled");
        let other = &standing.drives[&two];
        assert_eq!((other.done_bytes, other.total_bytes, other.is_sealed), (20, 50, false));
        let page = standing.page();
        assert!(page.contains("http-equiv=\"refresh\"") && page.contains("width:40%"), "{page}");
        let over = PrepStanding { has_ended: true, ..standing }.page();
        assert!(!over.contains("refresh") && over.contains("has ended"), "{over}");
    }
}
