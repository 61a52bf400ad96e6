//! What a drive without a GPT has in its first sector: partitions of the old kind, or a volume
//! that takes all of it. Only to tell a person what it is; nothing of ours is laid out so.
//!
//! | at | bytes | MBR |
//! |---|---|---|
//! | 446 | 4 × 16 | partitions: 4 its kind, 8 its first sector, 12 its sectors |
//! | 510 | 2 | `55 AA` |

use crate::device::Device;
use crate::limits::SECTOR_BYTES;

/// A drive laid out otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OtherLayout {
    /// An MBR partition table.
    MasterBootRecord(Vec<MbrPartition>),
    /// A volume from the first byte on, and what it is.
    NoPartitions(&'static str),
}

/// One of the four partitions of an MBR; all places in bytes from the start of the drive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MbrPartition {
    /// Its place in the table, from 1.
    pub number: u32,
    /// What it is for: 7 for NTFS.
    pub kind: u8,
    /// First byte.
    pub start: u64,
    /// Length; no longer than the drive.
    pub bytes: u64,
}

/// Volumes known by the words at their third byte; the rest of an MBR could not stand there.
const VOLUMES: &[(&[u8], &str)] = &[
    (b"-FVE-FS-", "a BitLocker volume"),
    (b"MSWIN4.1", "a FAT file system or BitLocker To Go"),
    (b"NTFS    ", "an NTFS file system"),
    (b"EXFAT   ", "an exFAT file system"),
    (b"MSDOS5.0", "a FAT file system"),
    (b"mkfs.fat", "a FAT file system"),
];

/// What the first sector of a drive without a GPT tells; `None` if nothing, or it cannot be read.
pub fn other_layout(device: &dyn Device) -> Option<OtherLayout> {
    let mut sector = [0; SECTOR_BYTES as usize];
    device.read_at(&mut sector, 0).ok()?;
    if let Some((_, what)) = VOLUMES.iter().find(|(mark, _)| sector[3..11] == **mark) {
        return Some(OtherLayout::NoPartitions(what));
    }
    if sector[510..] != [0x55, 0xaa] {
        return None;
    }
    // A table that only protects a GPT tells nothing, whatever became of the GPT.
    let mut partitions: Vec<MbrPartition> = (1..)
        .zip(entries(&sector))
        .filter(|(_, entry)| ![0, PROTECTIVE].contains(&entry.kind))
        .map(|(number, entry)| entry.partition(number, 0, device.size()))
        .collect();
    let extended = partitions.iter().find(|partition| EXTENDED.contains(&partition.kind)).copied();
    if let Some(extended) = extended {
        partitions.extend(logical(device, extended.start));
    }
    (!partitions.is_empty()).then_some(OtherLayout::MasterBootRecord(partitions))
}

/// The kind of the entry that keeps old systems off a GPT.
const PROTECTIVE: u8 = 0xee;
/// Kinds of partitions that hold others.
const EXTENDED: [u8; 3] = [0x05, 0x0f, 0x85];
/// Partitions within one, at most; a chain that goes on is broken or goes round.
const MOST_LOGICAL: u32 = 64;

/// The partitions within an extended one, each described by a sector of its own before it.
fn logical(device: &dyn Device, start: u64) -> Vec<MbrPartition> {
    let mut found = Vec::new();
    let mut at = start;
    let mut sector = [0; SECTOR_BYTES as usize];
    for number in (5..).take(MOST_LOGICAL as usize) {
        if device.read_at(&mut sector, at).is_err() || sector[510..] != [0x55, 0xaa] {
            break;
        }
        let [own, next, ..] = entries(&sector);
        if own.kind != 0 {
            found.push(own.partition(number, at, device.size()));
        }
        if next.first == 0 {
            break;
        }
        at = start.saturating_add(next.first);
    }
    found
}

/// An entry of a table; places in bytes, relative to something.
#[derive(Clone, Copy)]
struct Entry {
    kind: u8,
    first: u64,
    bytes: u64,
}

impl Entry {
    fn partition(self, number: u32, base: u64, disk_bytes: u64) -> MbrPartition {
        let start = base.saturating_add(self.first);
        let bytes = self.bytes.min(disk_bytes.saturating_sub(start));
        MbrPartition { number, kind: self.kind, start, bytes }
    }
}

fn entries(sector: &[u8; SECTOR_BYTES as usize]) -> [Entry; 4] {
    std::array::from_fn(|index| {
        let entry = &sector[446 + 16 * index..][..16];
        let number = |at: usize| {
            let word = [entry[at], entry[at + 1], entry[at + 2], entry[at + 3]];
            u64::from(u32::from_le_bytes(word)) * SECTOR_BYTES
        };
        Entry { kind: entry[4], first: number(8), bytes: number(12) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::FileDevice;

    fn seen(marks: &[(u64, &[u8])]) -> Option<OtherLayout> {
        let file = tempfile::tempfile().unwrap();
        file.set_len(1 << 20).unwrap();
        let device = FileDevice::new(file).unwrap();
        for (at, bytes) in marks {
            device.write_at(bytes, *at).unwrap();
        }
        other_layout(&device)
    }

    #[test]
    fn partitions_of_the_old_kind_are_told_and_none_is_longer_than_the_drive() {
        let entry = [0, 0, 0, 0, 7, 0, 0, 0, 8, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
        let found = seen(&[(462, &entry), (510, &[0x55, 0xaa])]);
        let own = MbrPartition { number: 2, kind: 7, start: 4096, bytes: (1 << 20) - 4096 };
        assert_eq!(found, Some(OtherLayout::MasterBootRecord(vec![own])));
        assert_eq!(seen(&[(510, &[0x55, 0xaa])]), None);
        assert_eq!(seen(&[(462, &entry)]), None);
        let protective = [0, 0, 0, 0, 0xee, 0, 0, 0, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(seen(&[(446, &protective), (510, &[0x55, 0xaa])]), None);
    }

    #[test]
    fn partitions_within_one_are_found_and_a_chain_that_goes_round_ends() {
        let entry = |kind: u8, first: u8| [0, 0, 0, 0, kind, 0, 0, 0, first, 0, 0, 0, 8, 0, 0, 0];
        let mark = [0x55, 0xaa];
        let (extended, own, back) = (entry(5, 16), entry(7, 1), entry(5, 0));
        let at = 16 * 512;
        let found = seen(&[(446, &extended), (510, &mark), (at + 446, &own), (at + 510, &mark)]);
        let Some(OtherLayout::MasterBootRecord(found)) = found else { panic!() };
        let places: Vec<_> = found.iter().map(|found| (found.number, found.start)).collect();
        assert_eq!(places, [(1, 8192), (5, 8704)]);
        let mut round = back;
        round[8] = 1;
        let next = 17 * 512;
        let found = seen(&[
            (446, &extended),
            (510, &mark),
            (at + 446, &own),
            (at + 462, &round),
            (at + 510, &mark),
            (next + 446, &own),
            (next + 462, &round),
            (next + 510, &mark),
        ]);
        let Some(OtherLayout::MasterBootRecord(found)) = found else { panic!() };
        assert_eq!(found.len() as u32, 1 + MOST_LOGICAL);
    }

    #[test]
    fn a_volume_that_takes_the_whole_drive_is_told_by_its_words() {
        let bare = |mark: &[u8]| seen(&[(3, mark), (510, &[0x55, 0xaa])]);
        assert_eq!(bare(b"-FVE-FS-"), Some(OtherLayout::NoPartitions("a BitLocker volume")));
        assert_eq!(bare(b"NTFS    "), Some(OtherLayout::NoPartitions("an NTFS file system")));
        assert_eq!(bare(b"GRUB    "), None);
    }
}
