//! One pattern of `--exclude` or `--include`, as restic's users know them: it is laid against the components of
//! an absolute path. Each component is a shell pattern of its own (`*`, `?`, `[a-z]`, `[^a-z]`,
//! `\` before a character that is meant as it stands); `**` stands for any number of components,
//! also none. A pattern that begins with `/` counts from the root, any other from any component
//! on. What lies below a match is matched too. One that begins with `!` takes back what an
//! earlier one left out.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

/// A pattern that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPattern {
    /// There is nothing in it.
    #[error("A pattern of `--exclude` or `--include` is empty")]
    Empty,
    /// A set of characters is not closed, is empty, or has no end of a range.
    #[error("The pattern \"{text}\" has a set of characters that is not well formed")]
    Set {
        /// The pattern.
        text: String,
    },
    /// It is no name of a file.
    #[error("\"{text}\" is no name of a file that may lie in a folder")]
    Name {
        /// The text.
        text: String,
    },
    /// It ends in a backslash.
    #[error("The pattern \"{text}\" has a backslash with nothing behind it")]
    Escape {
        /// The pattern.
        text: String,
    },
}

/// A pattern that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    /// Whether it takes back.
    is_negated: bool,
    /// Whether it counts from the root.
    is_rooted: bool,
    parts: Vec<Part>,
}

/// What stands for one component of a path, or for any number of them.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Any,
    One(Vec<Glyph>),
}

/// What stands for characters of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Glyph {
    Char(char),
    One,
    Many,
    Set { ranges: Vec<(char, char)>, is_negated: bool },
}

impl Pattern {
    /// Understands a pattern. `.`, `..`, doubled slashes and one at the end are taken out as in
    /// any path.
    pub fn parse(text: &str) -> Result<Self, InvalidPattern> {
        let (is_negated, rest) = match text.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if rest.trim().is_empty() {
            return Err(InvalidPattern::Empty);
        }
        let is_rooted = rest.starts_with('/');
        let mut names: Vec<&str> = Vec::new();
        for name in rest.split('/') {
            match name {
                "" | "." => {}
                ".." if names.last().is_some_and(|last| *last != "..") => drop(names.pop()),
                ".." if is_rooted => {}
                name => names.push(name),
            }
        }
        if names.is_empty() && !is_rooted {
            return Err(InvalidPattern::Empty);
        }
        let part = |name: &&str| match *name {
            "**" => Ok(Part::Any),
            name => glyphs(name, text).map(Part::One),
        };
        let parts = names.iter().map(part).collect::<Result<_, _>>()?;
        Ok(Pattern { is_negated, is_rooted, parts })
    }

    /// Whether it takes back what an earlier one left out.
    pub fn is_negated(&self) -> bool {
        self.is_negated
    }

    /// Whether it may match something below an absolute path; one that does not count from the root
    /// may anywhere.
    pub fn may_match_below(&self, path: &Path) -> bool {
        !self.is_rooted || leads(&self.parts, &names(path))
    }

    /// Whether it matches an absolute path, or a folder above it.
    pub fn matches(&self, path: &Path) -> bool {
        let names = names(path);
        let last = if self.is_rooted { 0 } else { names.len().saturating_sub(1) };
        (0..=last).any(|start| begins(&self.parts, &names[start.min(names.len())..]))
    }
}

/// Whether names that follow may make these names match.
fn leads(parts: &[Part], names: &[&OsStr]) -> bool {
    match (parts.split_first(), names.split_first()) {
        (None | Some((Part::Any, _)), _) | (_, None) => true,
        (Some((Part::One(glyphs), rest)), Some((name, names))) => {
            is_name(glyphs, name) && leads(rest, names)
        }
    }
}

fn names(path: &Path) -> Vec<&OsStr> {
    let name = |part| match part {
        Component::Normal(name) => Some(name),
        _ => None,
    };
    path.components().filter_map(name).collect()
}

/// Whether the first of the names are what the parts say.
fn begins(parts: &[Part], names: &[&OsStr]) -> bool {
    match parts.split_first() {
        None => true,
        Some((Part::Any, rest)) => (0..=names.len()).any(|skip| begins(rest, &names[skip..])),
        Some((Part::One(glyphs), rest)) => names
            .split_first()
            .is_some_and(|(name, names)| is_name(glyphs, name) && begins(rest, names)),
    }
}

/// Whether a name is what the glyphs say. Bytes that are no character count as one each.
fn is_name(glyphs: &[Glyph], name: &OsStr) -> bool {
    let mut letters = Vec::new();
    for chunk in name.as_bytes().utf8_chunks() {
        letters.extend(chunk.valid().chars().map(Some));
        letters.extend(chunk.invalid().iter().map(|_| None));
    }
    // The place of the last `*` and how much it has taken: it takes more until the rest fits.
    let (mut glyph, mut letter) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while letter < letters.len() || glyph < glyphs.len() {
        if let Some(own) = glyphs.get(glyph) {
            if *own == Glyph::Many {
                star = Some((glyph, letter));
                glyph += 1;
                continue;
            }
            if letters.get(letter).is_some_and(|letter| is_letter(own, *letter)) {
                (glyph, letter) = (glyph + 1, letter + 1);
                continue;
            }
        }
        match star {
            Some((place, taken)) if taken < letters.len() => {
                star = Some((place, taken + 1));
                (glyph, letter) = (place + 1, taken + 1);
            }
            _ => return false,
        }
    }
    true
}

/// Whether one character of a name is what a glyph says; `None` is a byte that is no character.
fn is_letter(glyph: &Glyph, letter: Option<char>) -> bool {
    match glyph {
        Glyph::Char(own) => letter == Some(*own),
        Glyph::One | Glyph::Many => true,
        Glyph::Set { ranges, is_negated } => {
            let letter = letter.unwrap_or(char::REPLACEMENT_CHARACTER);
            ranges.iter().any(|(from, to)| (*from..=*to).contains(&letter)) != *is_negated
        }
    }
}

fn glyphs(name: &str, text: &str) -> Result<Vec<Glyph>, InvalidPattern> {
    let escape = || InvalidPattern::Escape { text: text.to_owned() };
    let mut glyphs = Vec::new();
    let mut letters = name.chars().peekable();
    while let Some(letter) = letters.next() {
        glyphs.push(match letter {
            '*' => Glyph::Many,
            '?' => Glyph::One,
            '\\' => Glyph::Char(letters.next().ok_or_else(escape)?),
            '[' => set(&mut letters).ok_or(InvalidPattern::Set { text: text.to_owned() })?,
            letter => Glyph::Char(letter),
        });
    }
    Ok(glyphs)
}

/// The set of characters behind a `[`.
fn set(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Glyph> {
    let is_negated = letters.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    while ranges.is_empty() || letters.next_if_eq(&']').is_none() {
        let from = member(letters)?;
        let to = if letters.next_if_eq(&'-').is_some() { member(letters)? } else { from };
        ranges.push((from, to));
    }
    Some(Glyph::Set { ranges, is_negated })
}

/// An end of a range: `-` and `]` only behind a backslash.
fn member(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    match letters.next()? {
        '-' | ']' => None,
        '\\' => letters.next(),
        letter => Some(letter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        Pattern::parse(pattern).unwrap().matches(Path::new(path))
    }

    #[test]
    fn a_pattern_counts_from_any_component_on_and_with_a_slash_first_from_the_root() {
        for pattern in ["cache", "app/cache", "/srv/app/cache", "./app/cache", "app//cache/", "ca*"]
        {
            assert!(matches(pattern, "/srv/app/cache"), "{pattern}");
            assert!(matches(pattern, "/srv/app/cache/below/it"), "{pattern}");
            assert!(!matches(pattern, "/srv/app"), "{pattern}");
        }
        for pattern in ["/app/cache", "/cache", "srv/cache", "app/cach", "cache/*", "ache", "*/srv"]
        {
            assert!(!matches(pattern, "/srv/app/cache"), "{pattern}");
        }
        assert!(matches("cache/*", "/srv/cache/one/two"));
        assert!(matches("x/../cache", "/srv/cache"));
        assert!(matches("/../srv", "/srv/cache"));
        assert!(!matches("../cache", "/srv/cache"), "no path has such a component");
    }

    #[test]
    fn two_stars_stand_for_any_number_of_components_also_none() {
        for pattern in ["/srv/**/cache", "srv/**/cache", "**/cache", "/srv/app/cache/**", "**"] {
            assert!(matches(pattern, "/srv/app/cache"), "{pattern}");
        }
        assert!(matches("/srv/**/cache", "/srv/cache"));
        assert!(matches("/srv/**/cache", "/srv/a/b/c/cache/d"));
        assert!(!matches("/srv/**/cache", "/opt/a/cache"));
        assert!(!matches("/srv/*/cache", "/srv/a/b/cache"));
    }

    #[test]
    fn sets_escapes_and_single_characters_are_those_of_the_shell() {
        for (pattern, name) in [
            ("[a-c]x", "bx"),
            ("[^a-c]x", "dx"),
            ("?x", "äx"),
            ("\\*x", "*x"),
            ("[\\]]x", "]x"),
            ("*.tar.*", "a.tar.gz"),
            ("a*b*c", "aXbbYc"),
            ("{a,b}", "{a,b}"),
        ] {
            assert!(matches(pattern, &format!("/{name}")), "{pattern} and {name}");
        }
        for (pattern, name) in [("[a-c]x", "dx"), ("\\*x", "ax"), ("?x", "x"), ("a*b", "abc")] {
            assert!(!matches(pattern, &format!("/{name}")), "{pattern} and {name}");
        }
        let not_utf8 = Path::new(OsStr::from_bytes(b"/a\xff\xffb"));
        assert!(Pattern::parse("a??b").unwrap().matches(not_utf8));
        assert!(!Pattern::parse("a?b").unwrap().matches(not_utf8));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for text in ["", " ", "\t", "!", "! ", ".", "a/.."] {
            assert_eq!(Pattern::parse(text), Err(InvalidPattern::Empty), "{text:?}");
        }
        for text in ["[", "[]", "[a", "[a-]", "[-a]", "x/[^]"] {
            let set = InvalidPattern::Set { text: text.to_owned() };
            assert_eq!(Pattern::parse(text), Err(set), "{text:?}");
        }
        let escape = InvalidPattern::Escape { text: "a\\".to_owned() };
        assert_eq!(Pattern::parse("a\\"), Err(escape));
    }
}
