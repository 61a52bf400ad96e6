//! The program `azseed`: seeds the first backup to Azure on drives instead of over the wire.
//! A library for its own tests; the binary is its only user.

// Tests set their stage with plain files; durable writes are for state.
#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod advice;
pub mod azure;
pub mod cli;
pub mod commands;
pub mod config;
pub mod emulator;
pub mod escrow;
pub mod exit;
pub mod import_job;
pub mod repository;
pub mod staging;
pub mod state;
pub mod ui;
pub mod vault;

use std::ffi::OsString;

use clap::FromArgMatches;
use disk_prep::noun::{Diagnose, ErrorKind};

use exit::Exit;
use ui::Ui;

/// The kernel does not keep the memory of this process to itself.
#[derive(Debug, thiserror::Error)]
#[error("Cannot forbid that this process is dumped")]
struct Dumpable {
    #[source]
    source: std::io::Error,
}

impl Diagnose for Dumpable {
    fn code(&self) -> &'static str {
        "process-dumpable"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Failed
    }
}

/// Runs one command line.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Exit {
    let args: Vec<OsString> = args.into_iter().collect();
    let early = Ui::early(&args);
    // Before anything is read that may be a secret.
    if let Err(source) = disk_prep::sys::dumps::forbid() {
        return early.fail(&Dumpable { source });
    }
    let settings = match config::Settings::read(&cli::command()) {
        Ok(settings) => settings,
        Err(error) => return early.fail(&error),
    };
    let parsed = settings
        .apply(cli::command())
        .try_get_matches_from(&args)
        .and_then(|matches| cli::Cli::from_arg_matches(&matches).map(|cli| (cli, matches)));
    let (cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return early.refuse(&cli::hushed(error)),
    };
    Ui::hide(cli::hidden(&matches));
    let ui = Ui::new(&cli.global);
    ui.log(cli.global.verbose);
    match commands::run(&cli, &matches, &settings, commands::Visit::Named, &ui) {
        Ok(outcome) => ui.show(outcome.as_ref()),
        Err(error) => ui.fail(error.0.as_ref()),
    }
}
