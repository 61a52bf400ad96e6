//! A run of a vault with what stands around it: the window of the day, the limit, what the record
//! says of how it ended, and the metrics of it.

use std::path::{Path, PathBuf};
use std::time::Instant;

use disk_prep::noun::{DayWindow, Diagnose, ErrorKind, Hint, Rate, VaultName};
use jiff::Timestamp;

use super::custody::Logged;
use super::desk::Desk;
use super::vault_meant::VaultOptions;
use super::vault_run::{Ran, Wish, next, run as run_vault};
use super::vault_zone;
use crate::notify::{Measured, may_write, write};
use crate::outcome::{Exit, Failure, Outcome, chain};
use crate::schedule::Due;
use crate::state::State;
use crate::vault::{Error, LastRun, Vault};

/// How a run works.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// What is sent at most.
    pub limit: Option<Rate>,
    /// In which part of the day it works.
    pub window: Option<DayWindow>,
    /// Where its metrics go.
    pub metrics_file: Option<PathBuf>,
}

/// It is not the time to run.
#[derive(Debug, thiserror::Error)]
#[error("Vault {vault} is run between {window} only")]
pub struct OutsideWindow {
    vault: VaultName,
    window: DayWindow,
}

impl Diagnose for OutsideWindow {
    fn code(&self) -> &'static str {
        "vault-outside-window"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Resumable
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new("call it again when the window is open, or without `--window`"))
    }
}

/// Runs a vault.
pub fn run(
    vault: &Vault,
    options: &VaultOptions,
    wish: Wish,
    how: &RunOptions,
    desk: &Desk<'_>,
) -> Result<(Ran, Logged), Failure> {
    how.metrics_file.as_deref().map(may_write).transpose()?;
    let now = vault_zone::now(vault);
    let closes = match &how.window {
        None => None,
        Some(window) => Some(
            window
                .closes(&now)
                .ok_or_else(|| OutsideWindow { vault: vault.name.clone(), window: *window })?,
        ),
    };
    let closes = closes.map(|at| at.duration_since(&now).unsigned_abs());
    let began = Instant::now();
    let mut options = options.clone();
    options.blobs.limit = how.limit;
    let mut ran = run_vault(vault, &options, Wish { closes_after: closes, ..wish }, desk);
    let state = desk.state()?;
    let exit = match &ran {
        Ok(ran) => ran.exit(),
        Err(Failure(error)) => Exit::Failed(error.kind()),
    };
    // A run that found another one at work says nothing of the vault.
    let is_turned_away = matches!(&ran, Err(Failure(error)) if error.code() == Error::LOCKED);
    if is_turned_away {
        return ran;
    }
    note(vault, &ran, exit, &state)?;
    if let Some(path) = &how.metrics_file {
        let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        if let Err(error) = measure(path, vault, &ran, exit, took, &state) {
            desk.attendant.warn(&chain(error.0.as_ref()));
            if let Ok((ran, _)) = &mut ran {
                ran.is_unmeasured = true;
            }
        }
    }
    ran
}

/// Writes into the record how a run ended, if it did or tried something.
fn note(
    vault: &Vault,
    ran: &Result<(Ran, Logged), Failure>,
    exit: Exit,
    state: &State,
) -> Result<(), Failure> {
    let at = Timestamp::now();
    let last = match ran {
        Ok((Ran { ingested: None, increment: None, .. }, _)) => return Ok(()),
        Ok(_) => LastRun { at, exit_code: exit.code(), code: None, message: None },
        Err(Failure(error)) => LastRun {
            at,
            exit_code: exit.code(),
            code: Some(error.code().to_owned()),
            message: Some(error.to_string()),
        },
    };
    state.change_vault(vault, |own| own.last_run = Some(last))?;
    Ok(())
}

fn measure(
    path: &Path,
    vault: &Vault,
    ran: &Result<(Ran, Logged), Failure>,
    exit: Exit,
    run_millis: u64,
    state: &State,
) -> Result<(), Failure> {
    let vault = state.change_vault(vault, |_| ())?;
    let due_at = match next(&vault) {
        _ if vault.ingested_at.is_none() => None,
        Due::Now => Some(Timestamp::now()),
        Due::At(time) => Some(time.timestamp()),
        Due::OnCall => None,
    };
    let increment = ran.as_ref().ok().and_then(|(ran, _)| ran.increment.as_ref());
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let backup = increment.and_then(|own| {
        let backup = own.backup.as_ref()?;
        let unreadable = number(backup.unreadable.len());
        Some([backup.files, backup.bytes, unreadable, number(own.forgotten.len())])
    });
    let measured = Measured {
        at: Timestamp::now(),
        run_millis,
        exit_code: exit.code(),
        is_protected: vault.ingested_at.is_some(),
        backed_up_at: vault.incremented_at,
        due_at,
        backup,
        vault: vault.name,
    };
    Ok(write(path, &measured)?)
}
