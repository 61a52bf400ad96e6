//! Metadata of page blobs as the service takes them. A value is that of a header, so it is of the visible
//! signs of ASCII and of blanks between them; the path of an image is of any. What no header carries goes
//! as RFC 8187 writes it, `UTF-8''` and percent signs, and comes back as it was.

use std::collections::{BTreeMap, HashMap};

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

const MARK: &str = "UTF-8''";
const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'%');

/// A value as a header has it.
fn carried(value: &str) -> String {
    let is_plain = value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    match is_plain && value.trim() == value && !value.starts_with(MARK) {
        true => value.to_owned(),
        false => format!("{MARK}{}", utf8_percent_encode(value, ESCAPED)),
    }
}

/// A value as it was given.
fn given(value: String) -> String {
    let own = value.strip_prefix(MARK).and_then(|own| percent_decode_str(own).decode_utf8().ok());
    own.map_or_else(|| value.clone(), |own| own.into_owned())
}

/// As they are sent.
pub(super) fn sent(metadata: &BTreeMap<String, String>) -> HashMap<String, String> {
    metadata.iter().map(|(name, value)| (name.clone(), carried(value))).collect()
}

/// As the service tells them: names come back in its own case.
pub(super) fn told(
    metadata: impl IntoIterator<Item = (String, String)>,
) -> BTreeMap<String, String> {
    metadata.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), given(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_header_carries_comes_back_and_the_rest_is_sent_as_it_is() {
        for plain in ["image:/srv/a b'c.raw", "https://h/c/a%20b.vhd", "50%", ""] {
            assert_eq!(carried(plain), plain);
            assert_eq!(given(plain.to_owned()), plain);
        }
        assert_eq!(
            carried("image:/srv/größe 1%.raw"),
            "UTF-8''image:/srv/gr%C3%B6%C3%9Fe%201%25.raw"
        );
        for odd in ["größe", "a\nb", "a\tb", "a ", " a", "UTF-8''a", "\u{7f}", "磁盘"] {
            let own = carried(odd);
            assert!(own.bytes().all(|byte| byte.is_ascii_graphic()), "{own}");
            assert_eq!(given(own), odd);
        }
        // Somebody else's, in no form of this one.
        assert_eq!(given("UTF-8''%FF".to_owned()), "UTF-8''%FF");
    }
}
