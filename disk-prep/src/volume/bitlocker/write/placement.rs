//! Where a volume keeps its three metadata blocks, the encrypted copy of its first 8 KiB, and
//! the reserve after it (`bitlocker-volume` 1 and 2). Pure arithmetic.

use super::error::Error;
use crate::limits::SECTOR_BYTES;

const BLOCK: u64 = METADATA_BYTES as u64;
const COPY: u64 = FIRST_BYTES as u64;
/// Bytes of one metadata block (`bitlocker-volume` 1).
pub const METADATA_BYTES: usize = 65_536;
/// Bytes at the start of the volume that hold the plain header, and of their encrypted copy
/// (`bitlocker-volume` 1).
pub const FIRST_BYTES: usize = 8_192;

/// The first block, the copy and the reserve lie in one run.
const FIRST_RUN: u64 = BLOCK + COPY + BLOCK;
/// Windows keeps the first block above this where it can; its sample volumes do.
const PREFERRED_FIRST: u64 = 32 << 20;
const SMALLEST_VOLUME: u64 = 64 << 20;

/// A run that NTFS must give to a hidden file, since the unlocked view hides or reserves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinnedFile {
    /// Path from the root of the volume, `\` between the names.
    pub path: &'static str,
    /// First byte, from the start of the volume.
    pub offset: u64,
    /// Length of the run and of the file, bytes.
    pub bytes: u64,
}

/// The places of everything that is BitLocker's own, from the start of the volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    pub(super) volume_bytes: u64,
    pub(super) cluster_bytes: u64,
    pub(super) metadata: [u64; 3],
}

impl Placement {
    /// Chooses the places at about a third, a half and three quarters of the volume, each moved
    /// up to `min_offset` (the end of what NTFS puts first) and to the end of the one before.
    /// All sizes in bytes. Errors: a volume too small or of broken sectors, clusters that are no
    /// power of two from 512 to 8192.
    pub fn plan(volume_bytes: u64, cluster_bytes: u64, min_offset: u64) -> Result<Self, Error> {
        if !volume_bytes.is_multiple_of(SECTOR_BYTES) {
            return Err(Error::VolumeNotWholeSectors { volume_bytes });
        }
        if !cluster_bytes.is_power_of_two() || !(SECTOR_BYTES..=COPY).contains(&cluster_bytes) {
            return Err(Error::ClusterSize { cluster_bytes });
        }
        let start = min_offset.max(COPY).checked_next_multiple_of(BLOCK).unwrap_or(u64::MAX);
        // Two clusters more: the last one and what is left of one behind it stay free of us, since
        // the backup boot sector lies there.
        let needed_bytes = start
            .saturating_add(FIRST_RUN.next_multiple_of(BLOCK) + 2 * BLOCK + 2 * cluster_bytes)
            .max(SMALLEST_VOLUME);
        if volume_bytes < needed_bytes {
            return Err(Error::VolumeTooSmall { volume_bytes, needed_bytes });
        }
        let down = |offset: u64| offset / BLOCK * BLOCK;
        let first = down(volume_bytes / 3).max(PREFERRED_FIRST).max(start);
        let after_first = (first + FIRST_RUN).next_multiple_of(BLOCK);
        let second = down(volume_bytes / 2).max(after_first);
        let third = down(volume_bytes / 4 * 3).max(second + BLOCK);
        Ok(Placement { volume_bytes, cluster_bytes, metadata: [first, second, third] })
    }

    /// Size of the volume, bytes.
    pub fn volume_bytes(&self) -> u64 {
        self.volume_bytes
    }

    /// Cluster of the file system inside, bytes.
    pub fn cluster_bytes(&self) -> u64 {
        self.cluster_bytes
    }

    /// Where the three equal metadata blocks begin: M1, M2, M3.
    pub fn metadata(&self) -> [u64; 3] {
        self.metadata
    }

    /// Where the encrypted copy of the first 8 KiB begins: H.
    pub fn header_copy(&self) -> u64 {
        self.metadata[0] + BLOCK
    }

    /// Where the reserve begins, an ordinary encrypted stretch of 64 KiB of zeros: X.
    pub fn reserve(&self) -> u64 {
        self.header_copy() + COPY
    }

    /// The five files that keep NTFS away (`bitlocker-volume` 2), in this order:
    /// the three metadata blocks, the copy, the reserve.
    pub fn pinned(&self) -> [PinnedFile; 5] {
        let [first, second, third] = self.metadata;
        let file = |path, offset, bytes| PinnedFile { path, offset, bytes };
        [
            file(
                r"System Volume Information\FVE2.{e40ad34d-dae9-4bc7-95bd-b16218c10f72}.1",
                first,
                BLOCK,
            ),
            file(
                r"System Volume Information\FVE2.{e40ad34d-dae9-4bc7-95bd-b16218c10f72}.2",
                second,
                BLOCK,
            ),
            file(
                r"System Volume Information\FVE2.{e40ad34d-dae9-4bc7-95bd-b16218c10f72}.3",
                third,
                BLOCK,
            ),
            file(
                r"System Volume Information\FVE2.{24e6f0ae-6a00-4f73-984b-75ce9942852d}",
                self.header_copy(),
                COPY,
            ),
            file(
                r"System Volume Information\FVE2.{da392a22-cae0-4f0f-9a30-b8830385d046}",
                self.reserve(),
                BLOCK,
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noun::Diagnose;
    use proptest::prelude::*;

    #[test]
    fn a_large_volume_has_its_blocks_at_a_third_a_half_and_three_quarters() {
        let placement = Placement::plan(300 << 30, 4096, 1 << 30).unwrap();
        assert_eq!(placement.metadata(), [100 << 30, 150 << 30, 225 << 30]);
        assert_eq!(placement.header_copy(), (100 << 30) + 65_536);
        assert_eq!(placement.reserve(), (100 << 30) + 65_536 + 8_192);
        let tail = |at: usize| placement.pinned()[at].path.rsplit('.').next().unwrap();
        assert_eq!([tail(0), tail(1), tail(2)], ["1", "2", "3"]);
    }

    #[test]
    fn a_small_volume_keeps_its_first_block_above_32_mib() {
        assert_eq!(Placement::plan(71 << 20, 4096, 0).unwrap().metadata()[0], 32 << 20);
    }

    #[test]
    fn a_volume_without_room_is_refused() {
        let of = |volume, cluster, min| Placement::plan(volume, cluster, min).unwrap_err().code();
        assert_eq!(of(63 << 20, 4096, 0), "volume-too-small");
        assert_eq!(of(100 << 20, 4096, 100 << 20), "volume-too-small");
        assert_eq!(of(100 << 20, 4096, u64::MAX), "volume-too-small");
        assert_eq!(of((100 << 20) + 1, 4096, 0), "volume-not-whole-sectors");
        assert_eq!(of(100 << 20, 65_536, 0), "volume-cluster-size");
    }

    proptest! {
        #[test]
        fn the_runs_never_overlap_nor_touch_either_end(
            sectors in (64u64 << 11)..(16u64 << 31), cluster in 9u32..14, slack in 0u64..(2 << 20), tight: bool,
        ) {
            let (volume, cluster) = (sectors * 512, 1u64 << cluster);
            let min = if tight { volume - slack } else { slack };
            let Ok(placement) = Placement::plan(volume, cluster, min) else {
                prop_assert!(min + (1 << 20) > volume);
                return Ok(());
            };
            let mut runs: Vec<(u64, u64)> =
                placement.pinned().iter().map(|file| (file.offset, file.bytes)).collect();
            runs.sort_unstable();
            prop_assert!(runs[0].0 >= min.max(8192));
            for pair in runs.windows(2) {
                prop_assert!(pair[0].0 + pair[0].1 <= pair[1].0);
            }
            prop_assert!(runs[4].0 + runs[4].1 <= volume / cluster * cluster - cluster);
            prop_assert!(runs.iter().all(|run| run.0 % cluster == 0));
            let [first, second, third] = placement.metadata();
            prop_assert!(first < second && second < third);
        }
    }
}
