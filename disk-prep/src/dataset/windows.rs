//! Paths as Windows writes them, answered with what to write on the copy machine instead.

use std::path::{Component, Path, PathBuf};

/// The longest path that the kernel takes, bytes.
const LONGEST_PATH: usize = 4096;

/// Reads the absolute path of something on the copy machine. A slash at the end is cut off.
pub(super) fn absolute(text: &str) -> Result<PathBuf, String> {
    if let Some(answer) = answer(text) {
        return Err(answer);
    }
    if !text.starts_with('/') {
        return Err(format!("{text:?} does not begin with /; write the whole path"));
    }
    if text.len() >= LONGEST_PATH {
        return Err(format!("the path has {} bytes, Linux takes {LONGEST_PATH}", text.len()));
    }
    let path = Path::new(text);
    if path.components().any(|part| part == Component::ParentDir) {
        return Err(format!("{text:?} goes up by `..`; write the path without it"));
    }
    if text.contains('*') {
        return Err(format!("{text:?} has a wildcard; name the folder, with / at its end"));
    }
    Ok(path.components().collect())
}

/// What to write instead of a path of Windows.
fn answer(text: &str) -> Option<String> {
    let slashes = text.replace('\\', "/");
    let mut letters = slashes.chars();
    let (first, second) = (letters.next(), letters.next());
    if let (Some(letter), Some(':')) = (first, second)
        && letter.is_ascii_alphabetic()
    {
        let rest = slashes[2..].trim_start_matches('/');
        let letter = letter.to_ascii_lowercase();
        return Some(format!(
            "{} is a Windows path; write where that drive is mounted here, such as /mnt/{letter}/{rest}",
            quoted(text)
        ));
    }
    if text.starts_with("\\\\") {
        let share = slashes.trim_start_matches(['/', '?']);
        return Some(format!(
            "{} is a Windows share; mount it and write its path here, such as /mnt/{share}",
            quoted(text)
        ));
    }
    text.contains('\\').then(|| {
        format!("{} has backslashes; write / between folders, such as {slashes}", quoted(text))
    })
}

/// In quotes, but with its backslashes as they are: people search for what they wrote.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}
