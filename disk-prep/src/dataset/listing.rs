//! How the manifest speaks of a file: as a blob, with metadata and properties or without, or as the
//! metadata or properties of blobs.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::content_md5::ContentMd5;
use crate::noun::{DrivePath, Md5Digest};

/// How the manifest speaks of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Listing {
    /// As a blob.
    Blob {
        /// The file with its metadata.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metadata: Option<Box<SideFile>>,
        /// The file with its properties.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        properties: Option<Box<SideFile>>,
        /// The file with its MD5 and those properties, which takes the place of theirs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content_md5: Option<Box<ContentMd5>>,
    },
    /// As the metadata or properties of blobs; it becomes no blob itself.
    SideFile,
}

impl Default for Listing {
    fn default() -> Self {
        Listing::Blob { metadata: None, properties: None, content_md5: None }
    }
}

impl Listing {
    /// Whether it is a blob without metadata or properties.
    pub fn is_plain(&self) -> bool {
        *self == Listing::default()
    }

    /// What is copied beside the data: metadata, then properties.
    pub fn side_files(&self) -> impl Iterator<Item = &SideFile> {
        let (metadata, properties) = match self {
            Listing::Blob { metadata, properties, content_md5: None } => {
                (metadata.as_deref(), properties.as_deref())
            }
            Listing::Blob { metadata, .. } => (metadata.as_deref(), None),
            Listing::SideFile => (None, None),
        };
        metadata.into_iter().chain(properties)
    }

    /// The file with its MD5, if it gets one.
    pub fn content_md5(&self) -> Option<&ContentMd5> {
        match self {
            Listing::Blob { content_md5, .. } => content_md5.as_deref(),
            Listing::SideFile => None,
        }
    }
}

/// What is known of a metadata or properties file when it is planned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideFile {
    /// Path of the source, relative to the data set's root.
    pub source: PathBuf,
    /// Where it lies on the drive.
    pub path: DrivePath,
    /// Length, bytes.
    pub bytes: u64,
    /// Time of the last change, nanoseconds since 1970.
    pub modified_ns: i64,
    /// MD5 of it.
    pub md5: Md5Digest,
}

/// The two kinds of such files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SideKind {
    /// Names of one's own.
    Metadata,
    /// What HTTP says of the blob.
    Properties,
}

impl SideKind {
    /// The root element of such a file.
    pub const fn element(self) -> &'static str {
        match self {
            SideKind::Metadata => "Metadata",
            SideKind::Properties => "Properties",
        }
    }

    /// Their folder on the drive, below the job's: no container has such a name.
    pub(super) const fn folder(self) -> &'static str {
        match self {
            SideKind::Metadata => "_metadata",
            SideKind::Properties => "_properties",
        }
    }
}
