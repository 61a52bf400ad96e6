//! Changes to partition tables and BitLocker metadata that keep their checksums true, so that
//! what follows the checksum is what the datacenter finds wrong.

use super::drive::Drive;

/// Bytes that the partition table counts into its header's checksum.
const HEADER: usize = 92;
/// Microsoft Reserved, as it stands on the drive.
const RESERVED: [u8; 16] = [
    0x16, 0xe3, 0xc9, 0xe3, 0x5c, 0x0b, 0xb8, 0x4d, 0x81, 0x7d, 0xf9, 0x2d, 0xf0, 0x02, 0x15, 0xae,
];

/// Makes the data partition, the second one, a reserved one in both tables.
pub fn hide_the_data_partition(drive: &Drive) {
    for header_at in [512, drive.size() - 512] {
        let mut header = drive.bytes(header_at, 512);
        assert_eq!(&header[..8], b"EFI PART");
        let entries_at = u64::from_le_bytes(header[72..80].try_into().unwrap()) * 512;
        let mut entries = drive.bytes(entries_at, 128 * 128);
        entries[128..144].copy_from_slice(&RESERVED);
        header[88..92].copy_from_slice(&crc32(&entries).to_le_bytes());
        header[16..20].fill(0);
        let checksum = crc32(&header[..HEADER]);
        header[16..20].copy_from_slice(&checksum.to_le_bytes());
        drive.write(entries_at, &entries);
        drive.write(header_at, &header);
    }
}

/// Gives the protector another kind in all copies of the metadata.
pub fn change_the_protector(drive: &Drive, kind: u16) {
    for block_at in drive.metadata() {
        let mut block = drive.bytes(block_at, 65_536);
        let number = |at: usize| usize::from(u16::from_le_bytes([block[at], block[at + 1]]));
        let info_bytes = number(8) * 16;
        let mut at = 112;
        // A datum: size, role, type, flags; a protector has its kind 34 bytes behind its start.
        while number(at + 4) != 8 {
            at += number(at);
        }
        assert_eq!(number(at + 34), 0x0800, "it was a recovery password");
        block[at + 34..at + 36].copy_from_slice(&kind.to_le_bytes());
        let checksum = crc32(&block[..info_bytes]);
        block[info_bytes + 4..info_bytes + 8].copy_from_slice(&checksum.to_le_bytes());
        drive.write(block_at, &block);
    }
}

/// CRC-32 as GPT and BitLocker use it.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}
