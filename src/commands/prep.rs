//! `prep`: drives formatted and filled.

use std::path::PathBuf;

use disk_prep::dataset::{DataFile, EraseConsent, read_driveset};
use disk_prep::drive::{DriveName, Kind, find};
use disk_prep::journal::{Journal, JournalFolder, SecretKeeper};
use disk_prep::manifest::Profile;
use disk_prep::noun::{AccountName, ByteSize, Diagnose, ErrorKind, JobName, Serial, Wipe};
use disk_prep::plan::{Room, count_drives};
use disk_prep::pool::{PrepareOutcome, PrepareRun, room};
use disk_prep::prepare::{PrepareOptions, PreparedDrive};
use disk_prep::verify::{VerifyOptions, verify};
use disk_prep::world::RealWorld;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use serde_json::{Value, json};

use super::connect::arm;
use super::job::{Parcel, Said};
use super::keeper::{keeper, prove};
use super::verify::Verified;
use super::work::Work;
use super::{Failure, Outcome};
use crate::cli::{Global, PrepArgs, ProfileChoice, WipeChoice};
use crate::exit::Exit;
use crate::import_job::{ImportExport, Job, Written};
use crate::state::{State, drives_of};
use crate::ui::Ui;

/// Runs `prep`.
pub fn run(args: &PrepArgs, global: &Global, ui: &Ui) -> Result<Box<dyn Outcome>, Failure> {
    let state = State::open(global.state.as_deref())?;
    let Drives { names, consented } = Drives::of(args)?;
    let work = Work::open(&args.source, &state)?;
    // What the job will need is known before anything is written.
    let office = if args.offline { None } else { Some(Office::open(args, &work)?) };
    let folder = work.journals();
    let keeper = keeper(Some(&work.home), &args.keys, args.encrypt_keys_for.as_ref(), &state);
    if let Some(path) = &args.keys.password_file {
        prove(path, &work.home, ui)?;
    }
    let mut erase = [args.erase.clone(), consented].concat();
    erase.extend(consent(&names, &erase, &folder, ui)?);
    let options = PrepareOptions {
        job: work.job.clone(),
        container: work.container.clone(),
        cipher: args.cipher,
        profile: match args.profile {
            ProfileChoice::Legacy => Profile::Legacy,
            ProfileChoice::Modern => Profile::Modern,
        },
        strict: args.strict,
        erase,
        wipe: args.wipe.map(|choice| match choice {
            WipeChoice::Zero => Wipe::Zero,
            WipeChoice::Discard => Wipe::Discard,
            WipeChoice::None => Wipe::None,
        }),
        keeper: keeper.clone(),
        stop: ui.stop_flag(),
    };
    let Work { job, home, id, .. } = &work;
    // Before the run all that it may begin; after it what it has begun.
    let mut drives = drives_of(home)?;
    drives.extend(names.iter().filter_map(|name| find(name).ok()).map(|drive| drive.serial));
    state.remember(*id, job, home, drives)?;
    let elsewhere = state.drives_of_others(*id)?;
    let monitor = ui.monitor();
    let outcome = PrepareRun {
        data_set: &work.set,
        drives: &names,
        journals: folder.clone(),
        options,
        elsewhere: &elsewhere,
        world: &RealWorld,
        monitor: monitor.as_ref(),
    }
    .run();
    state.remember(*id, job, home, drives_of(home)?)?;
    let outcome = outcome?;
    let options = VerifyOptions {
        journals: Some(folder.clone()),
        keeper: keeper.clone(),
        stop: ui.stop_flag(),
        ..VerifyOptions::default()
    };
    let verified = if args.verify { read_back(&names, &options, &outcome, ui)? } else { None };
    let wanted = wanted(&outcome, &names);
    let home = home.clone();
    let mut prepared = Prepared { outcome, verified, wanted, home, jobs: None };
    if let Some(office) = office
        && prepared.is_complete()
    {
        prepared.jobs = Some(office.make_jobs(job, &folder, keeper.as_ref()));
    }
    Ok(Box::new(prepared))
}

/// The drives that were named, on the command line or in a `driveset.csv`.
struct Drives {
    names: Vec<DriveName>,
    /// Serials that the file lets be erased.
    consented: Vec<Serial>,
}

impl Drives {
    fn of(args: &PrepArgs) -> Result<Self, Failure> {
        let Some(csv) = &args.driveset else {
            return Ok(Drives { names: args.drives.clone(), consented: Vec::new() });
        };
        let rows = read_driveset(csv)?;
        // A path may lead to another drive tomorrow: only a row with a serial consents.
        let serial = |name: &DriveName| match name {
            DriveName::Serial(serial) => Some(serial.clone()),
            DriveName::Path { serial, .. } => serial.clone(),
        };
        let consents = rows.iter().filter(|row| row.erase == EraseConsent::Given);
        let consented = consents.filter_map(|row| serial(&row.drive)).collect();
        Ok(Drives { names: rows.into_iter().map(|row| row.drive).collect(), consented })
    }
}

/// Where the job is made.
struct Office {
    parcel: Parcel,
    account: AccountName,
    service: ImportExport,
}

impl Office {
    fn open(args: &PrepArgs, work: &Work) -> Result<Self, Failure> {
        let location = args.location.as_ref();
        let parcel = Parcel::new(work.target(), location, args.contact.as_deref())?;
        let (account, subscription, group) = work.azure(&args.source)?;
        let service = ImportExport::new(arm(&args.azure)?, subscription, group);
        Ok(Office { parcel, account, service })
    }

    fn make_jobs(
        &self,
        job: &JobName,
        folder: &JournalFolder,
        keeper: &dyn SecretKeeper,
    ) -> Result<Vec<(Job, Written)>, Failure> {
        self.parcel.make_jobs(&self.service, job, &self.account, folder, keeper)
    }
}

/// At a terminal the serial of each drive that would be formatted is typed; in a script nothing
/// is asked. An image that is yet to be made holds nothing.
fn consent(
    names: &[DriveName],
    erase: &[Serial],
    folder: &JournalFolder,
    ui: &Ui,
) -> Result<Vec<Serial>, Failure> {
    let mut typed = Vec::new();
    if !ui.can_ask() {
        return Ok(typed);
    }
    for name in names {
        let drive = find(name)?;
        let journal = folder.journal(&drive.serial);
        let is_known = journal.exists() && Journal::read(&journal)?.is_some();
        if drive.kind == Kind::NewImage || is_known || erase.contains(&drive.serial) {
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
pub(super) struct NotConfirmed {
    pub serial: Serial,
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
    names: &[DriveName],
    options: &VerifyOptions,
    outcome: &PrepareOutcome,
    ui: &Ui,
) -> Result<Option<Verified>, Failure> {
    let monitor = ui.monitor();
    let is_sealed = |name: &&DriveName| {
        let serial = find(name).map(|drive| drive.serial);
        serial.is_ok_and(|own| outcome.sealed.iter().any(|drive| drive.serial == own))
    };
    let sealed = names.par_iter().filter(is_sealed);
    let reports = sealed.map(|name| verify(name, options, monitor.as_ref()));
    Ok(Some(Verified(reports.collect::<Result<_, _>>()?)))
}

/// How many drives like the largest named one the files without a place need.
fn wanted(outcome: &PrepareOutcome, names: &[DriveName]) -> Option<(usize, u64)> {
    if outcome.unplaced.is_empty() {
        return None;
    }
    let sizes = names.iter().filter_map(|name| find(name).ok()).map(|drive| drive.bytes);
    let bytes = sizes.max()?;
    let like: Room = room(&Serial::new("DRIVE").ok()?, bytes).ok()?;
    count_drives(&outcome.unplaced, &like).ok().map(|drives| (drives, bytes))
}

struct Prepared {
    outcome: PrepareOutcome,
    verified: Option<Verified>,
    wanted: Option<(usize, u64)>,
    home: PathBuf,
    /// The jobs that were made, or why not; `None` when none was to be made yet.
    jobs: Option<Result<Vec<(Job, Written)>, Failure>>,
}

impl Prepared {
    /// Whether every file has its place on a sealed drive, or is named as left out.
    fn is_complete(&self) -> bool {
        let is_whole = |(serial, _): &(Serial, _)| self.outcome.set_aside.contains(serial);
        self.missing().0 == 0
            && self.outcome.waiting.is_empty()
            && self.outcome.failed.iter().all(is_whole)
    }

    fn said(&self) -> Option<Said> {
        let jobs = self.jobs.as_ref()?.as_ref().ok()?.clone();
        Some(Said { jobs, now: jiff::Timestamp::now() })
    }

    fn refusal(&self) -> Option<&dyn Diagnose> {
        Some(self.jobs.as_ref()?.as_ref().err()?.0.as_ref())
    }

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

/// An error with its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |told, cause| format!("{told}: {cause}"))
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
            let told = chain(error);
            lines.push(format!("Drive {serial} is not finished: {told}; {fate}"));
        }
        for serial in &self.outcome.set_aside_before {
            lines.push(format!("Drive {serial} was set aside before: do not ship it"));
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
        lines.extend(self.said().map(|said| said.text()));
        let staging = self.home.display();
        if let Some(error) = self.refusal() {
            lines.push(format!("The drives are ready, the job is not made: {error}"));
        }
        if self.is_complete() {
            lines.push(match self.said() {
                Some(_) => format!(
                    "Next: send the drives, then `azseed job ship --staging {staging} \
                     --carrier NAME --tracking-number NUMBER`"
                ),
                None => {
                    format!("Next: `azseed job create --staging {staging} --location REGION`")
                }
            });
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
                "message": chain(error), "set_aside": self.outcome.set_aside.contains(serial),
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
        lines.extend(self.said().iter().flat_map(Outcome::json));
        if let Some(error) = self.refusal() {
            lines.push(json!({
                "type": "job-not-made", "version": 1, "code": error.code(),
                "message": error.to_string(),
            }));
        }
        lines.push(json!({
            "type": "prepared", "version": 1, "sealed": self.outcome.sealed.len(),
            "newly_sealed": self.outcome.newly_sealed, "unused": self.outcome.unused,
            "waiting": self.outcome.waiting, "set_aside_before": self.outcome.set_aside_before,
            "missing_files": missing_files,
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
        kinds.extend(self.refusal().map(Diagnose::kind));
        Exit::of(kinds)
    }
}
