//! `job keys`: the recovery passwords, from journals and state directory alone.

use std::path::{Path, PathBuf};

use disk_prep::journal::State as DriveState;
use disk_prep::noun::{Diagnose, ErrorKind, JobName, RecoveryPassword, Serial};
use serde_json::{Value, json};

use super::{Failure, Outcome};
use crate::cli::{Global, KeyArgs};
use crate::commands::door::Door;
use crate::commands::keeper::keeper;
use crate::state::State;

#[derive(Debug, thiserror::Error)]
#[error("No drive is known here")]
struct NoDrives;

impl Diagnose for NoDrives {
    fn code(&self) -> &'static str {
        "no-drives-known"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::NotFound
    }
}

/// Shows the recovery passwords.
pub fn keys(
    staging: Option<&Path>,
    reveal: bool,
    args: &KeyArgs,
    global: &Global,
    door: &Door<'_>,
) -> Result<Box<dyn Outcome>, Failure> {
    let state = State::open(global.state.as_deref())?;
    let paths: Vec<PathBuf> = match staging {
        Some(staging) => vec![staging.to_owned()],
        None => state.staging_paths(),
    };
    let mut keys = Vec::new();
    for path in paths {
        let staging = door.enter(&path)?;
        let keeper = keeper(Some(&staging), args, None, &state);
        for history in staging.journals().read()? {
            if !matches!(history.state, DriveState::SetAside | DriveState::Released) {
                let begun = history.begun;
                let password = reveal.then(|| begun.password(keeper.as_ref())).transpose()?;
                keys.push(Key { serial: begun.serial, job: begun.job, password });
            }
        }
    }
    if keys.is_empty() { Err(NoDrives.into()) } else { Ok(Box::new(Keys(keys))) }
}

struct Key {
    serial: Serial,
    job: JobName,
    password: Option<RecoveryPassword>,
}

struct Keys(Vec<Key>);

impl Outcome for Keys {
    fn text(&self) -> String {
        let line = |key: &Key| {
            let password = key
                .password
                .as_ref()
                .map_or("hidden; add `--reveal`".to_owned(), |own| own.reveal().to_string());
            format!("{:<24} {:<24} {password}", key.serial.as_str(), key.job.as_str())
        };
        self.0.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    fn json(&self) -> Vec<Value> {
        let line = |key: &Key| {
            json!({
                "type": "drive-key", "version": 1, "serial": key.serial,
                "recovery_password": key.password.as_ref().map(|own| own.reveal().to_string()),
            })
        };
        self.0.iter().map(line).collect()
    }
}
