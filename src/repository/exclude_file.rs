//! Files of patterns, one a line, as restic's `--exclude-file` takes them: empty lines and such that
//! begin with `#` say nothing, `$NAME` and `${NAME}` stand for variables, `$$` for a dollar.

use disk_prep::sys::given;
use std::path::Path;

use super::error::Error;

/// A file of patterns has no more bytes.
const MOST_BYTES: u64 = 1 << 20;

/// Reads a file of patterns.
pub fn read_patterns(
    path: &Path,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Vec<String>, Error> {
    let failed = |source| Error::Store { path: path.to_owned(), source };
    let bytes = std::fs::metadata(path).map_err(failed)?.len();
    if bytes > MOST_BYTES {
        let large = disk_prep::sys::beneath::Unexpected::Large { bytes, most: MOST_BYTES };
        return Err(failed(large.into()));
    }
    let text = given::read_text(path).map_err(failed)?;
    Ok(patterns(&text, variable))
}

/// The patterns of a text.
fn patterns(text: &str, variable: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| expanded(line, &variable)).collect()
}

/// A line with its variables; one that is not set is nothing.
fn expanded(line: &str, variable: &impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let is_of_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) =
            after.strip_prefix('{').and_then(|after| after.split_once('}'))
        {
            out.push_str(&variable(name).unwrap_or_default());
            rest = after;
        } else {
            let end = after.find(|letter| !is_of_name(letter)).unwrap_or(after.len());
            match end {
                0 => out.push('$'),
                _ => out.push_str(&variable(&after[..end]).unwrap_or_default()),
            }
            rest = &after[end..];
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_patterns_is_read_as_restic_reads_it() {
        let text = "\u{feff}# what is not needed\n\n  *.tmp  \n!keep.tmp\n$HOME/a\n${HOME}b\n\
                    $NONE/c\na$$b\nprice$\n";
        let home = |name: &str| (name == "HOME").then(|| "/home/u".to_owned());
        let all = patterns(text, home);
        let expected = ["*.tmp", "!keep.tmp", "/home/u/a", "/home/ub", "/c", "a$b", "price$"];
        assert_eq!(all, expected);
    }
}
