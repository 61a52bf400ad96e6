//! How a job stands, in plain words and as records.

use disk_prep::noun::{count, shell_word, typed};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::job::{lines, value};
use super::record::{Record, line};
use super::text::wrapped;
use crate::advice::find;
use crate::import_job::{DriveStage, Job, Nearness, Turn, Written};
use crate::journey::standing::{DriveLog, LogCount, LogSight, Sequel, Standing};
use crate::outcome::{Exit, Failure, Outcome, chain};
use crate::staging::SeedKind;

/// What a drive's log says.
#[derive(Serialize, JsonSchema)]
pub(super) struct CopyLogRecord<'a> {
    /// The job.
    job: &'a str,
    /// Serial number of the drive.
    serial: &'a str,
    /// Whether the log was read.
    read: bool,
    /// Why it was not, or not whole; null if nothing kept it from being read.
    why: Option<&'a str>,
    /// Blobs that arrived.
    arrived: u64,
    /// Blobs that the drive did not have.
    missing: u64,
    /// Blobs that are not what the manifest says.
    damaged: u64,
    /// Blobs that did not go through for another reason.
    failed: u64,
    /// Blobs that got another name.
    renamed: u64,
    /// Blobs that were there and stayed.
    kept: u64,
    /// Blobs of which the log says what this program does not know.
    unknown: u64,
}

impl Record for CopyLogRecord<'_> {
    const TYPE: &'static str = "copy-log";
}

/// What a service's word means.
fn meaning(word: &str) -> Option<&'static str> {
    find(word).map(|advice| advice.meaning.as_str())
}

/// What the job needs of us, and until when.
pub(super) fn yours(job: &Job, (kind, sequel): (Option<SeedKind>, &Sequel), which: &str) -> String {
    let until = job.deadline().filter(|own| own.clock.is_ours());
    let is_late = until.is_some_and(|own| own.nearness() == Nearness::Passed);
    let until = until.map(|own| own.at.strftime("%Y-%m-%d").to_string());
    let told = match (Turn::of(job), until) {
        (Turn::Ours(what), Some(day)) => format!("{what}, until {day}"),
        (Turn::Ours(what) | Turn::DoneWithErrors(what), _) => what.to_owned(),
        (Turn::Service, Some(_)) if is_late => {
            "ask the carrier where the parcel is, and answer the datacenter: it closes the job when \
             nobody does"
                .to_owned()
        }
        (Turn::Service, Some(day)) => format!("nothing; if it is as now on {day}, ask the carrier"),
        (Turn::Service, None) => "nothing".to_owned(),
        (Turn::Done, _) => match kind {
            Some(SeedKind::Files) => {
                "`azseed job reconcile` compares what arrived with the drives".to_owned()
            }
            _ => sequel_text(sequel),
        },
    };
    told.replace("`azseed job ship`", "`azseed job ship --carrier NAME --tracking-number NUMBER`")
        .split("`azseed job ")
        .enumerate()
        .map(|(at, part)| match at {
            0 => part.to_owned(),
            _ => format!("`azseed job {}", with(part, which)),
        })
        .collect()
}

fn sequel_text(sequel: &Sequel) -> String {
    match sequel {
        Sequel::Awaited(vault) => format!(
            "`{}` takes the seed in",
            typed(["azseed", "vault", "run", "--vault", vault.as_str()])
        ),
        Sequel::TakenIn(vault) => {
            format!(
                "`{}` clears what the vault has taken in",
                typed(["azseed", "cleanup", "--vault", vault.as_str()])
            )
        }
        Sequel::NoVault => {
            "`azseed vault create --vault NAME` makes a vault that takes the seed in".to_owned()
        }
    }
}

/// A command with what says which job is meant behind its first word.
fn with(command: &str, which: &str) -> String {
    let end = command.find([' ', '`']).unwrap_or(command.len());
    let (word, rest) = command.split_at(end);
    format!("{word} {which}{rest}")
}

fn log_line(log: &DriveLog) -> String {
    let serial = &log.serial;
    match &log.sight {
        LogSight::Unread(Failure(error)) => {
            format!("that of drive {serial} could not be read: {}", chain(error.as_ref()))
        }
        LogSight::Read(counted) => {
            let faults = counted.faults().into_iter();
            let faults: Vec<String> =
                faults.map(|(number, word)| format!("{} {word}", count(number, "blob"))).collect();
            let told = if faults.is_empty() { "no fault".to_owned() } else { faults.join(", ") };
            let cut = counted.cut.map(|cut| format!("; it {}", cut.text())).unwrap_or_default();
            format!("that of drive {serial} names {told}{cut}")
        }
    }
}

impl Standing {
    /// What says in a command which job is meant: its staging path, or its id, from anywhere.
    fn which(&self) -> String {
        match &self.staging {
            Some(path) => {
                let path = path.display().to_string();
                format!("--staging {} --job {}", shell_word(&path), self.job.name)
            }
            None => format!("--job {}", shell_word(&self.job.id)),
        }
    }
}

impl Outcome for Standing {
    fn lines(&self) -> Vec<String> {
        let job = &self.job;
        // What is to be done stands below, with its day.
        let mut told = lines(job);
        told.retain(|line| !line.starts_with("Next "));
        let stage = job.state.stage;
        told.extend(wrapped("Happened", stage.happened()));
        told.extend(stage.comes().map(|text| wrapped("Then", text)).into_iter().flatten());
        let state = meaning(job.state.word()).map(|text| format!("{}: {text}", job.state));
        told.extend(state.map(|text| wrapped("Means", &text)).into_iter().flatten());
        let mut words = vec![job.state.word()];
        for drive in job.drives.iter().filter(|own| own.state.stage != DriveStage::Named) {
            let word = drive.state.word();
            if let Some(text) = meaning(word).filter(|_| !words.contains(&word)) {
                words.push(word);
                told.extend(wrapped("Means", &format!("{word}: {text}")));
            }
        }
        for log in &self.logs {
            told.extend(wrapped("Log", &log_line(log)));
        }
        let is_quiet = Turn::of(job) == Turn::Service && job.alarm().is_none();
        let label = if is_quiet { "You" } else { "Next" };
        told.extend(wrapped(label, &yours(job, (self.kind, &self.sequel), &self.which())));
        told
    }

    fn json(&self) -> Vec<Value> {
        let mut all = vec![value(&self.job, Some(Written::Unchanged))];
        for DriveLog { serial, sight } in &self.logs {
            let (own, why) = match sight {
                LogSight::Read(own) => (*own, own.cut.map(|cut| cut.text().to_owned())),
                LogSight::Unread(Failure(error)) => {
                    (LogCount::default(), Some(chain(error.as_ref())))
                }
            };
            all.push(line(&CopyLogRecord {
                job: &self.job.name,
                serial,
                read: matches!(sight, LogSight::Read(_)),
                why: why.as_deref(),
                arrived: own.arrived,
                missing: own.missing,
                damaged: own.damaged,
                failed: own.failed,
                renamed: own.renamed,
                kept: own.kept,
                unknown: own.unknown,
            }));
        }
        all
    }

    fn exit(&self) -> Exit {
        Exit::of(self.job.alarm())
    }
}
