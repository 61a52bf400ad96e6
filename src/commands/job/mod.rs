//! `job`: the import job, from the sealed drives to its end.

mod create;
mod keys;
mod show;
mod watch;

use clap::ArgMatches;
use disk_prep::noun::{Diagnose, ErrorKind, Hint, JobName, ResourceGroup, SubscriptionId, count};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::connect::arm;
use super::door::Door;
use super::keeper::keeper;
use super::stage::{MissingFlag, contact};
use super::{Failure, Outcome};
use crate::cli::{Global, JobArgs, JobCommand, JobTarget, is_named};
use crate::import_job::{
    Error, ImportExport, Job, JobService, Shipment, Written, first_name, parts,
};
use crate::staging::{Seed, Staging};
use crate::state::State;
use crate::ui::Ui;
pub(super) use create::Parcel;
pub(super) use show::Said;
use show::{JobList, Locations};

/// Runs `job`.
pub fn run(
    args: &JobArgs,
    matches: &ArgMatches,
    global: &Global,
    door: &Door<'_>,
    ui: &Ui,
) -> Result<Box<dyn Outcome>, Failure> {
    let target = || Target::new(&args.target, global, door);
    // For what ends a job or sends its parcel, the job is named, or there is only one.
    let exact = || {
        let target = target()?;
        if !is_named(matches, "staging") {
            target.be_the_only_one(global)?;
        }
        Ok::<_, Failure>(target)
    };
    let said = |jobs: Vec<(Job, Written)>| -> Result<Box<dyn Outcome>, Failure> {
        Ok(Box::new(Said { jobs, now: Timestamp::now() }))
    };
    match &args.command {
        JobCommand::Create { location, contact: file, keys } => {
            let target = target()?;
            let (seed, staging) = target.seed.as_ref().ok_or(MissingFlag { flag: "--staging" })?;
            let about = &seed.target;
            let parcel = Parcel::new(Some(about), location.as_ref(), file.as_deref())?;
            let folder = staging.journals();
            let state = State::open(global.state.as_deref())?;
            let keeper = keeper(Some(staging), keys, None, &state);
            let (service, account) = (target.service()?, &about.storage_account);
            let (job, kind) = (&about.job, seed.kind);
            said(parcel.make_jobs(&service, job, kind, account, &folder, keeper.as_ref())?)
        }
        JobCommand::List => {
            let jobs = target()?.service()?.list()?;
            Ok(Box::new(JobList { jobs, now: Timestamp::now() }))
        }
        JobCommand::Status { watch: true, every } => {
            let target = target()?;
            let service = target.service()?;
            let last = watch::watch(&service, &target.job(&service)?, *every, ui)?;
            Ok(Box::new(last))
        }
        JobCommand::Show | JobCommand::Status { .. } => {
            let target = target()?;
            let service = target.service()?;
            let job = service.find(&target.job(&service)?)?;
            said(vec![(job, Written::Unchanged)])
        }
        JobCommand::Ship { carrier, tracking_number, ship_date, drive_count } => {
            let ship_date = match ship_date {
                None => Timestamp::now(),
                Some(date) => match date.to_zoned(TimeZone::UTC) {
                    Ok(day) => day.timestamp(),
                    Err(source) => return Err(Error::ShipDate { date: *date, source }.into()),
                },
            };
            let shipment = Shipment {
                carrier: carrier.clone(),
                tracking_number: tracking_number.clone(),
                ship_date,
                drive_count: *drive_count,
            };
            let target = exact()?;
            let service = target.service()?;
            let job = service.ship(&target.job(&service)?, &shipment)?;
            said(vec![(job, Written::Changed)])
        }
        JobCommand::ReturnAddress { contact: file } => {
            let contact = contact(file)?;
            let target = exact()?;
            let service = target.service()?;
            let job = service.set_return(&target.job(&service)?, &contact)?;
            said(vec![(job, Written::Changed)])
        }
        JobCommand::Cancel => {
            let target = exact()?;
            let service = target.service()?;
            let job = service.cancellable(&target.job(&service)?)?;
            if !job.cancel_requested {
                ui.consent(global, &format!("Would ask to cancel {}", described(&job)))?;
            }
            said(vec![service.cancel(&target.job(&service)?)?])
        }
        JobCommand::Delete => {
            let target = exact()?;
            let service = target.service()?;
            let name = target.job(&service)?;
            if let Some(job) = service.deletable(&name)? {
                ui.consent(global, &format!("Would delete {}", described(&job)))?;
            }
            let written = service.delete(&name)?;
            Ok(Box::new(show::Deleted { job: name, written }))
        }
        JobCommand::Keys { reveal, keys } => {
            let is_named = args.target.job.is_some() || is_named(matches, "staging");
            keys::keys(&args.target, is_named, *reveal, keys, global, door)
        }
        JobCommand::Locations => Ok(Box::new(Locations(target()?.service()?.locations()?))),
    }
}

/// A job in a question.
fn described(job: &Job) -> String {
    format!("job {}, which is {} and has {}", job.name, job.state, count(job.drives.len(), "drive"))
}

/// A staging path that a variable or a key names, and this machine knows others.
#[derive(Debug, thiserror::Error)]
#[error("This machine knows several seeds, and the command line names none")]
struct WhichSeed;

impl Diagnose for WhichSeed {
    fn code(&self) -> &'static str {
        "which-job"
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Usage
    }
    fn hint(&self) -> Option<Hint> {
        Some(Hint::new("name the job with `--job`, or its staging path with `--staging`"))
    }
}

/// Which job is meant: what the flags say, else what the seed says.
struct Target<'a> {
    flags: &'a JobTarget,
    seed: Option<(Seed, Staging)>,
}

impl<'a> Target<'a> {
    /// The staging path that was named, else the one that this machine remembers for the job. A
    /// job that is named with its subscription and group needs none.
    fn new(flags: &'a JobTarget, global: &Global, door: &Door<'_>) -> Result<Self, Failure> {
        let is_reached = flags.subscription.is_some() && flags.resource_group.is_some();
        let seed = match &flags.staging {
            Some(staging) => {
                let staging = door.enter(staging)?;
                Some((Seed::open(&staging)?, staging))
            }
            None if is_reached => None,
            None => {
                let state = State::open(global.state.as_deref())?;
                let mut known = state.staging_of(flags.job.as_ref())?;
                if let (None, Some(first)) = (&known, flags.job.as_ref().and_then(first_name)) {
                    known = state.staging_of(Some(&first))?;
                }
                // The folder of a dataset.csv has no seed; the flags must say where its job is.
                let seed = |staging: Staging| Ok(Seed::find(&staging)?.map(|seed| (seed, staging)));
                let known = known.map(|path| door.enter(&path)).transpose()?;
                let found: Result<_, crate::staging::Error> = known.map_or(Ok(None), seed);
                found?
            }
        };
        Ok(Target { flags, seed })
    }

    /// Refuses if no job was named and the seed is not the only one that this machine knows.
    fn be_the_only_one(&self, global: &Global) -> Result<(), Failure> {
        let (None, Some((seed, _))) = (&self.flags.job, &self.seed) else { return Ok(()) };
        let state = State::open(global.state.as_deref())?;
        if state.knows_others(seed.id)? { Err(WhichSeed.into()) } else { Ok(()) }
    }

    fn of_seed<T>(&self, pick: impl Fn(&crate::staging::Target) -> T) -> Option<T> {
        self.seed.as_ref().map(|(seed, _)| pick(&seed.target))
    }

    /// The job that was named, else the only one of the seed.
    fn job(&self, service: &ImportExport) -> Result<JobName, Failure> {
        if let Some(named) = &self.flags.job {
            return Ok(named.clone());
        }
        let job = self.of_seed(|seed| seed.job.clone()).ok_or(MissingFlag { flag: "--job" })?;
        let jobs = parts(&job, service.list()?);
        if jobs.len() > 1 {
            let jobs = jobs.into_iter().map(|job| job.name).collect();
            return Err(Error::SeveralJobs { jobs }.into());
        }
        Ok(job)
    }

    fn service(&self) -> Result<ImportExport, Failure> {
        let subscription: Option<SubscriptionId> = self
            .flags
            .subscription
            .clone()
            .or_else(|| self.of_seed(|seed| seed.subscription.clone()));
        let group: Option<ResourceGroup> = self
            .flags
            .resource_group
            .clone()
            .or_else(|| self.of_seed(|seed| seed.resource_group.clone()));
        let arm = arm(&self.flags.azure)?;
        Ok(ImportExport::new(
            arm,
            subscription.ok_or(MissingFlag { flag: "--subscription" })?,
            group.ok_or(MissingFlag { flag: "--resource-group" })?,
        ))
    }
}
