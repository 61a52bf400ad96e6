//! The footer that makes a disk's bytes a fixed VHD ("Virtual Hard Disk Image Format Specification").

use jiff::Timestamp;
use uuid::Uuid;

/// Bytes of a footer.
pub(crate) const FOOTER: usize = 512;
/// Times of this format count from here: 2000-01-01T00:00:00Z.
const EPOCH: i64 = 946_684_800;

/// The footer of a disk of so many bytes.
pub(crate) fn footer(bytes: u64, now: Timestamp) -> [u8; FOOTER] {
    let mut own = [0; FOOTER];
    let mut put = |at: usize, part: &[u8]| own[at..at + part.len()].copy_from_slice(part);
    put(0, b"conectix");
    put(8, &2_u32.to_be_bytes());
    put(12, &0x0001_0000_u32.to_be_bytes());
    // No data follows: it is fixed.
    put(16, &u64::MAX.to_be_bytes());
    let secs = u32::try_from(now.as_second().saturating_sub(EPOCH)).unwrap_or(0);
    put(24, &secs.to_be_bytes());
    put(28, b"azse");
    put(32, &0x0001_0000_u32.to_be_bytes());
    put(36, b"Wi2k");
    put(40, &bytes.to_be_bytes());
    put(48, &bytes.to_be_bytes());
    let (cylinders, heads, sectors) = geometry(bytes / 512);
    put(56, &cylinders.to_be_bytes());
    put(58, &[heads, sectors]);
    put(60, &2_u32.to_be_bytes());
    put(68, Uuid::new_v4().as_bytes());
    let sum: u32 = own.iter().map(|byte| u32::from(*byte)).fold(0, u32::wrapping_add);
    own[64..68].copy_from_slice(&(!sum).to_be_bytes());
    own
}

/// Cylinders, heads and sectors of a track, by the appendix of the specification.
fn geometry(sectors: u64) -> (u16, u8, u8) {
    let total = sectors.min(65_535 * 16 * 255);
    if total >= 65_535 * 16 * 63 {
        return (u16::try_from(total / 255 / 16).unwrap_or(u16::MAX), 16, 255);
    }
    let (mut track, mut heads) = (17, (total / 17).div_ceil(1024).max(4));
    let mut tracks = total / track;
    if tracks >= heads * 1024 || heads > 16 {
        (track, heads) = (31, 16);
        tracks = total / track;
    }
    if tracks >= heads * 1024 {
        (track, heads) = (63, 16);
        tracks = total / track;
    }
    let small = |own: u64| u8::try_from(own).unwrap_or(u8::MAX);
    (u16::try_from(tracks / heads).unwrap_or(u16::MAX), small(heads), small(track))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_footer_says_the_size_twice_and_its_sum_is_right() {
        let own = footer(1 << 30, Timestamp::UNIX_EPOCH);
        assert_eq!(
            (&own[..8], &own[40..48], &own[48..56]),
            (&b"conectix"[..], &own[48..56], &(1_u64 << 30).to_be_bytes()[..])
        );
        let held = u32::from_be_bytes(own[64..68].try_into().unwrap());
        let others = own.iter().enumerate().filter(|(at, _)| !(64..68).contains(at));
        assert_eq!(!held, others.map(|(_, byte)| u32::from(*byte)).sum::<u32>());
        // As in the specification's own example of 1 GiB by other programs.
        assert_eq!(geometry((1 << 30) / 512), (2080, 16, 63));
        assert_eq!(geometry(2048), (30, 4, 17));
    }
}
