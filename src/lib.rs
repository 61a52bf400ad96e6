//! The program `azseed`: seeds the first backup to Azure on drives instead of over the wire.
//! A library for its own tests; the binary is its only user.

// Tests set their stage with plain files; durable writes are for state.
#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod advice;
pub mod azure;
pub mod check;
pub mod cli;
mod commands;
mod config;
pub mod custody;
mod disk_backup;
pub mod escrow;
pub mod exit;
pub mod import_job;
mod journey;
mod manual;
mod notify;
mod outcome;
mod policy;
mod report;
mod repository;
mod schedule;
pub mod staging;
pub mod state;
mod ui;
pub mod vault;
pub mod vm_backup;

use std::any::Any;
use std::ffi::{OsStr, OsString};
use std::panic::{AssertUnwindSafe, catch_unwind};

use clap::{ArgMatches, Command, FromArgMatches};
use disk_prep::noun::{Diagnose, ErrorKind, Hint, shell_word};
use disk_prep::sys::threads::is_missing;

use commands::Call;
use outcome::{Attendant, Exit, chain};
use ui::Ui;

pub use config::example;
pub use report::schemas;

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
    disk_prep::sys::handles::raise();
    let args: Vec<OsString> = args.into_iter().collect();
    let args = cli::in_order(&args);
    let early = Ui::early(&args);
    match guarded(|| attempt(&args, &early)) {
        Ok(exit) => early.ended(exit),
        Err(broken) => early.fail(&broken),
    }
}

fn attempt(args: &[OsString], early: &Ui) -> Exit {
    // Before anything is read that may be a secret.
    if let Err(source) = disk_prep::sys::dumps::forbid() {
        return early.fail(&Dumpable { source });
    }
    let args = &match cli::understood(cli::command, args) {
        Ok(args) => args,
        Err(error) => return early.fail(&error),
    }[..];
    let tree = cli::command();
    let settings = if cli::is_unset(args) {
        config::Settings::none(cli::is_secret)
    } else {
        let places = config::Places::of(args);
        match config::Settings::read(&places, &tree, cli::is_secret) {
            Ok(settings) => settings,
            Err(error) => return early.fail(&error),
        }
    };
    // The tree is large, and every call pays for it: it is made once, and parsing builds only the
    // way to the command that is called.
    let mut command = settings.apply(tree);
    let is_variable = |name: &OsStr| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_key = |key: &str| settings.layer_of(key).is_some();
    let unused = |command: &Command, matches: &ArgMatches| {
        cli::unused(command, matches, is_variable, is_key)
    };
    let parsed = command
        .try_get_matches_from_mut(args)
        .and_then(|matches| cli::Cli::from_arg_matches(&matches).map(|cli| (cli, matches)));
    let (cli, matches) = match parsed {
        Ok(parsed) => parsed,
        // Help, or the version.
        Err(asked) if !asked.use_stderr() => return early.refuse(&asked),
        Err(error) => {
            // What is missing may be what was set where it does not count.
            let mut lenient = settings.apply(cli::command()).ignore_errors(true);
            if let Ok(matches) = lenient.try_get_matches_from_mut(args) {
                unused(&lenient, &matches).iter().for_each(|text| early.tell_unused(text));
            }
            if error.kind() == clap::error::ErrorKind::InvalidUtf8 {
                // The refusal does not say of what.
                not_text().iter().for_each(|text| early.tell_unused(text));
            }
            let fresh = settings.apply(cli::command());
            return early.refuse(&cli::hushed(cli::typed_only(error, fresh, args)));
        }
    };
    Ui::hide(cli::hidden(&matches).into_iter().map(|own| (own.text, own.name)));
    let ui = Ui::new(&cli.global, cli::is_question(&matches));
    let log_file = cli.global.log_file.as_deref().filter(|_| {
        // A rehearsal is the same whatever is set.
        !cli.is_rehearsal() || cli::is_named(&matches, "log_file")
    });
    match ui.log(cli.global.verbose, log_file) {
        Ok(()) => {}
        Err(error) if cli::is_named(&matches, "log_file") => return ui.fail(&error),
        // One that is set for all calls keeps none of them from its work.
        Err(error) => ui.warn(&chain(&error)),
    }
    ui.log_only(&called(args));
    unused(&command, &matches).iter().for_each(|text| ui.tell_unused(text));
    let call = Call { matches: &matches, settings: &settings, global: &cli.global, ui: &ui };
    let exit = match commands::run(&cli, &call) {
        Ok(outcome) => ui.show(outcome.as_ref()),
        Err(error) => ui.fail(error.0.as_ref()),
    };
    ui.log_only(&format!("ends with {}", exit.code()));
    exit
}

/// The call, for the log; no flag takes a secret.
fn called(args: &[OsString]) -> String {
    let words = args.iter().skip(1).map(|word| shell_word(&word.to_string_lossy()).into_owned());
    let words: Vec<String> = words.collect();
    format!("azseed {} {}", env!("CARGO_PKG_VERSION"), words.join(" "))
}

/// Does work of which a panic is an error with a code.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Broken> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| Broken::of(panic.as_ref()))
}

/// Our variables whose values are no text.
fn not_text() -> Vec<String> {
    let is_text = |value: &OsStr| value.to_str().is_some();
    let ours = std::env::vars_os().filter(|(_, value)| !is_text(value));
    let names = ours.filter_map(|(name, _)| name.into_string().ok());
    let names = names.filter(|name| name.starts_with("AZSEED_"));
    names.map(|name| format!("{name} is no UTF-8 text")).collect()
}

/// A fault of this program, or of a library that knows no other way to say that it cannot go on.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("The system gives no further thread")]
    NoThread,
    #[error("A folder could not be closed after it was read")]
    Folder,
    #[error("The program met a fault of its own; what it had written until then is as it was told")]
    Internal {
        #[source]
        source: Words,
    },
}

/// What a panic says.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Words(String);

impl Broken {
    fn of(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or_default();
        if is_missing(panic) {
            Broken::NoThread
        } else if text.contains("closedir") {
            Broken::Folder
        } else {
            Broken::Internal { source: Words(text.to_owned()) }
        }
    }
}

impl Diagnose for Broken {
    fn code(&self) -> &'static str {
        match self {
            Broken::NoThread => "thread-not-made",
            Broken::Folder => "folder-not-closed",
            Broken::Internal { .. } => "internal-fault",
        }
    }
    fn kind(&self) -> ErrorKind {
        match self {
            Broken::NoThread => ErrorKind::Resumable,
            Broken::Folder | Broken::Internal { .. } => ErrorKind::Failed,
        }
    }
    fn hint(&self) -> Option<Hint> {
        let text = "run it again; if it comes back, report it with what `-v` prints";
        matches!(self, Broken::Internal { .. }).then(|| Hint::new(text))
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    #[test]
    fn a_panic_is_an_error_with_a_code_that_says_its_words() {
        let broken = |number: usize| guarded(|| [1, 2, 3][number]).unwrap_err();
        let internal = broken(7);
        assert_eq!((internal.code(), internal.kind()), ("internal-fault", ErrorKind::Failed));
        let words = internal.source().unwrap().to_string();
        assert_eq!(words, "index out of bounds: the len is 3 but the index is 7");
        assert!(internal.hint().unwrap().to_string().contains("`-v`"));
        let folder = guarded(|| -> u8 { panic!("unexpected error during closedir") }).unwrap_err();
        assert_eq!((folder.code(), folder.kind()), ("folder-not-closed", ErrorKind::Failed));
        assert_eq!(guarded(|| 7).unwrap(), 7);
    }
}
