//! The records of a preparation.

use disk_prep::journal::Holder;
use disk_prep::noun::{DrivePath, Serial, typed};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::path_text::PathText;
use super::record::Record;

/// A drive is ready to be sent.
#[derive(Serialize, JsonSchema)]
pub(super) struct SealedRecord<'a> {
    /// Serial number.
    #[schemars(with = "String")]
    pub serial: &'a Serial,
    /// Files on it that are in its manifest.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Where the manifest is on the drive.
    #[schemars(with = "String")]
    pub manifest: &'a DrivePath,
    /// Its hash as the job needs it, upper-case hexadecimal.
    pub manifest_hash: &'a str,
    /// The header hash; null in the legacy profile.
    pub header_hash: Option<&'a str>,
    /// When it was sealed.
    pub sealed_at: Timestamp,
    /// Files of its plan that are not in its manifest.
    pub left_out: usize,
}

impl Record for SealedRecord<'_> {
    const TYPE: &'static str = "drive-sealed";
}

/// A drive is not finished.
#[derive(Serialize, JsonSchema)]
pub(super) struct FailedRecord<'a> {
    /// Serial number.
    #[schemars(with = "String")]
    pub serial: &'a Serial,
    /// Why; `azseed explain` knows it.
    pub code: &'a str,
    /// What failed and why.
    pub message: String,
    /// Whether it is set aside for good: its files went to others.
    pub set_aside: bool,
}

impl Record for FailedRecord<'_> {
    const TYPE: &'static str = "drive-failed";
}

/// A file that a sealed drive lacks.
#[derive(Serialize, JsonSchema)]
pub(super) struct LeftOutRecord<'a> {
    /// Serial number.
    #[schemars(with = "String")]
    pub serial: &'a Serial,
    /// Its path on the drive.
    #[schemars(with = "String")]
    pub path: &'a DrivePath,
    /// The file that it is.
    pub source: PathText<'a>,
    /// Why it was left out, for people.
    pub reason: &'a str,
    /// Why, for programs: `file-unreadable`, `file-shrank`, `file-resized`, `file-modified`,
    /// `file-replaced`, `file-not-regular`, `stream-lost`, or `unsaid` from a journal of an
    /// earlier program.
    pub code: &'static str,
}

impl Record for LeftOutRecord<'_> {
    const TYPE: &'static str = "file-left-out";
}

/// Nobody can read the repository without what is missing; no job was made.
#[derive(Serialize, JsonSchema)]
pub(super) struct IncompleteRecord<'a> {
    /// Always `repository-incomplete`; `azseed explain` knows it.
    pub code: &'static str,
    /// Paths of the files that no drive has.
    #[schemars(with = "Vec<String>")]
    pub missing: Vec<&'a DrivePath>,
}

impl Record for IncompleteRecord<'_> {
    const TYPE: &'static str = "repository-incomplete";
}

/// The drives are ready, but the job could not be made.
#[derive(Serialize, JsonSchema)]
pub(super) struct NoJobRecord<'a> {
    /// Why; `azseed explain` knows it.
    pub code: &'a str,
    /// What failed.
    pub message: String,
}

impl Record for NoJobRecord<'_> {
    const TYPE: &'static str = "job-not-made";
}

/// What another run holds.
#[derive(Serialize, JsonSchema)]
pub(super) struct ClaimRecord<'a> {
    /// Serial number of the drive.
    #[schemars(with = "String")]
    serial: &'a Serial,
    /// Name of the machine that the run is on.
    host: &'a str,
    /// Number of its process there.
    process: u32,
    /// Since when it has the drive.
    since: Timestamp,
    /// The command that frees the claim of a run that is dead.
    release: String,
}

impl<'a> ClaimRecord<'a> {
    /// A drive and who claimed it.
    pub fn of((serial, holder): &'a (Serial, Holder)) -> Self {
        let Holder { host, process, since, .. } = holder;
        let release = typed(["azseed", "drive", "release", serial.as_str()]);
        ClaimRecord { serial, host, process: *process, since: *since, release }
    }
}

/// How a preparation ended.
#[derive(Serialize, JsonSchema)]
pub(super) struct PreparedRecord<'a> {
    /// Drives that are sealed.
    pub sealed: usize,
    /// Of these, sealed by this run.
    pub newly_sealed: usize,
    /// Drives that were not needed and not touched.
    #[schemars(with = "Vec<String>")]
    pub unused: &'a [Serial],
    /// Drives that were begun before and not named now.
    #[schemars(with = "Vec<String>")]
    pub waiting: &'a [Serial],
    /// Drives that another run fills.
    #[schemars(with = "Vec<String>")]
    pub with_others: Vec<&'a Serial>,
    /// The claims of these runs.
    pub claims: Vec<ClaimRecord<'a>>,
    /// Drives that were set aside before: do not ship them.
    #[schemars(with = "Vec<String>")]
    pub set_aside_before: &'a [Serial],
    /// Files that found no room.
    pub missing_files: usize,
    /// Their bytes.
    pub missing_bytes: u64,
    /// How many more drives they need; null if none or if nobody knows.
    pub more_drives: Option<usize>,
    /// Size of each of these in bytes.
    pub more_drives_bytes: Option<u64>,
    /// Whether the keys of the repository are on no drive.
    pub holds_keys: bool,
}

impl Record for PreparedRecord<'_> {
    const TYPE: &'static str = "prepared";
}
