//! The commented example of a configuration file, made from the flags.

use std::collections::BTreeMap;
use std::fmt::Write;

use clap::{Arg, ArgAction, Command};

use super::keys::{PROFILE_KEY, key};

/// Columns of a comment.
const COLUMNS: usize = 78;
/// Commands of a key that are named; of more, their number is told.
const NAMED: usize = 4;
/// What stands before the keys.
const HEAD: &str = "\
# Settings of azseed. A value is, in this order: a flag on the command line, the
# record that the command works on, a variable of the environment, the user's
# file (~/.config/azseed/config.toml), the system's (/etc/azseed/config.toml),
# the default. AZSEED_CONFIG names one file that counts instead of both.
#
# What is destroyed, shipped, restored or disclosed has no key here: it is named
# on the command line. `azseed config show` says what holds, and from where.
";
/// What stands behind them.
const TAIL: &str = "
# A program that is told of every event, and one that is asked before a run of a
# vault: the whole path, then its arguments; no shell. Only root or the caller
# may be able to write this file and the program.
#on-event = [\"/usr/local/bin/on-event\", \"--quiet\"]
#before = [\"/usr/local/bin/before-run\"]

# A section goes before the rest of its file when it is asked for, by
# --profile-name office, AZSEED_PROFILE_NAME, or the key profile-name above.
# Beside sections, the key profile stands in one of them.
#[profile.office]
#storage-account = \"officeaccount\"
";

/// A key, as a person is told of it.
#[derive(Debug)]
pub struct KeyHelp {
    /// What it means, without a full stop.
    pub help: String,
    /// The variable that goes before it.
    pub variable: String,
    /// A value that it takes, as TOML.
    pub value: String,
    commands: Vec<String>,
}

impl KeyHelp {
    /// The commands that take it; of many the first, and how many more.
    pub fn takers(&self) -> String {
        match self.commands.as_slice() {
            [] => "every command".to_owned(),
            few if few.len() <= NAMED => few.join(", "),
            many => format!("{} and {} more", many[..NAMED - 1].join(", "), many.len() + 1 - NAMED),
        }
    }
}

/// The example, every key commented out, each with what it means and which commands take it.
pub fn example(command: &Command) -> String {
    let mut text = HEAD.to_owned();
    for (key, entry) in &keys(command) {
        let told = format!("{}. For {}; {}", entry.help, entry.takers(), entry.variable);
        text.push('\n');
        for line in folded(&told) {
            // Writing to a text does not fail.
            let _ = writeln!(text, "# {line}");
        }
        let _ = writeln!(text, "#{key} = {}", entry.value);
    }
    text + TAIL
}

/// All keys of flags, by name.
pub fn keys(command: &Command) -> BTreeMap<String, KeyHelp> {
    let mut entries = BTreeMap::new();
    gather(command, "", &mut entries);
    entries
}

fn gather(command: &Command, path: &str, entries: &mut BTreeMap<String, KeyHelp>) {
    for arg in command.get_arguments() {
        let Some(key) = key(arg) else { continue };
        let entry = entries.entry(key.clone()).or_insert_with(|| KeyHelp {
            help: arg.get_help().map(ToString::to_string).unwrap_or_default(),
            variable: arg.get_env().unwrap_or_default().to_string_lossy().into_owned(),
            value: value(&key, arg),
            commands: Vec::new(),
        });
        if !path.is_empty() {
            entry.commands.push(path.to_owned());
        }
    }
    for inner in command.get_subcommands() {
        gather(inner, format!("{path} {}", inner.get_name()).trim_start(), entries);
    }
}

/// What the key may be set to, as TOML.
fn value(key: &str, arg: &Arg) -> String {
    let default =
        arg.get_default_values().first().map(|value| value.to_string_lossy().into_owned());
    let possible = || arg.get_possible_values().first().map(|value| value.get_name().to_owned());
    let names = arg.get_value_names().unwrap_or_default();
    let text = default.or_else(possible).unwrap_or_else(|| {
        let name = names.first().map(|name| name.as_str()).unwrap_or_default();
        sample(key, name).to_owned()
    });
    let text = if text.parse::<i64>().is_ok() { text } else { format!("{text:?}") };
    if matches!(arg.get_action(), ArgAction::Append) { format!("[{text}]") } else { text }
}

/// A value that the flag takes.
fn sample<'a>(key: &str, name: &'a str) -> &'a str {
    match (key, name) {
        (PROFILE_KEY | "vault", _) => "office",
        ("account" | "storage-account" | "vault-account", _) => "seedaccount",
        ("blob-listen", _) => "127.0.0.1:10000",
        ("carrier", _) => "FedEx",
        ("container" | "vault-container", _) => "seed",
        ("encrypt-keys-for", _) => "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
        ("exclude" | "iexclude", _) => "*.tmp",
        ("exclude-if-present", _) => ".nobackup",
        (_, "HOST") => "web1",
        ("mischief", _) => "throttle",
        ("password-command", _) => "/usr/bin/pass show azseed",
        ("ports", _) => "80-443",
        ("prefix", _) => "repo",
        ("priority", _) => "200",
        ("probe", _) => "64M",
        ("read-data", _) => "5%",
        ("resource-group", _) => "backup",
        ("sample", _) => "5%",
        ("service", _) => "data-box",
        ("unregistered", _) => "Microsoft.DataBox",
        ("window", _) => "22:00-06:00",
        (_, "COUNT" | "DAYS") => "30",
        (_, "NUMBER") => "3",
        (_, "IP") => "10.0.0.5",
        (_, "DIR" | "PATH") => "/srv/azseed",
        (_, "FILE" | "CSV" | "PEM") => "/etc/azseed/file",
        (_, "ID") => "00000000-0000-0000-0000-000000000000",
        (_, "URL") => "https://host.example",
        (_, "SIZE") => "4T",
        (_, "RATE") => "100Mbit",
        (_, "REGION") => "westeurope",
        (_, other) => other,
    }
}

/// Lines of a text.
fn folded(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.last_mut().expect("there is a first line");
        if !last.is_empty() && last.len() + 1 + word.len() > COLUMNS {
            lines.push(word.to_owned());
        } else {
            last.push_str(if last.is_empty() { "" } else { " " });
            last.push_str(word);
        }
    }
    lines
}
