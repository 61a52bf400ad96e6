//! Which files count, and which of their sections.

use std::ffi::OsString;
use std::path::PathBuf;

use super::keys::PROFILE_KEY;

/// Where the system's file is.
const SYSTEM_FILE: &str = "/etc/azseed/config.toml";
/// Names the one file that counts.
const FILE_VARIABLE: &str = "AZSEED_CONFIG";
/// Chooses a section.
const PROFILE_VARIABLE: &str = "AZSEED_PROFILE_NAME";

/// Whose settings a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The user's, or the one that the environment names.
    User,
    /// The system's.
    System,
}

/// The files that would be read, and which section is asked for.
#[derive(Debug)]
pub struct Places {
    pub(super) files: Vec<(PathBuf, Owner)>,
    pub(super) profile: Option<String>,
}

impl Places {
    /// As the environment and the words of the call say.
    pub fn of(words: &[OsString]) -> Self {
        let files = match std::env::var_os(FILE_VARIABLE).filter(|path| !path.is_empty()) {
            Some(path) => vec![(path.into(), Owner::User)],
            None => users_file()
                .map(|path| (path, Owner::User))
                .into_iter()
                .chain([(SYSTEM_FILE.into(), Owner::System)])
                .filter(|(path, _)| path.exists())
                .collect(),
        };
        let variable = || std::env::var(PROFILE_VARIABLE).ok().filter(|name| !name.is_empty());
        Places { files, profile: named(words).or_else(variable) }
    }
}

/// Where a first file goes.
pub(super) fn own_file() -> Option<PathBuf> {
    let is_root = rustix::process::geteuid().is_root();
    match std::env::var_os(FILE_VARIABLE).filter(|path| !path.is_empty()) {
        Some(path) => Some(path.into()),
        None if is_root => Some(SYSTEM_FILE.into()),
        None => users_file(),
    }
}

fn users_file() -> Option<PathBuf> {
    // One that is not absolute is to be ignored: the XDG Base Directory Specification,
    // <https://specifications.freedesktop.org/basedir-spec/latest/>.
    let named = |name| std::env::var_os(name).map(PathBuf::from);
    let folder = |name| named(name).filter(|path| path.is_absolute());
    folder("XDG_CONFIG_HOME")
        .or_else(|| folder("HOME").map(|home| home.join(".config")))
        .map(|folder| folder.join("azseed/config.toml"))
}

/// The section that the command line asks for; the files are read before clap reads the words.
pub(super) fn named(words: &[OsString]) -> Option<String> {
    let flag = format!("--{PROFILE_KEY}");
    let mut words = words.iter().filter_map(|word| word.to_str()).take_while(|word| *word != "--");
    while let Some(word) = words.next() {
        match word.strip_prefix(&flag) {
            Some("") => return words.next().map(str::to_owned),
            Some(rest) if rest.starts_with('=') => return Some(rest[1..].to_owned()),
            _ => {}
        }
    }
    None
}
