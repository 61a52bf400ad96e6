//! What is wrong with what a journal or plan file says.

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
    #[error("it is not the one that the drive was begun with")]
    OtherPlan,
}
