//! How NTFS compares names: by their upcased UTF-16 units, then by the units themselves
//! (`ntfs-write-once` 8).

use std::cmp::Ordering;
use std::sync::LazyLock;

/// Bytes of `$UpCase`.
pub const UPCASE_BYTES: usize = 131_072;

/// Runs of units that change: first, last, step, difference. The table of Windows 8 and later.
#[rustfmt::skip]
const RUNS: &[(u16, u16, usize, i32)] = &[
    (0x61, 0x7a, 1, -32), (0xe0, 0xf6, 1, -32), (0xf8, 0xfe, 1, -32), (0xff, 0xff, 1, 121),
    (0x101, 0x12f, 2, -1), (0x133, 0x137, 2, -1), (0x13a, 0x148, 2, -1), (0x14b, 0x177, 2, -1),
    (0x17a, 0x17e, 2, -1), (0x180, 0x180, 1, 195), (0x183, 0x185, 2, -1), (0x188, 0x188, 1, -1),
    (0x18c, 0x18c, 1, -1), (0x192, 0x192, 1, -1), (0x195, 0x195, 1, 97), (0x199, 0x199, 1, -1),
    (0x19a, 0x19a, 1, 163), (0x19e, 0x19e, 1, 130), (0x1a1, 0x1a5, 2, -1), (0x1a8, 0x1a8, 1, -1),
    (0x1ad, 0x1ad, 1, -1), (0x1b0, 0x1b0, 1, -1), (0x1b4, 0x1b6, 2, -1), (0x1b9, 0x1b9, 1, -1),
    (0x1bd, 0x1bd, 1, -1), (0x1bf, 0x1bf, 1, 56), (0x1c6, 0x1c6, 1, -2), (0x1c9, 0x1c9, 1, -2),
    (0x1cc, 0x1cc, 1, -2), (0x1ce, 0x1dc, 2, -1), (0x1dd, 0x1dd, 1, -79), (0x1df, 0x1ef, 2, -1),
    (0x1f3, 0x1f3, 1, -2), (0x1f5, 0x1f5, 1, -1), (0x1f9, 0x21f, 2, -1), (0x223, 0x233, 2, -1),
    (0x23c, 0x23c, 1, -1), (0x242, 0x242, 1, -1), (0x247, 0x24f, 2, -1), (0x250, 0x250, 1, 10783),
    (0x251, 0x251, 1, 10780), (0x253, 0x253, 1, -210), (0x254, 0x254, 1, -206),
    (0x256, 0x257, 1, -205), (0x259, 0x259, 1, -202), (0x25b, 0x25b, 1, -203),
    (0x260, 0x260, 1, -205), (0x263, 0x263, 1, -207), (0x268, 0x268, 1, -209),
    (0x269, 0x269, 1, -211), (0x26b, 0x26b, 1, 10743), (0x26f, 0x26f, 1, -211),
    (0x271, 0x271, 1, 10749), (0x272, 0x272, 1, -213), (0x275, 0x275, 1, -214),
    (0x27d, 0x27d, 1, 10727), (0x280, 0x280, 1, -218), (0x283, 0x283, 1, -218),
    (0x288, 0x288, 1, -218), (0x289, 0x289, 1, -69), (0x28a, 0x28b, 1, -217),
    (0x28c, 0x28c, 1, -71), (0x292, 0x292, 1, -219), (0x371, 0x373, 2, -1), (0x377, 0x377, 1, -1),
    (0x37b, 0x37d, 1, 130), (0x3ac, 0x3ac, 1, -38), (0x3ad, 0x3af, 1, -37),
    (0x3b1, 0x3c1, 1, -32), (0x3c3, 0x3cb, 1, -32), (0x3cc, 0x3cc, 1, -64),
    (0x3cd, 0x3ce, 1, -63), (0x3d7, 0x3d7, 1, -8), (0x3d9, 0x3ef, 2, -1), (0x3f2, 0x3f2, 1, 7),
    (0x3f8, 0x3f8, 1, -1), (0x3fb, 0x3fb, 1, -1), (0x430, 0x44f, 1, -32), (0x450, 0x45f, 1, -80),
    (0x461, 0x481, 2, -1), (0x48b, 0x4bf, 2, -1), (0x4c2, 0x4ce, 2, -1), (0x4cf, 0x4cf, 1, -15),
    (0x4d1, 0x523, 2, -1), (0x561, 0x586, 1, -48), (0x1d79, 0x1d79, 1, 35332),
    (0x1d7d, 0x1d7d, 1, 3814), (0x1e01, 0x1e95, 2, -1), (0x1ea1, 0x1eff, 2, -1),
    (0x1f00, 0x1f07, 1, 8), (0x1f10, 0x1f15, 1, 8), (0x1f20, 0x1f27, 1, 8),
    (0x1f30, 0x1f37, 1, 8), (0x1f40, 0x1f45, 1, 8), (0x1f51, 0x1f57, 2, 8),
    (0x1f60, 0x1f67, 1, 8), (0x1f70, 0x1f71, 1, 74), (0x1f72, 0x1f75, 1, 86),
    (0x1f76, 0x1f77, 1, 100), (0x1f78, 0x1f79, 1, 128), (0x1f7a, 0x1f7b, 1, 112),
    (0x1f7c, 0x1f7d, 1, 126), (0x1f80, 0x1f87, 1, 8), (0x1f90, 0x1f97, 1, 8),
    (0x1fa0, 0x1fa7, 1, 8), (0x1fb0, 0x1fb1, 1, 8), (0x1fb3, 0x1fb3, 1, 9),
    (0x1fc3, 0x1fc3, 1, 9), (0x1fd0, 0x1fd1, 1, 8), (0x1fe0, 0x1fe1, 1, 8),
    (0x1fe5, 0x1fe5, 1, 7), (0x1ff3, 0x1ff3, 1, 9), (0x214e, 0x214e, 1, -28),
    (0x2170, 0x217f, 1, -16), (0x2184, 0x2184, 1, -1), (0x24d0, 0x24e9, 1, -26),
    (0x2c30, 0x2c5e, 1, -48), (0x2c61, 0x2c61, 1, -1), (0x2c65, 0x2c65, 1, -10795),
    (0x2c66, 0x2c66, 1, -10792), (0x2c68, 0x2c6c, 2, -1), (0x2c73, 0x2c73, 1, -1),
    (0x2c76, 0x2c76, 1, -1), (0x2c81, 0x2ce3, 2, -1), (0x2d00, 0x2d25, 1, -7264),
    (0xa641, 0xa65f, 2, -1), (0xa663, 0xa66d, 2, -1), (0xa681, 0xa697, 2, -1),
    (0xa723, 0xa72f, 2, -1), (0xa733, 0xa76f, 2, -1), (0xa77a, 0xa77c, 2, -1),
    (0xa77f, 0xa787, 2, -1), (0xa78c, 0xa78c, 1, -1), (0xff41, 0xff5a, 1, -32),
];

static UPCASE: LazyLock<Vec<u16>> = LazyLock::new(|| {
    let mut table: Vec<u16> = (0..=u16::MAX).collect();
    for &(first, last, step, difference) in RUNS {
        for unit in (first..=last).step_by(step) {
            table[usize::from(unit)] = (i32::from(unit) + difference) as u16;
        }
    }
    table
});

/// Upcases one unit.
pub fn upcase(unit: u16) -> u16 {
    UPCASE[usize::from(unit)]
}

/// Whether two names are one name to NTFS.
pub fn is_same(one: &str, other: &str) -> bool {
    one.encode_utf16().map(upcase).eq(other.encode_utf16().map(upcase))
}

/// The order of a folder's names; of two, one of which begins with the other, the shorter first.
pub fn collate(one: &str, other: &str) -> Ordering {
    let upcased = one.encode_utf16().map(upcase);
    upcased
        .cmp(other.encode_utf16().map(upcase))
        .then_with(|| one.encode_utf16().cmp(other.encode_utf16()))
}

/// `$UpCase` as it lies on the volume, from byte `at` on.
pub fn fill_upcase(at: usize, buffer: &mut [u8]) {
    for (index, byte) in buffer.iter_mut().enumerate() {
        let place = at + index;
        *byte = UPCASE.get(place / 2).map_or(0, |unit| unit.to_le_bytes()[place % 2]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    #[test]
    fn the_upcase_table_is_the_one_of_windows() {
        let mut table = vec![0; UPCASE_BYTES];
        fill_upcase(0, &mut table);
        let digest: String =
            Sha256::digest(&table).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, "41c26bc7a12bdaeb26025c93118697c7e3ef81ee048b00fe5cce2a472e0e0742");
    }

    #[test]
    fn names_sort_by_their_upcased_units_and_the_shorter_first() {
        let less = |one, other| collate(one, other) == Ordering::Less;
        assert!(less("a", "B") && less("B", "c") && less("ab", "abc") && less("A", "a"));
        assert!(less("$Volume", ".") && less("z", "ä"));
        // Units sort, not characters: what takes two of them comes before U+FF21.
        assert!(less("𝄞", "Ａ"));
        assert!(is_same("Straße", "sTRAßE") && !is_same("a", "ab"));
    }
}
