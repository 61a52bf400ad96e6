//! What a drive will look like, from what was begun and its files alone: partitions, BitLocker's
//! places, the file system with the manifest behind its files and what
//! is made of their digests last. The same in every run.

use std::ops::Range;
use std::sync::Arc;

use jiff::Timestamp;
use uuid::Uuid;

use crate::dataset::{ContentMd5, FileList};
use crate::fill::Pass;
use crate::journal::Begun;
use crate::limits::CLUSTER_BYTES;
use crate::manifest::{Profile, length_bytes};
use crate::noun::{DrivePath, Serial, Wipe};
use crate::volume::Fault;
use crate::volume::bitlocker::write::Placement;
use crate::volume::gpt::DiskLayout;
use crate::volume::ntfs::{
    Edition, FileSpec, FileTime, Files, Layout, PinnedRange, Run, VolumeParams,
};

/// The label of every volume we make.
pub const LABEL: &str = "azseed";

/// What is decided of a drive before it is laid out.
#[derive(Debug, Clone)]
pub struct DriveForm {
    /// The drive.
    pub serial: Serial,
    /// Its size.
    pub drive_bytes: u64,
    /// The format time of the volume.
    pub at: Timestamp,
    /// Serial number of the NTFS volume.
    pub volume_serial: u64,
    /// Name of the manifest.
    pub profile: Profile,
    /// Part of that name in the modern profile.
    pub manifest_guid: Uuid,
    /// Which of our file systems it gets.
    pub edition: Edition,
}

impl From<&Begun> for DriveForm {
    fn from(begun: &Begun) -> Self {
        DriveForm {
            serial: begun.serial.clone(),
            drive_bytes: begun.drive_bytes,
            at: begun.at,
            volume_serial: begun.volume_serial,
            profile: begun.profile,
            manifest_guid: begun.manifest_guid,
            edition: begun.edition(),
        }
    }
}

/// The layout of one drive.
#[derive(Debug)]
pub struct DriveLayout {
    /// The partitions.
    pub disk: DiskLayout,
    /// BitLocker's places in the volume.
    pub placement: Placement,
    /// The file system.
    pub volume: Layout,
    /// Length of the manifest.
    pub manifest_bytes: u64,
    file_count: usize,
}

impl DriveLayout {
    /// Lays out a drive with these files.
    pub fn plan(form: &DriveForm, files: &FileList) -> Result<Self, Fault> {
        let disk = DiskLayout::plan(form.drive_bytes).map_err(Fault::Partitions)?;
        let placement =
            Placement::plan(disk.partition_bytes, CLUSTER_BYTES, 0).map_err(Fault::Volume)?;
        let manifest_bytes = length_bytes(&form.serial, files);
        let format_time = file_time(form.at);
        let params = VolumeParams {
            volume_bytes: disk.partition_bytes,
            cluster_bytes: CLUSTER_BYTES as u32,
            label: LABEL.to_owned(),
            hidden_sectors: disk.partition_start / crate::limits::SECTOR_BYTES,
            serial: form.volume_serial,
            format_time,
            edition: form.edition,
        };
        let is_made = |&index: &u32| files.at(index as usize).listing().content_md5().is_some();
        let all = Arc::new(AllFiles {
            files: files.clone(),
            manifest: form.profile.manifest_path(form.manifest_guid),
            manifest_bytes,
            made: (0..files.len() as u32).filter(is_made).collect(),
            format_time,
        });
        let volume = Layout::plan(&params, &[], all, &pinned(&placement)).map_err(Fault::Layout)?;
        Ok(DriveLayout { disk, placement, volume, manifest_bytes, file_count: files.len() })
    }

    /// First cluster of each file; 0 for an empty one.
    pub fn first_clusters(&self) -> impl Iterator<Item = u64> + '_ {
        (0..self.file_count).map(|file| self.volume.first_cluster(file))
    }

    /// Where the manifest lies.
    pub fn manifest_runs(&self) -> Vec<Run> {
        self.volume.runs(self.file_count)
    }

    /// Where the properties files lie that are made of digests: one behind the other, each in whole
    /// clusters.
    pub fn made_runs(&self, files: &FileList) -> Vec<Run> {
        let first = self.file_count + 1;
        let own =
            (first..first + made_files(files).count()).flat_map(|file| self.volume.runs(file));
        let mut runs: Vec<Run> = Vec::new();
        for run in own {
            match runs.last_mut() {
                Some(last) if last.end() == run.first_cluster => {
                    last.cluster_count += run.cluster_count;
                }
                _ => runs.push(run),
            }
        }
        runs
    }

    /// The pass over the volume.
    pub fn pass<'a>(&'a self, files: &'a FileList, wipe: Option<Wipe>) -> Pass<'a> {
        Pass::new(&self.volume, files, self.disk.partition_bytes, self.zeros(wipe))
    }

    /// Zeros besides metadata and files: BitLocker's reserve, and if the drive is wiped, all that
    /// is free.
    fn zeros(&self, wipe: Option<Wipe>) -> Vec<Range<u64>> {
        let reserve = self.placement.reserve();
        let reserve = reserve..reserve + crate::volume::bitlocker::write::METADATA_BYTES as u64;
        let free = match wipe {
            Some(Wipe::Zero) => self.volume.free_ranges(),
            Some(Wipe::Discard | Wipe::None) | None => Vec::new(),
        };
        free.into_iter().chain([reserve]).collect()
    }
}

/// All files of a drive: those of its plan, the manifest, then what is made of digests.
#[derive(Debug)]
struct AllFiles {
    files: FileList,
    manifest: DrivePath,
    manifest_bytes: u64,
    /// The files of the plan whose digests something is made of.
    made: Vec<u32>,
    format_time: FileTime,
}

impl Files for AllFiles {
    fn count(&self) -> usize {
        self.files.len() + 1 + self.made.len()
    }

    fn at(&self, index: usize) -> FileSpec<'_> {
        if let Some(file) = self.files.get(index) {
            let time = FileTime::from_unix_nanos(file.modified_ns().into());
            return FileSpec { path: file.path_parts(), bytes: file.bytes(), time };
        }
        let time = self.format_time;
        let Some(behind) = index.checked_sub(self.files.len() + 1) else {
            return FileSpec { path: self.manifest.parts(), bytes: self.manifest_bytes, time };
        };
        let made = self.files.at(self.made[behind] as usize).listing().content_md5();
        let made = made.expect("only such files are listed");
        FileSpec { path: made.path.parts(), bytes: made.bytes(), time }
    }
}

/// The properties files that are made when the digests of these files are known.
pub fn made_files(files: &FileList) -> impl Iterator<Item = &ContentMd5> + Clone {
    files.iter().filter_map(|file| file.listing().content_md5())
}

fn file_time(at: Timestamp) -> FileTime {
    FileTime::from_unix_nanos(at.as_nanosecond())
}

/// BitLocker's files as the file system keeps their clusters.
pub fn pinned(placement: &Placement) -> Vec<PinnedRange> {
    placement
        .pinned()
        .into_iter()
        .map(|file| PinnedRange {
            first_cluster: file.offset / CLUSTER_BYTES,
            cluster_count: file.bytes / CLUSTER_BYTES,
            path: DrivePath::from_components(file.path.split('\\'))
                .expect("BitLocker's own names can be held"),
        })
        .collect()
}
