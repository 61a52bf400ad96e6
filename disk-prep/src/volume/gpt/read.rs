//! The reading side: both copies of a table, each judged by itself, from a drive that may be
//! anybody's. Every length is checked before it is used, nothing larger than 1 MiB is read.
//!
//! | at | bytes | header field |
//! |---|---|---|
//! | 0 | 8 | `EFI PART` |
//! | 12 | 4 | header size |
//! | 16 | 4 | CRC-32 of the header with this field zero |
//! | 24, 32 | 8 each | sector of this header, of the other one |
//! | 56 | 16 | disk GUID |
//! | 72 | 8 | first sector of the entries |
//! | 80, 84 | 4 each | number of entries, size of one |
//! | 88 | 4 | CRC-32 of the entries |

use std::io;

use uuid::Uuid;

use crate::device::Device;
use crate::limits::SECTOR_BYTES;
use crate::volume::fields::{guid_at, u32_at, u64_at};

const SIGNATURE: &[u8] = b"EFI PART";
const SMALLEST_HEADER: u32 = 92;
const SMALLEST_ENTRY: u32 = 128;
const LARGEST_ARRAY: u64 = 1 << 20;

/// One partition; all places in bytes from the start of the drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Its place in the table, from 1.
    pub number: u32,
    /// What it is for.
    pub kind: Uuid,
    /// Its identifier.
    pub guid: Uuid,
    /// First byte.
    pub start: u64,
    /// Length, bytes.
    pub bytes: u64,
    /// Its name; unpaired surrogates are replaced.
    pub name: String,
}

/// One copy of the table, its checksums right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionTable {
    /// Identifier of the drive.
    pub disk_guid: Uuid,
    /// The partitions in use, in table order.
    pub partitions: Vec<Partition>,
    /// Where it says that the other copy is, bytes.
    other_copy: u64,
}

/// What is wrong with one copy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableFault {
    /// The drive has no such place.
    #[error("The drive of {disk_bytes} bytes has no room for a partition table")]
    NoRoom {
        /// The drive, bytes.
        disk_bytes: u64,
    },
    /// The sectors cannot be read.
    #[error("Cannot read the partition table at {offset:#x}")]
    Read {
        /// Where, bytes.
        offset: u64,
        /// What the device said.
        #[source]
        source: io::Error,
    },
    /// There is no table.
    #[error("There is no partition table at {offset:#x}")]
    Absent {
        /// Where, bytes.
        offset: u64,
    },
    /// A field has a value that it cannot have.
    #[error("The partition table at {offset:#x} has {actual:#x} as its {field}")]
    Field {
        /// Where the header is, bytes.
        offset: u64,
        /// Which field.
        field: &'static str,
        /// What it holds.
        actual: u64,
    },
    /// A partition that does not lie on the drive.
    #[error(
        "Partition {number} of the partition table at {offset:#x} does not end on this drive of \
         {disk_bytes} bytes: the drive is shorter than it was, or another"
    )]
    Beyond {
        /// Where the header is, bytes.
        offset: u64,
        /// Its place in the table, from 1.
        number: u32,
        /// The drive, bytes.
        disk_bytes: u64,
    },
    /// Header or entries were changed or damaged.
    #[error(
        "The {part} of the partition table at {offset:#x} have checksum {actual:#010x}, not {expected:#010x}"
    )]
    Checksum {
        /// Where the header is, bytes.
        offset: u64,
        /// `header bytes` or `entries`.
        part: &'static str,
        /// As the header says.
        expected: u32,
        /// As computed.
        actual: u32,
    },
}

/// Both copies, each read by itself.
#[derive(Debug)]
pub struct PartitionTables {
    /// The copy at the start of the drive.
    pub primary: Result<PartitionTable, TableFault>,
    /// The copy at its end.
    pub backup: Result<PartitionTable, TableFault>,
    /// What else is not as it should be.
    pub doubts: Vec<TableDoubt>,
}

/// What makes whole copies doubtful: other systems may see another drive than we.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TableDoubt {
    /// Both are whole, and differ.
    #[error("the two partition tables are not the same")]
    CopiesDiffer,
    /// One says that the other lies elsewhere, as on a drive of another size.
    #[error("the {copy} partition table expects the other one at {place:#x}")]
    OtherPlace {
        /// `primary` or `backup`.
        copy: &'static str,
        /// Where, bytes.
        place: u64,
    },
    /// Two partitions share sectors.
    #[error("partitions {first} and {second} overlap")]
    Overlap {
        /// Number of the one that begins first.
        first: u32,
        /// Number of the other.
        second: u32,
    },
    /// The first sector does not say that there is a GPT, so that old systems take the drive for
    /// empty.
    #[error("the first sector does not protect the partition table (no protective MBR)")]
    NoProtectiveMbr,
}

impl PartitionTables {
    /// The primary copy, else the backup.
    pub fn best(&self) -> Option<&PartitionTable> {
        self.primary.as_ref().or(self.backup.as_ref()).ok()
    }

    /// Whether either copy names this drive.
    pub fn names_disk(&self, guid: Uuid) -> bool {
        [&self.primary, &self.backup].into_iter().flatten().any(|table| table.disk_guid == guid)
    }
}

/// Reads both copies from a drive of 512-byte sectors.
pub fn read_gpt(device: &dyn Device) -> PartitionTables {
    let sectors = device.size() / SECTOR_BYTES;
    let mut tables = PartitionTables {
        primary: read_copy(device, sectors, 1),
        backup: read_copy(device, sectors, sectors.saturating_sub(1)),
        doubts: Vec::new(),
    };
    tables.doubts = doubts(device, sectors, &tables);
    tables
}

fn doubts(device: &dyn Device, sectors: u64, tables: &PartitionTables) -> Vec<TableDoubt> {
    let Some(best) = tables.best() else { return Vec::new() };
    let mut doubts = Vec::new();
    let ends =
        [("primary", &tables.primary, sectors.saturating_sub(1)), ("backup", &tables.backup, 1)];
    for (copy, table, other) in ends {
        if let Ok(table) = table
            && table.other_copy != other * SECTOR_BYTES
        {
            doubts.push(TableDoubt::OtherPlace { copy, place: table.other_copy });
        }
    }
    if let (Ok(primary), Ok(backup)) = (&tables.primary, &tables.backup)
        && (primary.disk_guid, &primary.partitions) != (backup.disk_guid, &backup.partitions)
    {
        doubts.push(TableDoubt::CopiesDiffer);
    }
    let mut partitions: Vec<&Partition> = best.partitions.iter().collect();
    partitions.sort_by_key(|partition| partition.start);
    for pair in partitions.windows(2) {
        if pair[0].start + pair[0].bytes > pair[1].start {
            let (first, second) = (pair[0].number, pair[1].number);
            doubts.push(TableDoubt::Overlap { first, second });
            break;
        }
    }
    let mut mbr = [0; SECTOR_BYTES as usize];
    let is_read = device.read_at(&mut mbr, 0).is_ok();
    let protects = |entry: &[u8; 16]| entry[4] == 0xee;
    let is_marked = mbr[510..] == [0x55, 0xaa];
    if !is_read || !is_marked || !mbr[446..510].as_chunks().0.iter().any(protects) {
        doubts.push(TableDoubt::NoProtectiveMbr);
    }
    doubts
}

fn read_copy(
    device: &dyn Device,
    sectors: u64,
    header_sector: u64,
) -> Result<PartitionTable, TableFault> {
    if sectors < 3 {
        return Err(TableFault::NoRoom { disk_bytes: device.size() });
    }
    let offset = header_sector * SECTOR_BYTES;
    let field = |field, actual| TableFault::Field { offset, field, actual };
    let mut header = [0; SECTOR_BYTES as usize];
    read(device, &mut header, offset)?;
    if !header.starts_with(SIGNATURE) {
        return Err(TableFault::Absent { offset });
    }
    let header_bytes = u32_at(&header, 12);
    if !(SMALLEST_HEADER..=SECTOR_BYTES as u32).contains(&header_bytes) {
        return Err(field("header size", header_bytes.into()));
    }
    let expected = u32_at(&header, 16);
    header[16..20].fill(0);
    let actual = crc32fast::hash(&header[..header_bytes as usize]);
    if actual != expected {
        return Err(TableFault::Checksum { offset, part: "header bytes", expected, actual });
    }
    if u64_at(&header, 24) != header_sector {
        return Err(field("own sector", u64_at(&header, 24)));
    }
    let (count, size) = (u32_at(&header, 80), u32_at(&header, 84));
    if !size.is_multiple_of(8) || size < SMALLEST_ENTRY {
        return Err(field("entry size", size.into()));
    }
    let array_bytes = u64::from(count) * u64::from(size);
    if count == 0 || array_bytes > LARGEST_ARRAY {
        return Err(field("number of entries", count.into()));
    }
    let first = u64_at(&header, 72);
    let array_sectors = array_bytes.div_ceil(SECTOR_BYTES);
    if first < 2 || first.checked_add(array_sectors).is_none_or(|end| end > sectors) {
        return Err(field("first entry sector", first));
    }
    let mut entries = vec![0; array_bytes as usize];
    read(device, &mut entries, first * SECTOR_BYTES)?;
    let (expected, actual) = (u32_at(&header, 88), crc32fast::hash(&entries));
    if actual != expected {
        return Err(TableFault::Checksum { offset, part: "entries", expected, actual });
    }
    let partitions = (1..)
        .zip(entries.chunks_exact(size as usize))
        .filter(|(_, entry)| entry[..16] != [0; 16])
        .map(|(number, entry)| {
            let disk_bytes = device.size();
            partition(number, entry, sectors).ok_or(TableFault::Beyond {
                offset,
                number,
                disk_bytes,
            })
        })
        .collect::<Result<_, _>>()?;
    let other_copy = u64_at(&header, 32).saturating_mul(SECTOR_BYTES);
    Ok(PartitionTable { disk_guid: guid_at(&header, 56), partitions, other_copy })
}

/// An entry in use, or nothing if it does not lie on the drive.
fn partition(number: u32, entry: &[u8], sectors: u64) -> Option<Partition> {
    let (first, last) = (u64_at(entry, 32), u64_at(entry, 40));
    if first > last || last >= sectors {
        return None;
    }
    let units: Vec<u16> = entry[56..128]
        .as_chunks::<2>()
        .0
        .iter()
        .map(|unit| u16::from_le_bytes(*unit))
        .take_while(|unit| *unit != 0)
        .collect();
    Some(Partition {
        number,
        kind: guid_at(entry, 0),
        guid: guid_at(entry, 16),
        start: first * SECTOR_BYTES,
        bytes: (last - first + 1) * SECTOR_BYTES,
        name: String::from_utf16_lossy(&units),
    })
}

fn read(device: &dyn Device, buffer: &mut [u8], offset: u64) -> Result<(), TableFault> {
    device.read_at(buffer, offset).map_err(|source| TableFault::Read { offset, source })
}

#[cfg(test)]
mod tests {
    use super::super::{BASIC_DATA, DiskLayout, MICROSOFT_RESERVED, TableGuids, encode};
    use super::*;
    use crate::device::FileDevice;
    use proptest::prelude::*;

    const DISK_BYTES: u64 = 300 << 20;

    fn labelled() -> FileDevice {
        let file = tempfile::tempfile().unwrap();
        file.set_len(DISK_BYTES).unwrap();
        let device = FileDevice::new(file).unwrap();
        let guids = TableGuids {
            disk: Uuid::from_u128(1),
            reserved: Uuid::from_u128(2),
            data: Uuid::from_u128(3),
        };
        let tables = encode(&DiskLayout::plan(DISK_BYTES).unwrap(), &guids).unwrap();
        device.write_at(&tables.primary, 0).unwrap();
        device.write_at(&tables.backup, tables.backup_offset).unwrap();
        device
    }

    #[test]
    fn both_copies_name_the_disk_and_its_two_partitions() {
        let device = labelled();
        let tables = read_gpt(&device);
        let (primary, backup) = (tables.primary.as_ref().unwrap(), tables.backup.as_ref().unwrap());
        assert_eq!(
            (primary.disk_guid, &primary.partitions),
            (backup.disk_guid, &backup.partitions)
        );
        assert_eq!(tables.doubts, []);
        assert!(tables.names_disk(Uuid::from_u128(1)) && !tables.names_disk(Uuid::from_u128(3)));
        let shape: Vec<_> = primary
            .partitions
            .iter()
            .map(|found| (found.number, found.kind, found.guid.as_u128(), found.start, found.bytes))
            .collect();
        assert_eq!(
            shape,
            [
                (1, MICROSOFT_RESERVED, 2, 1 << 20, 128 << 20),
                (2, BASIC_DATA, 3, 129 << 20, 170 << 20)
            ]
        );
        let mut mbr = [0; 512];
        device.read_at(&mut mbr, 0).unwrap();
        assert_eq!(
            (mbr[450], &mbr[454..458], &mbr[510..]),
            (0xee, &[1, 0, 0, 0][..], &[0x55, 0xaa][..])
        );
    }

    #[test]
    fn a_damaged_primary_leaves_the_backup_and_the_other_way_round() {
        for (at, code) in
            [(512 + 60, "primary"), (1024 + 20, "primary"), (DISK_BYTES - 430, "backup")]
        {
            let device = labelled();
            device.write_at(&[0xa5], at).unwrap();
            let tables = read_gpt(&device);
            assert_eq!(tables.primary.is_err(), code == "primary", "{at}");
            assert_eq!(tables.backup.is_err(), code == "backup", "{at}");
            assert!(tables.best().is_some());
        }
    }

    proptest! {
        #[test]
        fn a_header_of_any_content_with_true_checksums_is_read_or_refused(
            noise in proptest::collection::vec(any::<u8>(), 72), at in 24usize..92, bytes in 1usize..9,
        ) {
            let device = labelled();
            let mut header = [0u8; 512];
            device.read_at(&mut header, 512).unwrap();
            let end = (at + bytes).min(92);
            header[at..end].copy_from_slice(&noise[..end - at]);
            header[16..20].fill(0);
            let checksum = crc32fast::hash(&header[..92]);
            header[16..20].copy_from_slice(&checksum.to_le_bytes());
            device.write_at(&header, 512).unwrap();
            prop_assert!(read_gpt(&device).backup.is_ok());
        }
    }

    /// Changes bytes of a header or of the entries before a header, and mends the checksums.
    fn forge(device: &FileDevice, header: u64, entries: u64, at: u64, bytes: &[u8]) {
        device.write_at(bytes, at).unwrap();
        let mut array = vec![0; 128 * 128];
        device.read_at(&mut array, entries).unwrap();
        let mut own = [0; 512];
        device.read_at(&mut own, header).unwrap();
        own[88..92].copy_from_slice(&crc32fast::hash(&array).to_le_bytes());
        own[16..20].fill(0);
        let sum = crc32fast::hash(&own[..92]);
        own[16..20].copy_from_slice(&sum.to_le_bytes());
        device.write_at(&own, header).unwrap();
    }

    #[test]
    fn whole_tables_that_contradict_each_other_the_drive_or_themselves_are_told() {
        let last = DISK_BYTES - 512;
        let of_backup = DISK_BYTES - 33 * 512;
        let doubts = |change: &dyn Fn(&FileDevice)| {
            let device = labelled();
            change(&device);
            let tables = read_gpt(&device);
            assert!(tables.primary.is_ok() && tables.backup.is_ok());
            tables.doubts
        };
        let other_guid = |device: &FileDevice| forge(device, last, of_backup, last + 56, &[9; 16]);
        assert_eq!(doubts(&other_guid), [TableDoubt::CopiesDiffer]);
        let elsewhere = |device: &FileDevice| forge(device, 512, 1024, 512 + 32, &[0, 0, 1, 0]);
        let place = 65_536 * 512;
        assert_eq!(doubts(&elsewhere), [TableDoubt::OtherPlace { copy: "primary", place }]);
        let overlap = |device: &FileDevice| {
            for (header, entries) in [(512, 1024), (last, of_backup)] {
                forge(device, header, entries, entries + 128 + 32, &4096u64.to_le_bytes());
            }
        };
        assert_eq!(doubts(&overlap), [TableDoubt::Overlap { first: 1, second: 2 }]);
        let bare = |device: &FileDevice| device.write_at(&[0; 512], 0).unwrap();
        assert_eq!(doubts(&bare), [TableDoubt::NoProtectiveMbr]);
        let other_mbr = |device: &FileDevice| device.write_at(&[7], 450).unwrap();
        assert_eq!(doubts(&other_mbr), [TableDoubt::NoProtectiveMbr]);
    }

    #[test]
    fn extremes_of_counts_and_sizes_are_refused_without_memory() {
        for (at, bytes) in [
            (80, [0xff; 4]),
            (80, [0; 4]),
            (84, [0xff; 4]),
            (84, [0; 4]),
            (84, [0, 0, 0, 0x80]),
            (12, [0xff; 4]),
            (12, [0; 4]),
        ] {
            let device = labelled();
            let mut header = [0; 512];
            device.read_at(&mut header, 512).unwrap();
            header[at..at + 4].copy_from_slice(&bytes);
            header[16..20].fill(0);
            let sum = crc32fast::hash(&header[..92]);
            header[16..20].copy_from_slice(&sum.to_le_bytes());
            device.write_at(&header, 512).unwrap();
            let fault = read_gpt(&device).primary.unwrap_err();
            assert!(matches!(fault, TableFault::Field { .. }), "{at} {bytes:?}: {fault}");
        }
    }

    #[test]
    fn a_tiny_or_empty_drive_has_no_table() {
        for bytes in [0, 1, 512, 1535, 1536, 4096] {
            let file = tempfile::tempfile().unwrap();
            file.set_len(bytes).unwrap();
            assert!(read_gpt(&FileDevice::new(file).unwrap()).best().is_none());
        }
    }
}
