//! What a drive will look like, from what was begun and its files alone: partitions, BitLocker's
//! places, the file system with the manifest behind its files and what
//! is made of their digests last. The same in every run.

use std::ops::Range;

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
use crate::volume::ntfs::{Edition, FileSpec, FileTime, Layout, PinnedRange, Run, VolumeParams};

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
        let specs = files.iter().map(|file| FileSpec {
            path: file.path_parts(),
            bytes: file.bytes(),
            time: FileTime::from_unix_nanos(file.modified_ns().into()),
        });
        let manifest = form.profile.manifest_path(form.manifest_guid);
        let (path, time) = (manifest.parts(), format_time);
        let specs = specs.chain([FileSpec { path, bytes: manifest_bytes, time }]);
        let specs = specs.chain(made_files(files).map(|made| FileSpec {
            path: made.path.parts(),
            bytes: made.bytes(),
            time,
        }));
        let volume =
            Layout::plan(&params, &[], specs, &pinned(&placement)).map_err(Fault::Layout)?;
        Ok(DriveLayout { disk, placement, volume, manifest_bytes, file_count: files.len() })
    }

    /// First cluster of each file; 0 for an empty one.
    pub fn first_clusters(&self) -> Vec<u64> {
        let first = |file| self.volume.runs(file).first().map_or(0, |run: &Run| run.first_cluster);
        (0..self.file_count).map(first).collect()
    }

    /// Where the manifest lies.
    pub fn manifest_runs(&self) -> &[Run] {
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
                _ => runs.push(*run),
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
