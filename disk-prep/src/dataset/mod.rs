//! The data set: which files are to be copied, and where each one goes. A list, in the order in
//! which the data lies on a drive; made of a folder, or of the rows of a CSV file.

mod cells;
mod claims;
pub mod dataset_csv;
pub mod driveset_csv;
mod rows;
mod side_file;
mod table;
mod walk;
mod windows;

use std::path::{Path, PathBuf};

pub use dataset_csv::{Item, Row};
pub use driveset_csv::{DriveRow, EraseConsent};
pub use rows::{RowsOptions, read_dataset, read_driveset, scan_rows};
pub use side_file::{Listing, SideFile, SideKind, parse_side_file, with_side_files};
pub use table::CsvFault;
pub use walk::{FilesOptions, modified_ns, scan};

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::noun::{BlobPath, BlobType, DrivePath, ImportDisposition, count, lines, shown};
use crate::volume::ntfs;

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

/// The clashes among files of which others are refused already, so that all is told at once: the
/// path of one of the two, and the sentence.
fn clashes(files: &[DataFile]) -> Vec<(String, String)> {
    match ntfs::check_names(files.iter().map(|file| &file.path)) {
        Err(ntfs::Error::NamesClash { clashes }) => {
            clashes.into_iter().map(|clash| (clash.one.0.clone(), clash.to_string())).collect()
        }
        // Another fault of the names is told when these are mended.
        Err(_) | Ok(()) => Vec::new(),
    }
}

/// Finds the folders that hold nothing, in a walk that tells of a folder before what is in it.
#[derive(Debug, Default)]
struct EmptyFolders {
    /// The last entry, if it is a folder.
    last: Option<PathBuf>,
    found: Vec<PathBuf>,
}

impl EmptyFolders {
    /// Notes the next entry of the walk.
    fn note(&mut self, path: &Path, is_folder: bool) {
        self.found.extend(self.last.take().filter(|last| !path.starts_with(last)));
        self.last = is_folder.then(|| path.to_owned());
    }

    /// Those that it found.
    fn finish(mut self) -> Vec<PathBuf> {
        self.found.extend(self.last);
        self.found
    }
}

/// Whether a blob of this type can have this length; the error says why not.
fn check_size(bytes: u64, blob_type: BlobType) -> Result<(), String> {
    let (blocks, block, page) = (limits::BLOCKS_PER_BLOB, limits::BLOCK_BYTES, limits::PAGE_BYTES);
    match blob_type {
        BlobType::BlockBlob if bytes > blocks * block => Err(format!(
            "it has {bytes} bytes, a block blob takes at most {blocks} blocks of {block} bytes"
        )),
        BlobType::PageBlob if bytes > limits::PAGE_BLOB_BYTES => Err(format!(
            "it has {bytes} bytes, a page blob takes at most {}",
            limits::PAGE_BLOB_BYTES
        )),
        BlobType::PageBlob if !bytes.is_multiple_of(page) => {
            Err(format!("it has {bytes} bytes, a page blob takes a multiple of {page}"))
        }
        BlobType::BlockBlob | BlobType::PageBlob => Ok(()),
    }
}

/// The files of one preparation, sorted by their path on the drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataSet {
    /// The folder that all sources are below.
    pub root: PathBuf,
    /// The files; no two have one path or one blob.
    pub files: Vec<DataFile>,
    /// Folders that hold nothing: blobs lie in no folders, so they are not copied.
    pub empty_folders: Vec<PathBuf>,
    /// Folders that were listed whole, without links on the way, where the root does not say it.
    pub folders: Vec<PathBuf>,
}

impl DataSet {
    /// What a person should know of the set before it is copied, though it can be.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        let is_long = |file: &&DataFile| file.path.is_long();
        let long: Vec<&DrivePath> =
            self.files.iter().filter(is_long).map(|file| &file.path).collect();
        if !long.is_empty() {
            let (count, most) = (count(long.len(), "path"), limits::WINDOWS_PATH_CHARACTERS);
            remarks.push(format!(
                "{count} on the drive will have more than {most} characters, with which programs of \
                 Windows may fail:{}",
                lines(&long)
            ));
        }
        if !self.empty_folders.is_empty() {
            let count = count(self.empty_folders.len(), "empty folder");
            let folders: Vec<String> = self.empty_folders.iter().map(|path| shown(path)).collect();
            remarks.push(format!("{count} will not be copied:{}", lines(&folders)));
        }
        remarks
    }

    /// Bytes of all files.
    pub fn total_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_blob_can_hold_is_refused() {
        use BlobType::{BlockBlob, PageBlob};
        let most = 50_000 * (4 << 20);
        assert!(check_size(most, BlockBlob).is_ok() && check_size(most + 1, BlockBlob).is_err());
        assert!(check_size(8 << 40, PageBlob).is_ok());
        let fault = check_size((8 << 40) + 512, PageBlob).unwrap_err();
        assert!(fault.contains("at most 8796093022208"), "{fault}");
        assert!(check_size(513, PageBlob).unwrap_err().contains("a multiple of 512"));
    }
}
