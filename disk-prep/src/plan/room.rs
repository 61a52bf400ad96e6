//! A drive as room for files, and how full it gets.

use std::collections::BTreeSet;

use super::error::Error;
use crate::dataset::ListedFile;
use crate::drive_layout::pinned;
use crate::limits::CLUSTER_BYTES;
use crate::manifest::{frame_bytes, text_bytes};
use crate::noun::{DrivePath, OnDrive, Serial};
use crate::volume::Fault;
use crate::volume::bitlocker::write::Placement;
use crate::volume::ntfs::NeedEstimator;

/// A drive as room for files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// The drive.
    pub serial: Serial,
    /// Length of its volume.
    pub volume_bytes: u64,
}

/// A room with files in it.
#[derive(Debug, Clone)]
pub(super) struct Filling {
    need: NeedEstimator,
    volume_bytes: u64,
    manifest_bytes: u64,
    data_bytes: u64,
    /// Metadata and properties files in it; each lies on the drive once.
    side_files: BTreeSet<DrivePath>,
}

impl Filling {
    /// The empty room: BitLocker's files and the manifest's name take their part already.
    pub fn new(room: &Room) -> Result<Self, Error> {
        let Room { serial, volume_bytes } = room;
        let placement =
            Placement::plan(*volume_bytes, CLUSTER_BYTES, 0).map_err(Fault::Volume).on(serial)?;
        let mut need = NeedEstimator::new(*volume_bytes, CLUSTER_BYTES, &pinned(&placement))
            .map_err(Fault::Layout)
            .on(serial)?;
        // The longest name that a manifest has; its clusters are counted apart.
        let manifest =
            DrivePath::from_components(["00000000-0000-0000-0000-000000000000.manifest"]);
        need.add(&manifest.expect("this name can be held"), 0);
        let manifest_bytes = frame_bytes(serial);
        let side_files = BTreeSet::new();
        Ok(Filling { need, volume_bytes: *volume_bytes, manifest_bytes, data_bytes: 0, side_files })
    }

    /// Adds files if all of them fit; else nothing changes.
    pub fn add<'a>(&mut self, files: impl Iterator<Item = ListedFile<'a>> + Clone) -> bool {
        let (mut manifest_bytes, mut data_bytes) = (self.manifest_bytes, self.data_bytes);
        let mut side_files = Vec::new();
        for file in files.clone() {
            self.need.add_parts(file.path_parts(), file.bytes());
            manifest_bytes += text_bytes(file);
            data_bytes += file.bytes();
            if let Some(made) = file.listing().content_md5() {
                self.need.add(&made.path, made.bytes());
            }
            for side in file.listing().side_files() {
                if self.side_files.insert(side.path.clone()) {
                    self.need.add(&side.path, side.bytes);
                    side_files.push(side);
                }
            }
        }
        if self.need.clusters() + manifest_bytes.div_ceil(CLUSTER_BYTES)
            <= self.need.cluster_total()
        {
            (self.manifest_bytes, self.data_bytes) = (manifest_bytes, data_bytes);
            return true;
        }
        for side in side_files.into_iter().rev() {
            self.need.remove(&side.path, side.bytes);
            self.side_files.remove(&side.path);
        }
        for file in files {
            if let Some(made) = file.listing().content_md5() {
                self.need.remove(&made.path, made.bytes());
            }
            self.need.remove_parts(file.path_parts(), file.bytes());
        }
        false
    }

    /// Bytes of the files in it.
    pub fn data_bytes(&self) -> u64 {
        self.data_bytes
    }

    /// Bytes that one more file can have, but for its name.
    pub fn room_bytes(&self) -> u64 {
        let used = self.need.clusters() + self.manifest_bytes.div_ceil(CLUSTER_BYTES);
        self.need.cluster_total().saturating_sub(used).saturating_mul(CLUSTER_BYTES)
    }

    /// Bytes that are left, roughly.
    pub fn free_bytes(&self) -> u64 {
        self.volume_bytes.saturating_sub(self.data_bytes)
    }
}
