//! The first configuration file of a machine or a user.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use clap::Command;
use disk_prep::noun::{Diagnose, ErrorKind, Hint};
use disk_prep::sys::durable::{self, Access};

use super::example::example;
use super::places::own_file;

/// The file of `config init` that stands for standard output.
const STDOUT: &str = "-";

/// Why there is none now.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    #[error("There is no folder for a configuration file: neither HOME nor XDG_CONFIG_HOME is set")]
    Homeless,
    #[error("{path} is there already, with settings of its own")]
    Exists { path: PathBuf },
    #[error("Cannot write {path}")]
    Write {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
}

impl Diagnose for InitError {
    fn code(&self) -> &'static str {
        match self {
            InitError::Homeless => "config-no-place",
            InitError::Exists { .. } => "config-exists",
            InitError::Write { .. } => "config-not-written",
        }
    }
    fn kind(&self) -> ErrorKind {
        match self {
            InitError::Homeless => ErrorKind::Usage,
            InitError::Exists { .. } => ErrorKind::Guard,
            InitError::Write { .. } => ErrorKind::Failed,
        }
    }
    fn hint(&self) -> Option<Hint> {
        match self {
            InitError::Homeless => Some(Hint::new("name a file: `azseed config init FILE`")),
            InitError::Exists { .. } => {
                Some(Hint::new("`azseed config init -` prints the example"))
            }
            InitError::Write { .. } => None,
        }
    }
}

/// Where it went.
#[derive(Debug)]
pub enum Written {
    /// It is here, for whoever wants to read it.
    Nowhere(String),
    /// Into a new file.
    New(PathBuf),
    /// It is there from before, as it would be written now.
    Before(PathBuf),
}

/// Writes the example for a command's flags, unless it is there: to the file that is named, else to
/// the system's for root, else to the user's.
pub fn init(file: Option<PathBuf>, command: &Command) -> Result<Written, InitError> {
    let text = example(command);
    let path = file.or_else(own_file).ok_or(InitError::Homeless)?;
    if path == Path::new(STDOUT) {
        return Ok(Written::Nowhere(text));
    }
    let failed = |source| InitError::Write { path: path.clone(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    match durable::create_new(&path, Access::Public) {
        Ok(mut made) => {
            made.write_all(text.as_bytes()).and_then(|()| made.sync_all()).map_err(failed)?;
            Ok(Written::New(path))
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let mut found = String::new();
            let most = text.len() as u64 + 1;
            let read = durable::open_kept(&path)
                .and_then(|file| file.take(most).read_to_string(&mut found));
            match read {
                Ok(_) if found == text => Ok(Written::Before(path)),
                _ => Err(InitError::Exists { path }),
            }
        }
        Err(source) => Err(failed(source)),
    }
}
