//! What of a job is to be looked at: the blobs that the logs of its drives name, all of a drive
//! that was not read, and what drives had left out. A log only points at blobs; which there are,
//! the journals say.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use crate::import_job::copy_log::{BlobEnd, CopyLog, Cut, Entry};

use super::shipped::Item;

/// What is said to be wrong with a blob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The datacenter did not find it.
    Missing,
    /// It differs from the manifest.
    Damaged,
    /// It did not go through for another reason.
    Failed,
    /// It has another name.
    Renamed,
    /// A blob of its name was there and stayed.
    Kept,
    /// Nobody says what.
    Unknown,
    /// Its drive was not read.
    NotRead,
    /// Its drive lacks it.
    LeftOut,
    /// Nothing: it is looked at since all are.
    Listed,
}

impl Fault {
    /// The word of records.
    pub const fn name(self) -> &'static str {
        match self {
            Fault::Missing => "missing",
            Fault::Damaged => "damaged",
            Fault::Failed => "failed",
            Fault::Renamed => "renamed",
            Fault::Kept => "kept",
            Fault::Unknown => "unknown",
            Fault::NotRead => "drive-not-read",
            Fault::LeftOut => "left-out",
            Fault::Listed => "listed",
        }
    }
}

/// Why a blob is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// What is said to be wrong.
    pub fault: Fault,
    /// What the log says beside that; empty if nothing.
    pub detail: String,
    /// Whether the service says that it put a blob there itself.
    pub is_made: bool,
}

impl Reason {
    /// Without anything beside it.
    pub fn plain(fault: Fault) -> Self {
        Reason { fault, detail: String::new(), is_made: false }
    }

    fn of(end: &BlobEnd, is_made: bool) -> Option<Self> {
        let (fault, detail) = match end {
            BlobEnd::Arrived => return None,
            BlobEnd::Missing { code } => (Fault::Missing, code.clone()),
            BlobEnd::Damaged { parts } => {
                let part = parts.first();
                let first = part.map(|part| format!("{} at byte {}", part.status, part.offset));
                let more = parts.len().saturating_sub(1);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                (Fault::Damaged, first.map_or(String::new(), |first| first + &more))
            }
            BlobEnd::Failed { code, text } => (Fault::Failed, both(code, text)),
            BlobEnd::Renamed { to } => (Fault::Renamed, to.clone().unwrap_or_default()),
            BlobEnd::Skipped => (Fault::Kept, String::new()),
            BlobEnd::Unknown { category, text } => (Fault::Unknown, both(category, text)),
        };
        Some(Reason { fault, detail, is_made })
    }
}

fn both(word: &str, text: &str) -> String {
    if text.is_empty() { word.to_owned() } else { format!("{word}: {text}") }
}

/// What the logs of one drive point at.
#[derive(Debug, Default)]
pub struct Pointers {
    blobs: HashMap<String, Reason>,
    /// By the place on the drive, as the classic log has it: it keeps it when a blob is renamed.
    files: HashMap<String, Reason>,
    containers: HashMap<String, Reason>,
    /// Why all of the drive is meant.
    all: Option<Fault>,
    /// Names that no journal has met so far.
    unmet: BTreeSet<String>,
}

impl Pointers {
    /// All of the drive.
    pub fn all(fault: Fault) -> Self {
        Pointers { all: Some(fault), ..Pointers::default() }
    }

    /// What a log says.
    pub fn of(log: &CopyLog) -> Self {
        if !log.is_of_read_drive() {
            return Pointers::all(Fault::NotRead);
        }
        let mut own = Pointers::default();
        for Entry { container, name, file_path, end, is_made } in &log.entries {
            let Some(reason) = Reason::of(end, *is_made) else { continue };
            match (name, file_path) {
                (None, _) => {
                    own.unmet.insert(container.clone());
                    own.containers.insert(container.clone(), reason);
                }
                (Some(_), Some(path)) => {
                    own.unmet.insert(path.clone());
                    own.files.insert(path.clone(), reason);
                }
                (Some(name), None) => {
                    let blob = format!("{container}/{name}");
                    own.unmet.insert(blob.clone());
                    own.blobs.insert(blob, reason);
                }
            }
        }
        own
    }

    /// Why a blob of the drive is meant, if it is.
    pub fn meet(&mut self, item: &Item) -> Option<Reason> {
        let (blob, container) = (item.blob.to_string(), item.blob.container().as_str());
        let named = [
            (item.file_path.as_str(), self.files.get(&item.file_path)),
            (blob.as_str(), self.blobs.get(&blob)),
            (container, self.containers.get(container)),
        ];
        let met = named.into_iter().find_map(|(name, reason)| Some((name, reason?.clone())));
        if let Some((name, _)) = &met {
            self.unmet.remove(*name);
        }
        met.map(|(_, reason)| reason).or(self.all.map(Reason::plain))
    }

    /// How many names of the logs no blob of the drive has.
    pub fn unmet(&self) -> usize {
        self.unmet.len()
    }
}

/// Something of a job that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// A drive of the job has no journal here.
    NoJournal {
        /// The drive.
        serial: String,
    },
    /// A log has more than was read of it.
    LogCut {
        /// The drive.
        serial: String,
        /// Why.
        cut: Cut,
    },
    /// A log that the job names is gone.
    LogGone {
        /// The drive.
        serial: String,
    },
    /// A log names what no journal has.
    NotOurs {
        /// The drive.
        serial: String,
        /// How many names.
        count: usize,
    },
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LOOK: &str = "`azseed job reconcile` finds what it does not name";
        match self {
            Remark::NoJournal { serial } => {
                write!(f, "Drive {serial} has no journal here, so nothing of it is sent")
            }
            Remark::LogCut { serial, cut } => {
                write!(f, "The log of drive {serial} {}; {LOOK}", cut.text())
            }
            Remark::LogGone { serial } => {
                write!(f, "The log of drive {serial} is not there any more; {LOOK}")
            }
            Remark::NotOurs { serial, count } => write!(
                f,
                "The log of drive {serial} names {count} that no journal has; nothing is done \
                 with them"
            ),
        }
    }
}

/// Pointers of all drives, by serial number.
pub type AllPointers = BTreeMap<String, Pointers>;
