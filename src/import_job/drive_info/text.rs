//! The text of a journal in UTF-8 or UTF-16, told by its mark or by its zeros. Cleared on drop.

use zeroize::Zeroizing;

/// The text, if it is one.
pub(super) fn decode(bytes: &[u8]) -> Option<Zeroizing<String>> {
    match bytes {
        [0xff, 0xfe, text @ ..] => wide(text, u16::from_le_bytes),
        [0xfe, 0xff, text @ ..] => wide(text, u16::from_be_bytes),
        [first, 0, ..] if *first != 0 => wide(bytes, u16::from_le_bytes),
        [0, second, ..] if *second != 0 => wide(bytes, u16::from_be_bytes),
        text => {
            let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
            let text = str::from_utf8(text).ok()?;
            Some(Zeroizing::new(text.to_owned()))
        }
    }
}

fn wide(bytes: &[u8], read: fn([u8; 2]) -> u16) -> Option<Zeroizing<String>> {
    let (pairs, []) = bytes.as_chunks::<2>() else { return None };
    // With room for all, so that no part is left behind in a smaller buffer.
    let mut text = Zeroizing::new(String::with_capacity(pairs.len() * 3));
    for sign in char::decode_utf16(pairs.iter().map(|pair| read(*pair))) {
        text.push(sign.ok()?);
    }
    Some(text)
}
