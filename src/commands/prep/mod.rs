//! `prep`: drives formatted and filled.

mod bay;
mod outcome;
mod steady;

use std::sync::Arc;

use disk_prep::dataset::{EraseConsent, read_driveset};
use disk_prep::drive::{Drive, DriveName, Kind, find};
use disk_prep::journal::{JournalFolder, SecretKeeper};
use disk_prep::limits::DRIVES_PER_JOB;
use disk_prep::manifest::Profile;
use disk_prep::noun::{AccountName, ByteSize, Diagnose, ErrorKind, Serial, Wipe};
use disk_prep::pool::{DriveBay, NoBay, PrepareOutcome, PrepareRun};
use disk_prep::prepare::{CHECKPOINT_BYTES, PrepareOptions, PreparedDrive};
use disk_prep::sys::threads::each;
use disk_prep::verify::{VerifyOptions, verify};
use disk_prep::world::RealWorld;

use self::bay::TerminalBay;
use self::outcome::{Prepared, Shortage};
use self::steady::SteadyBay;
use super::check::no_copy_machine;
use super::connect::arm;
use super::door::Door;
use super::job::Parcel;
use super::keeper::{keeper, prove};
use super::verify::Verified;
use super::work::Work;
use super::{Failure, Outcome};
use crate::cli::{Global, PrepArgs, ProfileChoice};
use crate::escrow::Keeper;
use crate::import_job::{ImportExport, Job, Written, part_name};
use crate::state::{State, drives_of};
use crate::ui::Ui;

/// Runs `prep`.
pub fn run(
    args: &PrepArgs,
    global: &Global,
    door: &Door<'_>,
    ui: &Ui,
) -> Result<Box<dyn Outcome>, Failure> {
    let state = State::open(global.state.as_deref())?;
    let Drives { names, consented } = Drives::of(args)?;
    let mut work = Work::open(&args.source, &state, door)?;
    work.check_unchanged()?;
    work.set.remarks().iter().for_each(|remark| ui.warn(remark));
    let _data = work.hold()?;
    let is_block = |name| find(name).is_ok_and(|drive| drive.kind == Kind::Block);
    if let Some(text) = no_copy_machine().filter(|_| names.iter().any(is_block)) {
        ui.warn(&text);
    }
    // What the job will need is known before anything is written.
    let office = if args.offline { None } else { Some(Office::open(args, &work, names.len())?) };
    let folder = work.journals();
    let keeper = keeper(work.staging.as_ref(), &args.keys, args.encrypt_keys_for.as_ref(), &state);
    if let (Some(path), Some(staging)) = (&args.keys.password_file, &work.staging) {
        prove(path, staging, ui)?;
    }
    let mut erase = [args.erase.clone(), consented].concat();
    erase.extend(consent(&names, &erase, &folder, ui)?);
    let options = options(args, &work, erase, keeper.clone(), ui);
    let Work { job, home, id, .. } = &work;
    // Before the run all that it may begin; after it what it has begun.
    let mut drives = drives_of(&folder)?;
    drives.extend(names.iter().filter_map(|name| find(name).ok()).map(|drive| drive.serial));
    state.remember(*id, job, home, drives)?;
    let elsewhere = state.drives_of_others(*id)?;
    let monitor = ui.monitor();
    let bay = TerminalBay::new(ui, &names, args.wipe.map(Wipe::from));
    let offered: &dyn DriveBay = if ui.can_ask() { &bay } else { &NoBay };
    let outcome = PrepareRun {
        data_set: &work.set,
        drives: &names,
        bay: &SteadyBay { bay: offered, work: &work },
        journals: folder.clone(),
        options,
        elsewhere: &elsewhere,
        world: &RealWorld,
        monitor: monitor.as_ref(),
    }
    .run();
    let remembered = drives_of(&folder)
        .map_err(Failure::from)
        .and_then(|drives| Ok(state.remember(*id, job, home, drives)?));
    let outcome = outcome?;
    let is_whole = |own: &PreparedDrive| own.left_out.is_empty();
    if !(outcome.unplaced.is_empty() && outcome.sealed.iter().all(is_whole)) {
        // What is missing of a repository may be missing because it has changed meanwhile.
        work.check_unchanged()?;
    }
    // A share that went away is told by its drives; what was remembered before covers them.
    if outcome.failed.is_empty() {
        remembered?;
    }
    let (names, is_interrupted) = bay.close();
    let options = VerifyOptions {
        journals: Some(folder.clone()),
        keeper: keeper.clone(),
        stop: ui.stop_flag(),
        ..VerifyOptions::default()
    };
    let verified = if args.verify { read_back(&names, &options, &outcome, ui)? } else { None };
    let shortage = Shortage::of(&outcome.unplaced, &names);
    let home = home.clone();
    let mut prepared = Prepared { outcome, verified, shortage, home, is_interrupted, jobs: None };
    if let Some(office) = office
        && prepared.is_complete()
    {
        prepared.jobs = Some(office.make_jobs(&work, &folder, keeper.as_ref()));
    }
    Ok(Box::new(prepared))
}

fn options(
    args: &PrepArgs,
    work: &Work,
    erase: Vec<Serial>,
    keeper: Arc<Keeper>,
    ui: &Ui,
) -> PrepareOptions {
    PrepareOptions {
        job: work.job.clone(),
        container: work.container.clone(),
        cipher: args.cipher,
        profile: match args.profile {
            ProfileChoice::Legacy => Profile::Legacy,
            ProfileChoice::Modern => Profile::Modern,
        },
        strict: args.strict,
        checkpoint_bytes: CHECKPOINT_BYTES,
        erase,
        wipe: args.wipe.map(Wipe::from),
        keeper,
        stop: ui.stop_flag(),
    }
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
    fn open(args: &PrepArgs, work: &Work, drives: usize) -> Result<Self, Failure> {
        // The longest name that a part may need.
        part_name(&work.job, drives.div_ceil(DRIVES_PER_JOB).saturating_sub(1))?;
        let location = args.location.as_ref();
        let parcel = Parcel::new(work.target(), location, args.contact.as_deref())?;
        let (account, subscription, group) = work.azure(&args.source)?;
        let service = ImportExport::new(arm(&args.azure)?, subscription, group);
        Ok(Office { parcel, account, service })
    }

    fn make_jobs(
        &self,
        work: &Work,
        folder: &JournalFolder,
        keeper: &dyn SecretKeeper,
    ) -> Result<Vec<(Job, Written)>, Failure> {
        let Work { job, kind, .. } = work;
        self.parcel.make_jobs(&self.service, job, *kind, &self.account, folder, keeper)
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
        let drive = match find(name) {
            // It may be one that was set aside; the run knows.
            Err(disk_prep::drive::Error::NoSuchDrive { .. }) => continue,
            drive => drive?,
        };
        let is_known = folder.history(&drive.serial)?.is_some();
        if drive.kind == Kind::NewImage || is_known || erase.contains(&drive.serial) {
            continue;
        }
        if !is_confirmed(&drive, ui) {
            return Err(NotConfirmed { serial: drive.serial }.into());
        }
        typed.push(drive.serial);
    }
    Ok(typed)
}

/// Has the serial of a drive typed before it is formatted.
fn is_confirmed(drive: &Drive, ui: &Ui) -> bool {
    let model = drive.model.as_deref().unwrap_or("image file");
    let question = format!(
        "{} at {} ({model}, {}) will be formatted.\nType its serial to go on: ",
        drive.serial,
        drive.path.display(),
        ByteSize(drive.bytes)
    );
    ui.ask(&question).as_deref() == Some(drive.serial.as_str())
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
    let sealed = |name| {
        let serial = find(name).ok()?.serial;
        let is_sealed = outcome.sealed.iter().any(|drive| drive.serial == serial);
        is_sealed.then_some((serial, name))
    };
    let looked_at = each(names.iter().filter_map(sealed).collect(), |(serial, name)| {
        verify(name, options, monitor.as_ref()).map_err(|error| (serial, error))
    });
    Ok(Some(Verified::new(looked_at)?))
}
