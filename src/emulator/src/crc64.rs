//! The 64-bit checksum of Azure Storage, as its calls and the verbose log of today have it
//! (`azure-import-export` 7.2): reflected, polynomial 0x9A6C9329AC4BC9B5, all ones before and
//! after. Nothing has the checksum 0.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

const POLYNOMIAL: u64 = 0x9A6C_9329_AC4B_C9B5;
const TABLE: [u64; 256] = table();
/// Bytes of a file that are read at once.
const PIECE: usize = 1 << 20;

const fn table() -> [u64; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut value = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { value >> 1 ^ POLYNOMIAL } else { value >> 1 };
            bit += 1;
        }
        table[byte] = value;
        byte += 1;
    }
    table
}

fn update(sum: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(sum, |sum, byte| {
        let [low, ..] = sum.to_le_bytes();
        sum >> 8 ^ TABLE[usize::from(low ^ byte)]
    })
}

/// The checksum of bytes.
pub(super) fn of(bytes: &[u8]) -> u64 {
    !update(u64::MAX, bytes)
}

/// The checksum of a whole file.
pub(super) fn of_file(file: &File) -> io::Result<u64> {
    let mut piece = vec![0; PIECE];
    let (mut sum, mut at) = (u64::MAX, 0u64);
    loop {
        let count = file.read_at(&mut piece, at)?;
        if count == 0 {
            return Ok(!sum);
        }
        sum = update(sum, &piece[..count]);
        at = at.saturating_add(count as u64);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn of_its_file(bytes: &[u8]) -> u64 {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        of_file(&file).unwrap()
    }

    #[test]
    fn the_published_check_value_comes_out_and_nothing_has_zero() {
        for of in [of, of_its_file] {
            assert_eq!(of(b"123456789"), 0xAE8B_1486_0A79_9888);
            assert_eq!(of(b""), 0);
        }
    }

    #[test]
    fn a_file_of_more_than_one_piece_is_one_whole() {
        let bytes: Vec<u8> = (0..PIECE + 9).map(|at| (at % 251) as u8).collect();
        assert_eq!(of_its_file(&bytes), !update(update(u64::MAX, &bytes[..7]), &bytes[7..]));
    }
}
