//! `config show`: the settings that hold for all commands, and where each comes from.

use clap::ArgMatches;
use clap::parser::ValueSource;
use disk_prep::noun::bare_addresses;

use crate::cli::command;
use crate::config::{PROGRAM_KEYS, Settings, key};
use crate::outcome::Ended;
use crate::report::text::SettingList;

/// Runs `config show`: the settings that hold for all commands, and those the file gives.
pub fn run(matches: &ArgMatches, settings: &Settings) -> Ended {
    let mut lines = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    let mut waiting = vec![settings.apply(command())];
    while let Some(next) = waiting.pop() {
        for arg in next.get_arguments() {
            let Some(key) = key(arg).filter(|key| seen.insert(key.clone())) else { continue };
            let variable = arg.get_env().unwrap_or_default().to_string_lossy().into_owned();
            let flag = matches
                .try_get_raw(arg.get_id().as_str())
                .ok()
                .flatten()
                .filter(|_| {
                    matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine)
                })
                .and_then(|mut values| values.next())
                .map(|value| value.to_string_lossy().into_owned());
            let environment = std::env::var(&variable).ok();
            let default =
                arg.get_default_values().first().map(|value| value.to_string_lossy().into_owned());
            let (value, source) = match (flag, environment, settings.value(&key)) {
                (Some(value), _, _) => (Some(value), "flag".to_owned()),
                (_, Some(value), _) => (Some(value), format!("environment, {variable}")),
                (_, _, Some(value)) => {
                    let file = settings.file_of(&key).map(|file| file.path.display().to_string());
                    (Some(value), format!("file, {}", file.unwrap_or_default()))
                }
                _ => (default, "default".to_owned()),
            };
            let value = value.map(|value| bare_addresses(&value).into_owned());
            lines.push((key, value, source));
        }
        waiting.extend(next.get_subcommands().cloned());
    }
    for key in PROGRAM_KEYS {
        let (value, source) = match settings.program(key) {
            Some((file, words)) => (Some(words.join(" ")), format!("file, {}", file.display())),
            None => (None, "default".to_owned()),
        };
        lines.push((key.to_owned(), value, source));
    }
    lines.sort();
    Ok(Box::new(SettingList(lines)))
}
