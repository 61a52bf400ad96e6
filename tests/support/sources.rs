//! The sources of both packages as text, apart by what is product and what is test, so that
//! rules can be read off them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// One file of Rust.
#[derive(Debug, Clone)]
pub struct Source {
    /// Path from the repository's root, `/` between the parts.
    pub path: String,
    /// The whole text.
    pub text: String,
    /// The product's part of it: test modules cut off, comments and the insides of string
    /// literals blanked. As many lines as there were, up to where the tests begin.
    pub code: String,
}

/// The repository's root.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The packages, each with the folder of its sources.
pub const PACKAGES: [(&str, &str); 3] =
    [("azseed", "src/"), ("azseed-emulator", "src/emulator/src/"), ("disk-prep", "disk-prep/src/")];

/// All product files; files that only tests include are left out.
pub fn product() -> Vec<Source> {
    let (sources, _) = product_and_tests();
    assert!(sources.len() > 30, "the sources were not found");
    sources
}

/// The texts of all tests: `tests` and `disk-prep/tests`, and of `src` and `disk-prep/src` the files
/// and parts that are compiled for tests only.
pub fn tests() -> Vec<String> {
    let (product, inner) = product_and_tests();
    let part = |source: Source| {
        let from = source.code.lines().count();
        source.text.lines().skip(from).collect::<Vec<_>>().join("\n")
    };
    let mut outer = Vec::new();
    for folder in ["tests", "disk-prep/tests"] {
        collect(&root().join(folder), &mut outer);
    }
    assert!(inner.len() > 5 && outer.len() > 50, "the tests were not found");
    let whole = inner.into_iter().chain(outer).map(|source| source.text);
    product.into_iter().map(part).chain(whole).collect()
}

fn product_and_tests() -> (Vec<Source>, Vec<Source>) {
    let mut sources = Vec::new();
    for folder in ["src", "disk-prep/src"] {
        collect(&root().join(folder), &mut sources);
    }
    sources.retain(|source| !source.path.starts_with("src/emulator/tests/"));
    let of_tests: BTreeSet<String> = sources.iter().flat_map(test_files).collect();
    let is_product = |source: &Source| !of_tests.iter().any(|test| covers(test, &source.path));
    sources.into_iter().partition(is_product)
}

impl Source {
    /// A source from its text.
    pub fn new(path: &str, text: &str) -> Self {
        let plain = blank(text);
        let end = plain.match_indices("#[cfg(test)]\n").map(|(at, _)| at).find(|at| {
            let line = plain[*at..].lines().nth(1).unwrap_or_default().trim_start();
            line.ends_with('{') && line.split(' ').any(|word| word == "mod")
        });
        let code = plain[..end.unwrap_or(plain.len())].to_owned();
        Source { path: path.to_owned(), text: text.to_owned(), code }
    }

    /// The package that it belongs to: the one with the longest folder above it.
    pub fn package(&self) -> &'static str {
        let all = PACKAGES.iter().filter(|(_, folder)| self.path.starts_with(folder));
        all.max_by_key(|(_, folder)| folder.len()).expect("every source has its package").0
    }

    /// Its path below the package's sources.
    fn below(&self) -> &str {
        let folder = PACKAGES.iter().find(|(name, _)| *name == self.package());
        self.path.strip_prefix(folder.expect("it is listed").1).expect("it lies there")
    }

    /// Its module: `crate` for the package's root, else `crate::room::file`.
    pub fn module(&self) -> String {
        ["crate"].into_iter().chain(self.modules()).collect::<Vec<_>>().join("::")
    }

    /// The top-level module that the file belongs to.
    pub fn room(&self) -> &str {
        let below = self.below();
        below.split('/').next().unwrap_or(below).trim_end_matches(".rs")
    }

    /// Modules above the file's content, outermost first: `["vault", "ingest"]`.
    fn modules(&self) -> Vec<&str> {
        let below = self.below();
        let mut parts: Vec<&str> = below.trim_end_matches(".rs").split('/').collect();
        if matches!(parts.last(), Some(&"mod" | &"lib" | &"main")) {
            parts.pop();
        }
        parts
    }

    /// Every path the code names that begins with a crate or climbs with `super`, as
    /// `crate::room::item` or `other_crate::module`; use trees are spread out.
    pub fn paths(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let code = &self.code;
        for (at, _) in code.match_indices("::") {
            let head = code[..at].rsplit(|c: char| !c.is_alphanumeric() && c != '_').next();
            let head = head.unwrap_or_default();
            let before = &code[..at - head.len()];
            // `pub(in crate::room)` says who may look in, and imports nothing.
            if head.is_empty() || before.ends_with("::") || before.ends_with("pub(in ") {
                continue;
            }
            // In a module within the file, the first `super` is the file itself.
            let is_inner = before.rsplit('\n').next().is_some_and(|line| line.starts_with("    "))
                && before.trim_end().ends_with("use")
                && head == "super";
            for tail in spread(&code[at + 2..]) {
                let path = format!("{head}::{tail}");
                let path = path.strip_prefix("super::").filter(|_| is_inner).unwrap_or(&path);
                found.insert(self.absolute(path));
            }
        }
        found
    }

    fn absolute(&self, path: &str) -> String {
        let mut modules = self.modules();
        let mut rest = path;
        if !rest.starts_with("super::") && !rest.starts_with("self::") {
            return path.to_owned();
        }
        rest = rest.strip_prefix("self::").unwrap_or(rest);
        while let Some(shorter) = rest.strip_prefix("super::") {
            modules.pop();
            rest = shorter;
        }
        let mut whole = vec!["crate"];
        whole.extend(modules);
        whole.push(rest);
        whole.join("::")
    }
}

/// What follows a `::`: one path, or each path of a braced tree.
fn spread(text: &str) -> Vec<String> {
    let Some(inner) = text.strip_prefix('{') else {
        let end = text
            .char_indices()
            .find(|(at, c)| {
                let tree = *c == '{' && text[..*at].ends_with("::");
                !(c.is_alphanumeric() || matches!(c, '_' | ':') || tree)
            })
            .map_or(text.len(), |(at, _)| at);
        return match text[..end].find("::{") {
            Some(at) => {
                let head = &text[..at];
                spread(&text[at + 2..]).into_iter().map(|tail| format!("{head}::{tail}")).collect()
            }
            None => vec![text[..end].to_owned()],
        };
    };
    let mut items = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, c) in inner.char_indices() {
        match c {
            '{' => depth += 1,
            ',' if depth == 0 => {
                items.push(inner[start..at].trim());
                start = at + 1;
            }
            '}' if depth == 0 => {
                items.push(inner[start..at].trim());
                break;
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    items.into_iter().filter(|item| !item.is_empty()).flat_map(spread).collect()
}

/// Comments and the insides of string and character literals as blanks; line breaks stay.
fn blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (piece, part) in pieces(text) {
        match piece {
            Piece::Code => out.push_str(part),
            _ => out.extend(part.chars().map(|c| if c == '\n' { '\n' } else { ' ' })),
        }
    }
    out
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    Code,
    Comment,
    Text,
    Character,
}

/// The text in pieces of one kind each; code comes letter by letter.
fn pieces(text: &str) -> impl Iterator<Item = (Piece, &str)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let c = rest.chars().next()?;
        let (piece, length) = if rest.starts_with("//") {
            (Piece::Comment, rest.find('\n').unwrap_or(rest.len()))
        } else if rest.starts_with("/*") {
            (Piece::Comment, rest.find("*/").map_or(rest.len(), |at| at + 2))
        } else if let Some(hashes) = raw_string(rest) {
            let close = format!("\"{}", "#".repeat(hashes));
            let open = hashes + 2;
            let end = rest[open..].find(&close);
            (Piece::Text, end.map_or(rest.len(), |at| open + at + close.len()))
        } else if c == '"' {
            (Piece::Text, quoted(rest))
        } else if c == '\'' && rest[1..].chars().nth(1) == Some('\'') {
            (Piece::Character, 2 + rest[1..].chars().next().map_or(1, char::len_utf8))
        } else if let Some(escape) = rest.strip_prefix("'\\") {
            (Piece::Character, escape.find('\'').map_or(rest.len(), |at| at + 3))
        } else {
            (Piece::Code, c.len_utf8())
        };
        let (part, after) = rest.split_at(length);
        rest = after;
        Some((piece, part))
    })
}

/// The string literals of a text of Rust.
pub fn literals(text: &str) -> impl Iterator<Item = &str> {
    pieces(text).filter(|(piece, _)| *piece == Piece::Text).map(|(_, part)| part)
}

/// How many hashes open a raw string here, if one begins.
fn raw_string(text: &str) -> Option<usize> {
    let after = text.strip_prefix('r')?;
    let hashes = after.bytes().take_while(|b| *b == b'#').count();
    after[hashes..].starts_with('"').then_some(hashes)
}

/// Bytes of the string literal that begins the text.
fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn collect(folder: &Path, sources: &mut Vec<Source>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .expect("the folder of sources exists")
        .map(|entry| entry.expect("it can be listed").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).expect("sources are UTF-8");
            let relative = path.strip_prefix(root()).expect("below the root");
            sources.push(Source::new(&relative.to_string_lossy(), &text));
        }
    }
}

/// Files and folders (without `.rs`) that the file includes for tests only.
fn test_files(source: &Source) -> Vec<String> {
    let folder = match source.path.rsplit_once('/') {
        Some((folder, "mod.rs" | "lib.rs" | "main.rs")) => folder.to_owned(),
        _ => source.path.trim_end_matches(".rs").to_owned(),
    };
    let lines: Vec<&str> = source.text.lines().map(str::trim).collect();
    lines
        .windows(2)
        .filter(|pair| pair[0] == "#[cfg(test)]")
        .filter_map(|pair| pair[1].strip_suffix(';')?.split("mod ").nth(1))
        .map(|name| format!("{folder}/{name}"))
        .collect()
}

fn covers(test: &str, path: &str) -> bool {
    path.strip_prefix(test).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}
