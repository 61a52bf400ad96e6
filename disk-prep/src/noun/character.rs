//! Characters that no name of a file or blob can have: XML 1.0 cannot hold them (its production
//! `Char`), or Azure answers with 400 ("Naming and referencing containers, blobs, and metadata":
//! control characters, and code points like U+E000).

use std::fmt;
use std::path::Path;

/// A character that cannot be in a name, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnfitCharacter {
    character: char,
    kind: &'static str,
}

impl UnfitCharacter {
    /// The first one of a text.
    pub fn find(text: &str) -> Option<Self> {
        text.chars().find_map(|character| {
            let kind = kind(character)?;
            Some(UnfitCharacter { character, kind })
        })
    }
}

impl fmt::Display for UnfitCharacter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "U+{:04X}, {}", u32::from(self.character), self.kind)
    }
}

fn kind(character: char) -> Option<&'static str> {
    Some(match u32::from(character) {
        0x09 => "a tab, which is a control character",
        0x0a | 0x0d => "a line break, which is a control character",
        0x1b => "an escape, which is a control character",
        0x00..=0x1f | 0x7f..=0x9f => "a control character",
        0xe000..=0xf8ff | 0xf_0000..=0xf_fffd | 0x10_0000..=0x10_fffd => {
            "a character for private use"
        }
        0xfffd => "the replacement character",
        0xfdd0..=0xfdef => "a noncharacter",
        code if code & 0xfffe == 0xfffe => "a noncharacter",
        _ => return None,
    })
}

/// A path for messages: as it is, or in quotes and escaped if a character of it cannot be shown.
pub fn shown(path: &Path) -> String {
    match path.to_str() {
        Some(text) if UnfitCharacter::find(text).is_none() => text.to_owned(),
        Some(text) => {
            let sign = |sign: char| match kind(sign) {
                Some(_) => format!("\\u{{{:x}}}", u32::from(sign)),
                None => sign.to_string(),
            };
            format!("\"{}\"", text.chars().map(sign).collect::<String>())
        }
        None => format!("{path:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unfit_character_is_told_with_its_number_and_kind() {
        for (text, told) in [
            ("a\u{0}", "U+0000, a control character"),
            ("a\tb", "U+0009, a tab, which is a control character"),
            ("\u{7f}", "U+007F, a control character"),
            ("x\u{81}y", "U+0081, a control character"),
            ("\u{85}", "U+0085, a control character"),
            ("odd\u{fffe}.txt", "U+FFFE, a noncharacter"),
            ("\u{ffff}", "U+FFFF, a noncharacter"),
            ("\u{fdd0}", "U+FDD0, a noncharacter"),
            ("\u{1fffe}", "U+1FFFE, a noncharacter"),
            ("\u{10ffff}", "U+10FFFF, a noncharacter"),
            ("\u{fffd}", "U+FFFD, the replacement character"),
            ("\u{e000}", "U+E000, a character for private use"),
            ("\u{f8ff}", "U+F8FF, a character for private use"),
            ("\u{100000}", "U+100000, a character for private use"),
        ] {
            assert_eq!(UnfitCharacter::find(text).unwrap().to_string(), told);
        }
        for good in ["plain", "ä ß\u{1F600}", "\u{a0}\u{ad}\u{200b}\u{2028}", "\u{dfff0}"] {
            assert_eq!(UnfitCharacter::find(good), None, "{good:?}");
        }
    }

    #[test]
    fn a_path_is_shown_without_what_a_terminal_would_obey() {
        assert_eq!(shown(Path::new("a/b ü")), "a/b ü");
        assert_eq!(shown(Path::new("a\u{1b}[2Jb")), "\"a\\u{1b}[2Jb\"");
    }
}
