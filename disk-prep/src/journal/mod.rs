//! The durable record of one drive, off the drive: what was begun, how far it is on the medium,
//! and that it is sealed. Append-only, each record checked by a chained digest; with the plan
//! file beside it, it is the truth for resume. `docs/formats.md` describes it.

mod claim;
mod error;
mod fault;
mod file_ends;
mod folder;
mod history;
mod holder;
mod keeper;
mod ledger;
mod line;
mod manifest_digests;
mod outline;
mod plan_file;
mod reason;
mod record;
mod segments;
mod witness;

pub use claim::Claim;
pub use error::Error;
pub use fault::JournalFault;
pub use file_ends::{FileEnds, FileMd5s};
pub use folder::JournalFolder;
pub use history::{CopyState, History, Stream};
pub use holder::Holder;
pub use keeper::{JournalOnly, KeeperError, KeptPassword, SecretKeeper};
pub use ledger::{FileLedger, Journal, Ledger};
pub use line::begins_as_journal;
pub use manifest_digests::{DigestReader, ManifestDigests};
pub use outline::{Outline, Outlines, Standing};
pub use plan_file::{DrivePlan, FirstClusters, parse_plan};
pub use reason::{FileChange, LeftOut, SetAside};
pub use record::{
    Base64, Begun, Copied, FileEnd, FileRecord, Finished, Progress, Record, Sealed, StreamMark,
    Tail,
};
pub use segments::Segments;
pub use witness::{Intent, Unwatched, Witness};
