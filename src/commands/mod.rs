//! One file per command: arguments to options, call a room below, return the outcome. Nothing is
//! printed here; the `ui` shows what comes back.

mod check;
mod cleanup;
mod connect;
mod door;
mod drive;
mod drive_release;
#[cfg(feature = "emulator")]
mod emulator;
mod explain;
mod inspect;
mod job;
mod keeper;
mod plan;
mod prep;
#[cfg(feature = "emulator")]
mod rehearse;
mod shell;
mod stage;
mod vault;
mod verify;
mod work;

use clap::ArgMatches;
use disk_prep::dataset::{DataSet, FilesOptions, scan};
use disk_prep::noun::{Diagnose, ImportDisposition, JobName};

use crate::cli::{Cli, Command};
use crate::config::Settings;
use crate::exit::Exit;
use crate::repository::is_repository_path;
use crate::staging::{Seed, SeedKind, SeedState, Staging};
use crate::ui::Ui;
use door::Door;
pub use door::Visit;

/// What a command has done, for every face of the screen.
pub trait Outcome {
    /// For a person: lines without colour, without a final newline.
    fn text(&self) -> String;
    /// For a script: one object a line; every one has `type` and `version`.
    fn json(&self) -> Vec<serde_json::Value>;
    /// How the run ended.
    fn exit(&self) -> Exit {
        Exit::Done
    }
}

/// Nothing more to show: all was told while the command went on.
struct Told;

impl Outcome for Told {
    fn text(&self) -> String {
        String::new()
    }
    fn json(&self) -> Vec<serde_json::Value> {
        Vec::new()
    }
}

/// Why a command could not be done.
#[derive(Debug)]
pub struct Failure(pub Box<dyn Diagnose>);

impl<E: Diagnose + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Failure(Box::new(error))
    }
}

/// Does what the command line asks for.
pub fn run(
    cli: &Cli,
    matches: &ArgMatches,
    settings: &Settings,
    visit: Visit,
    ui: &Ui,
) -> Result<Box<dyn Outcome>, Failure> {
    let door = &Door::new(matches, visit, &cli.global, ui);
    match &cli.command {
        #[cfg(feature = "emulator")]
        Command::Rehearse(args) => rehearse::run(args, settings, ui),
        Command::Stage(args) => stage::run(args, &cli.global, door, ui),
        Command::Drive(args) => drive::run(args, &cli.global, door, ui),
        Command::Plan(args) => plan::run(args, &cli.global, door, ui),
        Command::Prep(args) => prep::run(args, &cli.global, door, ui),
        Command::Verify(args) => verify::run(args, &cli.global, door, ui),
        Command::Inspect(args) => inspect::run(args, &cli.global, door),
        Command::Job(args) => job::run(args, matches, &cli.global, door, ui),
        Command::Vault(args) => vault::run(args, &cli.global, door, ui),
        Command::Cleanup(args) => cleanup::run(args, &cli.global, door, ui),
        Command::Check(args) => check::run(args, &cli.global),
        #[cfg(feature = "emulator")]
        Command::Emulator(args) => emulator::run(args, ui),
        Command::Explain(args) => explain::run(args),
        Command::Config(_) => Ok(shell::show_settings(matches, settings)),
        Command::Completions(args) => Ok(shell::completions(args)),
        Command::Man(args) => shell::man(args),
    }
}

/// The files of a finished seed, with their places on a drive and in the container.
fn data_set(seed: &Seed, staging: &Staging) -> Result<DataSet, Failure> {
    let path = || staging.path().to_owned();
    match seed.state {
        SeedState::Finished => {}
        SeedState::Unfinished => {
            return Err(crate::staging::Error::Unfinished { path: path() }.into());
        }
        SeedState::Cleared => return Err(crate::staging::Error::Cleared { path: path() }.into()),
    }
    let is_repository = seed.kind == SeedKind::Repository;
    let job: JobName = seed.target.job.clone();
    let options = FilesOptions {
        job,
        container: seed.target.container.clone(),
        prefix: seed.target.prefix.clone(),
        disposition: if is_repository {
            ImportDisposition::Overwrite
        } else {
            ImportDisposition::NoOverwrite
        },
        never: if is_repository { &["locks"] } else { &[] },
        only: is_repository.then_some(is_repository_path),
        together: if is_repository { &["config", "keys", "index", "snapshots"] } else { &[] },
    };
    let data = staging.data(seed)?;
    data.open()?;
    let set = scan(&data.path(), &options)?;
    data.check_names(set.files.iter().map(|file| file.source.as_path()))?;
    if set.files.is_empty() {
        return Err(disk_prep::dataset::Error::NothingToCopy { root: set.root }.into());
    }
    Ok(set)
}
