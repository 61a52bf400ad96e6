//! What is made from the command tree itself: completions, man pages, the list of settings.

use std::path::PathBuf;

use clap::ArgMatches;
use clap::parser::ValueSource;
use disk_prep::noun::{Diagnose, ErrorKind, bare_addresses, visible_line};
use serde_json::{Value, json};

use super::{Failure, Outcome};
use crate::cli::{CompletionsArgs, ManArgs, command};
use crate::config::{Settings, key};

/// Text that goes to standard output as it is.
struct Text {
    kind: &'static str,
    text: String,
}

impl Outcome for Text {
    fn lines(&self) -> Vec<String> {
        self.text.lines().map(str::to_owned).collect()
    }
    fn json(&self) -> Vec<Value> {
        vec![json!({"type": self.kind, "version": 1, "text": self.text})]
    }
}

/// Runs `completions`.
pub fn completions(args: &CompletionsArgs) -> Box<dyn Outcome> {
    let mut bytes = Vec::new();
    clap_complete::generate(args.shell, &mut command(), "azseed", &mut bytes);
    let text = String::from_utf8_lossy(&bytes).trim_end().to_owned();
    Box::new(Text { kind: "completions", text })
}

#[derive(Debug, thiserror::Error)]
#[error("Cannot write man pages into {path}")]
struct ManError {
    path: PathBuf,
    #[source]
    source: std::io::Error,
}

impl Diagnose for ManError {
    fn code(&self) -> &'static str {
        "man-pages"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Failed
    }
}

/// Runs `man`.
pub fn man(args: &ManArgs) -> Result<Box<dyn Outcome>, Failure> {
    let failed = |source| ManError { path: args.folder.clone(), source };
    std::fs::create_dir_all(&args.folder).map_err(failed)?;
    clap_mangen::generate_to(command(), &args.folder).map_err(failed)?;
    let text = format!("The man pages are in {}", args.folder.display());
    Ok(Box::new(Text { kind: "man", text }))
}

/// Runs `config show`: the settings that hold for all commands, and those the file gives.
pub fn show_settings(matches: &ArgMatches, settings: &Settings) -> Box<dyn Outcome> {
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
                    let path = settings.path.as_deref().unwrap_or("".as_ref());
                    (Some(value), format!("file, {}", path.display()))
                }
                _ => (default, "default".to_owned()),
            };
            let value = value.map(|value| bare_addresses(&value).into_owned());
            lines.push((key, value, source));
        }
        waiting.extend(next.get_subcommands().cloned());
    }
    lines.sort();
    Box::new(SettingList(lines))
}

struct SettingList(Vec<(String, Option<String>, String)>);

impl Outcome for SettingList {
    fn lines(&self) -> Vec<String> {
        let line = |(key, value, source): &(String, Option<String>, String)| {
            let value = visible_line(value.as_deref().unwrap_or("-"));
            format!("{key:<24} {value:<28} {source}")
        };
        self.0.iter().map(line).collect()
    }

    fn json(&self) -> Vec<Value> {
        let line = |(key, value, source): &(String, Option<String>, String)| json!({"type": "setting", "version": 1, "key": key, "value": value, "source": source});
        self.0.iter().map(line).collect()
    }
}
