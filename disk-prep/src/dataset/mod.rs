//! The data set: which files are to be copied, and where each one goes. A list, in the order in
//! which the data lies on a drive; made of a folder, or of the rows of a CSV file.

pub mod dataset_csv;
pub mod driveset_csv;
mod rows;
mod side_file;
mod table;
mod walk;
mod windows;

use std::path::PathBuf;

pub use dataset_csv::{Item, Row};
pub use driveset_csv::{DriveRow, EraseConsent};
pub use rows::{RowsOptions, read_dataset, read_driveset, scan_rows};
pub use side_file::{Listing, SideFile, SideKind, parse_side_file, with_side_files};
pub use table::CsvFault;
pub use walk::{FilesOptions, modified_ns, scan};

use serde::{Deserialize, Serialize};

use crate::noun::{BlobPath, BlobType, DrivePath, ImportDisposition};

/// One file of the data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFile {
    /// Path of the source, relative to [`DataSet::root`].
    pub source: PathBuf,
    /// Where it lies on the drive.
    pub path: DrivePath,
    /// The blob it becomes.
    pub blob: BlobPath,
    /// Kind of that blob.
    #[serde(default, skip_serializing_if = "is_block_blob")]
    pub blob_type: BlobType,
    /// What happens when the blob is there already.
    pub disposition: ImportDisposition,
    /// Length when planned, bytes.
    pub bytes: u64,
    /// Time of the last change when planned, nanoseconds since 1970.
    pub modified_ns: i64,
    /// Whether it must lie on one drive with all others so marked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub together: bool,
    /// How the manifest speaks of it.
    #[serde(default, skip_serializing_if = "Listing::is_plain")]
    pub listing: Listing,
}

fn is_block_blob(blob_type: &BlobType) -> bool {
    *blob_type == BlobType::BlockBlob
}

/// The files of one preparation, sorted by their path on the drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataSet {
    /// The folder that all sources are below.
    pub root: PathBuf,
    /// The files; no two have one path or one blob.
    pub files: Vec<DataFile>,
}

impl DataSet {
    /// Bytes of all files.
    pub fn total_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}
