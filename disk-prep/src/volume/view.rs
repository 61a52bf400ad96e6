//! A sealed drive as others see it: partition table, unlocked volume, file system through the
//! crate `ntfs`. Shares nothing with the writer but nouns, so it can prove what was written. The
//! drive may be hostile: nothing it says is followed out of it, or for ever.

use std::collections::{BTreeMap, HashSet};

use ntfs::attribute_value::NtfsAttributeValue;
use ntfs::structured_values::NtfsFileNamespace;
use ntfs::{KnownNtfsFileRecordNumber, Ntfs, NtfsFile};

use super::bitlocker::unlock::{self, UnlockedVolume, VolumeCursor};
use super::gpt::{PartitionTables, read_gpt};
use crate::device::Device;
use crate::noun::RecoveryPassword;

/// Basic data, the only kind of partition that is looked into.
const BASIC_DATA: uuid::Uuid = uuid::uuid!("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7");
/// Folders within folders, at most.
const DEEPEST: usize = 512;

/// Why a drive cannot be seen.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ViewError {
    /// Neither copy of the partition table is whole.
    #[error("There is no partition table: {fault}")]
    NoTable {
        /// What is wrong with the first copy.
        fault: String,
    },
    /// No partition holds data.
    #[error("There is no data partition")]
    NoPartition,
    /// The volume does not open.
    #[error(transparent)]
    Unlock(#[from] unlock::Error),
    /// The file system is damaged.
    #[error("The file system is damaged: {fault}")]
    FileSystem {
        /// What was found.
        fault: String,
    },
}

impl From<ntfs::NtfsError> for ViewError {
    fn from(error: ntfs::NtfsError) -> Self {
        ViewError::FileSystem { fault: error.to_string() }
    }
}

/// Where the volume of a drive lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VolumePlace {
    /// First byte on the drive.
    pub start: u64,
    /// Length.
    pub bytes: u64,
}

/// The tables of a drive, and the place of its first data partition.
pub fn find_volume(device: &dyn Device) -> Result<(PartitionTables, VolumePlace), ViewError> {
    let tables = read_gpt(device);
    let Some(table) = tables.best() else {
        let fault = tables.primary.as_ref().err().map(ToString::to_string).unwrap_or_default();
        return Err(ViewError::NoTable { fault });
    };
    let first = table.partitions.iter().find(|partition| partition.kind == BASIC_DATA);
    let place =
        first.map(|partition| VolumePlace { start: partition.start, bytes: partition.bytes });
    place.map(|place| (tables, place)).ok_or(ViewError::NoPartition)
}

/// Opens the volume at its place.
pub fn unlock<'d>(
    device: &'d dyn Device,
    place: VolumePlace,
    password: &RecoveryPassword,
) -> Result<UnlockedVolume<'d>, ViewError> {
    Ok(UnlockedVolume::open(device, place.start, place.bytes, password)?)
}

/// A file that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// Its length.
    pub bytes: u64,
    /// Where its data lies on the volume: start and length, `None` for a hole.
    runs: Vec<(Option<u64>, u64)>,
    /// Data that lies in the record itself.
    resident: Option<Vec<u8>>,
}

impl FoundFile {
    /// Where its data begins on the volume.
    pub fn first_byte(&self) -> u64 {
        self.runs.first().and_then(|(place, _)| *place).unwrap_or(0)
    }
}

/// What the file system says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSystemFacts {
    /// The label.
    pub label: String,
    /// Version, as `3.1`.
    pub version: String,
    /// Serial number.
    pub serial: u64,
    /// Bytes of a cluster.
    pub cluster_bytes: u32,
    /// Bytes of all sectors that it counts.
    pub bytes: u64,
}

/// The files of an unlocked volume.
#[derive(Debug)]
pub struct FileView<'v> {
    volume: &'v UnlockedVolume<'v>,
    /// Facts about the file system.
    pub facts: FileSystemFacts,
    /// Every file but those of the system, by path: `\folder\name`.
    pub files: BTreeMap<String, FoundFile>,
}

impl<'v> FileView<'v> {
    /// Walks all folders.
    pub fn open(volume: &'v UnlockedVolume<'v>) -> Result<Self, ViewError> {
        let mut cursor = volume.cursor();
        let ntfs = Ntfs::new(&mut cursor)?;
        let facts = facts(&ntfs, &mut cursor)?;
        let mut walk =
            Walk { ntfs: &ntfs, cursor: &mut cursor, seen: HashSet::new(), files: BTreeMap::new() };
        walk.folder(KnownNtfsFileRecordNumber::RootDirectory as u64, "", 0)?;
        let files = walk.files;
        Ok(FileView { volume, facts, files })
    }

    /// Fills `buffer` with a file's bytes from `at` on; behind its runs is zero.
    pub fn read(&self, file: &FoundFile, at: u64, buffer: &mut [u8]) -> Result<(), ViewError> {
        if let Some(resident) = &file.resident {
            let from = usize::try_from(at).unwrap_or(usize::MAX).min(resident.len());
            let length = buffer.len().min(resident.len() - from);
            buffer[..length].copy_from_slice(&resident[from..from + length]);
            buffer[length..].fill(0);
            return Ok(());
        }
        let (mut at, mut rest) = (at, buffer);
        let mut before = 0u64;
        for &(place, length) in &file.runs {
            let end = before.saturating_add(length);
            if !rest.is_empty() && at < end && at >= before {
                let inside = at - before;
                let count = (length - inside).min(rest.len() as u64);
                let (piece, later) = rest.split_at_mut(count as usize);
                match place {
                    Some(place) => self.volume.read_at(place.saturating_add(inside), piece)?,
                    None => piece.fill(0),
                }
                rest = later;
                at += count;
            }
            before = end;
        }
        rest.fill(0);
        Ok(())
    }
}

fn facts(ntfs: &Ntfs, cursor: &mut VolumeCursor<'_>) -> Result<FileSystemFacts, ViewError> {
    let info = ntfs.volume_info(cursor)?;
    let label = match ntfs.volume_name(cursor) {
        Some(name) => name?.name().to_string_lossy(),
        None => String::new(),
    };
    Ok(FileSystemFacts {
        label,
        version: format!("{}.{}", info.major_version(), info.minor_version()),
        serial: ntfs.serial_number(),
        cluster_bytes: ntfs.cluster_size(),
        bytes: ntfs.size(),
    })
}

struct Walk<'a, 'v> {
    ntfs: &'a Ntfs,
    cursor: &'a mut VolumeCursor<'v>,
    seen: HashSet<u64>,
    files: BTreeMap<String, FoundFile>,
}

impl Walk<'_, '_> {
    fn folder(&mut self, record: u64, path: &str, depth: usize) -> Result<(), ViewError> {
        if depth > DEEPEST || !self.seen.insert(record) {
            let fault = format!("the folder {path} leads back to itself or too deep");
            return Err(ViewError::FileSystem { fault });
        }
        for (record, name) in self.names(record)? {
            let path = format!("{path}\\{name}");
            let file = self.ntfs.file(self.cursor, record)?;
            if file.is_directory() {
                self.folder(record, &path, depth + 1)?;
            } else {
                let found = self.file(&file, &path)?;
                if self.files.insert(path.clone(), found).is_some() {
                    let fault = format!("there are two files {path}");
                    return Err(ViewError::FileSystem { fault });
                }
            }
        }
        Ok(())
    }

    /// The names of a folder with their records, without those of the system and short aliases.
    fn names(&mut self, record: u64) -> Result<Vec<(u64, String)>, ViewError> {
        let folder = self.ntfs.file(self.cursor, record)?;
        let index = folder.directory_index(self.cursor)?;
        let mut entries = index.entries();
        let mut names = Vec::new();
        while let Some(entry) = entries.next(self.cursor) {
            let entry = entry?;
            let number = entry.file_reference().file_record_number();
            let Some(name) = entry.key() else { continue };
            let name = name?;
            if number >= 24 && name.namespace() != NtfsFileNamespace::Dos {
                names.push((number, name.name().to_string_lossy()));
            }
        }
        Ok(names)
    }

    fn file(&mut self, file: &NtfsFile<'_>, path: &str) -> Result<FoundFile, ViewError> {
        let none = || ViewError::FileSystem { fault: format!("{path} has no data") };
        let item = file.data(self.cursor, "").ok_or_else(none)??;
        let attribute = item.to_attribute()?;
        let value = attribute.value(self.cursor)?;
        let mut found = FoundFile { bytes: value.len(), runs: Vec::new(), resident: None };
        match &value {
            NtfsAttributeValue::Resident(value) => found.resident = Some(value.data().to_vec()),
            NtfsAttributeValue::NonResident(value) => {
                for run in value.data_runs() {
                    let run = run?;
                    let place = run.data_position().value().map(|place| place.get());
                    found.runs.push((place, run.allocated_size()));
                }
            }
            NtfsAttributeValue::AttributeListNonResident(_) => {
                let fault = format!("{path} is spread over several records");
                return Err(ViewError::FileSystem { fault });
            }
        }
        Ok(found)
    }
}
