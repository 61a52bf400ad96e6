//! A job whose drives were not read whole: what the logs name and what drives had left out is sent
//! over the network, from the files that the drives were made of. What is there already is not
//! sent again, so the same call goes on after anything.

mod error;
mod logs;
mod mend;
mod shipped;
mod wanted;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use disk_prep::journal::History;
use disk_prep::monitor::{Event, Monitor};
use disk_prep::noun::{AccountName, ContainerName, JobName};
use disk_prep::sys::hold::hold;

use crate::azure::{self, Fenced, each};
use crate::import_job::{Job, JobStage};
use crate::outcome::{Exit, Failure, Outcome};
use crate::staging::{Seed, Staging};

use super::connections::{AzureOptions, BlobAccess, container, home};
use super::custody::{Logged, Run, leave};
use super::desk::Desk;
use super::job::{MeantJob, home_of, job_proven, meant};

pub use self::error::Error;
pub(super) use self::logs::{DriveLog, LogRead, elsewhere, fetch, read_logs};
pub use self::mend::{Deed, Left, Mode, Open};
pub use self::shipped::{Item, Shipped, ShippedBlob};
pub use self::wanted::{Fault, Reason, Remark};

use self::mend::Mender;
use self::wanted::{AllPointers, Pointers};

/// Blobs that are sent at once; of each a few megabytes are in memory.
const AT_ONCE: usize = 4;
const TASK: &str = "repair";

/// Which blobs are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Those that something is said of.
    Named,
    /// All of the job's drives.
    All,
}

/// How a job is repaired.
#[derive(Debug)]
pub struct RepairOptions<'a> {
    /// Where Azure is.
    pub azure: &'a AzureOptions,
    /// Where blobs are.
    pub blobs: BlobAccess,
    /// Which blobs are looked at.
    pub scope: Scope,
    /// Whether anything is sent.
    pub mode: Mode,
}

/// A blob that was looked at.
#[derive(Debug)]
pub struct Mended {
    /// What it is.
    pub item: Item,
    /// The drive that was to bring it.
    pub serial: Arc<str>,
    /// Why it was looked at.
    pub reason: Reason,
    /// What came of it.
    pub deed: Deed,
}

/// What came of repairing a job.
#[derive(Debug)]
pub struct Repaired {
    /// The job.
    pub job: JobName,
    /// Words that name it for another command.
    pub which: Vec<String>,
    /// Whether anything was to be sent.
    pub mode: Mode,
    /// Blobs that were looked at, by name.
    pub blobs: Vec<Mended>,
    /// What could not be looked at.
    pub remarks: Vec<Remark>,
}

/// Sends what the drives of a job did not bring.
pub fn repair(
    target: &MeantJob<'_>,
    options: &RepairOptions<'_>,
    desk: &Desk<'_>,
) -> Result<(Repaired, Logged), Failure> {
    let service = target.service(desk)?;
    let (name, mut job) = meant(target, &*service, desk)?;
    use JobStage::{Completed, Incomplete, Returning, Unknown};
    if !matches!(job.state.stage, Returning | Completed | Incomplete | Unknown) {
        return Err(Error::NotRead { job: name, state: job.state }.into());
    }
    let shipped = Shipped::open(target.seed.as_ref(), &name, desk)?;
    let account = account_of(&job, &name, target.seed.as_ref())?;
    let open = |name: &ContainerName| {
        container(options.azure, &options.blobs, &account, name, desk.attendant)
    };
    let mut remarks = Vec::new();
    let home = home(options.azure, &options.blobs)?;
    let pointers = pointers(read_logs(&job, &account, &home, &open)?, &mut remarks);
    let wanted = want(&job, &shipped, pointers, options.scope, &mut remarks)?;
    let mut containers: BTreeMap<ContainerName, Arc<dyn Fenced>> = BTreeMap::new();
    for (item, ..) in &wanted {
        let name = item.blob.container();
        if !containers.contains_key(name) {
            containers.insert(name.clone(), open(name)?.fenced(Arc::new(Open)));
        }
    }
    let mender = Mender { sources: &shipped.sources, containers, mode: options.mode };
    let blobs = mend_all(&mender, wanted, &*desk.attendant.monitor())?;
    let which = target.which(&name);
    let repaired = Repaired { job: name, which, mode: options.mode, blobs, remarks };
    if options.mode == Mode::Send && repaired.exit() == Exit::Done {
        job_proven(&mut job, desk);
    }
    let logged = match options.mode {
        Mode::Look => Logged(None),
        Mode::Send => note_repaired(target, &repaired, desk),
    };
    Ok((repaired, logged))
}

/// Leaves an entry on what was sent, with the report of the run.
fn note_repaired(target: &MeantJob<'_>, repaired: &Repaired, desk: &Desk<'_>) -> Logged {
    let deed = crate::custody::Deed::Repaired { job: repaired.job.clone() };
    match home_of(target, &repaired.job, desk) {
        Ok(Some(home)) => {
            let run = Run { kind: "repair", deed, outcome: repaired };
            leave(&home, Some(run), |_| Vec::new(), desk)
        }
        Ok(None) => Logged(None),
        Err(failure) => Logged(Some(failure)),
    }
}

/// The account that a job is for; the seed's must be the same.
pub(super) fn account_of(
    job: &Job,
    name: &JobName,
    seed: Option<&(Seed, Staging)>,
) -> Result<AccountName, Failure> {
    let told = job.account_id.as_deref().and_then(|id| id.rsplit('/').next());
    let seed = seed.map(|(seed, _)| &seed.target.storage_account);
    Ok(agreed(told, seed, name)?)
}

fn agreed(
    told: Option<&str>,
    seed: Option<&AccountName>,
    name: &JobName,
) -> Result<AccountName, Error> {
    let job = || name.clone();
    match (told, seed) {
        (Some(told), Some(seed)) if !seed.as_str().eq_ignore_ascii_case(told) => {
            let (account, seed) = (told.to_owned(), seed.clone());
            Err(Error::OtherAccount { job: job(), account, seed })
        }
        (_, Some(seed)) => Ok(seed.clone()),
        (told, None) => {
            let account = told.and_then(|told| told.to_ascii_lowercase().parse().ok());
            account.ok_or_else(|| Error::NoAccount { job: job() })
        }
    }
}

/// What the logs of all drives point at.
fn pointers(logs: Vec<DriveLog<'_>>, remarks: &mut Vec<Remark>) -> AllPointers {
    let mut all = AllPointers::new();
    for DriveLog { drive, told } in logs {
        let serial = drive.serial.clone();
        let pointers = match told {
            LogRead::Unread => Pointers::all(Fault::NotRead),
            LogRead::Nothing => Pointers::default(),
            LogRead::Gone => {
                remarks.push(Remark::LogGone { serial: serial.clone() });
                Pointers::default()
            }
            LogRead::Log(log) => {
                let cut = |cut| Remark::LogCut { serial: serial.clone(), cut };
                remarks.extend(log.cut.map(cut));
                Pointers::of(&log)
            }
        };
        all.insert(serial, pointers);
    }
    all
}

/// What is to be looked at, its drive, and why.
type Wanted = (Item, Arc<str>, Reason);

/// Finds what the logs point at among what the journals have.
fn want(
    job: &Job,
    shipped: &Shipped,
    mut pointers: AllPointers,
    scope: Scope,
    remarks: &mut Vec<Remark>,
) -> Result<Vec<Wanted>, Failure> {
    let is_of_job =
        |drive: &History| job.drives.iter().any(|own| own.serial == drive.begun.serial.as_str());
    let left_out = shipped.left_out(is_of_job)?;
    let mut wanted = BTreeMap::new();
    for drive in shipped.drives.iter().filter(|drive| is_of_job(drive)) {
        let serial: Arc<str> = drive.begun.serial.as_str().into();
        let mut own = pointers.remove(&*serial).unwrap_or_default();
        for item in shipped.items(drive)? {
            let named = own.meet(&item);
            let listed = (scope == Scope::All).then(|| Reason::plain(Fault::Listed));
            if let Some(reason) = named.or(listed).filter(|_| item.md5.is_some()) {
                wanted.insert(item.blob.clone(), (item, Arc::clone(&serial), reason));
            }
        }
        let (count, serial) = (own.unmet(), serial.to_string());
        remarks.extend((count > 0).then_some(Remark::NotOurs { serial, count }));
    }
    remarks.extend(pointers.into_keys().map(|serial| Remark::NoJournal { serial }));
    for (blob, (item, serial)) in left_out {
        wanted.insert(blob, (item, serial, Reason::plain(Fault::LeftOut)));
    }
    Ok(wanted.into_values().collect())
}

/// Looks at all, several at once.
fn mend_all(
    mender: &Mender<'_>,
    wanted: Vec<Wanted>,
    monitor: &dyn Monitor,
) -> Result<Vec<Mended>, azure::Error> {
    let total_bytes = wanted.iter().map(|(item, ..)| item.bytes).sum();
    let (deeds, done) = (Mutex::new(BTreeMap::new()), Mutex::new(0u64));
    let numbered: Vec<(usize, &Wanted)> = wanted.iter().enumerate().collect();
    monitor.event(&Event::TaskStarted { task: TASK });
    let ended = each(&numbered, AT_ONCE, |(at, (item, _, reason))| {
        let deed = mender.mend(item, reason)?;
        hold(&deeds).insert(*at, deed);
        let mut done = hold(&done);
        *done = done.saturating_add(item.bytes);
        monitor.event(&Event::TaskBytes { task: TASK, done_bytes: *done, total_bytes });
        Ok(())
    });
    monitor.event(&Event::TaskFinished { task: TASK });
    ended?;
    let deeds = std::mem::take(&mut *hold(&deeds));
    let mended = |((item, serial, reason), deed)| Mended { item, serial, reason, deed };
    Ok(wanted.into_iter().zip(deeds.into_values()).map(mended).collect())
}

#[cfg(test)]
mod tests;
