//! The boot sector (`ntfs-write-once` 6).

use crate::limits::SECTOR_BYTES;

/// Bytes of `$Boot`; behind the sector they are zero.
pub const BOOT_BYTES: u64 = 8192;

/// What the boot sector tells.
#[derive(Debug, Clone, Copy)]
pub struct BootFacts {
    /// Bytes of the volume.
    pub volume_bytes: u64,
    /// Bytes of a cluster.
    pub cluster_bytes: u64,
    /// Sectors before the volume on the drive.
    pub hidden_sectors: u64,
    /// First cluster of `$MFT`.
    pub mft: u64,
    /// First cluster of `$MFTMirr`.
    pub mirror: u64,
    /// Serial number of the volume.
    pub serial: u64,
}

/// The sector, which is the volume's first and its last.
pub fn boot_sector(facts: &BootFacts) -> [u8; 512] {
    let mut sector = [0; 512];
    let mut put = |at: usize, bytes: &[u8]| sector[at..at + bytes.len()].copy_from_slice(bytes);
    put(0x00, &[0xeb, 0x52, 0x90]);
    put(0x03, b"NTFS    ");
    put(0x0b, &(SECTOR_BYTES as u16).to_le_bytes());
    put(0x0d, &[(facts.cluster_bytes / SECTOR_BYTES) as u8]);
    put(0x15, &[0xf8]);
    put(0x18, &63u16.to_le_bytes());
    put(0x1a, &255u16.to_le_bytes());
    put(0x1c, &u32::try_from(facts.hidden_sectors).unwrap_or(0).to_le_bytes());
    put(0x24, &[0x80, 0, 0x80, 0]);
    put(0x28, &(facts.volume_bytes / SECTOR_BYTES - 1).to_le_bytes());
    put(0x30, &facts.mft.to_le_bytes());
    put(0x38, &facts.mirror.to_le_bytes());
    // Sizes below a cluster are given as the negative of their binary logarithm.
    put(0x40, &[(-10i8) as u8]);
    let index_unit = if facts.cluster_bytes <= 4096 {
        (4096 / facts.cluster_bytes) as u8
    } else {
        (-12i8) as u8
    };
    put(0x44, &[index_unit]);
    put(0x48, &facts.serial.to_le_bytes());
    // Boot code: halt.
    put(0x54, &[0xf4, 0xeb, 0xfd]);
    put(0x1fe, &[0x55, 0xaa]);
    sector
}
