//! `job`: the import job, from the sealed drives to its end.

use disk_prep::noun::ReturnCarrier;
use jiff::Timestamp;

use super::call::Call;
use super::flags::{self, keys};
use crate::cli::{JobCommand, JobTarget, JournalForm, KeysCommand, is_named};
use crate::import_job::drive_info::Form;
use crate::import_job::{Job, Written};
use crate::journey::desk::Desk;
use crate::journey::job::{self, MeantJob, ShipOptions, moment};
use crate::outcome::{Ended, Failure, MissingFlag};
use crate::report::job::{Deleted, JobList, Locations, Said};

/// Runs `job`.
pub fn run(command: &JobCommand, named: &JobTarget, call: &Call<'_>) -> Ended {
    let (options, desk) = (&flags::job(named, call)?, &call.desk());
    let is_staging_named = is_named(call.matches, "staging");
    let target = || MeantJob::new(options, desk);
    let exact = || job::exact(options, is_staging_named, desk);
    match command {
        JobCommand::Create { tool_journals, location, contact, keys: files } => {
            let location = call.given("location", location.clone());
            let contact = call.given("contact", contact.clone());
            if !tool_journals.is_empty() {
                let named = is_staging_named.then_some("--staging");
                let (journals, contact) = (tool_journals, contact.as_ref());
                return said(job::create_from(options, named, journals, location, contact, desk)?);
            }
            said(job::create(&target()?, location, contact.as_ref(), &keys(files), desk)?)
        }
        JobCommand::List => {
            Ok(Box::new(JobList { jobs: job::list(&target()?, desk)?, now: Timestamp::now() }))
        }
        JobCommand::Status { watch: true, every, .. } => {
            let target = target()?;
            let service = target.service(desk)?;
            Ok(Box::new(job::watch(&*service, &target.job(&*service)?, *every, desk.attendant)?))
        }
        JobCommand::Status { ics: Some(file), .. } => {
            let job = found(&target()?, desk)?;
            job::write_calendar(&job, file, Timestamp::now())?;
            said(vec![(job, Written::Unchanged)])
        }
        JobCommand::Show => said(vec![(found(&target()?, desk)?, Written::Unchanged)]),
        JobCommand::Status { .. } => {
            let target = target()?;
            let job = found(&target, desk)?;
            let logged = job::note_arrival(&target, &job, desk);
            let jobs = vec![(job, Written::Unchanged)];
            Ok(Box::new((Said { jobs, now: Timestamp::now() }, logged)))
        }
        JobCommand::Ship { all_jobs: Some(file), carrier, .. } => {
            Ok(Box::new(job::ship_all(&exact()?, file, carrier.as_deref(), desk)?))
        }
        JobCommand::Ship { carrier, tracking_number, ship_date, drive_count, all_jobs: None } => {
            let parcel = ShipOptions {
                carrier: carrier.clone(),
                tracking_number: tracking_number.clone(),
                ship_date: ship_date.map(moment).transpose()?,
                drive_count: *drive_count,
            };
            let (job, logged) = job::ship(&exact()?, &parcel, desk)?;
            Ok(Box::new((Said { jobs: vec![job], now: Timestamp::now() }, logged)))
        }
        JobCommand::ReturnAddress { contact } => {
            said(vec![job::set_return(&exact()?, contact, desk)?])
        }
        JobCommand::ReturnShipping { carrier, account } => {
            let (carrier_name, carrier_account_number) = (carrier.clone(), account.clone());
            let carrier = ReturnCarrier { carrier_name, carrier_account_number };
            said(vec![job::set_return_carrier(&exact()?, &carrier, desk)?])
        }
        JobCommand::Export { file: Some(file), .. } => {
            Ok(Box::new(job::export(&found(&target()?, desk)?, file)?))
        }
        JobCommand::Export { file: None, tool_journals, folder, keys: files, .. } => {
            let form = match tool_journals.ok_or(MissingFlag { flag: "--file" })? {
                JournalForm::V1 => Form::First,
                JournalForm::V2 => Form::Second,
            };
            let (is_named, folder) = (options.job.is_some() || is_staging_named, folder.as_deref());
            Ok(Box::new(job::export_journals(options, is_named, form, folder, &keys(files), desk)?))
        }
        JobCommand::Cancel => said(vec![job::cancel(&exact()?, desk)?]),
        JobCommand::Delete => {
            let (job, written) = job::delete(&exact()?, desk)?;
            Ok(Box::new(Deleted { job, written }))
        }
        JobCommand::Keys { command: Some(KeysCommand::Prove { drives, keys: files }), .. } => {
            let is_named = options.job.is_some() || is_staging_named;
            Ok(Box::new(job::prove_keys(options, is_named, drives, &keys(files), desk)?))
        }
        JobCommand::Keys { command: None, reveal, keys: files } => {
            let is_named = options.job.is_some() || is_staging_named;
            Ok(Box::new(job::keys(options, is_named, *reveal, &keys(files), desk)?))
        }
        JobCommand::Locations { location } => {
            let region = location.clone();
            Ok(Box::new(Locations(job::locations(&target()?, region, desk)?)))
        }
    }
}

fn found(target: &MeantJob<'_>, desk: &Desk<'_>) -> Result<Job, Failure> {
    let service = target.service(desk)?;
    Ok(service.find(&target.job(&*service)?)?)
}

fn said(jobs: Vec<(Job, Written)>) -> Ended {
    Ok(Box::new(Said { jobs, now: Timestamp::now() }))
}
