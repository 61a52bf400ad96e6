//! Whether a drive reads blank, and if not, what was found on it (`design` 3). An image is read
//! wherever it holds data; a device at its ends, at every place of a label, and at samples that
//! nobody can foresee.

use std::io;
use std::ops::Range;

use super::fault::Fault;
use super::find::{Drive, Kind};
use super::label_places::places;
use crate::device::{self, Device};
use crate::limits::{DATA_PARTITION_START, SECTOR_BYTES};
use crate::noun::{DriveError, OnDrive};
use crate::sys::aligned::{AlignedBuffer, PAGE};

const EDGE_BYTES: u64 = 16 << 20;
const SAMPLES: u64 = 1024;
const PAGE_BYTES: u64 = PAGE as u64;
const CHUNK_BYTES: usize = 1 << 20;

/// How a drive is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Every byte that may hold data, as of an image. Holes are not read.
    AllData,
    /// Both ends, the places of labels, and samples drawn by this seed, as of a device.
    Places {
        /// What the samples are drawn by.
        seed: u64,
    },
}

impl Look {
    /// The look that a drive gets; `random` fills a buffer with bytes that nobody can guess.
    pub fn at(
        drive: &Drive,
        random: impl FnOnce(&mut [u8]) -> io::Result<()>,
    ) -> Result<Self, DriveError<Fault>> {
        match drive.kind {
            Kind::Image | Kind::NewImage => Ok(Look::AllData),
            Kind::Block => Look::places(random).on(&drive.serial),
        }
    }

    /// The look at a device.
    pub fn places(random: impl FnOnce(&mut [u8]) -> io::Result<()>) -> Result<Self, Fault> {
        let mut seed = [0; 8];
        random(&mut seed).map_err(|source| Fault::Randomness { source })?;
        Ok(Look::Places { seed: u64::from_le_bytes(seed) })
    }

    /// What is looked at, as a person reads it.
    pub fn text(self) -> &'static str {
        match self {
            Look::AllData => "every byte of data in its image was read",
            Look::Places { .. } => {
                "both ends, the places of labels and 1,024 samples were read, not all of it"
            }
        }
    }

    /// The same as a word.
    pub fn name(self) -> &'static str {
        match self {
            Look::AllData => "all-data",
            Look::Places { .. } => "labels-and-samples",
        }
    }

    /// The stretches of a device that are read, one behind the other, in whole pages.
    fn stretches(
        self,
        device: &dyn Device,
        also: &[Range<u64>],
    ) -> Result<Vec<Range<u64>>, device::Fault> {
        let size = device.size();
        let mut stretches = also.to_vec();
        match self {
            Look::AllData => {
                let mut at = 0;
                while let Some(data) = device.data_after(at).map_err(unreadable(at))? {
                    at = data.end.max(at + 1);
                    stretches.push(data);
                }
            }
            Look::Places { seed } => {
                stretches.extend([0..EDGE_BYTES, size.saturating_sub(EDGE_BYTES)..size]);
                stretches.extend(places(size).into_iter().map(|place| place.bytes));
                stretches.extend(samples(size, seed));
            }
        }
        Ok(merged(stretches, size))
    }
}

/// One page at a random offset in each of so many even stretches.
fn samples(size: u64, seed: u64) -> impl Iterator<Item = Range<u64>> {
    let mut dice = seed;
    (0..SAMPLES).map(move |index| {
        let edge = |index: u64| (u128::from(size) * u128::from(index) / u128::from(SAMPLES)) as u64;
        let (start, end) = (edge(index), edge(index + 1));
        let at = start + roll(&mut dice) % (end - start).saturating_sub(PAGE_BYTES).max(1);
        at..at + PAGE_BYTES
    })
}

/// The next number of SplitMix64 (Steele, Lea, Flood, 2014).
fn roll(dice: &mut u64) -> u64 {
    *dice = dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*dice ^ (*dice >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// In order, in whole pages, none twice, none beyond the end.
pub(super) fn merged(mut stretches: Vec<Range<u64>>, size: u64) -> Vec<Range<u64>> {
    for stretch in &mut stretches {
        let end = stretch.end.min(size).next_multiple_of(PAGE_BYTES).min(size);
        *stretch = stretch.start / PAGE_BYTES * PAGE_BYTES..end;
    }
    stretches.retain(|stretch| !stretch.is_empty());
    stretches.sort_by_key(|stretch| stretch.start);
    let mut merged: Vec<Range<u64>> = Vec::with_capacity(stretches.len());
    for stretch in stretches {
        match merged.last_mut() {
            Some(last) if stretch.start <= last.end => last.end = last.end.max(stretch.end),
            _ => merged.push(stretch),
        }
    }
    merged
}

/// `None` if everything that is looked at is zero; else what is there, as a person reads it.
pub fn find_content(device: &dyn Device, look: Look) -> Result<Option<String>, device::Fault> {
    find_foreign(device, look, &[], &|_, _| false)
}

/// The same, with further stretches that are read whole, on a drive that may hold what is ours:
/// `is_ours` is asked with the place and the bytes of each sector that is not zero.
pub fn find_foreign(
    device: &dyn Device,
    look: Look,
    also: &[Range<u64>],
    is_ours: &dyn Fn(u64, &[u8]) -> bool,
) -> Result<Option<String>, device::Fault> {
    match find_first(device, &look.stretches(device, also)?, is_ours)? {
        Some(at) => name(device, look, at).map(Some),
        None => Ok(None),
    }
}

/// The place of the first byte in these stretches that is neither zero nor ours.
pub(super) fn find_first(
    device: &dyn Device,
    stretches: &[Range<u64>],
    is_ours: &dyn Fn(u64, &[u8]) -> bool,
) -> Result<Option<u64>, device::Fault> {
    let mut chunk = AlignedBuffer::zeroed(CHUNK_BYTES);
    for stretch in stretches {
        let mut offset = stretch.start;
        while offset < stretch.end {
            let length = (stretch.end - offset).min(CHUNK_BYTES as u64) as usize;
            device.read_at(&mut chunk[..length], offset).map_err(unreadable(offset))?;
            if let Some(at) = first_foreign(&chunk[..length], offset, is_ours) {
                return Ok(Some(at));
            }
            offset += length as u64;
        }
    }
    Ok(None)
}

fn unreadable(offset: u64) -> impl Fn(io::Error) -> device::Fault {
    move |source| device::Fault::Read { offset, source }
}

/// The place of the first byte that is neither zero nor in a sector of ours.
fn first_foreign(bytes: &[u8], offset: u64, is_ours: &dyn Fn(u64, &[u8]) -> bool) -> Option<u64> {
    let is_zero = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum | byte) == 0;
    let pages = (offset..).step_by(PAGE).zip(bytes.chunks(PAGE));
    for (at, page) in pages.filter(|(_, page)| !is_zero(page)) {
        let sectors = (at..).step_by(SECTOR_BYTES as usize).zip(page.chunks(SECTOR_BYTES as usize));
        for (at, sector) in sectors {
            if let Some(first) = sector.iter().position(|&byte| byte != 0)
                && !is_ours(at, sector)
            {
                return Some(at + first as u64);
            }
        }
    }
    None
}

/// Whether a BitLocker volume lies where that of a sealed drive does.
pub fn may_be_sealed(device: &dyn Device) -> Result<bool, device::Fault> {
    let (offset, mark, _) = MARKS[0];
    let mut found = vec![0; mark.len()];
    if offset + mark.len() as u64 > device.size() {
        return Ok(false);
    }
    device.read_at(&mut found, offset).map_err(unreadable(offset))?;
    Ok(found == mark)
}

/// Marks by which a person knows what was on a drive: where, what, and the word for it. The first is
/// that of a sealed drive.
const MARKS: &[(u64, &[u8], &str)] = &[
    (DATA_PARTITION_START + 3, b"-FVE-FS-", "a BitLocker volume in a GPT partition"),
    (512, b"EFI PART", "a GPT partition table"),
    (4096, b"EFI PART", "a GPT partition table"),
    (3, b"-FVE-FS-", "a BitLocker volume"),
    (3, b"NTFS    ", "an NTFS file system"),
    (3, b"EXFAT   ", "an exFAT file system"),
    (0, b"LUKS\xba\xbe", "an encrypted LUKS volume"),
    (0, b"XFSB", "an XFS file system"),
    (32, b"NXSB", "an APFS container"),
    (512, b"LABELONE", "an LVM physical volume"),
    (4096, b"\xfc\x4e\x2b\xa9", "a member of a Linux software array"),
    (4120, b"\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81", "a bcache device"),
    (0, b"bluestore block device", "a Ceph device"),
    (1080, b"\x53\xef", "an ext file system"),
    (65600, b"_BHRfS_M", "a Btrfs file system"),
    (4086, b"SWAPSPACE2", "swap"),
    (32769, b"CD001", "an ISO 9660 file system"),
    (510, b"\x55\xaa", "an MBR partition table"),
];

fn name(device: &dyn Device, look: Look, at: u64) -> Result<String, device::Fault> {
    for &(offset, mark, what) in MARKS {
        let mut found = vec![0; mark.len()];
        if offset + mark.len() as u64 <= device.size() {
            device.read_at(&mut found, offset).map_err(unreadable(offset))?;
            if found == mark {
                return Ok(format!("it holds {what}"));
            }
        }
    }
    let places = if look == Look::AllData { Vec::new() } else { places(device.size()) };
    let place = places.iter().find(|place| place.bytes.contains(&at));
    let whose = place.map_or(String::new(), |place| format!(", where {}", place.what));
    Ok(format!("it is not zero at {at:#x}{whose}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::FileDevice;
    use std::os::unix::fs::FileExt;
    use std::sync::Mutex;

    const SIZE: u64 = 300 << 20;
    const PLACES: Look = Look::Places { seed: 7 };

    fn device(marks: &[(u64, &[u8])]) -> FileDevice {
        let file = tempfile::tempfile().unwrap();
        file.set_len(SIZE).unwrap();
        for (offset, bytes) in marks {
            file.write_all_at(bytes, *offset).unwrap();
        }
        FileDevice::new(file).unwrap()
    }

    fn found(marks: &[(u64, &[u8])]) -> Option<String> {
        let device = device(marks);
        let found = [Look::AllData, PLACES].map(|look| find_content(&device, look).unwrap());
        assert_eq!(found[0].is_some(), found[1].is_some());
        found[1].clone()
    }

    #[test]
    fn only_zeros_are_blank_and_what_is_there_is_named() {
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[(5, b"x")]).unwrap(), "it is not zero at 0x5");
        assert_eq!(found(&[(SIZE - 1, b"x")]).unwrap(), "it is not zero at 0x12bfffff");
        assert_eq!(found(&[(512, b"EFI PART")]).unwrap(), "it holds a GPT partition table");
        assert!(
            found(&[(510, b"\x55\xaa"), (129 << 20 | 3, b"-FVE-FS-")])
                .unwrap()
                .contains("BitLocker")
        );
    }

    #[test]
    fn every_place_of_a_label_is_read_whole_and_one_byte_there_is_content() {
        let blank = device(&[]);
        let read = PLACES.stretches(&blank, &[]).unwrap();
        let is_read = |at: u64| read.iter().any(|stretch| stretch.contains(&at));
        for place in places(SIZE) {
            let mut bytes = place.bytes.clone().step_by(512);
            assert!(bytes.all(is_read), "{:?}, where {}", place.bytes, place.what);
        }
        assert!([0, EDGE_BYTES - 1, SIZE - EDGE_BYTES, SIZE - 1].into_iter().all(is_read));
        let mirror = found(&[(64 << 20, b"x")]).unwrap();
        assert_eq!(
            mirror,
            "it is not zero at 0x4000000, where Btrfs keeps a copy of its superblock"
        );
    }

    #[test]
    fn every_byte_of_data_in_an_image_is_read_and_no_hole() {
        // Where a device would not be looked at.
        let read = PLACES.stretches(&device(&[]), &[]).unwrap();
        let gap = read[0].end + (read[1].start - read[0].end) / 2;
        let image = device(&[(gap, b"x")]);
        assert_eq!(find_content(&image, PLACES).unwrap(), None);
        let found = find_content(&image, Look::AllData).unwrap();
        assert_eq!(found, Some(format!("it is not zero at {gap:#x}")));
        let read = Look::AllData.stretches(&image, &[]).unwrap();
        assert!(read.iter().map(|one| one.end - one.start).sum::<u64>() < 1 << 20, "{read:?}");
        let zeros = device(&[(gap, &[0; 5000])]);
        assert_eq!(find_content(&zeros, Look::AllData).unwrap(), None, "zeros that are stored");
    }

    #[test]
    fn there_is_a_sample_in_every_even_stretch_at_an_offset_of_the_seed() {
        let size = 4_000_787_030_016;
        let of = |seed| samples(size, seed).collect::<Vec<_>>();
        assert_eq!(of(1), of(1));
        assert!(of(1).iter().zip(of(2)).filter(|(one, other)| **one != *other).count() > 1000);
        for (index, sample) in (0u64..).zip(of(3)) {
            assert!(sample.start >= size / 1024 * index && sample.end <= size, "{sample:?}");
            assert!(sample.start < size / 1024 * (index + 1) + 1024, "{sample:?}");
        }
        assert_eq!(of(4).len(), 1024);
    }

    /// Notes where it is read.
    #[derive(Debug)]
    struct Noted(FileDevice, Mutex<Vec<u64>>);

    impl Device for Noted {
        fn size(&self) -> u64 {
            self.0.size()
        }
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
            self.1.lock().unwrap().push(offset);
            self.0.read_at(buffer, offset)
        }
        fn write_at(&self, _: &[u8], _: u64) -> io::Result<()> {
            Err(io::ErrorKind::PermissionDenied.into())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_device_is_read_in_ascending_order() {
        let noted = Noted(device(&[]), Mutex::default());
        assert_eq!(find_content(&noted, PLACES).unwrap(), None);
        let read = noted.1.into_inner().unwrap();
        assert!(read.is_sorted() && read.len() > 100, "{read:?}");
        assert!(read.iter().all(|offset| offset % 4096 == 0));
    }

    /// Cannot be read at one place.
    #[derive(Debug)]
    struct Worn(FileDevice, u64);

    impl Device for Worn {
        fn size(&self) -> u64 {
            self.0.size()
        }
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
            match (offset..offset + buffer.len() as u64).contains(&self.1) {
                true => Err(io::ErrorKind::Other.into()),
                false => self.0.read_at(buffer, offset),
            }
        }
        fn write_at(&self, _: &[u8], _: u64) -> io::Result<()> {
            Err(io::ErrorKind::PermissionDenied.into())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn where_a_drive_cannot_be_read_is_told() {
        let worn = Worn(device(&[]), (5 << 20) + 4096);
        match find_content(&worn, PLACES) {
            Err(device::Fault::Read { offset, .. }) => assert_eq!(offset, 5 << 20),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_ours_is_no_content_and_what_lies_beside_it_is() {
        let ours = device(&[(1 << 20, &[7; 512])]);
        let is_ours = |at: u64, sector: &[u8]| at == 1 << 20 && sector == [7; 512];
        let look = |device: &FileDevice| find_foreign(device, PLACES, &[], &is_ours).unwrap();
        assert_eq!(look(&ours), None);
        assert!(look(&device(&[(1 << 20, &[7; 513])])).is_some());
        assert!(look(&device(&[(1 << 20, &[7; 511])])).is_some());
        let also = 40 << 20..41 << 20;
        let beside = device(&[((41 << 20) - 1, b"x")]);
        let found = find_foreign(&beside, PLACES, &[also], &is_ours).unwrap();
        assert_eq!(found.unwrap(), "it is not zero at 0x28fffff");
    }
}
