//! The footer of a fixed VHD, which a disk of Azure ends with, and how an image is told from one that
//! is no plain sequence of a disk's bytes. Pure. Big-endian; layout by "Virtual Hard Disk Image Format
//! Specification", version 1.0:
//!
//! | byte | what |
//! |---|---|
//! | 0 | `conectix` |
//! | 8 | features: 2 |
//! | 12 | version: 0x00010000 |
//! | 16 | data offset: all ones for a fixed disk |
//! | 24 | seconds since the year 2000 |
//! | 28, 32, 36 | creator, its version, its system |
//! | 40, 48 | original and current size |
//! | 56 | cylinders (2), heads (1), sectors (1) |
//! | 60 | type: 2 is fixed, 3 and 4 are dynamic |
//! | 64 | ones' complement of the sum of all other bytes |
//! | 68 | UUID |

use disk_prep::limits::PAGE_BYTES;
use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;
use uuid::Uuid;

/// Bytes of the footer.
pub const FOOTER_BYTES: u64 = PAGE_BYTES;
const LENGTH: usize = 512;
const COOKIE: &[u8; 8] = b"conectix";
const FIXED: u32 = 2;
/// Readers that know the format's history take the exact size only from creators that they know; from
/// others they count cylinders, which are of no even number of bytes.
const CREATOR: &[u8; 4] = b"win ";
const SYSTEM: &[u8; 4] = b"Wi2k";
const CHECKSUM: std::ops::Range<usize> = 64..68;

/// What an image is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// The bytes of a disk.
    Raw,
    /// They, and a footer.
    FixedVhd,
    /// A footer whose own numbers do not fit, and what is wrong.
    BrokenVhd(&'static str),
    /// Another form of image, by its name.
    Other(&'static str),
}

/// The footer of a disk of this length.
pub fn footer(data_bytes: u64, id: Uuid, made_at: Timestamp) -> [u8; LENGTH] {
    let mut own = [0; LENGTH];
    let mut put = |at: usize, bytes: &[u8]| own[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, COOKIE);
    put(8, &2_u32.to_be_bytes());
    put(12, &0x0001_0000_u32.to_be_bytes());
    put(16, &[0xFF; 8]);
    put(24, &seconds(made_at).to_be_bytes());
    put(28, CREATOR);
    put(32, &0x000A_0000_u32.to_be_bytes());
    put(36, SYSTEM);
    put(40, &data_bytes.to_be_bytes());
    put(48, &data_bytes.to_be_bytes());
    put(56, &geometry(data_bytes));
    put(60, &FIXED.to_be_bytes());
    put(68, id.as_bytes());
    let sum = checksum(&own);
    own[CHECKSUM].copy_from_slice(&sum.to_be_bytes());
    own
}

fn seconds(at: Timestamp) -> u32 {
    let zero =
        date(2000, 1, 1).to_zoned(TimeZone::UTC).map_or(0, |own| own.timestamp().as_second());
    u32::try_from(at.as_second().saturating_sub(zero)).unwrap_or(0)
}

/// Cylinders, heads and sectors, by the specification's own rule.
fn geometry(data_bytes: u64) -> [u8; 4] {
    const MOST: u64 = 65_535 * 16 * 255;
    let sectors = (data_bytes / PAGE_BYTES).min(MOST);
    let (mut each, mut heads, mut rest);
    if sectors >= 65_535 * 16 * 63 {
        (each, heads, rest) = (255, 16, sectors / 255);
    } else {
        (each, rest) = (17, sectors / 17);
        heads = rest.div_ceil(1024).max(4);
        if rest >= heads * 1024 || heads > 16 {
            (each, heads, rest) = (31, 16, sectors / 31);
        }
        if rest >= heads * 1024 {
            (each, heads, rest) = (63, 16, sectors / 63);
        }
    }
    let [high, low] = u16::try_from(rest / heads).unwrap_or(u16::MAX).to_be_bytes();
    let byte = |number: u64| u8::try_from(number).unwrap_or(u8::MAX);
    [high, low, byte(heads), byte(each)]
}

fn checksum(footer: &[u8]) -> u32 {
    let all = footer.iter().enumerate().filter(|(at, _)| !CHECKSUM.contains(at));
    !all.fold(0_u32, |sum, (_, byte)| sum.wrapping_add(u32::from(*byte)))
}

fn number(footer: &[u8], at: usize, bytes: usize) -> u64 {
    let own = footer.get(at..at + bytes).unwrap_or_default();
    own.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// What an image of this length is, by its first bytes and its last 512.
pub fn shape(head: &[u8], tail: &[u8], bytes: u64) -> Shape {
    const OTHERS: [(&[u8], &str); 6] = [
        (b"QFI\xfb", "qcow2"),
        (b"vhdxfile", "VHDX"),
        (b"KDMV", "VMDK"),
        (b"COWD", "VMDK"),
        (b"# Disk DescriptorFile", "VMDK"),
        // A dynamic VHD begins with a copy of its footer.
        (COOKIE, "dynamic VHD"),
    ];
    if let Some((_, name)) = OTHERS.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Shape::Other(name);
    }
    if tail.len() != LENGTH || !tail.starts_with(COOKIE) {
        return Shape::Raw;
    }
    if number(tail, 64, 4) != u64::from(checksum(tail)) {
        return Shape::BrokenVhd("its footer's checksum is wrong");
    }
    if number(tail, 60, 4) != u64::from(FIXED) {
        return Shape::Other("dynamic VHD");
    }
    if number(tail, 48, 8) != bytes.saturating_sub(FOOTER_BYTES) {
        return Shape::BrokenVhd("its footer says another length");
    }
    Shape::FixedVhd
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_footer_is_one_and_whatever_byte_is_another_is_seen() {
        let bytes = 5 << 30;
        let made_at = "2026-11-29T00:00:00Z".parse().unwrap();
        let own = footer(bytes, Uuid::from_u128(7), made_at);
        assert_eq!(shape(&[0; 512], &own, bytes + 512), Shape::FixedVhd);
        assert_eq!(number(&own, 24, 4), 849_225_600, "seconds since 2000");
        for at in 8..LENGTH {
            let mut other = own;
            other[at] ^= 0x10;
            assert!(matches!(shape(&[0; 512], &other, bytes + 512), Shape::BrokenVhd(_)), "{at}");
        }
        let longer = Shape::BrokenVhd("its footer says another length");
        assert_eq!(shape(&[0; 512], &own, bytes + 1024), longer);
    }

    #[test]
    fn cylinders_are_those_of_the_specification() {
        // Sectors, and cylinders, heads and sectors of each.
        for (mib, expected) in [
            (1, [0, 30, 4, 17]),
            (64, [3, 195, 8, 17]),
            (1024, [8, 32, 16, 63]),
            (140_000, [0xFF, 0xFF, 16, 255]),
        ] {
            let found = geometry(mib << 20);
            let cylinders = u64::from(found[0]) << 8 | u64::from(found[1]);
            let held = cylinders * u64::from(found[2]) * u64::from(found[3]);
            assert!(held <= (mib << 20) / 512, "{mib} {found:?}");
            if mib != 140_000 {
                assert!((mib << 20) / 512 - held < 1024, "{mib} {found:?}");
            } else {
                assert_eq!((found[2], found[3]), (expected[2], expected[3]));
            }
        }
    }

    #[test]
    fn other_forms_are_told_by_their_first_bytes() {
        for (head, name) in [
            (&b"QFI\xfb\0\0\0\x03"[..], "qcow2"),
            (b"vhdxfile", "VHDX"),
            (b"KDMV", "VMDK"),
            (b"# Disk DescriptorFile\n", "VMDK"),
            (b"conectix", "dynamic VHD"),
        ] {
            assert_eq!(shape(head, &[0; 512], 1 << 20), Shape::Other(name));
        }
        assert_eq!(shape(&[0x55; 512], &[0xAA; 512], 1 << 20), Shape::Raw);
        assert_eq!(shape(&[], &[], 0), Shape::Raw);
    }
}
