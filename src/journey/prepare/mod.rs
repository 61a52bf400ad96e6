//! Drives formatted and filled, and the import job made of them.

mod as_begun;
mod bay;
mod board;
mod board_page;
mod consent;
mod custody;
mod foreseen;
mod names;
mod neighbours;
mod next;
mod options;
mod prepared;
mod shortage;
mod steady;
mod told;

use std::path::Path;
use std::sync::Arc;

use disk_prep::dataset::{EraseConsent, read_driveset};
use disk_prep::drive::{DriveName, Kind, NamedDrive};
use disk_prep::journal::{JournalFolder, SecretKeeper};
use disk_prep::known::find_known;
use disk_prep::noun::{
    AccountId, ContainerName, Diagnose, ErrorKind, JobName, NamedAccount, ResourceGroup, Serial,
    Service, SubscriptionId, Wipe,
};
use disk_prep::pool::{DriveBay, NoBay, PrepareOutcome, PrepareRun, expect_set_aside};
use disk_prep::prepare::{CHECKPOINT_BYTES, PrepareOptions, PreparedDrive};
use disk_prep::sys::beneath::Folder;
use disk_prep::sys::large::give_back;
use disk_prep::sys::threads::each;
use disk_prep::verify::{VerifyOptions, verify};
use jiff::Timestamp;

use self::as_begun::{expect_as_begun, expect_rows_as_begun};
use self::bay::TerminalBay;
use self::board::Board;
use self::consent::{consent, is_asked, tell_unnamed};
use self::custody::log;
use self::foreseen::foresee;
use self::names::parcel_names;
use self::neighbours::look_at_neighbours;
use self::steady::{SteadyBay, SteadyWorld};
use super::connections::{AzureOptions, job_service};
use super::content_md5::plan_content_md5;
use super::custody::{Logged, log_of};
use super::desk::Desk;
use super::drives::{Found, find_all, journals_here};
use super::escrow::prove_all;
use super::keeper::{keeper, prove};
use super::misnamed::misnamed;
use super::parcel::Parcel;
use super::ready::Place;
use super::settings::settle_kernels;
use super::verify::Verified;
use super::work::{Work, WorkOptions};
use crate::check::host::no_copy_machine;
use crate::escrow::{self, Keeper};
use crate::import_job::{Job, JobService, Written};
use crate::outcome::{Attendant, Failure};
use crate::staging::{SeedKind, Staging, drives_of};

pub use self::board::{DriveStanding, PrepStanding};
pub use self::consent::NotConfirmed;
pub use self::next::Next;
pub use self::options::{NamedDrives, PrepOptions};
pub use self::prepared::Prepared;
pub use self::shortage::Shortage;

/// Prepares drives, and makes the job when the last of its parcel is sealed. A refused call of a
/// `dataset.csv` leaves no folder of its job behind.
pub fn prepare(options: PrepOptions, desk: &Desk<'_>) -> Result<(Prepared, Logged), Failure> {
    let job = options.work.dataset.as_ref().and(options.work.job.as_ref());
    let job = job.map(|own| own.value.clone());
    let run = fill_and_judge(options, desk);
    if let (Err(_), Some(job), Ok(state)) = (&run, job, desk.state()) {
        // What cannot be removed is in nobody's way.
        let _ = state.forget_unbegun(&job);
    }
    run
}

fn fill_and_judge(options: PrepOptions, desk: &Desk<'_>) -> Result<(Prepared, Logged), Failure> {
    let (attendant, begun) = (desk.attendant, Timestamp::now());
    settle_kernels(attendant);
    give_back();
    let recipient = recipient(&options)?;
    let Named { names, consented } = options.drives.read()?;
    let mut work = Work::open(&options.work, desk)?;
    if options.hold_keys {
        work.hold_keys()?;
    }
    work.check_unchanged()?;
    plan_content_md5(&mut work, options.content_md5)?;
    work.set.remarks().iter().for_each(|remark| attendant.warn(remark));
    let _data = work.hold()?;
    let home = work.home(&desk.state()?)?;
    log_of(&home, desk)?.check()?;
    let folder = work.journals();
    let here = journals_here(Some(&folder), &desk.state()?);
    let found = find_all(&names, &here)?;
    let account = options.work.storage_account.as_ref().map(NamedAccount::name);
    look_at_neighbours(&work, account, &desk.state()?, attendant)?;
    expect_as_begun(&found.drives, &folder, &options, attendant)?;
    expect_rows_as_begun(&work, &folder)?;
    tell_unnamed(&options.erase, &found, attendant);
    // Before this machine remembers the seed.
    expect_set_aside(&found.absent, &folder)?;
    let is_block = |named: &NamedDrive| named.drive.kind == Kind::Block;
    if let Some(text) = no_copy_machine().filter(|_| found.drives.iter().any(is_block)) {
        attendant.warn(&text);
    }
    // What the job will need is known before anything is written.
    let service = work.service(&options.work, attendant)?;
    let jobs = parcel_names(&work, service, &found.drives, names.len())?;
    let office = Office::asked_for(&options, &work, (service, jobs), attendant)?;
    let keys = &options.keys;
    let keeper = keeper(work.staging.as_ref(), keys, recipient.as_ref(), &desk.state()?);
    if let (Some(path), Some(staging)) = (&keys.password_file, &work.staging) {
        prove(path, staging, attendant)?;
    }
    let erase = [options.erase.clone(), consented].concat();
    let ask = || asked_for(&found, erase, &options, &work, keeper.clone(), desk);
    let erase = asked_without_trace(&work, ask)?;
    let _closed = work.close()?;
    let mut prepared = {
        let board = Board::new(&work.job, &home, attendant.monitor());
        board.during(&home, attendant, || {
            let filled = fill(&found, erase, &options, &work, (keeper.clone(), &board), desk)?;
            judged(filled, begun, &options, &work, (&keeper, &board), attendant)
        })?
    };
    if let Some(office) = office
        && prepared.is_complete()
    {
        prepared.jobs = Some(office.make_jobs(&work, &folder, keeper.as_ref(), desk));
    }
    told::tell_all(&mut prepared, &work.job, desk);
    let logged = log(&prepared, &home, begun, desk);
    Ok((prepared, logged))
}

/// What may be erased: what the call says, and at a terminal each drive whose serial is typed, once all
/// that can be known was looked at and the plan was shown.
fn asked_for(
    found: &Found,
    mut erase: Vec<Serial>,
    options: &PrepOptions,
    work: &Work,
    keeper: Arc<Keeper>,
    desk: &Desk<'_>,
) -> Result<Vec<Serial>, Failure> {
    let (attendant, folder) = (desk.attendant, work.journals());
    if is_asked(&found.drives, &erase, &folder, attendant)? {
        let (monitor, state) = (attendant.monitor(), desk.state()?);
        let run = PrepareRun {
            data_set: &work.set,
            drives: &found.drives,
            absent: &found.absent,
            bay: &NoBay,
            journals: folder.clone(),
            options: run_options(options, work, erase.clone(), keeper, attendant),
            elsewhere: &state.drives_held(work.id)?,
            world: &SteadyWorld { work, state: state.clone() },
            monitor: monitor.as_ref(),
        };
        foresee(&run, attendant)?;
    }
    erase.extend(consent(&found.drives, &erase, &folder, attendant)?);
    Ok(erase)
}

/// Does what asks; where it is refused, a folder of journals that was made for the look is removed.
fn asked_without_trace<T>(
    work: &Work,
    ask: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let folder = Path::new("journals");
    let root = work.staging.as_ref().map(Staging::root);
    let is_new = |root: &&Arc<Folder>| root.find(folder).is_ok_and(|found| found.is_none());
    let new = root.filter(is_new);
    let asked = ask();
    if let (Err(_), Some(root)) = (&asked, new) {
        // One that holds something stays, and an empty one is in nobody's way.
        let _ = root.remove_folder(folder);
    }
    asked
}

/// For whom keys are sealed. An identity that is to prove it must be theirs.
fn recipient(options: &PrepOptions) -> Result<Option<escrow::Recipient>, Failure> {
    let recipient =
        options.recipient.as_ref().map(|own| escrow::Recipient::of(&own.value)).transpose()?;
    if let (Some(recipient), Some(identity)) = (&recipient, &options.escrow_identity) {
        escrow::expect_pair(recipient, identity)?;
    }
    Ok(recipient)
}

/// Reads back and proves what was sealed, as the call asks for it; no job is made yet.
fn judged(
    filled: Filled,
    begun: Timestamp,
    options: &PrepOptions,
    work: &Work,
    (keeper, board): (&Arc<Keeper>, &Board),
    attendant: &dyn Attendant,
) -> Result<Prepared, Failure> {
    let Filled { outcome, drives, is_interrupted } = filled;
    let folder = work.journals();
    let sealed: Vec<Serial> = outcome.sealed.iter().map(|own| own.serial.clone()).collect();
    let misnamed = match work.target().filter(|_| work.kind == SeedKind::Repository) {
        Some(target) => misnamed(&target.prefix, &folder, &sealed)?,
        None => Vec::new(),
    };
    let verified = match options.verify {
        true => Some(read_back(&drives, &folder, (keeper, board), &outcome, attendant)?),
        false => None,
    };
    let identity = options.escrow_identity.clone();
    let escrows = prove_all(&outcome.sealed, &drives, &folder, keeper, identity)?;
    let is_of_before = |serial: &Serial| {
        let mut sealed = outcome.sealed.iter();
        sealed.any(|own| own.serial == *serial && own.sealed.at < begun)
    };
    let were_sealed =
        !drives.is_empty() && drives.iter().all(|named| is_of_before(&named.drive.serial));
    let shortage = Shortage::of(&outcome.unplaced, &drives, were_sealed);
    let next = Next::of(options, work);
    Ok(Prepared {
        job: work.job.clone(),
        holds_keys: work.holds_keys,
        outcome,
        misnamed,
        verified,
        escrows,
        shortage,
        next,
        is_interrupted,
        jobs: None,
    })
}

/// What the run over the drives came to.
struct Filled {
    outcome: PrepareOutcome,
    /// All drives of the run, those that were brought to it too.
    drives: Vec<NamedDrive>,
    /// Whether a person ended the wait for another drive.
    is_interrupted: bool,
}

/// Fills the drives; this machine remembers each before it is begun, and after the run what is left
/// of them.
fn fill(
    found: &Found,
    erase: Vec<Serial>,
    options: &PrepOptions,
    work: &Work,
    (keeper, board): (Arc<Keeper>, &Board),
    desk: &Desk<'_>,
) -> Result<Filled, Failure> {
    let (state, attendant, folder) = (desk.state()?, desk.attendant, work.journals());
    let Work { job, home, id, .. } = work;
    state.remember(*id, job, home, drives_of(&folder)?)?;
    let elsewhere = state.drives_held(*id)?;
    let bay = TerminalBay::new(attendant, &found.drives, folder.clone(), wipe(options));
    let offered: &dyn DriveBay = if attendant.can_ask() { &bay } else { &NoBay };
    let outcome = PrepareRun {
        data_set: &work.set,
        drives: &found.drives,
        absent: &found.absent,
        bay: &SteadyBay { bay: offered, work },
        journals: folder.clone(),
        options: run_options(options, work, erase, keeper, attendant),
        elsewhere: &elsewhere,
        world: &SteadyWorld { work, state: state.clone() },
        monitor: board,
    }
    .run();
    let remembered = drives_of(&folder)
        .map_err(Failure::from)
        .and_then(|drives| Ok(state.remember(*id, job, home, drives)?));
    let outcome = outcome?;
    let is_whole = |own: &PreparedDrive| own.left_out.is_empty();
    let is_done = outcome.unplaced.is_empty() && outcome.failed.is_empty();
    // What is missing of a repository may be missing because it has changed meanwhile.
    let changed = match is_done && outcome.sealed.iter().all(is_whole) {
        true => None,
        false => work.check_unchanged().err(),
    };
    if let Some(error) = changed
        && (outcome.failed.is_empty() || error.kind() == ErrorKind::Guard)
    {
        return Err(error.into());
    }
    // A share that went away is told by its drives; what was remembered before covers them.
    if outcome.failed.is_empty() {
        remembered?;
    }
    let (drives, is_interrupted) = bay.close();
    Ok(Filled { outcome, drives, is_interrupted })
}

fn run_options(
    options: &PrepOptions,
    work: &Work,
    erase: Vec<Serial>,
    keeper: Arc<Keeper>,
    attendant: &dyn Attendant,
) -> PrepareOptions {
    PrepareOptions {
        job: work.job.clone(),
        container: work.container.clone(),
        cipher: options.cipher.value,
        profile: options.profile.value,
        omit_zeros: options.omit_zeros.value,
        strict: options.strict,
        checkpoint_bytes: CHECKPOINT_BYTES,
        erase,
        wipe: wipe(options),
        keeper,
        stop: attendant.stop_flag(),
    }
}

fn wipe(options: &PrepOptions) -> Option<Wipe> {
    options.wipe.as_ref().map(|own| own.value)
}

/// The drives that were named, and those that a file lets be erased.
struct Named {
    names: Vec<DriveName>,
    consented: Vec<Serial>,
}

impl NamedDrives {
    fn read(&self) -> Result<Named, Failure> {
        let csv = match self {
            NamedDrives::These(names) => {
                return Ok(Named { names: names.clone(), consented: Vec::new() });
            }
            NamedDrives::Rows(csv) => csv,
        };
        let rows = read_driveset(csv)?;
        // A path may lead to another drive tomorrow: only a row with a serial consents.
        let serial = |name: &DriveName| match name {
            DriveName::Serial(serial) => Some(serial.clone()),
            DriveName::Path { serial, .. } => serial.clone(),
        };
        let consents = rows.iter().filter(|row| row.erase == EraseConsent::Given);
        let consented = consents.filter_map(|row| serial(&row.drive)).collect();
        Ok(Named { names: rows.into_iter().map(|row| row.drive).collect(), consented })
    }
}

/// Where the job is made.
struct Office {
    parcel: Parcel,
    subscription: SubscriptionId,
    group: ResourceGroup,
    account: AccountId,
    container: Option<ContainerName>,
    /// The names that the job's parts may get.
    jobs: Vec<JobName>,
    service: Box<dyn JobService>,
}

impl Office {
    /// Where the job will be made, if it can be; none if no job is asked for. What the call says of its
    /// parcel is compared with the seed in any case.
    fn asked_for(
        options: &PrepOptions,
        work: &Work,
        parcels: (Service, Vec<JobName>),
        attendant: &dyn Attendant,
    ) -> Result<Option<Self>, Failure> {
        let (location, contact) = (options.location.clone(), options.contact.as_ref());
        let Some(azure) = &options.azure else {
            Parcel::settled(work.target(), location, contact, attendant)?;
            return Ok(None);
        };
        let parcel = Parcel::new(work.target(), location, contact, attendant)?;
        let office = Office::open(parcel, azure, &options.work, work, parcels, attendant)?;
        office.expect_ready(azure, &work.journals(), attendant)?;
        Ok(Some(office))
    }

    fn open(
        parcel: Parcel,
        azure: &AzureOptions,
        flags: &WorkOptions,
        work: &Work,
        (service, jobs): (Service, Vec<JobName>),
        attendant: &dyn Attendant,
    ) -> Result<Self, Failure> {
        let (account, subscription, group) = work.azure(flags, attendant)?;
        let (own, at) = (subscription.clone(), group.clone());
        let service = job_service(service, azure, own, at, attendant)?;
        let container = work.container.clone();
        Ok(Office { parcel, subscription, group, account, container, jobs, service })
    }

    /// Refuses to go on if the job could not be made, as far as Azure says it.
    fn expect_ready(
        &self,
        azure: &AzureOptions,
        folder: &JournalFolder,
        attendant: &dyn Attendant,
    ) -> Result<(), Failure> {
        let place = Place {
            subscription: self.subscription.clone(),
            group: self.group.clone(),
            account: self.account.clone(),
            container: self.container.clone(),
            region: Some(self.parcel.location().to_owned()),
            carrier: Some(self.parcel.carrier().to_owned()),
            jobs: self.jobs.clone(),
            own: drives_of(folder)?.into_iter().collect(),
        };
        place.expect(azure, self.service.as_ref(), attendant)
    }

    fn make_jobs(
        &self,
        work: &Work,
        folder: &JournalFolder,
        keeper: &dyn SecretKeeper,
        desk: &Desk<'_>,
    ) -> Result<Vec<(Job, Written)>, Failure> {
        let Work { job, needed, .. } = work;
        let (parcel, service) = (&self.parcel, self.service.as_ref());
        let sent = work.was_sent()? || desk.state()?.was_sent(job)?;
        Parcel::expect_unsent(service, job, sent, desk.attendant)?;
        let jobs = parcel.make_jobs(service, job, needed, &self.account, folder, keeper)?;
        parcel.told_apart(&jobs).iter().for_each(|text| desk.attendant.warn(text));
        Ok(jobs)
    }
}

fn read_back(
    drives: &[NamedDrive],
    folder: &JournalFolder,
    (keeper, board): (&Arc<Keeper>, &Board),
    outcome: &PrepareOutcome,
    attendant: &dyn Attendant,
) -> Result<Verified, Failure> {
    let options = VerifyOptions {
        journals: Some(folder.clone()),
        keeper: keeper.clone(),
        stop: attendant.stop_flag(),
        ..VerifyOptions::default()
    };
    let is_sealed =
        |named: &&NamedDrive| outcome.sealed.iter().any(|drive| drive.serial == named.drive.serial);
    let sealed: Vec<&NamedDrive> = drives.iter().filter(is_sealed).collect();
    let looked_at = each(sealed, |named| {
        // An image that was yet to be made is there now.
        let found = find_known(&named.name, std::slice::from_ref(folder));
        let report = found.and_then(|found| verify(&found.drive, &options, board));
        report.map_err(|error| (named.drive.serial.clone(), error))
    });
    Verified::new(looked_at)
}
