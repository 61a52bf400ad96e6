//! The commands of the program and their flags, as its own tree tells them.

use std::any::TypeId;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use disk_prep::noun::visible_line;

use super::values::Wrong;
use crate::support::program::Said;

/// A flag or an argument that has a value.
#[derive(Clone)]
pub struct Flag {
    /// Its name, with dashes; of an argument what stands for it in the help.
    pub name: String,
    /// Whether it stands without dashes.
    is_bare: bool,
    /// Whether its value is a path.
    pub is_path: bool,
}

impl Flag {
    fn of(arg: &clap::Arg) -> Self {
        let value = arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
        let value = value.unwrap_or_else(|| arg.get_id().to_string().to_uppercase());
        let name = arg.get_long().map(|long| format!("--{long}"));
        let is_path = arg.get_value_parser().type_id() == TypeId::of::<PathBuf>();
        Flag { is_bare: name.is_none(), name: name.unwrap_or(value), is_path }
    }

    /// Flags of this name and kind are the same wherever they stand.
    pub fn key(&self) -> String {
        format!("{} {}", self.name, self.is_path)
    }

    /// A call with this value in place of the one that it has, or behind it.
    pub fn put(&self, command: &str, call: &str, value: &OsStr) -> Vec<OsString> {
        let mut words: Vec<OsString> = command.split(' ').map(OsString::from).collect();
        let (mut own, mut is_put) = (call.split_whitespace(), false);
        while let Some(word) = own.next() {
            if self.is_bare && !is_put && word.starts_with('@') {
                words.push(value.to_owned());
            } else if !self.is_bare && word == self.name {
                own.next();
                words.push(self.joined(value));
            } else {
                words.push(word.trim_start_matches('@').into());
                continue;
            }
            is_put = true;
        }
        if !is_put && self.is_bare {
            words.push(value.to_owned());
        } else if !is_put {
            words.push(self.joined(value));
        }
        words
    }

    /// A value may begin with a dash.
    fn joined(&self, value: &OsStr) -> OsString {
        let mut word = OsString::from(&self.name);
        word.push("=");
        word.push(value);
        word
    }

    /// Whether what was said names it, or its value.
    pub fn is_told(&self, said: &Said, wrong: &Wrong) -> bool {
        let all = format!("{}{}", said.stdout, said.stderr).to_lowercase();
        let shown = wrong.value.to_string_lossy().to_lowercase();
        let begin: String = shown.chars().take_while(|c| !c.is_control()).take(8).collect();
        let last = visible_line(shown.rsplit('/').next().unwrap_or_default()).into_owned();
        // A word of its name is enough for a person: the key, the signature's file, the profile.
        let words = self.name.to_lowercase();
        let mut words = words.split(['-', '_', '|']).filter(|word| word.len() > 2);
        words.any(|word| word != "file" && all.contains(word))
            || all.contains(&self.name.to_lowercase())
            // Nothing is shown as nothing, in quotes.
            || (shown.is_empty() && all.contains("\"\""))
            || (shown.starts_with('-') && all.contains("unexpected argument '-"))
            // Another flag stands against it.
            || all.contains("has no meaning here")
            || all.contains("cannot be used with")
            || (begin.trim().len() > 2 && all.contains(&begin))
            || (!last.is_empty() && all.contains(&last))
            || all.contains("utf-8")
            || all.contains("signature")
    }
}

/// Every command that does something by itself, with its flags.
pub fn leaves() -> Vec<(String, Vec<Flag>)> {
    let mut root = azseed::cli::command();
    root.build();
    let mut found = Vec::new();
    below(&root, "", &mut found);
    found
}

fn below(command: &clap::Command, path: &str, found: &mut Vec<(String, Vec<Flag>)>) {
    let inner = command
        .get_subcommands()
        .filter(|inner| inner.get_name() != "help" && !inner.is_hide_set());
    let inner: Vec<_> = inner.collect();
    for inner in &inner {
        let path = format!("{path} {}", inner.get_name());
        below(inner, path.trim(), found);
    }
    if inner.is_empty() || !command.is_subcommand_required_set() && !path.is_empty() {
        let has_value = |arg: &&clap::Arg| arg.get_action().takes_values();
        let flags = command.get_arguments().filter(has_value).map(Flag::of).collect();
        found.push((path.to_owned(), flags));
    }
}
