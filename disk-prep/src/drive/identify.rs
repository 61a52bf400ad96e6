//! What an ATA drive answers when it is asked what it is: the 512 bytes of IDENTIFY DEVICE
//! (ATA/ATAPI Command Set - 4, 7.13, <https://www.t13.org>). Reads bytes that nobody checked, a
//! bridge's included; asks nobody (`sys::ata` does).
//!
//! | word | what |
//! |---|---|
//! | 0 | bit 15: 0 for ATA |
//! | 10-19, 27-46 | serial number, model; two characters a word, the first in the high byte |
//! | 60-61, 100-103, 230-233 | sectors, 28, 48 and 64 bit |
//! | 69 | bit 14: trimmed sectors always read the same; bit 5: as zeros; bits 1:0: zones |
//! | 82, 85 | bit 0: SMART is there, is on |
//! | 106, 117-118 | logical and physical sector size |
//! | 169 | bit 0: TRIM |
//! | 217 | rotation |
//! | 255 | low byte A5h: the high byte makes the sum of all bytes zero |

use crate::limits::SECTOR_BYTES;

/// Bytes of the answer.
pub const IDENTIFY_BYTES: usize = 512;

/// How a drive turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    /// It does not say.
    Unknown,
    /// Nothing turns.
    Solid,
    /// A disk turns, this often a minute if it says so.
    Turning(Option<u16>),
}

/// Whether a drive writes its tracks one over the other (shingled), so that only long ascending
/// writes are fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zones {
    /// Nothing says that it does.
    None,
    /// It does, behind its own back: written anywhere, slow at times.
    DriveManaged,
    /// It does and tells, but takes writes anywhere.
    HostAware,
    /// It takes writes only where its zones allow.
    HostManaged,
}

/// What the drive says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Serial number, without padding and blanks.
    pub serial: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Capacity in logical sectors.
    pub sectors: u64,
    /// Logical sector size.
    pub logical_bytes: u64,
    /// Physical sector size.
    pub physical_bytes: u64,
    /// How it turns.
    pub rotation: Rotation,
    /// Whether it is shingled.
    pub zones: Zones,
    /// Whether it keeps a health record and it is switched on.
    pub smart: bool,
    /// Whether a trimmed sector is guaranteed to read as zeros.
    pub trims_to_zero: bool,
}

impl Identity {
    /// Reads the answer; `None` if no ATA drive can have given it.
    pub fn parse(answer: &[u8; IDENTIFY_BYTES]) -> Option<Self> {
        let word = |at: usize| u16::from_le_bytes([answer[2 * at], answer[2 * at + 1]]);
        let bit = |at: usize, bit: u32| word(at) >> bit & 1 == 1;
        let wide = |first: usize, words: usize| {
            (first..first + words).rev().fold(0u64, |sum, at| sum << 16 | u64::from(word(at)))
        };
        // Bits 15:14 of some words are 01 when the word means anything.
        let is_valid = |at: usize| word(at) >> 14 == 0b01;
        let is_signed = word(255) & 0xff == 0xa5;
        let sum = answer.iter().fold(0u8, |sum, &byte| sum.wrapping_add(byte));
        if bit(0, 15) || (is_signed && sum != 0) {
            return None;
        }
        let logical_bytes = match is_valid(106) && bit(106, 12) {
            true => wide(117, 2).checked_mul(2).filter(|&bytes| bytes >= SECTOR_BYTES)?,
            false => SECTOR_BYTES,
        };
        let exponent = if is_valid(106) && bit(106, 13) { word(106) & 0xf } else { 0 };
        let sectors = if bit(69, 3) && wide(230, 4) != 0 {
            wide(230, 4)
        } else if is_valid(83) && bit(83, 10) && wide(100, 4) != 0 {
            wide(100, 4)
        } else {
            wide(60, 2)
        };
        sectors.checked_mul(logical_bytes).filter(|&bytes| bytes > 0)?;
        Some(Identity {
            serial: text(&answer[20..40]).map(|text| text.replace(' ', "")),
            model: text(&answer[54..94]),
            sectors,
            logical_bytes,
            physical_bytes: logical_bytes << exponent,
            rotation: match word(217) {
                1 => Rotation::Solid,
                rounds @ 0x0401..=0xfffe => Rotation::Turning(Some(rounds)),
                _ => Rotation::Unknown,
            },
            zones: match word(69) & 0b11 {
                0b01 => Zones::HostAware,
                0b10 => Zones::DriveManaged,
                _ => Zones::None,
            },
            smart: bit(82, 0) && bit(85, 0),
            trims_to_zero: bit(169, 0) && bit(69, 14) && bit(69, 5),
        })
    }

    /// Capacity.
    pub fn bytes(&self) -> u64 {
        // Checked when it was read.
        self.sectors.saturating_mul(self.logical_bytes)
    }
}

/// A text field; `None` if it is empty or no ATA string, which has printable characters only.
fn text(field: &[u8]) -> Option<String> {
    let swapped: Vec<u8> = field.chunks_exact(2).flat_map(|pair| [pair[1], pair[0]]).collect();
    // Some bridges pad with zeros instead of blanks.
    let text = std::str::from_utf8(&swapped).ok()?.trim_matches([' ', '\0']);
    let is_plain = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    (is_plain && !text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer with these words, a serial and a model, and its checksum.
    fn answer(serial: &str, model: &str, words: &[(usize, u16)]) -> [u8; IDENTIFY_BYTES] {
        let mut answer = [0; IDENTIFY_BYTES];
        for (at, length, text) in [(20, 20, serial), (54, 40, model)] {
            let padded = format!("{text:<length$}");
            for (to, pair) in
                answer[at..at + length].chunks_exact_mut(2).zip(padded.as_bytes().chunks(2))
            {
                to.copy_from_slice(&[pair[1], pair[0]]);
            }
        }
        for &(at, word) in words {
            answer[2 * at..2 * at + 2].copy_from_slice(&word.to_le_bytes());
        }
        answer[510] = 0xa5;
        let sum = answer.iter().fold(0u8, |sum, &byte| sum.wrapping_add(byte));
        answer[511] = sum.wrapping_neg();
        answer
    }

    /// A 4 TB drive of 2014: 7,814,037,168 sectors, 512e, 5400 a minute.
    const RED: &[(usize, u16)] = &[
        (0, 0x427a),
        (60, 0xffff),
        (61, 0x0fff),
        (82, 0x746b),
        (83, 0x7d61),
        (85, 0x7469),
        (100, 0xbeb0),
        (101, 0xd1c0),
        (102, 0x0001),
        (106, 0x6003),
        (217, 0x1518),
    ];

    #[test]
    fn a_hard_disk_tells_serial_model_size_sectors_and_rotation() {
        let own = Identity::parse(&answer("     WD-WCC4E0123456", "WDC WD40EFRX-68WT0N0", RED));
        let own = own.unwrap();
        assert_eq!(own.serial.as_deref(), Some("WD-WCC4E0123456"));
        assert_eq!(own.model.as_deref(), Some("WDC WD40EFRX-68WT0N0"));
        assert_eq!((own.sectors, own.bytes()), (7_814_037_168, 4_000_787_030_016));
        assert_eq!((own.logical_bytes, own.physical_bytes), (512, 4096));
        assert_eq!(own.rotation, Rotation::Turning(Some(5400)));
        assert!(own.smart && !own.trims_to_zero);
        assert_eq!(own.zones, Zones::None);
    }

    #[test]
    fn a_solid_drive_tells_whether_trim_leaves_zeros() {
        let solid = |word_69| {
            let words = [(60, 0x9000), (61, 0x0100), (69, word_69), (169, 1), (217, 1)];
            Identity::parse(&answer("S3Z8", "Samsung SSD", &words)).unwrap()
        };
        assert!(solid(0x4020).trims_to_zero);
        assert!(!solid(0x4000).trims_to_zero && !solid(0x0020).trims_to_zero);
        assert_eq!(solid(0).rotation, Rotation::Solid);
        assert_eq!(solid(0b10).zones, Zones::DriveManaged);
        assert_eq!(solid(0b01).zones, Zones::HostAware);
    }

    #[test]
    fn a_4kn_drive_has_4096_byte_logical_sectors() {
        let words = [(83, 0x4400), (100, 1000), (106, 0x5000), (117, 2048)];
        let own = Identity::parse(&answer("S1", "4Kn", &words)).unwrap();
        assert_eq!((own.logical_bytes, own.physical_bytes, own.bytes()), (4096, 4096, 4_096_000));
    }

    #[test]
    fn what_no_drive_can_have_said_is_no_identity() {
        let mut flipped = answer("S1", "M", RED);
        flipped[25] ^= 1;
        assert_eq!(Identity::parse(&flipped), None, "a wrong checksum");
        assert_eq!(Identity::parse(&[0; 512]), None, "no sectors");
        assert_eq!(Identity::parse(&[0xff; 512]), None);
        let packet = [(0, 0x85c0), (60, 9)];
        assert_eq!(Identity::parse(&answer("S1", "CD", &packet)), None, "a packet device");
        let beyond = [(69, 8), (230, 0xffff), (231, 0xffff), (232, 0xffff), (233, 0xffff)];
        assert_eq!(Identity::parse(&answer("S1", "M", &beyond)), None, "more bytes than there are");
        let tiny = [(60, 1000), (106, 0x5000), (117, 1)];
        assert_eq!(Identity::parse(&answer("S1", "M", &tiny)), None, "sectors of two bytes");
    }

    #[test]
    fn names_with_blanks_lose_them_and_hostile_names_are_none() {
        let named = |serial: &str| Identity::parse(&answer(serial, "M", RED)).unwrap().serial;
        assert_eq!(named("AB 12/..  9").as_deref(), Some("AB12/..9"));
        assert_eq!(named("AB\0\0\0\0").as_deref(), Some("AB"));
        assert_eq!(named("A\u{1b}[2J"), None);
        assert_eq!(named("\u{e9}1"), None);
        assert_eq!(named(""), None);
    }
}
