//! `prep`: drives formatted and filled.

use disk_prep::dataset::DataFile;
use disk_prep::drive::{Kind, find};
use disk_prep::journal::{Journal, JournalFolder};
use disk_prep::manifest::Profile;
use disk_prep::noun::{ByteSize, Diagnose, ErrorKind, Serial, Wipe};
use disk_prep::plan::{Room, count_drives};
use disk_prep::pool::{PrepareOutcome, PrepareRun, room};
use disk_prep::prepare::{PrepareOptions, PreparedDrive};
use disk_prep::verify::{VerifyOptions, verify};
use disk_prep::world::RealWorld;
use serde_json::{Value, json};

use super::verify::Verified;
use super::{Failure, Outcome, data_set};
use crate::cli::{Global, PrepArgs, ProfileChoice, WipeChoice};
use crate::exit::Exit;
use crate::staging::{Seed, journals};
use crate::state::{State, drives_of};
use crate::ui::Ui;

/// Runs `prep`.
pub fn run(args: &PrepArgs, global: &Global, ui: &Ui) -> Result<Box<dyn Outcome>, Failure> {
    let seed = Seed::open(&args.staging)?;
    let set = data_set(&seed, &args.staging)?;
    let folder = JournalFolder::new(journals(&args.staging));
    let state = State::open(global.state.as_deref())?;
    let mut erase = args.erase.clone();
    erase.extend(consent(args, &folder, ui)?);
    let options = PrepareOptions {
        job: seed.target.job.clone(),
        container: Some(seed.target.container.clone()),
        cipher: args.cipher,
        profile: match args.profile {
            ProfileChoice::Legacy => Profile::Legacy,
            ProfileChoice::Modern => Profile::Modern,
        },
        strict: args.strict,
        erase,
        wipe: args.wipe.map(|choice| match choice {
            WipeChoice::Zero => Wipe::Zero,
            WipeChoice::None => Wipe::None,
        }),
        stop: ui.stop_flag(),
    };
    // Before the run all that it may begin; after it what it has begun.
    let mut drives = drives_of(&args.staging)?;
    drives.extend(args.drives.iter().filter_map(|name| find(name).ok()).map(|drive| drive.serial));
    state.remember(&seed, &args.staging, drives)?;
    let elsewhere = state.drives_of_other_seeds(&seed)?;
    let monitor = ui.monitor();
    let outcome = PrepareRun {
        data_set: &set,
        drives: &args.drives,
        journals: folder.clone(),
        options,
        elsewhere: &elsewhere,
        world: &RealWorld,
        monitor: monitor.as_ref(),
    }
    .run();
    state.remember(&seed, &args.staging, drives_of(&args.staging)?)?;
    let outcome = outcome?;
    let verified = if args.verify { read_back(args, &folder, &outcome, ui)? } else { None };
    let wanted = wanted(&outcome, args);
    Ok(Box::new(Prepared { outcome, verified, wanted, staging: args.staging.clone() }))
}

/// At a terminal the serial of each drive that would be formatted is typed; in a script nothing
/// is asked. An image that is yet to be made holds nothing.
fn consent(args: &PrepArgs, folder: &JournalFolder, ui: &Ui) -> Result<Vec<Serial>, Failure> {
    let mut typed = Vec::new();
    if !ui.can_ask() {
        return Ok(typed);
    }
    for name in &args.drives {
        let drive = find(name)?;
        let journal = folder.journal(&drive.serial);
        let is_known = journal.exists() && Journal::read(&journal)?.is_some();
        if drive.kind == Kind::NewImage || is_known || args.erase.contains(&drive.serial) {
            continue;
        }
        let model = drive.model.as_deref().unwrap_or("image file");
        let question = format!(
            "{} at {} ({model}, {}) will be formatted.\nType its serial to go on: ",
            drive.serial,
            drive.path.display(),
            ByteSize(drive.bytes)
        );
        if ui.ask(&question).as_deref() != Some(drive.serial.as_str()) {
            return Err(NotConfirmed { serial: drive.serial }.into());
        }
        typed.push(drive.serial);
    }
    Ok(typed)
}

#[derive(Debug, thiserror::Error)]
#[error("Drive {serial} was not confirmed; nothing was written")]
struct NotConfirmed {
    serial: Serial,
}

impl Diagnose for NotConfirmed {
    fn code(&self) -> &'static str {
        "drive-not-confirmed"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Guard
    }
}

fn read_back(
    args: &PrepArgs,
    folder: &JournalFolder,
    outcome: &PrepareOutcome,
    ui: &Ui,
) -> Result<Option<Verified>, Failure> {
    let options = VerifyOptions {
        journals: Some(folder.clone()),
        recovery_password: None,
        stop: ui.stop_flag(),
    };
    let monitor = ui.monitor();
    let mut reports = Vec::new();
    for name in &args.drives {
        let serial = find(name).map(|drive| drive.serial);
        let is_sealed =
            |drive: &PreparedDrive| serial.as_ref().is_ok_and(|own| *own == drive.serial);
        if outcome.sealed.iter().any(is_sealed) {
            reports.push(verify(name, &options, monitor.as_ref())?);
        }
    }
    Ok(Some(Verified(reports)))
}

/// How many drives like the largest named one the files without a place need.
fn wanted(outcome: &PrepareOutcome, args: &PrepArgs) -> Option<(usize, u64)> {
    if outcome.unplaced.is_empty() {
        return None;
    }
    let sizes = args.drives.iter().filter_map(|name| find(name).ok()).map(|drive| drive.bytes);
    let bytes = sizes.max()?;
    let like: Room = room(&Serial::new("DRIVE").ok()?, bytes).ok()?;
    count_drives(&outcome.unplaced, &like).ok().map(|drives| (drives, bytes))
}

struct Prepared {
    outcome: PrepareOutcome,
    verified: Option<Verified>,
    wanted: Option<(usize, u64)>,
    staging: std::path::PathBuf,
}

impl Prepared {
    fn left_out(&self) -> impl Iterator<Item = (&Serial, &DataFile, &str)> {
        self.outcome.sealed.iter().flat_map(|drive| {
            drive.left_out.iter().map(|(file, reason)| (&drive.serial, file, reason.as_str()))
        })
    }

    /// Bytes that no drive took, apart from files that a sealed drive left out.
    fn missing(&self) -> (usize, u64) {
        let files = || {
            self.outcome
                .unplaced
                .iter()
                .filter(|file| !self.left_out().any(|(_, left, _)| left.path == file.path))
        };
        (files().count(), files().map(|file| file.bytes).sum())
    }
}

impl Outcome for Prepared {
    fn text(&self) -> String {
        let mut lines = Vec::new();
        for PreparedDrive { serial, sealed, .. } in &self.outcome.sealed {
            let (files, bytes) = (sealed.files, ByteSize(sealed.bytes));
            lines.push(format!("Drive {serial} is sealed: {files} files, {bytes}"));
        }
        for serial in &self.outcome.unused {
            lines.push(format!("Drive {serial} is not needed and was not touched"));
        }
        for (serial, error) in &self.outcome.failed {
            let fate = if self.outcome.set_aside.contains(serial) {
                "do not ship it; its files went to another drive"
            } else {
                "run the same command again to go on with it"
            };
            lines.push(format!("Drive {serial} is not finished: {error}; {fate}"));
        }
        for serial in &self.outcome.waiting {
            lines.push(format!("Drive {serial} was begun before; name it too, to finish it"));
        }
        for (serial, file, reason) in self.left_out() {
            lines.push(format!("Left out of drive {serial}: {}: {reason}", file.source.display()));
        }
        let (files, bytes) = self.missing();
        if files > 0 {
            let wanted = self.wanted.map_or(String::new(), |(drives, bytes)| {
                let noun = if drives == 1 { "drive" } else { "drives" };
                format!("; {drives} more {noun} of {} would do", ByteSize(bytes))
            });
            lines.push(format!("{} in {files} files found no room{wanted}", ByteSize(bytes)));
            lines.push("Run the same command with more drives to go on".to_owned());
        }
        lines.extend(self.verified.as_ref().map(Outcome::text));
        if self.exit() == Exit::Done {
            let staging = self.staging.display();
            lines.push(format!("Next: `azseed job create --staging {staging} --location REGION`"));
        }
        lines.join("\n")
    }

    fn json(&self) -> Vec<Value> {
        let mut lines: Vec<Value> = Vec::new();
        for PreparedDrive { serial, sealed, left_out } in &self.outcome.sealed {
            lines.push(json!({
                "type": "drive-sealed", "version": 1, "serial": serial, "files": sealed.files,
                "bytes": sealed.bytes, "manifest": sealed.manifest,
                "manifest_hash": sealed.manifest_hash, "header_hash": sealed.header_hash,
                "sealed_at": sealed.at, "left_out": left_out.len(),
            }));
        }
        for (serial, error) in &self.outcome.failed {
            lines.push(json!({
                "type": "drive-failed", "version": 1, "serial": serial, "code": error.code(),
                "message": error.to_string(), "set_aside": self.outcome.set_aside.contains(serial),
            }));
        }
        for (serial, file, reason) in self.left_out() {
            lines.push(json!({
                "type": "file-left-out", "version": 1, "serial": serial, "path": file.path,
                "source": file.source, "reason": reason,
            }));
        }
        let (missing_files, missing_bytes) = self.missing();
        lines.extend(self.verified.iter().flat_map(Outcome::json));
        lines.push(json!({
            "type": "prepared", "version": 1, "sealed": self.outcome.sealed.len(),
            "newly_sealed": self.outcome.newly_sealed, "unused": self.outcome.unused,
            "waiting": self.outcome.waiting, "missing_files": missing_files,
            "missing_bytes": missing_bytes, "more_drives": self.wanted.map(|(drives, _)| drives),
            "more_drives_bytes": self.wanted.map(|(_, bytes)| bytes),
        }));
        lines
    }

    fn exit(&self) -> Exit {
        let mut kinds = Vec::new();
        for (serial, error) in &self.outcome.failed {
            let set_aside = self.outcome.set_aside.contains(serial);
            kinds.push(if set_aside { ErrorKind::LeftOut } else { error.kind() });
        }
        if self.missing().0 > 0 || !self.outcome.waiting.is_empty() {
            kinds.push(ErrorKind::Resumable);
        }
        if self.left_out().next().is_some() {
            kinds.push(ErrorKind::LeftOut);
        }
        let differs = self.verified.as_ref().is_some_and(|verified| verified.exit() != Exit::Done);
        kinds.extend(differs.then_some(ErrorKind::Difference));
        Exit::of(kinds)
    }
}
