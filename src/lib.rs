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

use exit::Exit;
use ui::Ui;

/// Runs one command line.
pub fn run(args: impl IntoIterator<Item = OsString>) -> Exit {
    let args: Vec<OsString> = args.into_iter().collect();
    let early = Ui::early(&args);
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
        Err(error) => return early.refuse(&error),
    };
    let ui = Ui::new(&cli.global);
    ui.log(cli.global.verbose);
    match commands::run(&cli, &matches, &settings, commands::Visit::Named, &ui) {
        Ok(outcome) => ui.show(outcome.as_ref()),
        Err(error) => ui.fail(error.0.as_ref()),
    }
}
