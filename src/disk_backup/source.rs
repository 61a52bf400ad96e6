//! What is backed up: a page blob or a managed disk of Azure, or an image of a disk on this machine.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use disk_prep::noun::{BlobPlace, JobName, ResourceGroup, Service, SubscriptionId};
use disk_prep::sys::machine::machine;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::azure::DiskId;

/// The word before an image's path.
pub const IMAGE: &str = "image:";
/// The word before a page blob's place.
pub const PAGE_BLOB: &str = "page-blob:";
/// The word before a managed disk's resource id.
pub const MANAGED_DISK: &str = "managed-disk:";

/// What is backed up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum DiskSource {
    /// A page blob.
    PageBlob(BlobPlace),
    /// A managed disk.
    Managed(DiskId),
    /// A file or a block device; its whole path.
    Image(PathBuf),
}

/// A word that is no source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it names no page blob, no managed disk and no image")]
pub struct NoSource;

impl DiskSource {
    /// As `--source` takes it.
    pub fn word(&self) -> String {
        match self {
            DiskSource::PageBlob(place) => format!("{PAGE_BLOB}{place}"),
            DiskSource::Managed(_) | DiskSource::Image(_) => self.to_string(),
        }
    }

    /// The page blob, if it is one.
    pub fn place(&self) -> Option<&BlobPlace> {
        match self {
            DiskSource::PageBlob(place) => Some(place),
            DiskSource::Managed(_) | DiskSource::Image(_) => None,
        }
    }

    /// The managed disk, if it is one.
    pub fn managed(&self) -> Option<&DiskId> {
        match self {
            DiskSource::Managed(id) => Some(id),
            DiskSource::PageBlob(_) | DiskSource::Image(_) => None,
        }
    }

    /// The image, if it is one.
    pub fn image(&self) -> Option<&Path> {
        match self {
            DiskSource::PageBlob(_) | DiskSource::Managed(_) => None,
            DiskSource::Image(path) => Some(path),
        }
    }
}

impl fmt::Display for DiskSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DiskSource::PageBlob(place) => place.fmt(f),
            DiskSource::Managed(id) => write!(f, "{MANAGED_DISK}{id}"),
            DiskSource::Image(path) => write!(f, "{IMAGE}{}", path.display()),
        }
    }
}

/// Reads what [`fmt::Display`] writes; a page blob may have its word before it too.
impl FromStr for DiskSource {
    type Err = NoSource;

    fn from_str(word: &str) -> Result<Self, NoSource> {
        if let Some(id) = word.strip_prefix(MANAGED_DISK) {
            return id.parse().map(DiskSource::Managed).map_err(|_| NoSource);
        }
        match word.strip_prefix(IMAGE) {
            Some(path) if Path::new(path).is_absolute() => Ok(DiskSource::Image(path.into())),
            Some(_) => Err(NoSource),
            None => {
                let place = word.strip_prefix(PAGE_BLOB).unwrap_or(word);
                place.parse().map(DiskSource::PageBlob).map_err(|_| NoSource)
            }
        }
    }
}

impl TryFrom<String> for DiskSource {
    type Error = NoSource;

    fn try_from(word: String) -> Result<Self, NoSource> {
        word.parse()
    }
}

impl From<DiskSource> for String {
    fn from(source: DiskSource) -> String {
        source.to_string()
    }
}

/// How an image becomes a fixed VHD, which a disk of Azure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VhdForm {
    /// It is one.
    AsIs,
    /// It gets zeros up to a whole number of MiB, and a footer.
    Add,
    /// Not at all: it is kept as its bytes are.
    None,
}

impl fmt::Display for VhdForm {
    /// As it is typed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            VhdForm::AsIs => "as-is",
            VhdForm::Add => "add",
            VhdForm::None => "none",
        })
    }
}

/// Whether two addresses are of one disk. Resource ids are told in any case, and blobs are not.
pub fn is_address(one: &str, other: &str) -> bool {
    let is_id = |own: &str| own.starts_with('/') && DiskId::from_str(own).is_ok();
    one == other || is_id(one) && one.eq_ignore_ascii_case(other)
}

/// The machine that has an image: a path is one disk on one machine, and another on the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageHost {
    /// Its name.
    pub name: String,
    /// A digest of its id, which is told to nobody as it is; empty where it has none.
    pub machine: String,
}

impl ImageHost {
    /// This one. Copied machines share the id, and strangers may share the name, so both are compared.
    pub fn here() -> Self {
        let (id, name) = machine();
        let digest = Sha256::digest(format!("azseed disk image {id}"));
        let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        ImageHost { name, machine: if id.is_empty() { String::new() } else { hex } }
    }
}

/// What is remembered of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageTerms {
    /// How it becomes a VHD.
    pub vhd: VhdForm,
    /// When its backup began: the time in the footer, which never changes.
    pub made_at: Timestamp,
    /// The job that brings it by drive, if one does.
    #[serde(default)]
    pub seed: Option<SeedJob>,
    /// The machine that has it; none in records of older programs.
    #[serde(default)]
    pub host: Option<ImageHost>,
    /// What it was at its last point; none before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<ImageSeen>,
}

/// What an image was at a point: another one may be at its path by the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageSeen {
    /// Its bytes.
    pub bytes: u64,
    /// What tells its device from others; none of a file, and where the kernel knows nothing.
    pub device: Option<String>,
}

impl ImageSeen {
    /// Whether so little is left of it that it may be another.
    pub fn has_shrunk(&self, now: &ImageSeen) -> bool {
        now.bytes < self.bytes / 2
    }
}

/// The job whose drives bring the first copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeedJob {
    /// Its name.
    pub job: JobName,
    /// The subscription that it is in.
    pub subscription: SubscriptionId,
    /// Its group.
    pub resource_group: ResourceGroup,
    /// The service that has it; none: whichever knows it.
    #[serde(default)]
    pub service: Option<Service>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_read_as_it_is_written() {
        let managed = "managed-disk:/subscriptions/11111111-2222-4333-8444-555555555555/\
                       resourceGroups/rg/providers/Microsoft.Compute/disks/os";
        for word in ["account1/disks/os.vhd", "image:/srv/os image.raw", managed] {
            let own: DiskSource = word.parse().unwrap();
            assert_eq!(own.to_string(), word);
        }
        let blob: DiskSource = "page-blob:account1/disks/os.vhd".parse().unwrap();
        assert_eq!(blob.to_string(), "account1/disks/os.vhd");
        assert_eq!(blob.word().parse(), Ok(blob));
        for word in ["image:", "image:os.raw", "account1/disks", "managed-disk:/subscriptions/x"] {
            assert_eq!(word.parse::<DiskSource>(), Err(NoSource), "{word}");
        }
        // An id is told in any case, a blob's name is not.
        let id = managed.strip_prefix(MANAGED_DISK).unwrap();
        assert!(is_address(id, &id.to_uppercase()) && !is_address(id, &format!("{id}2")));
        assert!(!is_address("https://h/c/os.vhd", "https://h/c/OS.vhd"));
    }
}
