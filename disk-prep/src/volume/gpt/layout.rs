//! The writing side: the places of the two partitions, and the table's two copies as bytes.

use std::io::{self, Read, Seek, SeekFrom, Write};

use gptman::{GPT, GPTPartitionEntry};
use uuid::{Uuid, uuid};

use super::error::Error;
use crate::limits::{
    DATA_PARTITION_START, LARGEST_VOLUME_BYTES, RESERVED_PARTITION_START, SECTOR_BYTES,
    SMALLEST_DRIVE_BYTES,
};

/// Partition type Microsoft Reserved.
pub const MICROSOFT_RESERVED: Uuid = uuid!("e3c9e316-0b5c-4db8-817d-f92df00215ae");
/// Partition type basic data.
pub const BASIC_DATA: Uuid = uuid!("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7");

const MIB: u64 = 1 << 20;
/// Protective MBR, header, 128 entries of 128 bytes.
const PRIMARY_BYTES: u64 = 34 * SECTOR_BYTES;
/// 128 entries of 128 bytes, header.
const BACKUP_BYTES: u64 = 33 * SECTOR_BYTES;

/// Where the volume lies on a drive; all in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiskLayout {
    /// Size of the drive.
    pub disk_bytes: u64,
    /// First byte of the volume's partition.
    pub partition_start: u64,
    /// Length of the volume's partition.
    pub partition_bytes: u64,
    /// Bytes of the drive left out because the volume may be no larger; 0 on most drives.
    pub capped_bytes: u64,
}

impl DiskLayout {
    /// The volume fills the drive from 129 MiB to the last whole MiB before the backup table, or
    /// the largest volume that we make. Errors: a drive too small or not of whole sectors.
    pub fn plan(disk_bytes: u64) -> Result<Self, Error> {
        if !disk_bytes.is_multiple_of(SECTOR_BYTES) {
            return Err(Error::DiskNotWholeSectors { disk_bytes });
        }
        // The smallest drive is named in decimal units; an image of it is whole MiB.
        let needed_bytes = SMALLEST_DRIVE_BYTES / MIB * MIB;
        if disk_bytes < needed_bytes {
            return Err(Error::DiskTooSmall { disk_bytes, needed_bytes });
        }
        let end = (disk_bytes - BACKUP_BYTES) / MIB * MIB;
        let whole = end - DATA_PARTITION_START;
        let partition_bytes = whole.min(LARGEST_VOLUME_BYTES);
        Ok(DiskLayout {
            disk_bytes,
            partition_start: DATA_PARTITION_START,
            partition_bytes,
            capped_bytes: whole - partition_bytes,
        })
    }

    /// First byte after the volume's partition.
    pub fn partition_end(&self) -> u64 {
        self.partition_start + self.partition_bytes
    }
}

/// The identifiers of a table, drawn by the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableGuids {
    /// Of the drive.
    pub disk: Uuid,
    /// Of the Microsoft Reserved partition.
    pub reserved: Uuid,
    /// Of the volume's partition.
    pub data: Uuid,
}

/// Both copies of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedTables {
    /// Protective MBR and primary table, for the first byte of the drive.
    pub primary: Vec<u8>,
    /// Backup table.
    pub backup: Vec<u8>,
    /// Where the backup table goes, bytes.
    pub backup_offset: u64,
}

/// Both copies of the table of `layout`.
pub fn encode(layout: &DiskLayout, guids: &TableGuids) -> Result<EncodedTables, Error> {
    let mut ends = DiskEnds::new(layout.disk_bytes);
    let failed = |source| Error::Encode { source };
    let mut table =
        GPT::new_from(&mut ends, SECTOR_BYTES, guids.disk.to_bytes_le()).map_err(failed)?;
    let entry = |kind: Uuid, guid: Uuid, start: u64, end: u64, name: &str| GPTPartitionEntry {
        partition_type_guid: kind.to_bytes_le(),
        unique_partition_guid: guid.to_bytes_le(),
        starting_lba: start / SECTOR_BYTES,
        ending_lba: end / SECTOR_BYTES - 1,
        attribute_bits: 0,
        partition_name: name.into(),
    };
    table[1] = entry(
        MICROSOFT_RESERVED,
        guids.reserved,
        RESERVED_PARTITION_START,
        DATA_PARTITION_START,
        "Microsoft reserved partition",
    );
    table[2] = entry(
        BASIC_DATA,
        guids.data,
        layout.partition_start,
        layout.partition_end(),
        "Basic data partition",
    );
    table.write_into(&mut ends).map_err(failed)?;
    GPT::write_protective_mbr_into(&mut ends, SECTOR_BYTES).map_err(failed)?;
    let backup_offset = ends.tail_start();
    Ok(EncodedTables { primary: ends.head, backup: ends.tail, backup_offset })
}

/// A drive of which only the two ends exist: all that a table is written to.
struct DiskEnds {
    disk_bytes: u64,
    position: u64,
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl DiskEnds {
    fn new(disk_bytes: u64) -> Self {
        let (head, tail) = (vec![0; PRIMARY_BYTES as usize], vec![0; BACKUP_BYTES as usize]);
        DiskEnds { disk_bytes, position: 0, head, tail }
    }

    fn tail_start(&self) -> u64 {
        self.disk_bytes - BACKUP_BYTES
    }

    /// What lies at the position, up to the end of that end.
    fn here(&mut self) -> &mut [u8] {
        let (start, tail_start) = (self.position, self.tail_start());
        match start.checked_sub(tail_start) {
            Some(at) => self.tail.get_mut(at as usize..).unwrap_or_default(),
            None => self.head.get_mut(start as usize..).unwrap_or_default(),
        }
    }
}

impl Read for DiskEnds {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let here = self.here();
        let count = here.len().min(buffer.len());
        buffer[..count].copy_from_slice(&here[..count]);
        self.position += count as u64;
        Ok(count)
    }
}

impl Write for DiskEnds {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let here = self.here();
        let count = here.len().min(buffer.len());
        here[..count].copy_from_slice(&buffer[..count]);
        self.position += count as u64;
        Ok(count)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for DiskEnds {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.disk_bytes.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noun::{Diagnose, ErrorKind};

    #[test]
    fn the_volume_ends_at_the_last_whole_mib_before_the_backup_table() {
        let layout = DiskLayout::plan(10_000_831_348_736).unwrap();
        assert_eq!(layout.partition_start, 129 << 20);
        assert_eq!(layout.partition_end() % MIB, 0);
        let gap = layout.disk_bytes - layout.partition_end();
        assert!((BACKUP_BYTES..BACKUP_BYTES + MIB).contains(&gap), "{gap}");
        assert_eq!(layout.capped_bytes, 0);
    }

    #[test]
    fn a_volume_is_capped_and_says_by_how_much() {
        let layout = DiskLayout::plan(20_000_588_955_648).unwrap();
        assert_eq!(layout.partition_bytes, LARGEST_VOLUME_BYTES);
        assert!(layout.capped_bytes > 2_000_000_000_000);
    }

    #[test]
    fn a_drive_too_small_or_of_broken_sectors_is_refused() {
        assert_eq!(DiskLayout::plan(100 << 20).unwrap_err().code(), "disk-too-small");
        assert_eq!(DiskLayout::plan((1 << 30) + 1).unwrap_err().code(), "disk-not-whole-sectors");
        assert!(DiskLayout::plan(200 << 20).is_ok());
    }

    #[test]
    fn a_table_of_two_partitions_with_one_identifier_is_not_encoded() {
        let layout = DiskLayout::plan(1 << 30).unwrap();
        let [disk, reserved, data] = [1, 2, 3].map(Uuid::from_u128);
        assert!(encode(&layout, &TableGuids { disk, reserved, data }).is_ok());
        let refused = encode(&layout, &TableGuids { disk, reserved, data: reserved }).unwrap_err();
        assert_eq!((refused.code(), refused.kind()), ("partition-table-encode", ErrorKind::Failed));
    }
}
