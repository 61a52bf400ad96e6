//! Text as a terminal may get it: what would move the cursor, change a colour, ring, or turn the
//! order of reading stands there as letters. Names of files, models, labels and messages of
//! services are written by others, who may mean a terminal and not a reader.

use std::borrow::Cow;
use std::fmt::Write;

/// Text of several lines, in which only line ends and tabs are left as they are.
pub fn visible(text: &str) -> Cow<'_, str> {
    escaped(text, |c| is_command(c) && !matches!(c, '\n' | '\t'))
}

/// A name or a sentence that stands in a line of its own, so that it cannot begin another.
pub fn visible_line(text: &str) -> Cow<'_, str> {
    escaped(text, is_command)
}

/// A word as a shell takes it, in a command that is shown to be typed. What a terminal acts on stands
/// in it as dollar-single-quotes have it (POSIX.1-2024, Shell Command Language, 2.2.4), byte by byte.
pub fn shell_word(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_alphanumeric() || "_./,:=@%+-".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    if text.contains(is_command) {
        let quoted = |c: char| match c {
            '\\' | '\'' => format!("\\{c}"),
            '\n' => "\\n".to_owned(),
            _ if is_command(c) => {
                c.to_string().bytes().map(|byte| format!("\\x{byte:02x}")).collect()
            }
            _ => c.to_string(),
        };
        return Cow::Owned(format!("$'{}'", text.chars().map(quoted).collect::<String>()));
    }
    Cow::Owned(format!("'{}'", text.replace('\'', "'\\''")))
}

/// A command that is shown to be typed, each of its words as a shell takes it.
pub fn typed<S: AsRef<str>>(words: impl IntoIterator<Item = S>) -> String {
    let words: Vec<String> =
        words.into_iter().map(|own| shell_word(own.as_ref()).into_owned()).collect();
    words.join(" ")
}

/// Whether a terminal acts on a character instead of showing it: C0, DEL and C1 (ECMA-48), the
/// marks, embeddings, overrides and isolates of the bidirectional algorithm (Unicode UAX 9), the
/// two separators of lines and paragraphs.
pub fn is_command(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2066}'..='\u{2069}')
}

fn escaped(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        // Writing to a string cannot fail.
        let written = match c {
            _ if !is_escaped(c) => shown.write_char(c),
            '\n' => shown.write_str("\\n"),
            '\r' => shown.write_str("\\r"),
            '\t' => shown.write_str("\\t"),
            '\0'..='\x7f' => write!(shown, "\\x{:02x}", u32::from(c)),
            _ => write!(shown, "\\u{{{:x}}}", u32::from(c)),
        };
        written.expect("a string takes all");
    }
    Cow::Owned(shown)
}

/// A name that others chose, as a part of a file's or blob's name: letters, digits, hyphens, dots and
/// underscores stay; any other byte is told by its digits, so that none leads elsewhere.
pub fn plain_word(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let mut plain = String::new();
    for byte in text.bytes() {
        match is_plain(byte) {
            true => plain.push(char::from(byte)),
            false => plain.push_str(&format!("={byte:02x}")),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_acts_on_is_left() {
        let all: String = (0..=0x10_ffff).filter_map(char::from_u32).collect();
        let (lines, line) = (visible(&all), visible_line(&all));
        assert_eq!(lines.chars().filter(|c| is_command(*c)).collect::<String>(), "\t\n");
        assert!(!line.chars().any(is_command));
        for raw in ['\x1b', '\x7f', '\u{9b}', '\u{202e}', '\u{2066}', '\u{85}', '\r'] {
            assert!(is_command(raw), "{raw:?}");
        }
        assert_eq!(visible_line("a\x1b[2Jb\u{9b}c\u{202e}\n"), "a\\x1b[2Jb\\u{9b}c\\u{202e}\\n");
        assert_eq!(visible("ünï 😀 文\tx\n"), "ünï 😀 文\tx\n");
    }

    #[test]
    fn a_shell_gets_the_very_word() {
        assert_eq!(shell_word("/mnt/a-b"), "/mnt/a-b");
        let words = ["a b", "", "it's", "two\nlines", "a\x1b[2J'\\b", "right\u{202e}left\t$x`y`"];
        for word in words {
            let shown = shell_word(word);
            assert!(!shown.contains(is_command), "{shown}");
            let told = std::process::Command::new("bash")
                .args(["-c", &format!("printf %s {shown}")])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(told.stdout).unwrap(), word, "{shown}");
        }
    }
}
