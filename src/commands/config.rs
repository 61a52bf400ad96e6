//! `config show`: the settings that hold for all commands, and where each comes from. `config
//! init`: an example to begin with.

use std::collections::BTreeSet;

use clap::{Arg, ArgMatches};
use disk_prep::noun::bare_addresses;

use crate::cli::{ConfigCommand, command, is_named};
use crate::config::{PROGRAM_KEYS, Settings, Written, init, key};
use crate::outcome::Ended;
use crate::report::text::{Setting, SettingList, Text};

/// Runs `config`.
pub fn run(verb: &ConfigCommand, matches: &ArgMatches, settings: &Settings) -> Ended {
    match verb {
        ConfigCommand::Show => Ok(Box::new(show(matches, settings))),
        ConfigCommand::Init { file } => Ok(Box::new(match init(file.clone(), &command())? {
            Written::Nowhere(example) => Text::Example(example),
            Written::New(path) => {
                Text::Config(format!("{} has every key, commented out", path.display()))
            }
            Written::Before(path) => {
                Text::Config(format!("{} is there already, unchanged", path.display()))
            }
        })),
    }
}

fn show(matches: &ArgMatches, settings: &Settings) -> SettingList {
    let mut list = Vec::new();
    let mut seen = BTreeSet::new();
    let mut waiting = vec![command()];
    while let Some(next) = waiting.pop() {
        for arg in next.get_arguments() {
            let Some(key) = key(arg).filter(|key| seen.insert(key.clone())) else { continue };
            list.push(setting(key, arg, matches, settings));
        }
        waiting.extend(next.get_subcommands().cloned());
    }
    for key in PROGRAM_KEYS {
        let words = settings.program(key).map(|(_, words)| words.join(" "));
        list.push(of_file(key.to_owned(), words, settings).unwrap_or_else(|| Setting {
            key: key.to_owned(),
            value: None,
            source: "default".to_owned(),
        }));
        seen.insert(key.to_owned());
    }
    // What no command takes from a file.
    for key in settings.keys().filter(|key| !seen.contains(*key)).collect::<BTreeSet<_>>() {
        let words = settings.values(key).map(|values| values.join(", "));
        list.extend(of_file(key.to_owned(), words, settings).map(|found| Setting {
            source: format!("not used: name it with --{key}; {}", found.source),
            ..found
        }));
    }
    list.sort_by(|one, other| one.key.cmp(&other.key));
    SettingList(list)
}

/// A setting, from the first place that has it.
fn setting(key: String, arg: &Arg, matches: &ArgMatches, settings: &Settings) -> Setting {
    let variable = arg.get_env().unwrap_or_default().to_string_lossy().into_owned();
    let id = arg.get_id().as_str();
    let shown = |value: &std::ffi::OsStr| bare_addresses(&value.to_string_lossy()).into_owned();
    let flag = is_named(matches, id)
        .then(|| matches.get_raw(id).and_then(|mut all| all.next().map(shown)));
    if let Some(value) = flag {
        return Setting { key, value, source: "flag".to_owned() };
    }
    if let Some(value) = std::env::var_os(&variable) {
        let source = format!("environment, {variable}");
        return Setting { key, value: Some(shown(&value)), source };
    }
    let values = settings.values(&key).map(|all| bare_addresses(&all.join(", ")).into_owned());
    of_file(key.clone(), values, settings).unwrap_or_else(|| Setting {
        key,
        value: arg.get_default_values().first().map(|value| shown(value)),
        source: "default".to_owned(),
    })
}

fn of_file(key: String, value: Option<String>, settings: &Settings) -> Option<Setting> {
    let source = format!("file, {}", settings.layer_of(&key)?.place());
    Some(Setting { key, value, source })
}
