//! How the work tells what it does: typed events to a `Monitor`. The work itself never prints.

use std::sync::Mutex;

pub use crate::drive::Look;
use crate::journal::LeftOut;
use crate::noun::{Diagnose, DrivePath, Serial};
use crate::sys::hold::hold;

/// The steps of one drive, as a person follows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Step {
    /// Zeros over everything old (`--wipe zero`).
    Wipe,
    /// Partition tables written.
    Label,
    /// The one pass: metadata and data.
    Fill,
    /// Manifest, BitLocker metadata, read-back of both.
    Seal,
    /// Reading the whole drive back.
    Verify,
}

impl Step {
    /// The machine name of the step.
    pub const fn name(self) -> &'static str {
        match self {
            Step::Wipe => "wipe",
            Step::Label => "label",
            Step::Fill => "fill",
            Step::Seal => "seal",
            Step::Verify => "verify",
        }
    }
}

/// What happened.
#[derive(Debug)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are named in each sentence")]
pub enum Event<'a> {
    /// A drive got its files and its journal; nothing was written on it yet. `blank` says what was
    /// looked at if it was found blank; a drive to be erased and a new image have nothing there.
    DrivePlanned { drive: &'a Serial, files: usize, bytes: u64, blank: Option<Look> },
    /// A step began; `done_bytes` of `total_bytes` were done by an earlier run.
    StepStarted { drive: &'a Serial, step: Step, done_bytes: u64, total_bytes: u64 },
    /// So many bytes of the running step, of `total_bytes`, are done and, when filling, flushed
    /// and journalled.
    BytesDone { drive: &'a Serial, step: Step, done_bytes: u64, total_bytes: u64 },
    /// A file was left out of the drive's manifest.
    FileLeftOut { drive: &'a Serial, path: &'a DrivePath, why: &'a LeftOut },
    /// A step ended.
    StepFinished { drive: &'a Serial, step: Step },
    /// The work on a drive ended by an error. It keeps its files, and the next run goes on with it,
    /// unless it is set aside.
    DriveFailed { drive: &'a Serial, error: &'a dyn Diagnose },
    /// A drive that failed is set aside for good: its files go to others.
    DriveSetAside { drive: &'a Serial, error: &'a dyn Diagnose },
    /// Work that is of no drive began, such as writing a backup or taking a seed in.
    TaskStarted { task: &'a str },
    /// So many bytes of it are done; `total_bytes` is 0 while nobody knows.
    TaskBytes { task: &'a str, done_bytes: u64, total_bytes: u64 },
    /// It ended.
    TaskFinished { task: &'a str },
    /// Something to know that stops nothing.
    Warning { drive: &'a Serial, text: &'a str },
}

/// Receives events and may show them, log them or count them.
pub trait Monitor: Send + Sync {
    /// Called from any thread; must be quick.
    fn event(&self, event: &Event<'_>);
}

/// Forgets everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct VoidMonitor;

impl Monitor for VoidMonitor {
    fn event(&self, _event: &Event<'_>) {}
}

/// Keeps every event as text, for tests.
#[derive(Debug, Default)]
pub struct RecordingMonitor(Mutex<Vec<String>>);

impl RecordingMonitor {
    /// What was received so far.
    pub fn lines(&self) -> Vec<String> {
        hold(&self.0).clone()
    }
}

impl Monitor for RecordingMonitor {
    fn event(&self, event: &Event<'_>) {
        hold(&self.0).push(format!("{event:?}"));
    }
}
