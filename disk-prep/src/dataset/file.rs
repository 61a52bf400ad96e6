//! One file of the data set, and what it must be to become a blob.

use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::listing::Listing;
use crate::limits;
use crate::noun::{BlobPath, BlobType, DrivePath, ImportDisposition};
use crate::sys::beneath::About;
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

/// In the place of the time of its last change: it is a block device, which has none.
pub const DEVICE: i64 = i64::MIN;

/// What the walk of a folder finds of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    /// Its length.
    pub bytes: u64,
    /// Time of its last change, nanoseconds since 1970.
    pub modified_ns: i64,
}

impl Facts {
    pub fn of(about: &About) -> Self {
        let (seconds, nanoseconds) = about.mtime;
        let modified_ns = nanos(seconds, nanoseconds.into());
        Facts { bytes: about.bytes, modified_ns }
    }
}

impl From<&std::fs::Metadata> for Facts {
    fn from(metadata: &std::fs::Metadata) -> Self {
        Facts { bytes: metadata.len(), modified_ns: modified_ns(metadata) }
    }
}

/// Time of the last change of a file's content, nanoseconds since 1970.
pub fn modified_ns(metadata: &std::fs::Metadata) -> i64 {
    nanos(metadata.mtime(), metadata.mtime_nsec())
}

fn nanos(seconds: i64, nanoseconds: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds)
}

/// The clashes among files of which others are refused already, so that all is told at once: the
/// path of one of the two, and the sentence.
pub(super) fn clashes<'a>(
    paths: impl Iterator<Item = (&'a str, &'a str)> + Clone,
) -> Vec<(String, String)> {
    match ntfs::check_names(paths) {
        // Two that are one path by every letter are told as what they are.
        Err(ntfs::Error::NamesClash { clashes }) => clashes
            .into_iter()
            .filter(|clash| clash.one.0 != clash.other.0)
            .map(|clash| (clash.one.0.clone(), clash.to_string()))
            .collect(),
        // Another fault of the names is told when these are mended.
        Err(_) | Ok(()) => Vec::new(),
    }
}

/// Whether a blob of this type can have this length; the error says why not.
pub(super) fn check_size(bytes: u64, blob_type: BlobType) -> Result<(), String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    impl DataFile {
        /// A file of a plan, for tests.
        pub(crate) fn sample(name: &str, bytes: u64) -> Self {
            DataFile {
                source: name.into(),
                path: format!("\\job-1\\{name}").parse().unwrap(),
                blob: format!("target/{name}").parse().unwrap(),
                blob_type: BlobType::BlockBlob,
                disposition: ImportDisposition::Overwrite,
                bytes,
                modified_ns: 0,
                together: false,
                listing: Listing::default(),
            }
        }
    }

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
