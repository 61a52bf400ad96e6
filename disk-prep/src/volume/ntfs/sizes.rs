//! How long each region of metadata is (`ntfs-write-once` 2).

use super::boot::BOOT_BYTES;
use super::index::BLOCK_BYTES;
use super::map::{Content, FIRST_RECORD, TABLE_BYTES};
use super::record::RECORD_BYTES;
use crate::limits::SECTOR_BYTES;

/// Sizes that follow from the volume and the number of names alone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    pub cluster_total: u64,
    pub record_count: u64,
    pub cluster_bytes: u64,
    volume_bytes: u64,
}

impl Sizes {
    pub fn new(volume_bytes: u64, cluster_bytes: u64, names: u64) -> Self {
        let whole_sectors = (volume_bytes / SECTOR_BYTES).saturating_sub(1) * SECTOR_BYTES;
        let unit = (cluster_bytes / RECORD_BYTES as u64).max(64);
        let record_count = (FIRST_RECORD + names + 64).next_multiple_of(unit);
        let cluster_total = whole_sectors / cluster_bytes;
        Sizes { cluster_total, record_count, cluster_bytes, volume_bytes }
    }

    /// The regions before the indexes with the lengths of their data, in order.
    pub fn fixed(&self) -> Vec<(Content, u64)> {
        let mirror = self.cluster_bytes.max(4096);
        let bitmap = self.cluster_total.div_ceil(8).next_multiple_of(8);
        let mut regions = vec![
            (Content::Boot, BOOT_BYTES),
            (Content::Mirror, mirror),
            (Content::RecordBitmap, self.record_count.div_ceil(8).next_multiple_of(8)),
            (Content::Records, self.record_count * RECORD_BYTES as u64),
            (Content::Bitmap, bitmap),
            (Content::Log, self.log_bytes()),
        ];
        regions.extend(TABLE_BYTES);
        regions
    }

    fn log_bytes(&self) -> u64 {
        const MIB: u64 = 1 << 20;
        let bytes = if self.volume_bytes <= 200 * MIB {
            2 * MIB
        } else if self.volume_bytes >= 12 << 30 {
            64 * MIB
        } else {
            self.volume_bytes / 200 / 65536 * 65536
        };
        bytes.next_multiple_of(self.cluster_bytes)
    }

    /// The regions of an index with so many blocks.
    pub fn index(folder: u32, block_count: u64) -> Vec<(Content, u64)> {
        let mut regions = Vec::new();
        if block_count > 0 {
            regions.push((Content::IndexBlocks(folder), block_count * BLOCK_BYTES as u64));
        }
        if block_count > 64 {
            let bytes = block_count.div_ceil(8).next_multiple_of(8);
            regions.push((Content::IndexBitmap(folder), bytes));
        }
        regions
    }
}
