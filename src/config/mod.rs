//! Settings from files, below the environment, below flags. Every flag with a value has a key of
//! the same words, but those that consent to destroy or disclose, or name what is touched. A file
//! may have sections, `[profile.NAME]`; the one that is asked for goes before the rest of its file.

mod error;
mod example;
mod file;
mod init;
mod keys;
mod places;
#[cfg(test)]
mod tests;

use disk_prep::sys::given;
use std::path::{Path, PathBuf};

use clap::Command;
use clap::builder::Resettable;

pub use error::{ConfigError, TomlFault};
pub use example::{example, keys};
pub use init::{Written, init};
pub use keys::{IsSecret, PROGRAM_KEYS, key};
pub use places::{Owner, Places};

/// What the files say.
#[derive(Debug)]
pub struct Settings {
    /// The one that wins first.
    layers: Vec<Layer>,
    is_secret: IsSecret,
}

/// A file, or a section of one.
#[derive(Debug)]
pub struct Layer {
    /// Where the file is.
    pub path: PathBuf,
    /// Whose it is.
    pub owner: Owner,
    /// The section's name.
    section: Option<String>,
    table: toml::Table,
}

impl Settings {
    /// Nothing is set.
    pub fn none(is_secret: IsSecret) -> Self {
        Settings { layers: Vec::new(), is_secret }
    }

    /// Reads the user's file, and the system's below it; or the one that the environment names.
    pub fn read(
        places: &Places,
        command: &Command,
        is_secret: IsSecret,
    ) -> Result<Self, ConfigError> {
        let mut parsed = Vec::new();
        for (path, owner) in &places.files {
            let text = given::read_text(path)
                .map_err(|source| ConfigError::Read { path: path.clone(), source })?;
            parsed.push((path.as_path(), *owner, file::parse(path, &text, command, is_secret)?));
        }
        let layers = layers(parsed, places.profile.as_deref())?;
        Ok(Settings { layers, is_secret })
    }

    /// The file or section whose value of a key wins.
    pub fn layer_of(&self, key: &str) -> Option<&Layer> {
        self.layers.iter().find(|layer| layer.table.contains_key(key))
    }

    /// All keys that have a value.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.layers.iter().flat_map(|layer| layer.table.keys().map(String::as_str))
    }

    /// The values of a key as a flag would give them.
    pub fn values(&self, key: &str) -> Option<Vec<String>> {
        self.layer_of(key)?.table.get(key).map(file::texts)
    }

    /// The program of a key with its arguments, and the file that names it.
    pub fn program(&self, key: &str) -> Option<(PathBuf, Vec<String>)> {
        let layer = self.layer_of(key)?;
        Some((layer.path.clone(), file::program(layer.table.get(key)?).ok()?))
    }

    /// Makes what the files say the default of each flag.
    pub fn apply(&self, command: Command) -> Command {
        if self.layers.is_empty() {
            return command;
        }
        let command = command.mut_args(|arg| match key(&arg).and_then(|key| self.values(&key)) {
            // A default is no presence to clap, so it would still ask for the flag.
            Some(values) => {
                let is_hidden = arg.get_long().is_some_and(self.is_secret);
                arg.hide_default_value(is_hidden)
                    .default_values(values)
                    .required(false)
                    .required_unless_present(Resettable::Reset)
            }
            None => arg,
        });
        command.mut_subcommands(|inner| self.apply(inner))
    }
}

/// Of files in the order in which they win; each first with its section, if one is asked for.
fn layers(
    files: Vec<(&Path, Owner, file::Parsed)>,
    profile: Option<&str>,
) -> Result<Vec<Layer>, ConfigError> {
    let key = || files.iter().find_map(|(.., parsed)| parsed.profile_name());
    let profile = profile.or_else(key).map(str::to_owned);
    let known = files.iter().flat_map(|(.., parsed)| parsed.sections.keys());
    if let Some(name) = profile.as_ref().filter(|name| !known.clone().any(|own| own == *name)) {
        let known = known.cloned().collect();
        return Err(ConfigError::NoProfile { name: name.clone(), known });
    }
    let mut layers = Vec::new();
    for (path, owner, mut parsed) in files {
        let section = profile.as_ref().and_then(|name| parsed.sections.remove_entry(name));
        let section = section.map(|(name, table)| (Some(name), table));
        for (section, table) in section.into_iter().chain([(None, parsed.table)]) {
            layers.push(Layer { path: path.to_owned(), owner, section, table });
        }
    }
    Ok(layers)
}

impl Layer {
    /// The place, as a person reads it.
    pub fn place(&self) -> String {
        match &self.section {
            Some(name) => format!("[profile.{name}] of {}", self.path.display()),
            None => self.path.display().to_string(),
        }
    }
}
