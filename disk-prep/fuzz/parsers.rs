//! The parsers of bytes that we did not write, each as a function of bytes that asserts what must
//! hold of what was read: for the fuzz targets, and for the mutated inputs of the test command.

use std::io;
use std::path::Path;

use disk_prep::dataset::{SideKind, dataset_csv, driveset_csv, parse_side_file};
use disk_prep::device::Device;
use disk_prep::drive::Identity;
use disk_prep::journal::{Holder, Journal, parse_plan};
use disk_prep::noun::RecoveryPassword;
use disk_prep::volume::bitlocker::unlock::VolumeMetadata;
use disk_prep::volume::gpt::{OtherLayout, other_layout, read_gpt};
use sha2::{Digest, Sha256};

fn lines(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|&&byte| matches!(byte, b'\n' | b'\r')).count() as u64 + 1
}

/// `dataset.csv`: each row and fault has a line of the file.
pub fn read_dataset_csv(bytes: &[u8]) {
    let lines = lines(bytes);
    match dataset_csv::parse(bytes) {
        Ok(rows) => assert!(!rows.is_empty() && rows.iter().all(|row| row.line <= lines)),
        Err(faults) => assert!(
            !faults.is_empty() && faults.iter().all(|fault| (1..=lines).contains(&fault.line))
        ),
    }
}

/// `driveset.csv`, likewise.
pub fn read_driveset_csv(bytes: &[u8]) {
    let lines = lines(bytes);
    match driveset_csv::parse(bytes) {
        Ok(rows) => assert!(!rows.is_empty() && rows.iter().all(|row| row.line <= lines)),
        Err(faults) => assert!(
            !faults.is_empty() && faults.iter().all(|fault| (1..=lines).contains(&fault.line))
        ),
    }
}

/// Metadata and properties files: what is taken can be a header.
pub fn read_side_file(bytes: &[u8]) {
    for kind in [SideKind::Metadata, SideKind::Properties] {
        if let Ok(entries) = parse_side_file(kind, bytes) {
            let is_plain = |text: &str| text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
            assert!(entries.iter().all(|(name, value)| is_plain(name) && is_plain(value)));
        }
    }
}

/// A manifest: its ranges lie in order within their files.
pub fn read_manifest(bytes: &[u8]) {
    let Ok(manifest) = disk_prep::manifest::parse(bytes) else { return };
    for blob in &manifest.blobs {
        let mut end = 0;
        for range in &blob.ranges {
            assert!(range.offset >= end && range.bytes > 0);
            end = range.offset + range.bytes;
        }
        assert!(end <= blob.bytes);
        let sides = blob.metadata.iter().chain(&blob.properties);
        assert!(sides.into_iter().all(|path| manifest.side_files.contains_key(path)));
    }
}

/// A journal as it is.
pub fn read_journal(bytes: &[u8]) {
    if let Ok(Some(history)) = Journal::parse(Path::new("S1.journal"), bytes) {
        assert!(history.begun.version <= 2, "a newer one is refused");
    }
}

/// Each line below the digest that makes it a record, since no chance finds that.
pub fn seal_journal(bytes: &[u8]) -> Vec<u8> {
    let mut chain = [0; 32];
    let mut journal = Vec::new();
    for text in bytes.split(|&byte| byte == b'\n') {
        chain = Sha256::new().chain_update(chain).chain_update(text).finalize().into();
        let mark: String = chain[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        journal.extend_from_slice(mark.as_bytes());
        journal.push(b' ');
        journal.extend_from_slice(text);
        journal.push(b'\n');
    }
    journal
}

/// A plan file: of each file all can be told.
pub fn read_plan_file(bytes: &[u8]) {
    if let Ok(plan) = parse_plan(bytes) {
        plan.files.iter().for_each(|file| drop(file.unpack()));
    }
}

/// Who holds a claim; what is read is written the same.
pub fn read_claim(bytes: &[u8]) {
    if let Ok(holder) = serde_json::from_slice::<Holder>(bytes) {
        let text = serde_json::to_vec(&holder).expect("it is text and numbers");
        assert_eq!(serde_json::from_slice::<Holder>(&text).ok(), Some(holder));
    }
}

/// IDENTIFY DEVICE: what is read of it keeps the rules.
pub fn read_identify(bytes: &[u8]) {
    let mut answer = [0; 512];
    let length = bytes.len().min(answer.len());
    answer[..length].copy_from_slice(&bytes[..length]);
    let Some(own) = Identity::parse(&answer) else { return };
    assert!(own.sectors > 0 && own.bytes() == own.sectors * own.logical_bytes);
    assert!(own.logical_bytes >= 512 && own.physical_bytes >= own.logical_bytes);
    let is_plain =
        |text: &String| !text.is_empty() && text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    assert!([&own.serial, &own.model].into_iter().flatten().all(is_plain));
    assert!(own.serial.is_none_or(|serial| !serial.contains(' ')));
}

/// The checksum that makes an answer to IDENTIFY whole, which chance seldom finds.
pub fn seal_identify(bytes: &mut Vec<u8>) {
    bytes.resize(512, 0);
    bytes[510] = 0xa5;
    let sum = bytes[..511].iter().fold(0u8, |sum, &byte| sum.wrapping_add(byte));
    bytes[511] = sum.wrapping_neg();
}

/// A file that should hold a recovery password; never shown in an error.
pub fn read_recovery_file(bytes: &[u8]) {
    if let Ok(password) = RecoveryPassword::find_in(bytes) {
        let text = password.reveal();
        assert_eq!(RecoveryPassword::find_in(text.as_bytes()).ok(), Some(password));
    }
}

/// A drive of which only the first and last sectors hold something.
#[derive(Debug)]
struct Ends<'b> {
    bytes: u64,
    head: &'b [u8],
    tail: &'b [u8],
}

impl Device for Ends<'_> {
    fn size(&self) -> u64 {
        self.bytes
    }
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64).filter(|end| *end <= self.bytes);
        end.ok_or(io::ErrorKind::UnexpectedEof)?;
        let tail = self.bytes - self.tail.len() as u64;
        for (at, byte) in (offset..).zip(buffer) {
            *byte = match self.head.get(at as usize) {
                Some(byte) => *byte,
                None if at >= tail => self.tail[(at - tail) as usize],
                None => 0,
            };
        }
        Ok(())
    }
    fn write_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Sectors of either end that a partition table of ours takes.
pub const TABLE_SECTORS: (usize, usize) = (34, 33);
/// Size of the drive around a partition table.
pub const TABLE_DRIVE: u64 = 300 << 20;

/// Both copies of a partition table, the first and the last sectors of a drive: no partition lies
/// outside of it.
pub fn read_table(bytes: &[u8]) {
    let (head, tail) = bytes.split_at((TABLE_SECTORS.0 * 512).min(bytes.len()));
    let tail = &tail[..(TABLE_SECTORS.1 * 512).min(tail.len())];
    let drive = Ends { bytes: TABLE_DRIVE, head, tail };
    let tables = read_gpt(&drive);
    for table in [&tables.primary, &tables.backup].into_iter().flatten() {
        assert!(table.partitions.len() <= 1 << 13);
        for partition in &table.partitions {
            assert!(partition.bytes > 0 && partition.start + partition.bytes <= TABLE_DRIVE);
        }
    }
    if let Some(OtherLayout::MasterBootRecord(partitions)) = other_layout(&drive) {
        assert!(partitions.len() <= 4 + 64);
    }
}

/// Gives both copies the checksums that they should have, if they are still long enough.
pub fn seal_table(bytes: &mut [u8]) {
    let (head, all) = (TABLE_SECTORS.0 * 512, (TABLE_SECTORS.0 + TABLE_SECTORS.1) * 512);
    if bytes.len() != all {
        return;
    }
    for (header, entries) in [(512, 1024), (all - 512, head)] {
        let word = |bytes: &[u8], at: usize| {
            u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let (count, size) = (word(bytes, header + 80), word(bytes, header + 84));
        let length = (u64::from(count) * u64::from(size)).min(32 * 512) as usize;
        let sum = crc32fast::hash(&bytes[entries..entries + length]);
        bytes[header + 88..header + 92].copy_from_slice(&sum.to_le_bytes());
        let length = (word(bytes, header + 12) as usize).clamp(92, 512);
        bytes[header + 16..header + 20].fill(0);
        let sum = crc32fast::hash(&bytes[header..header + length]);
        bytes[header + 16..header + 20].copy_from_slice(&sum.to_le_bytes());
    }
}

/// Size of the volume around BitLocker's own structures.
pub const VOLUME_BYTES: u64 = 256 << 20;

/// A volume's first sector and one metadata block, which lies in all three places.
#[derive(Debug)]
struct Marked<'b> {
    header: &'b [u8],
    block: &'b [u8],
    places: [u64; 3],
}

impl Device for Marked<'_> {
    fn size(&self) -> u64 {
        VOLUME_BYTES
    }
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64).filter(|end| *end <= VOLUME_BYTES);
        end.ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.fill(0);
        let mut put = |from: &[u8], place: u64| {
            let skip = offset.saturating_sub(place) as usize;
            let at = place.saturating_sub(offset) as usize;
            if skip < from.len() && at < buffer.len() {
                let length = (from.len() - skip).min(buffer.len() - at);
                buffer[at..at + length].copy_from_slice(&from[skip..skip + length]);
            }
        };
        self.places.iter().for_each(|&place| put(self.block, place));
        put(self.header, 0);
        Ok(())
    }
    fn write_at(&self, _: &[u8], _: u64) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

/// BitLocker's header and metadata block: what is read lies apart, within the volume.
pub fn read_bitlocker(bytes: &[u8]) {
    let (header, block) = bytes.split_at(bytes.len().min(512));
    let place = |at: usize| {
        let bytes = header.get(at..at + 8).map(|bytes| bytes.try_into().expect("eight bytes"));
        bytes.map_or(0, u64::from_le_bytes)
    };
    let volume = Marked { header, block, places: [place(176), place(184), place(192)] };
    if let Ok(bytes) = VolumeMetadata::own_bytes(&volume, 0) {
        assert!(bytes <= VOLUME_BYTES);
    }
    if let Ok(metadata) = VolumeMetadata::read(&volume, 0, VOLUME_BYTES) {
        let mut places: Vec<u64> = metadata.metadata.into();
        places.push(metadata.header_copy);
        places.sort_unstable();
        assert!(places.windows(2).all(|pair| pair[0] + 8192 <= pair[1]));
        assert!(places.iter().all(|place| *place >= 8192 && *place < VOLUME_BYTES));
        assert!(metadata.protectors.len() <= 256);
    }
}

/// Gives a metadata block the checksum that it should have.
pub fn seal_bitlocker(bytes: &mut [u8]) {
    let Some(block) = bytes.get_mut(512..) else { return };
    if block.len() < 16 {
        return;
    }
    let info = usize::from(u16::from_le_bytes([block[8], block[9]])) * 16;
    if info + 8 <= block.len() {
        let sum = crc32fast::hash(&block[..info]);
        block[info + 4..info + 8].copy_from_slice(&sum.to_le_bytes());
    }
}
