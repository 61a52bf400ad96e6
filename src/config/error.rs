//! A configuration file that cannot be used.

use std::error::Error;
use std::path::PathBuf;

use disk_prep::noun::{Diagnose, ErrorKind, Hint};

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
        /// One that is written nearly so.
        nearest: Option<String>,
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
    /// A section is asked for that no file has.
    #[error("No configuration file has a section [profile.{name}]")]
    NoProfile {
        /// Its name.
        name: String,
        /// Those that there are.
        known: Vec<String>,
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
            ConfigError::NoProfile { .. } => "config-no-profile",
        }
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        match self {
            ConfigError::UnknownKey { nearest: Some(nearest), .. } => {
                Some(Hint::new(format!("there is a key {nearest}")))
            }
            ConfigError::UnknownKey { .. } => {
                Some(Hint::new("`azseed config init -` prints all keys"))
            }
            ConfigError::NoProfile { known, .. } if known.is_empty() => {
                Some(Hint::new("no file has any; `azseed config init -` shows how one looks"))
            }
            ConfigError::NoProfile { known, .. } => {
                Some(Hint::new(format!("there are {}", known.join(", "))))
            }
            _ => None,
        }
    }
}
