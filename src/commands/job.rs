//! `job`: the import job, from the sealed drives to its end.

use std::path::Path;

use clap::ArgMatches;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::call::Call;
use super::flags::{job as options, keys};
use crate::cli::{JobCommand, JobTarget, is_named};
use crate::import_job::{Error, Job, Shipment, Written};
use crate::journey::contact::contact;
use crate::journey::desk::Desk;
use crate::journey::job::{self, JobOptions, MeantJob, described, known};
use crate::journey::keeper::keeper;
use crate::journey::parcel::Parcel;
use crate::outcome::{Ended, Failure, MissingFlag};
use crate::report::job::{Deleted, JobList, Locations, Said};

/// Runs `job`.
pub fn run(command: &JobCommand, named: &JobTarget, call: &Call<'_>) -> Ended {
    let (options, desk) = (&options(named, call), &call.desk());
    let target = || MeantJob::new(options, desk);
    let exact = || exact(options, call.matches, desk);
    match command {
        JobCommand::Create { location, contact: file, keys: files } => {
            let files = keys(files);
            let target = target()?;
            let (seed, staging) = target.seed.as_ref().ok_or(MissingFlag { flag: "--staging" })?;
            let about = &seed.target;
            let location = call.given("location", location.clone());
            let file = call.given("contact", file.clone());
            let parcel = Parcel::new(Some(about), location, file.as_ref(), desk.attendant)?;
            let folder = staging.journals();
            let keeper = keeper(Some(staging), &files, None, &desk.state()?);
            let (service, account) = (target.service(desk)?, &about.storage_account);
            let (job, kind) = (&about.job, seed.kind);
            said(parcel.make_jobs(&*service, job, kind, account, &folder, keeper.as_ref())?)
        }
        JobCommand::List => {
            let mut jobs = Vec::new();
            for service in target()?.services(desk)? {
                jobs.extend(known(service.list())?);
            }
            Ok(Box::new(JobList { jobs, now: Timestamp::now() }))
        }
        JobCommand::Status { watch: true, every } => {
            let target = target()?;
            let service = target.service(desk)?;
            Ok(Box::new(job::watch(&*service, &target.job(&*service)?, *every, desk.attendant)?))
        }
        JobCommand::Show | JobCommand::Status { .. } => {
            let target = target()?;
            let service = target.service(desk)?;
            said(vec![(service.find(&target.job(&*service)?)?, Written::Unchanged)])
        }
        JobCommand::Ship { carrier, tracking_number, ship_date, drive_count } => {
            let shipment = Shipment {
                carrier: carrier.clone(),
                tracking_number: tracking_number.clone(),
                ship_date: moment(*ship_date)?,
                drive_count: *drive_count,
            };
            let target = exact()?;
            let service = target.service(desk)?;
            said(vec![job::ship(
                &*service,
                &target.job(&*service)?,
                &shipment,
                &target.services(desk)?,
            )?])
        }
        JobCommand::ReturnAddress { contact } => set_return(contact, &exact, desk),
        JobCommand::Cancel => {
            let target = exact()?;
            let service = target.service(desk)?;
            let job = service.cancellable(&target.job(&*service)?)?;
            if !job.cancel_requested {
                desk.attendant.consent(&format!("Would ask to cancel {}", described(&job)))?;
            }
            said(vec![service.cancel(&target.job(&*service)?)?])
        }
        JobCommand::Delete => {
            let target = exact()?;
            let service = target.service(desk)?;
            let name = target.job(&*service)?;
            if let Some(job) = service.deletable(&name)? {
                desk.attendant.consent(&format!("Would delete {}", described(&job)))?;
            }
            let written = service.delete(&name)?;
            Ok(Box::new(Deleted { job: name, written }))
        }
        JobCommand::Keys { reveal, keys: files } => {
            let is_named = named.job.is_some() || is_named(call.matches, "staging");
            Ok(Box::new(job::keys(options, is_named, *reveal, &keys(files), desk)?))
        }
        JobCommand::Locations { location } => {
            let service = target()?.service(desk)?;
            Ok(Box::new(Locations(service.locations(location.as_deref())?)))
        }
    }
}

/// For what ends a job or sends its parcel, the job is named, or there is only one.
fn exact<'a>(
    options: &'a JobOptions,
    matches: &ArgMatches,
    desk: &Desk<'_>,
) -> Result<MeantJob<'a>, Failure> {
    let target = MeantJob::new(options, desk)?;
    if !is_named(matches, "staging") {
        target.be_the_only_one(desk)?;
    }
    Ok(target)
}

fn set_return<'a>(
    file: &Path,
    exact: &dyn Fn() -> Result<MeantJob<'a>, Failure>,
    desk: &Desk<'_>,
) -> Ended {
    let contact = contact(file)?;
    let target = exact()?;
    let service = target.service(desk)?;
    said(vec![(service.set_return(&target.job(&*service)?, &contact)?, Written::Changed)])
}

fn said(jobs: Vec<(Job, Written)>) -> Ended {
    Ok(Box::new(Said { jobs, now: Timestamp::now() }))
}

/// The day a parcel was handed over; now if none was said.
fn moment(date: Option<Date>) -> Result<Timestamp, Error> {
    let Some(date) = date else { return Ok(Timestamp::now()) };
    let day = date.to_zoned(TimeZone::UTC);
    day.map(|day| day.timestamp()).map_err(|source| Error::ShipDate { date, source })
}
