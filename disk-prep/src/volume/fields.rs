//! Little-endian fields of structures that others wrote, for all readers of formats. Whoever asks
//! has made sure that the bytes are there.

use uuid::Uuid;

/// So many bytes from there on.
fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes[at..at + N].try_into().expect("the slice has N bytes")
}

/// A number of 16 bits.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes_at(bytes, at))
}

/// A number of 32 bits.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes_at(bytes, at))
}

/// A number of 64 bits.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes_at(bytes, at))
}

/// A number of 64 bits with a sign.
pub(super) fn i64_at(bytes: &[u8], at: usize) -> i64 {
    i64::from_le_bytes(bytes_at(bytes, at))
}

/// A GUID as Microsoft's formats hold it.
pub(super) fn guid_at(bytes: &[u8], at: usize) -> Uuid {
    Uuid::from_bytes_le(bytes_at(bytes, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_byte_comes_first() {
        let bytes: Vec<u8> = (0..=0x1f).map(|at| at | 0x80).collect();
        assert_eq!(bytes_at(&bytes, 1), [0x81, 0x82]);
        assert_eq!(u16_at(&bytes, 1), 0x8281);
        assert_eq!(u32_at(&bytes, 1), 0x8483_8281);
        assert_eq!(u64_at(&bytes, 1), 0x8887_8685_8483_8281);
        assert_eq!(i64_at(&bytes, 1), 0x8887_8685_8483_8281_u64 as i64);
        let guid = "83828180-8584-8786-8889-8a8b8c8d8e8f";
        assert_eq!(guid_at(&bytes, 0).to_string(), guid);
    }
}
