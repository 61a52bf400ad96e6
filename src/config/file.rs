//! One file: its keys and sections, looked at before anything is done.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgAction, Command};
use toml::{Table, Value};

use super::error::{ConfigError, TomlFault};
use super::keys::{self, IsSecret, PROFILE_KEY, PROGRAM_KEYS, flags};

/// The table that holds the sections.
const SECTIONS: &str = "profile";
/// Letters that may differ in a key that is meant by another.
const EDITS: usize = 3;

/// What a file says.
#[derive(Debug)]
pub(super) struct Parsed {
    /// Keys outside of sections.
    pub(super) table: Table,
    /// Sections by name.
    pub(super) sections: BTreeMap<String, Table>,
}

impl Parsed {
    /// The section that the file itself asks for.
    pub(super) fn profile_name(&self) -> Option<&str> {
        self.table.get(PROFILE_KEY)?.as_str()
    }
}

/// Reads a file. Every key and every value is looked at, in sections that nobody asked for too.
pub(super) fn parse(
    path: &Path,
    text: &str,
    command: &Command,
    is_secret: IsSecret,
) -> Result<Parsed, ConfigError> {
    let mut table: Table = text.parse().map_err(|error| ConfigError::Form {
        path: path.to_owned(),
        source: TomlFault::new(&error, text),
    })?;
    let sections = match table.remove(SECTIONS) {
        Some(Value::Table(sections)) => sections,
        // The key of a flag of that name, where there are no sections.
        Some(value) => {
            table.insert(SECTIONS.to_owned(), value);
            Table::new()
        }
        None => Table::new(),
    };
    let look = |table: &Table, section: Option<&str>| {
        table
            .iter()
            .try_for_each(|(key, value)| known(path, section, key, value, command, is_secret))
    };
    look(&table, None)?;
    let mut named = BTreeMap::new();
    for (name, section) in sections {
        let Value::Table(section) = section else {
            let key = format!("{SECTIONS}.{name}");
            let nearest = Some(format!("{SECTIONS}; beside sections it stands in one of them"));
            return Err(ConfigError::UnknownKey { path: path.to_owned(), key, nearest });
        };
        look(&section, Some(&name))?;
        named.insert(name, section);
    }
    Ok(Parsed { table, sections: named })
}

/// Whether a key is one of ours, and every flag of it takes the value.
fn known(
    path: &Path,
    section: Option<&str>,
    key: &str,
    value: &Value,
    command: &Command,
    is_secret: IsSecret,
) -> Result<(), ConfigError> {
    let full = section.map_or_else(|| key.to_owned(), |name| format!("{SECTIONS}.{name}.{key}"));
    // The key of a flag that has none is told where the flag would be used.
    let longs = flags(command).into_iter().filter_map(Arg::get_long);
    let mut all = longs.chain(PROGRAM_KEYS).filter(|own| section.is_none() || *own != PROFILE_KEY);
    if !all.clone().any(|own| own == key) {
        // `container_name` for `container-name` is the usual slip.
        let edits = |own: &&str| strsim::damerau_levenshtein(own, &key.replace('_', "-"));
        let nearest = all.by_ref().min_by_key(edits).filter(|own| edits(own) <= EDITS);
        let nearest = nearest.map(str::to_owned);
        return Err(ConfigError::UnknownKey { path: path.to_owned(), key: full, nearest });
    }
    check(key, value, command).map_err(|source| {
        let value = if is_secret(key) { "***".to_owned() } else { value.to_string() };
        ConfigError::Value { path: path.to_owned(), key: full, value, source }
    })
}

/// The values of a key as a flag would give them.
pub(super) fn texts(value: &Value) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match value {
        Value::Array(all) => all.iter().map(text).collect(),
        one => vec![text(one)],
    }
}

/// A program and its arguments. No shell takes them apart, so they are a list.
pub(super) fn program(value: &Value) -> Result<Vec<String>, &'static str> {
    let text = |word: &Value| word.as_str().map(str::to_owned);
    let all = value.as_array().and_then(|all| all.iter().map(text).collect::<Option<Vec<_>>>());
    match all {
        Some(all) if all.first().is_some_and(|program| Path::new(program).is_absolute()) => Ok(all),
        _ => Err("it takes a list of texts, a program by its whole path and its arguments"),
    }
}

/// Whether every flag of this key takes the value; else it is the file's fault, and the command
/// line is not to blame.
fn check(key: &str, value: &Value, command: &Command) -> Result<(), Box<dyn Error + Send + Sync>> {
    if PROGRAM_KEYS.contains(&key) {
        return Ok(program(value).map(drop)?);
    }
    let is_plain = |value: &Value| !value.is_array() && !value.is_table();
    let is_switch = |value: &Value| match value {
        Value::Array(all) => all.iter().any(Value::is_bool),
        one => one.is_bool(),
    };
    if key == PROFILE_KEY && !value.is_str() {
        return Err("it takes the name of a section".into());
    }
    let args = flags(command).into_iter().filter(|arg| keys::key(arg).as_deref() == Some(key));
    for arg in args {
        if is_switch(value) && arg.get_action().takes_values() && !takes_word(arg, "true") {
            return Err("it takes a text or a number".into());
        }
        let is_list = matches!(arg.get_action(), ArgAction::Append);
        match value {
            Value::Array(all) if is_list && !all.is_empty() && all.iter().all(is_plain) => {}
            Value::Array(_) if is_list => return Err("it takes a list of values".into()),
            value if is_plain(value) => {}
            _ => return Err("a key has one value".into()),
        }
        for text in texts(value) {
            // The flag alone, without what it needs or excludes.
            let alone = Arg::new("value")
                .long("value")
                .allow_hyphen_values(true)
                .value_parser(arg.get_value_parser().clone());
            let words = [format!("--value={text}")];
            let alone = Command::default().no_binary_name(true).arg(alone);
            if let Err(error) = alone.try_get_matches_from(words) {
                return Err(reason(&error).into());
            }
        }
    }
    Ok(())
}

/// Whether a word is one of a flag's own.
fn takes_word(arg: &Arg, word: &str) -> bool {
    arg.get_possible_values().iter().any(|own| own.matches(word, false))
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
