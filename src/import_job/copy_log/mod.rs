//! What the datacenter tells of a drive that it has read: the classic log
//! (`azure-import-export` 7.1) and the log of Data Box, elements without a root around them (7.2).
//! Pure over bytes, which may be anybody's: nothing that a log says is a place to go to. What was
//! read before a log broke off counts, and that it broke off is told.

mod classic;
mod element;
mod fragments;

use self::classic::Classic;
use self::element::{Form, walk};
use self::fragments::Fragments;

/// What a log says of a drive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CopyLog {
    /// Which drive it is, in the log's own words.
    pub drive: Option<String>,
    /// How the drive ended, in the log's own word.
    pub status: Option<String>,
    /// Files that the log counts.
    pub files: Option<u64>,
    /// Files among them that did not arrive.
    pub errored: Option<u64>,
    /// What it says of single blobs, in its order.
    pub entries: Vec<Entry>,
    /// Why there is more than was read.
    pub cut: Option<Cut>,
}

/// What a log says of one blob, or of a whole container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The container, as the log has it.
    pub container: String,
    /// The blob's name in it; `None` when the container itself is meant.
    pub name: Option<String>,
    /// Where the file is on the drive, if the log says so.
    pub file_path: Option<String>,
    /// What happened.
    pub end: BlobEnd,
    /// Whether the service says that it put a blob there itself.
    pub is_made: bool,
}

/// What happened to a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlobEnd {
    /// It arrived.
    Arrived,
    /// The drive has no such file, by the log.
    Missing {
        /// The log's code.
        code: String,
    },
    /// Its content is not what the manifest says.
    Damaged {
        /// Which stretches, if the log says so.
        parts: Vec<Part>,
    },
    /// It did not go through for another reason.
    Failed {
        /// The log's code.
        code: String,
        /// The log's sentence; empty if it has none.
        text: String,
    },
    /// It arrived under another name.
    Renamed {
        /// That name, if the log says so.
        to: Option<String>,
    },
    /// A blob of its name was there and stayed.
    Skipped,
    /// A category of tomorrow.
    Unknown {
        /// The log's word for it.
        category: String,
        /// The log's sentence; empty if it has none.
        text: String,
    },
}

/// A stretch of a blob that did not go through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Where it begins.
    pub offset: u64,
    /// Its length.
    pub bytes: u64,
    /// The log's word for what happened to it.
    pub status: String,
}

/// Why a log has more than was read of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// It ends before its end.
    EndsEarly,
    /// It goes on as something that is no XML.
    NotXml,
    /// It is neither of the two forms.
    NoLog,
    /// Its elements lie too deep in one another.
    TooDeep,
    /// It has more entries than are kept.
    TooMany,
    /// It is longer than what is read of one.
    TooLong,
    /// It names fewer blobs than it counts.
    TooFew,
}

impl Cut {
    /// The end of a sentence about a log.
    pub const fn text(self) -> &'static str {
        match self {
            Cut::EndsEarly => "ends too early",
            Cut::NotXml => "goes on as something that is no XML",
            Cut::NoLog => "is no copy log",
            Cut::TooDeep => "has elements too deep in one another",
            Cut::TooMany => "has more entries than are kept",
            Cut::TooLong => "is too long to be read whole",
            Cut::TooFew => "names fewer blobs than it counts",
        }
    }
}

/// Bytes that are read of one log, at most; millions of entries.
pub const LOG_BYTES: u64 = 64 << 20;
/// Entries that are kept of one log, at most.
const ENTRIES: usize = 500_000;
/// Stretches that are kept of one blob, at most: a person reads no more.
const PARTS: usize = 100;

impl CopyLog {
    /// Reads the first [`LOG_BYTES`] of a log at most; never fails, since what it has is told even
    /// when the rest cannot be read.
    pub fn parse(bytes: &[u8]) -> Self {
        let most = usize::try_from(LOG_BYTES).unwrap_or(usize::MAX);
        let (own, is_longer) = match bytes.get(..most) {
            Some(own) if bytes.len() > most => (own, true),
            _ => (bytes, false),
        };
        let mut log = if is_classic(own) { read::<Classic>(own) } else { read::<Fragments>(own) };
        if is_longer {
            log.cut = Some(Cut::TooLong);
        }
        log
    }

    /// Whether the drive was read at all, by the log's own words.
    pub fn is_of_read_drive(&self) -> bool {
        match self.status.as_deref() {
            Some("Completed" | "CompletedWithErrors" | "CompletedWithWarnings" | "Succeeded") => {
                true
            }
            // The log of Data Box says so also when only a container was renamed.
            Some("Failed") => self.files.is_some_and(|files| files > 0),
            // One that was cut off has no status.
            None => self.cut.is_some(),
            Some(_) => false,
        }
    }

    fn push(&mut self, entry: Entry) -> Result<(), Cut> {
        if self.entries.len() >= ENTRIES {
            return Err(Cut::TooMany);
        }
        self.entries.push(entry);
        Ok(())
    }
}

fn read<F: Form>(bytes: &[u8]) -> CopyLog {
    let mut form = F::default();
    let cut = walk(bytes, &mut form).err();
    form.finish(cut)
}

/// The classic form has a root; it stands near the beginning.
fn is_classic(bytes: &[u8]) -> bool {
    let head = bytes.get(..4096).unwrap_or(bytes);
    let root = b"<DriveLog";
    // The other form has an element whose name only begins so.
    let is_whole = |after: Option<&u8>| after.is_none_or(|byte| !byte.is_ascii_alphanumeric());
    let is_root = |at: usize| {
        head[at..].starts_with(root) && is_whole(head.get(at.saturating_add(root.len())))
    };
    (0..head.len()).any(is_root)
}

#[cfg(test)]
mod tests;
