//! Where file systems, arrays, volume managers and partition tables keep what they are known by,
//! beyond the first and last 16 MiB of a drive, which are always read whole. Pure arithmetic.
//!
//! Within 16 MiB of an end, and so in no row here: the boot sectors and superblocks of ext, XFS,
//! Btrfs, NTFS, FAT, exFAT, ReFS, HFS+, APFS, JFS, F2FS, ReiserFS, NILFS2, UFS, GFS2, OCFS2, ISO
//! 9660 and UDF with its anchors; swap; LUKS 1 and 2 with the second header; LVM with the copy at
//! the end; md 0.90 to 1.2, DDF, Intel's and other firmware's arrays; bcache, bcachefs, DRBD;
//! the four labels of ZFS; MBR, both GPTs, Apple's, Sun's and BSD's tables; LDM and Storage Spaces;
//! the last sector, where NTFS keeps its second boot sector.
//!
//! | place | what | source |
//! |---|---|---|
//! | 64 MiB, 256 GiB | Btrfs: mirrors of the superblock | kernel, `fs/btrfs/disk-io.h` |
//! | 16 to 20 MiB | VMFS: volume header behind the LVM one | util-linux, `libblkid/src/superblocks/vmfs.c` |
//! | 1, 10, 100, 1000 GiB | Ceph BlueStore: copies of the label | Ceph, `src/os/bluestore/bluestore_types.h` |
//! | groups 1, 3, 5, 7, 9, 25, 27, 49 | ext: copies of the superblock | kernel, `Documentation/filesystems/ext4/blockgroup.rst` |
//! | quarters; each TiB | XFS: superblocks of the allocation groups | xfsprogs, `mkfs/xfs_mkfs.c` |
//! | the middle | NTFS: the second boot sector of old versions | ntfs-3g, `libntfs-3g/boot.c` |
//! | thirds, middle and quarters behind 129 MiB | BitLocker: metadata | `bitlocker-volume` 2 |
//! | 17, 101, 129, 201, … MiB | first sectors of partitions of usual tables | `azure-import-export` 3.2; Microsoft, "UEFI/GPT-based hard drive partitions" |

use std::ops::Range;

use crate::limits::DATA_PARTITION_START;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;
/// A partition's first bytes, up to the superblock of Btrfs and of GFS2.
const HEAD: u64 = 128 << 10;

/// A stretch that a label may lie in, and whose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The stretch.
    pub bytes: Range<u64>,
    /// What lies there, as a person reads it.
    pub what: &'static str,
}

/// Where partitions of usual tables begin, in MiB.
const PARTITIONS: [u64; 18] =
    [1, 17, 33, 65, 100, 101, 117, 129, 200, 201, 257, 261, 277, 301, 501, 513, 551, 1025];

/// Where partitions of usual tables begin.
pub(super) fn partition_starts() -> impl Iterator<Item = u64> {
    // 200 MiB of EFI behind 40 sectors, as Apple's tables have.
    PARTITIONS.into_iter().map(|at| at * MIB).chain([200 * MIB + 40 * 512])
}

/// The places on a drive of this size, in no order; none reaches beyond its end.
pub(super) fn places(size: u64) -> Vec<Place> {
    let mut places = Vec::new();
    let mut add = |start: u64, length: u64, what| {
        if start < size {
            places.push(Place { bytes: start..size.min(start.saturating_add(length)), what });
        }
    };
    for at in [64 * MIB, 256 * GIB] {
        add(at, HEAD, "Btrfs keeps a copy of its superblock");
    }
    add(16 * MIB, 4 * MIB, "VMFS keeps its header");
    for at in [1, 10, 100, 1000] {
        add(at * GIB, HEAD, "Ceph keeps a copy of its label");
    }
    // Groups of 8 blocks for each byte of a block; those of 1 KiB blocks begin one block later.
    for block in [1024, 2048, 4096u64] {
        for group in [1, 3, 5, 7, 9, 25, 27, 49] {
            for base in [0, MIB] {
                add(base + group * 8 * block * block, 4096, "ext keeps a copy of its superblock");
            }
        }
    }
    // Within 1 MiB, whether on the whole drive or in a partition that begins at 1 MiB.
    for part in [size / 4, size / 2, size / 4 * 3] {
        add(part.saturating_sub(MIB), 2 * MIB, "XFS and NTFS keep copies of their first sector");
    }
    for part in 1..=size / TIB {
        add(part * TIB, 2 * MIB, "XFS keeps a copy of its superblock");
    }
    let volume = size.saturating_sub(DATA_PARTITION_START);
    for part in [volume / 3, volume / 2, volume / 4 * 3] {
        let around = (DATA_PARTITION_START + part).saturating_sub(MIB);
        add(around, 2 * MIB, "BitLocker keeps its metadata");
    }
    add(DATA_PARTITION_START + 32 * MIB, 2 * MIB, "BitLocker keeps its metadata");
    for at in partition_starts() {
        add(at, HEAD, "partitions of usual tables begin");
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_lies_on_the_drive_and_the_known_ones_are_there() {
        for size in [1 << 20, 210_000_000, 300 << 20, 4_000_787_030_016, u64::MAX >> 1] {
            let size = size.min(100 * TIB);
            let places = places(size);
            assert!(places.iter().all(|place| !place.bytes.is_empty() && place.bytes.end <= size));
        }
        let places = places(4_000_787_030_016);
        let known = [
            0x400_0000,
            0x40_0000_0000,
            18 << 20,
            1 << 30,
            1000 << 30,
            128 << 20,
            (8193 << 10) & !4095,
            32768 * 4096 * 3 + (1 << 20),
            4_000_787_030_016 / 2,
            1 << 40,
            129 << 20,
        ];
        for at in known {
            assert!(places.iter().any(|place| place.bytes.contains(&at)), "{at:#x}");
        }
    }
}
