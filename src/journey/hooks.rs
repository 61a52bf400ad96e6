//! What hooks are told, and the calls of them. A hook that fails is told and stops nothing; the one
//! that is asked before a run alone can keep it from beginning.

use disk_prep::noun::{Serial, VaultName};
use jiff::Timestamp;

use super::desk::Desk;
use crate::import_job::Job;
use crate::notify::HookError;
use crate::outcome::{Outcome, chain};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// A job was made.
    JobMade,
    /// A job or one of its drives stands otherwise than when it was seen last.
    JobChanged,
    /// A job's clock runs out within seven, three, one days, or has run out.
    JobDeadline,
    /// A drive can be sent.
    DriveSealed,
    /// A drive was not finished.
    DriveFailed,
    /// A preparation ended.
    PrepEnded,
    /// A run of a vault is about to begin.
    VaultRunBegins,
    /// A run of a vault did what was due.
    VaultRunEnded,
    /// A run of a vault failed.
    VaultRunFailed,
}

impl EventKind {
    /// The word that hooks find in `AZSEED_EVENT`.
    pub const fn name(self) -> &'static str {
        match self {
            EventKind::JobMade => "job-made",
            EventKind::JobChanged => "job-changed",
            EventKind::JobDeadline => "job-deadline",
            EventKind::DriveSealed => "drive-sealed",
            EventKind::DriveFailed => "drive-failed",
            EventKind::PrepEnded => "prep-ended",
            EventKind::VaultRunBegins => "vault-run-begins",
            EventKind::VaultRunEnded => "vault-run-ended",
            EventKind::VaultRunFailed => "vault-run-failed",
        }
    }
}

/// What it happened to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A job, as it stands now.
    Job(Box<Job>),
    /// A drive.
    Drive(Serial),
    /// A preparation, by the name of its job.
    Seed(String),
    /// A vault.
    Vault(VaultName),
}

/// Something that hooks are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// When; of a job by its service's time.
    pub at: Timestamp,
    /// What it happened to.
    pub subject: Subject,
    /// In a sentence.
    pub message: String,
    /// The code of what went wrong, if something did.
    pub code: Option<&'static str>,
}

impl Event {
    /// What happened in this moment, and went well.
    pub fn now(kind: EventKind, subject: Subject, message: String) -> Self {
        Event { kind, at: Timestamp::now(), subject, message, code: None }
    }

    /// The one object that a hook reads.
    fn line(&self) -> String {
        self.json().first().map(ToString::to_string).unwrap_or_default()
    }
}

/// Tells the hook of an event, if there is one.
pub fn tell(event: &Event, desk: &Desk<'_>) {
    let Some(hook) = &desk.hooks.on_event else { return };
    if let Err(error) = hook.call(event.kind.name(), &event.line()) {
        desk.attendant.warn(&chain(&error));
    }
}

/// Asks the hook that may keep a run from beginning.
pub fn ask(event: &Event, desk: &Desk<'_>) -> Result<(), HookError> {
    let Some(hook) = &desk.hooks.before else { return Ok(()) };
    hook.call(event.kind.name(), &event.line())
}
