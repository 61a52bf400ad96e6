//! The durable record of one drive, off the drive: what was begun, how far it is on the medium,
//! and that it is sealed. Append-only, each record checked by a chained digest; with the plan
//! file beside it, it is the truth for resume. `docs/formats.md` describes it.

mod claim;
mod folder;
mod history;
mod keeper;
mod ledger;
mod line;
mod outline;
mod plan_file;
mod record;
mod witness;

pub use claim::{Claim, Holder};
pub use folder::JournalFolder;
pub use history::{History, State, Stream};
pub use keeper::{JournalOnly, KeeperError, KeptPassword, SecretKeeper};
pub use ledger::{FileLedger, Journal, Ledger};
pub use outline::{Outline, Outlines, Standing};
pub use plan_file::{DrivePlan, parse_plan};
use plan_file::{read_plan, write_plan};
pub use record::{
    Base64, Begun, Copied, FileEnd, FileRecord, Finished, Progress, Record, Sealed, StreamMark,
    Tail,
};
pub use witness::{Intent, Unwatched, Witness};

use crate::noun::Serial;

/// What is wrong with a journal or plan file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each sentence names its fields")]
pub enum JournalFault {
    /// A record's digest does not fit: it was changed, moved or cut out.
    #[error("record {record} was changed or records before it are missing")]
    Changed { record: usize },
    /// A record's text is not one of ours.
    #[error("record {record} is not understood: {fault}")]
    Unknown { record: usize, fault: String },
    /// It does not begin as journals do.
    #[error("it does not begin with what was begun")]
    NoBeginning,
    /// A newer program wrote it.
    #[error("it has version {version}; this program knows versions up to 1")]
    Newer { version: u32 },
    /// It lies under the name of another drive.
    #[error("it tells of drive {serial}, whose journal has another name")]
    OtherName { serial: Serial },
    /// The plan file is not the one that the journal was begun with.
    #[error("the plan file beside it is not the one it was begun with")]
    OtherPlan,
}
