//! What a log says, whichever form it has.

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

/// Entries that are kept of one log, at most.
pub(super) const ENTRIES: usize = 500_000;
/// Stretches that are kept of one blob, at most: a person reads no more.
pub const PARTS: usize = 100;

impl CopyLog {
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

    pub(super) fn push(&mut self, entry: Entry) -> Result<(), Cut> {
        if self.entries.len() >= ENTRIES {
            return Err(Cut::TooMany);
        }
        self.entries.push(entry);
        Ok(())
    }
}
