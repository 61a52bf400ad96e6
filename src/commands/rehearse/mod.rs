//! `rehearse`: the whole journey on this machine. Only composes the commands that real runs use,
//! each called by its own words; the emulator is a process behind its network interface.

mod compare;
mod place;
mod summary;

use std::fs;
use std::path::PathBuf;

use clap::FromArgMatches;
use disk_prep::noun::{ByteSize, Diagnose, ErrorKind, Hint};
use serde_json::{Value, json};

use super::{Failure, Outcome, Visit};
use crate::cli::{self, Cli, RehearseArgs};
use crate::config::Settings;
use crate::exit::Exit;
use crate::ui::Ui;
use compare::compare;
use place::{Emulator, Place};
use summary::Summary;

const JOB: &str = "rehearsal";
const VAULT: &str = "rehearsal";
/// Room for the volume's own structures on a drive of a guessed size.
const SPARE_BYTES: u64 = 320_000_000;
const STEPS: [&str; 10] = [
    "Write the initial backup to the staging path",
    "See what goes on which drive",
    "Format and fill the drives, make the import job",
    "Read the drives back",
    "Send them, and say with whom",
    "The datacenter reads them",
    "The vault takes the seed in and goes on with an increment",
    "Clear the imported container and the staging path",
    "Restore from the vault",
    "Compare the restored copy with the source",
];

/// Runs `rehearse`.
pub fn run(args: &RehearseArgs, settings: &Settings, ui: &Ui) -> Result<Box<dyn Outcome>, Failure> {
    let place = Place::open(args.dir.as_deref(), args.keep)?;
    let emulator = Emulator::start(&place)?;
    let ui = &ui.unattended();
    let rehearsal = Rehearsal { args, settings, ui, place: &place, emulator: &emulator };
    match rehearsal.go() {
        Ok(mut summary) => {
            summary.write_report(&place.at("report.html"))?;
            drop(emulator);
            if summary.exit() != Exit::Done || place.finish()? {
                summary.folder = Some(place.path().to_owned());
            }
            Ok(Box::new(summary))
        }
        Err(Stop::Step { exit, more_drives }) => {
            let again = again(args, &place, more_drives);
            Ok(Box::new(Halted { folder: place.path().to_owned(), exit, again }))
        }
        Err(Stop::Failure(failure)) => {
            let folder = place.path().to_owned();
            Err(Failed { folder, cause: failure.0 }.into())
        }
    }
}

/// The command that goes on here, with so many more drives.
fn again(args: &RehearseArgs, place: &Place, more_drives: u64) -> String {
    let mut words = vec!["azseed rehearse".to_owned()];
    for source in &args.sources {
        words.push(format!("--source {}", source.display()));
    }
    words.push(format!("--drives {}", u64::from(args.drives).saturating_add(more_drives)));
    if let Some(size) = args.drive_size {
        words.push(format!("--drive-size {}", size.0));
    }
    words.push(format!("--dir {}", place.path().display()));
    words.join(" ")
}

/// Why a rehearsal does not go on.
enum Stop {
    /// A step ended otherwise than well, and has said so.
    Step {
        exit: Exit,
        /// Drives that are missing.
        more_drives: u64,
    },
    /// A step could not be done.
    Failure(Failure),
}

impl<E: Into<Failure>> From<E> for Stop {
    fn from(error: E) -> Self {
        Stop::Failure(error.into())
    }
}

/// Keeps the folder in view when a step could not be done.
#[derive(Debug, thiserror::Error)]
#[error("The rehearsal in {} stopped: {cause}", folder.display())]
struct Failed {
    folder: PathBuf,
    cause: Box<dyn Diagnose>,
}

impl Diagnose for Failed {
    fn code(&self) -> &'static str {
        self.cause.code()
    }
    fn kind(&self) -> ErrorKind {
        self.cause.kind()
    }
    fn hint(&self) -> Option<Hint> {
        self.cause.hint()
    }
}

struct Rehearsal<'a> {
    args: &'a RehearseArgs,
    settings: &'a Settings,
    ui: &'a Ui,
    place: &'a Place,
    emulator: &'a Emulator,
}

impl Rehearsal<'_> {
    fn go(&self) -> Result<Summary, Stop> {
        let mut summary = Summary::default();
        let staging = self.place.text("staging");
        self.step(1);
        let staged = self.stage(&staging)?;
        summary.staged(&staged);
        let bytes = staged[0]["bytes"].as_u64().unwrap_or(0);
        let drives = self.drives(bytes);
        if staged[0]["state"] != "cleared" {
            self.fill(&staging, &drives, &mut summary)?;
        }
        self.step(7);
        let mut create = words(&["vault", "create", "--vault", VAULT, "--staging", &staging]);
        create.extend(self.blobs());
        self.run(&create)?;
        summary.vault(&self.run(&self.with_blobs(&["vault", "run", "--vault", VAULT]))?);
        self.step(8);
        self.run(&self.with_blobs(&["cleanup", "--vault", VAULT]))?;
        self.step(9);
        let restored = self.place.text("restored");
        let mut restore = vec!["vault", "restore", "--vault", VAULT, "--target", &restored];
        if !rustix::process::geteuid().is_root() {
            // Only root can give files to others, and the comparison knows it.
            restore.push("--no-owner");
        }
        self.run_with(&self.with_blobs(&restore), |exit| {
            matches!(exit, Exit::Done | Exit::Failed(ErrorKind::LeftOut))
        })?;
        self.step(10);
        let sources = self
            .args
            .sources
            .iter()
            .map(|path| fs::canonicalize(path).unwrap_or_else(|_| path.clone()));
        summary.compared(compare(&sources.collect::<Vec<_>>(), &self.place.at("restored")));
        Ok(summary)
    }

    fn stage(&self, staging: &str) -> Result<Vec<Value>, Stop> {
        let facts = &self.emulator.facts;
        let contact = self.place.text("state/contact.toml");
        let mut stage =
            words(&["stage", "--staging", staging, "--job", JOB, "--container", "seed"]);
        for source in &self.args.sources {
            stage.extend(["--source".to_owned(), source.display().to_string()]);
        }
        stage.extend(words(&["--storage-account", &facts.account, "--resource-group", JOB]));
        stage.extend(words(&["--subscription", &facts.subscription, "--location", "westeurope"]));
        stage.extend(words(&["--contact", &contact]));
        if let Some(file) = &self.args.password_file {
            stage.extend(["--password-file".to_owned(), file.display().to_string()]);
        }
        if self.args.weak_password {
            stage.push("--weak-password".to_owned());
        }
        self.run_with(&stage, |exit| matches!(exit, Exit::Done | Exit::Failed(ErrorKind::LeftOut)))
    }

    /// The drives, each as a DEV.
    fn drives(&self, staged_bytes: u64) -> Vec<String> {
        let count = u64::from(self.args.drives);
        // A tenth more than its share, since whole files do not divide evenly.
        let share = staged_bytes.div_ceil(count);
        let guess = share.saturating_add(share / 10).saturating_add(SPARE_BYTES);
        let bytes = self.args.drive_size.unwrap_or(ByteSize(guess)).0;
        (1..=count)
            .map(|number| {
                let serial = format!("REHEARSAL-{number}");
                let path = self.place.text(&format!("drives/{serial}.img"));
                format!("image:{path},serial={serial},size={bytes}")
            })
            .collect()
    }

    /// From staged files to drives that were read by the datacenter.
    fn fill(&self, staging: &str, drives: &[String], summary: &mut Summary) -> Result<(), Stop> {
        let named = || drives.iter().flat_map(|drive| ["--drive".to_owned(), drive.clone()]);
        self.step(2);
        let mut plan = words(&["plan", "--staging", staging]);
        plan.extend(named());
        self.run_with(&plan, |exit| {
            matches!(exit, Exit::Done | Exit::Failed(ErrorKind::Resumable))
        })?;
        self.step(3);
        let mut prep = words(&["prep", "--staging", staging]);
        prep.extend(named());
        prep.extend(self.azure());
        summary.drives(&self.run(&prep)?);
        self.step(4);
        let sealed: Vec<String> =
            drives.iter().filter(|drive| image(drive).exists()).cloned().collect();
        let mut verify = words(&["verify", "--staging", staging]);
        verify.extend(sealed.iter().cloned());
        self.run(&verify)?;
        let jobs = self.jobs()?;
        self.step(5);
        for (number, name) in jobs.iter().filter(|job| job.1 == "Creating").enumerate() {
            let tracking = format!("REHEARSAL-{}", number + 1);
            let ship = ["job", "ship", "--staging", staging, "--job", &name.0, "--carrier"];
            let mut ship = words(&ship);
            ship.extend(words(&["FedEx", "--tracking-number", &tracking]));
            ship.extend(self.azure());
            self.run(&ship)?;
        }
        self.step(6);
        let data = self.place.text("azure");
        if self.jobs()?.iter().any(|job| !matches!(job.1.as_str(), "Completed" | "Closed")) {
            self.run(&words(&["emulator", "clock", "+3d", "--data", &data]))?;
            let mut dock = words(&["emulator", "dock", "--data", &data]);
            dock.extend(sealed);
            summary.docked(&self.run(&dock)?);
        }
        let mut status = words(&["job", "status", "--staging", staging]);
        status.extend(self.azure());
        self.run(&status)?;
        Ok(())
    }

    /// Names and states of all jobs.
    fn jobs(&self) -> Result<Vec<(String, String)>, Stop> {
        let facts = &self.emulator.facts;
        let list = ["job", "list", "--resource-group", JOB, "--subscription", &facts.subscription];
        let mut list = words(&list);
        list.extend(self.azure());
        let text = |line: &Value, key: &str| line[key].as_str().unwrap_or_default().to_owned();
        let listed = self.call(&list)?.json();
        Ok(listed.iter().map(|line| (text(line, "name"), text(line, "state"))).collect())
    }

    fn azure(&self) -> Vec<String> {
        let (facts, token) = (&self.emulator.facts, self.emulator.token_file.display());
        let ca = facts.ca_file.display().to_string();
        let mut all = words(&["--arm-endpoint", &facts.arm, "--authority", &facts.arm]);
        all.extend(words(&["--ca-file", &ca, "--token-file", &token.to_string()]));
        all
    }

    fn blobs(&self) -> Vec<String> {
        let mut all = self.azure();
        all.extend(words(&["--blob-endpoint", &self.emulator.facts.blob]));
        all
    }

    fn with_blobs(&self, command: &[&str]) -> Vec<String> {
        let mut all = words(command);
        all.extend(self.blobs());
        all
    }

    fn step(&self, number: usize) {
        self.ui.show(&Step { number });
    }

    /// Calls a command by its words.
    fn call(&self, command: &[String]) -> Result<Box<dyn Outcome>, Failure> {
        let state = self.place.text("state");
        let head = ["azseed".to_owned(), "--state".to_owned(), state, "--yes".to_owned()];
        let all = head.iter().chain(command);
        let matches = cli::deaf().try_get_matches_from(all).map_err(Call::from)?;
        let cli = Cli::from_arg_matches(&matches).map_err(Call::from)?;
        super::run(&cli, &matches, self.settings, Visit::Rehearsal, self.ui)
    }

    /// Calls a command, shows what it did, and goes on only if all is done.
    fn run(&self, command: &[String]) -> Result<Vec<Value>, Stop> {
        self.run_with(command, |exit| exit == Exit::Done)
    }

    fn run_with(
        &self,
        command: &[String],
        may_go_on: impl Fn(Exit) -> bool,
    ) -> Result<Vec<Value>, Stop> {
        let outcome = self.call(command)?;
        let exit = self.ui.show(outcome.as_ref());
        let lines = outcome.json();
        if may_go_on(exit) {
            return Ok(lines);
        }
        let more_drives = lines.iter().find_map(|line| line["more_drives"].as_u64()).unwrap_or(0);
        Err(Stop::Step { exit, more_drives })
    }
}

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|word| (*word).to_owned()).collect()
}

/// The image file of a DEV that was made above.
fn image(drive: &str) -> PathBuf {
    let path = drive.strip_prefix("image:").unwrap_or(drive);
    PathBuf::from(path.split(",serial=").next().unwrap_or(path))
}

/// A step's command that clap refuses, as when a variable of the environment has a wrong value.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
struct Call {
    text: String,
}

impl From<clap::Error> for Call {
    fn from(error: clap::Error) -> Self {
        let text = error.to_string();
        let first = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
        Call { text: first.lines().map(str::trim).collect::<Vec<_>>().join(", ") }
    }
}

impl Diagnose for Call {
    fn code(&self) -> &'static str {
        "usage"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
}

/// The heading of a step.
struct Step {
    number: usize,
}

impl Outcome for Step {
    fn lines(&self) -> Vec<String> {
        let line = format!("{}/{}  {}", self.number, STEPS.len(), STEPS[self.number - 1]);
        vec![String::new(), line]
    }

    fn json(&self) -> Vec<Value> {
        vec![json!({
            "type": "step", "version": 1, "number": self.number, "of": STEPS.len(),
            "title": STEPS[self.number - 1],
        })]
    }
}

/// A rehearsal that cannot go on as it is.
struct Halted {
    folder: PathBuf,
    exit: Exit,
    again: String,
}

impl Outcome for Halted {
    fn lines(&self) -> Vec<String> {
        let folder = self.folder.display();
        match self.exit {
            Exit::Failed(ErrorKind::Resumable) => {
                let line = format!("What is there is kept in {folder}. To go on:");
                vec![String::new(), line, format!("  {}", self.again)]
            }
            _ => {
                let line = format!("The rehearsal ends here. Everything is kept in {folder}");
                vec![String::new(), line]
            }
        }
    }

    fn json(&self) -> Vec<Value> {
        vec![json!({
            "type": "rehearsal", "version": 1, "equal": false, "folder": self.folder,
            "next": self.again,
        })]
    }

    fn exit(&self) -> Exit {
        self.exit
    }
}
