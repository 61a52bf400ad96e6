//! The version that a Windows program says of itself: four numbers in its `VS_FIXEDFILEINFO`
//! (<https://learn.microsoft.com/windows/win32/api/verrsrc/ns-verrsrc-vs_fixedfileinfo>).

/// Stands at its beginning.
const SIGNATURE: u32 = 0xFEEF_04BD;
/// The two halves of the product's version, from the signature on.
const PRODUCT: usize = 16;

/// The product's version; `None` if nothing in it looks like one.
pub(super) fn product_version(program: &[u8]) -> Option<[u16; 4]> {
    if !program.starts_with(b"MZ") {
        return None;
    }
    let word = |at: usize| -> Option<u32> {
        Some(u32::from_le_bytes(program.get(at..at + 4)?.try_into().ok()?))
    };
    // Resources lie at multiples of four.
    let at = (0..program.len()).step_by(4).find(|at| word(*at) == Some(SIGNATURE))?;
    let (high, low) = (word(at + PRODUCT)?, word(at + PRODUCT + 4)?);
    Some([(high >> 16) as u16, high as u16, (low >> 16) as u16, low as u16])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn program(version: [u16; 4], before: usize) -> Vec<u8> {
        let mut program = vec![0; before];
        program[..2].copy_from_slice(b"MZ");
        let [a, b, c, d] = version.map(u32::from);
        for word in [SIGNATURE, 0x0001_0000, 1, 2, a << 16 | b, c << 16 | d, 0] {
            program.extend(word.to_le_bytes());
        }
        program
    }

    #[test]
    fn four_numbers_are_read_where_the_resource_lies() {
        let version = [2, 7, 41491, 1075];
        assert_eq!(product_version(&program(version, 1024)), Some(version));
        assert_eq!(product_version(&program(version, 1024)[..1040]), None);
        assert_eq!(product_version(b"ELF"), None);
    }

    proptest! {
        #[test]
        fn whatever_it_is_it_is_read_to_its_end(program: Vec<u8>) {
            let _ = product_version(&[b"MZ".as_slice(), &program].concat());
        }
    }
}
