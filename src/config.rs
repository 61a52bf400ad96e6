//! Settings from files, below the environment, below flags. Every flag with a value has a key of
//! the same words, but those that consent to destroy or disclose, or name what is touched.

use std::error::Error;
use std::path::{Path, PathBuf};

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, Command};
use disk_prep::noun::{Diagnose, ErrorKind};

/// Where the file is, unless the environment says otherwise.
const SYSTEM_FILE: &str = "/etc/azseed/config.toml";
/// Names another file.
pub const FILE_VARIABLE: &str = "AZSEED_CONFIG";
/// Keys that no flag has: programs that are called. Each is a list, the program first.
pub const PROGRAM_KEYS: [&str; 2] = ["on-event", "before"];

/// What the files say, the one that wins first.
#[derive(Debug)]
pub struct Settings {
    files: Vec<SettingsFile>,
    is_secret: IsSecret,
}

/// One file.
#[derive(Debug)]
pub struct SettingsFile {
    /// Where it is.
    pub path: PathBuf,
    /// Whose it is.
    pub owner: Owner,
    table: toml::Table,
}

/// Whose settings a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The user's, or the one that the environment names.
    User,
    /// The system's.
    System,
}

/// Whether the value of a flag is never repeated.
pub type IsSecret = fn(&str) -> bool;

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// It cannot be read.
    #[error("Cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is no TOML.
    #[error("{path} is not a valid configuration file")]
    Form {
        /// The file.
        path: PathBuf,
        /// Where and why.
        #[source]
        source: TomlFault,
    },
    /// A key that no flag has.
    #[error("{path} has the key {key}, which azseed does not know")]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
    },
    /// A value that the flag would not take.
    #[error("{path} sets {key} to {value}, which cannot be used")]
    Value {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// The value, as the file has it.
        value: String,
        /// Why.
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

/// What is wrong with a TOML file, and in which line; not what the line says.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct TomlFault {
    line: usize,
    fault: String,
}

impl TomlFault {
    /// Of a text that was not understood.
    pub fn new(error: &toml::de::Error, text: &str) -> Self {
        let start = error.span().map_or(0, |span| span.start);
        let line = text.bytes().take(start).filter(|byte| *byte == b'\n').count() + 1;
        // Some messages end with the value itself.
        let fault = error.message().split(['`', '\u{22}']).next().unwrap_or_default();
        TomlFault { line, fault: fault.trim_end_matches([' ', ':']).to_owned() }
    }
}

impl Diagnose for ConfigError {
    fn code(&self) -> &'static str {
        match self {
            ConfigError::Read { .. } => "config-unreadable",
            ConfigError::Form { .. } => "config-invalid",
            ConfigError::UnknownKey { .. } => "config-unknown-key",
            ConfigError::Value { .. } => "config-value",
        }
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
}

impl Settings {
    /// Reads the user's file, and the system's below it; or the one that the environment names.
    pub fn read(command: &Command, is_secret: IsSecret) -> Result<Self, ConfigError> {
        let named = std::env::var_os(FILE_VARIABLE).map(PathBuf::from);
        let home = std::env::var_os("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config")))
            .map(|folder| folder.join("azseed/config.toml"));
        let found = |path: &PathBuf| path.exists();
        let paths = match named {
            Some(path) => vec![(path, Owner::User)],
            None => home
                .into_iter()
                .map(|path| (path, Owner::User))
                .chain([(PathBuf::from(SYSTEM_FILE), Owner::System)])
                .filter(|(path, _)| found(path))
                .collect(),
        };
        let mut files = Vec::new();
        for (path, owner) in paths {
            let text = std::fs::read_to_string(&path)
                .map_err(|source| ConfigError::Read { path: path.clone(), source })?;
            files.push(SettingsFile::parse(path, owner, &text, command, is_secret)?);
        }
        Ok(Settings { files, is_secret })
    }

    /// The file whose value of a key wins.
    pub fn file_of(&self, key: &str) -> Option<&SettingsFile> {
        self.files.iter().find(|file| file.table.contains_key(key))
    }

    /// A key's value as a flag would give it.
    pub fn value(&self, key: &str) -> Option<String> {
        self.file_of(key)?.table.get(key).map(text)
    }

    /// The program of a key with its arguments, and the file that names it.
    pub fn program(&self, key: &str) -> Option<(PathBuf, Vec<String>)> {
        let file = self.file_of(key)?;
        Some((file.path.clone(), words(file.table.get(key)?).ok()?))
    }

    /// Makes what the file says the default of each flag.
    pub fn apply(&self, command: Command) -> Command {
        let command = command.mut_args(|arg| match key(&arg).and_then(|key| self.value(&key)) {
            // A default is no presence to clap, so it would still ask for the flag.
            Some(value) => {
                let is_hidden = arg.get_long().is_some_and(self.is_secret);
                arg.hide_default_value(is_hidden)
                    .default_value(value)
                    .required(false)
                    .required_unless_present(Resettable::Reset)
            }
            None => arg,
        });
        let names: Vec<String> =
            command.get_subcommands().map(|inner| inner.get_name().to_owned()).collect();
        names
            .into_iter()
            .fold(command, |command, name| command.mut_subcommand(name, |inner| self.apply(inner)))
    }
}

impl SettingsFile {
    fn parse(
        path: PathBuf,
        owner: Owner,
        text: &str,
        command: &Command,
        is_secret: IsSecret,
    ) -> Result<Self, ConfigError> {
        let table: toml::Table = text.parse().map_err(|error| ConfigError::Form {
            path: path.clone(),
            source: TomlFault::new(&error, text),
        })?;
        // The key of a flag that has none is told where the flag would be used.
        let mut known: Vec<&str> = flags(command).into_iter().filter_map(Arg::get_long).collect();
        known.extend(PROGRAM_KEYS);
        if let Some(key) = table.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(ConfigError::UnknownKey { path, key: key.clone() });
        }
        for (key, value) in &table {
            check(key, value, command).map_err(|source| {
                let value = if is_secret(key) { "***".to_owned() } else { value.to_string() };
                let (path, key) = (path.clone(), key.clone());
                ConfigError::Value { path, key, value, source }
            })?;
        }
        Ok(SettingsFile { path, owner, table })
    }
}

fn text(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A program and its arguments. No shell takes them apart, so they are a list.
fn words(value: &toml::Value) -> Result<Vec<String>, &'static str> {
    let text = |word: &toml::Value| word.as_str().map(str::to_owned);
    let all = value.as_array().and_then(|all| all.iter().map(text).collect::<Option<Vec<_>>>());
    match all {
        Some(all) if all.first().is_some_and(|program| Path::new(program).is_absolute()) => Ok(all),
        _ => Err("it takes a list of texts, a program by its whole path and its arguments"),
    }
}

/// Whether every flag of this key takes the value; else it is the file's fault, and the command
/// line is not to blame.
fn check(
    key: &str,
    value: &toml::Value,
    command: &Command,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    if PROGRAM_KEYS.contains(&key) {
        return Ok(words(value).map(drop)?);
    }
    if value.is_array() || value.is_table() {
        return Err("a key has one value".into());
    }
    for arg in flags(command).into_iter().filter(|arg| self::key(arg).as_deref() == Some(key)) {
        // The flag alone, without what it needs or excludes.
        let alone = Arg::new("value")
            .long("value")
            .allow_hyphen_values(true)
            .value_parser(arg.get_value_parser().clone());
        let words = [format!("--value={}", text(value))];
        let taken = Command::default().no_binary_name(true).arg(alone).try_get_matches_from(words);
        if let Err(error) = taken {
            return Err(reason(&error).into());
        }
    }
    Ok(())
}

/// What is wrong with a value, without the name of the flag.
fn reason(error: &clap::Error) -> String {
    match (error.source(), error.get(ContextKind::ValidValue)) {
        (Some(source), _) => source.to_string(),
        (_, Some(ContextValue::Strings(valid))) if !valid.is_empty() => {
            format!("it takes one of {}", valid.join(", "))
        }
        _ => "the value is empty".to_owned(),
    }
}

/// The configuration key of a flag: its words; only flags that have an environment variable.
pub fn key(arg: &Arg) -> Option<String> {
    arg.get_env()?;
    arg.get_long().map(str::to_owned)
}

/// All flags of a command and those below it.
fn flags(command: &Command) -> Vec<&Arg> {
    command.get_arguments().chain(command.get_subcommands().flat_map(flags)).collect()
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches;

    use super::*;
    use crate::cli::{Cli, Command::Plan, PlanArgs, is_secret};

    fn parsed(path: PathBuf, text: &str, command: &Command) -> Result<Settings, ConfigError> {
        let file = SettingsFile::parse(path, Owner::User, text, command, is_secret)?;
        Ok(Settings { files: vec![file], is_secret })
    }

    fn command() -> Command {
        Command::new("azseed")
            .arg(Arg::new("state").long("state").env("AZSEED_TEST_STATE"))
            .subcommand(Command::new("prep").arg(Arg::new("erase").long("erase")))
    }

    fn state(text: &str, args: &[&str]) -> Option<String> {
        let settings = parsed("config.toml".into(), text, &command()).unwrap();
        let matches = settings.apply(command()).try_get_matches_from(args).unwrap();
        matches.get_one::<String>("state").cloned()
    }

    #[test]
    fn a_flag_goes_before_the_file() {
        let text = "state = \"/from/file\"\n";
        assert_eq!(state(text, &["azseed"]).as_deref(), Some("/from/file"));
        assert_eq!(state(text, &["azseed", "--state", "/flag"]).as_deref(), Some("/flag"));
        assert_eq!(state("", &["azseed"]), None);
    }

    #[test]
    fn the_users_file_goes_before_the_systems() {
        let file = |owner, text: &str| {
            let path = PathBuf::from(format!("{owner:?}.toml"));
            SettingsFile::parse(path, owner, text, &crate::cli::command(), is_secret).unwrap()
        };
        let user = file(Owner::User, "container = \"user\"\n");
        let system = file(Owner::System, "container = \"system\"\nlocation = \"system\"\n");
        let settings = Settings { files: vec![user, system], is_secret };
        let of = |key| (settings.value(key), settings.file_of(key).map(|file| file.owner));
        assert_eq!(of("container"), (Some("user".to_owned()), Some(Owner::User)));
        assert_eq!(of("location"), (Some("system".to_owned()), Some(Owner::System)));
        assert_eq!(of("cipher"), (None, None));
    }

    #[test]
    fn a_drive_size_of_the_file_counts_drives_unless_some_are_named() {
        let plan = |args: &[&str]| {
            let command = crate::cli::command;
            let text = "drive-size = \"4T\"\nstaging = \"/staging\"\n";
            let settings = parsed("c.toml".into(), text, &command()).unwrap();
            let args = ["azseed", "plan"].iter().chain(args);
            let matches = settings.apply(command()).try_get_matches_from(args).unwrap();
            let cli = Cli::from_arg_matches(&matches).unwrap();
            let Plan(PlanArgs { with, .. }) = cli.command else { panic!("it is plan") };
            (with.named.len(), with.size.map(|size| size.0))
        };
        assert_eq!(plan(&[]), (0, Some(4_000_000_000_000)));
        assert_eq!(plan(&["--drive-size", "8T"]), (0, Some(8_000_000_000_000)));
        assert_eq!(plan(&["--drive", "a.img,size=1T", "--drive", "S1"]), (2, None));
    }

    #[test]
    fn what_consents_or_names_has_no_key_and_an_unknown_one_is_refused() {
        for text in ["nonsense = 1", "no toml"] {
            assert!(parsed("c.toml".into(), text, &command()).is_err(), "{text}");
        }
        let text = "erase = \"S1\"\njob = \"seed-9\"\nvault = \"other\"\n";
        let command = crate::cli::command;
        let settings = parsed("c.toml".into(), text, &command()).unwrap();
        let value = |words: &[&str], id: &str| {
            let words = ["azseed"].iter().chain(words);
            let matches = settings.apply(command()).try_get_matches_from(words).unwrap();
            let mut inner = &matches;
            while let Some((_, next)) = inner.subcommand() {
                inner = next;
            }
            inner.get_raw(id).map(|mut all| all.next().unwrap().to_owned())
        };
        assert_eq!(value(&["prep", "--staging", "s", "--drive", "d.img"], "erase"), None);
        assert_eq!(value(&["job", "delete"], "job"), None);
        assert_eq!(value(&["cleanup"], "vault"), None);
        assert_eq!(value(&["vault", "restore", "--target", "t"], "vault"), None);
        assert_eq!(value(&["vault", "run"], "vault"), Some("other".into()));
    }

    #[test]
    fn a_bad_value_is_blamed_on_the_file_and_the_key() {
        for (text, reason) in [
            ("drive-size = \"4 parsecs\"", ""),
            ("drive-size = [\"4T\"]", "a key has one value"),
            ("profile = \"modem\"", "it takes one of legacy, modern"),
            ("compression = 99", "99 is not in -7..=22"),
            ("staging = \"\"", "the value is empty"),
            ("on-event = \"/bin/mail root\"", "it takes a list of texts"),
            ("before = [\"mail\"]", "a program by its whole path"),
            ("before = []", "it takes a list"),
            ("on-event = [\"/bin/mail\", 1]", "it takes a list"),
        ] {
            let error = parsed("c.toml".into(), text, &crate::cli::command()).unwrap_err();
            let key = text.split(' ').next().unwrap();
            assert_eq!(error.code(), "config-value", "{text}");
            assert!(error.to_string().starts_with(&format!("c.toml sets {key} to ")), "{error}");
            let source = error.source().unwrap().to_string();
            assert!(source.contains(reason) && !source.contains("--"), "{source}");
        }
        let text = "drive-size = \"4T\"\nprofile = \"modern\"\ncompression = -3\n";
        assert!(parsed("c.toml".into(), text, &crate::cli::command()).is_ok());
    }
}
