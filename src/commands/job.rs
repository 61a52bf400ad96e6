//! `job`: the import job, from the sealed drives to its end.

use super::call::Call;
use super::flags::{self, blobs, keys};
use crate::cli::{JobCommand, JobTarget, JournalForm, KeysCommand, ReturnAddressArgs, is_named};
use crate::import_job::drive_info::Form;
use crate::import_job::{Job, Written};
use crate::journey::desk::Desk;
use crate::journey::job::{self, AddressOptions, CarrierOptions, MeantJob, ShipOptions, moment};
use crate::journey::standing::standing;
use crate::outcome::{Ended, Failure, IdleWord, MissingFlags};
use crate::report::job::{Deleted, JobList, Locations, Said};

/// Runs `job`.
pub fn run(command: &JobCommand, named: &JobTarget, call: &Call<'_>) -> Ended {
    let (options, desk) = (&flags::job(named, call)?, &call.desk());
    let is_staging_named = is_named(call.matches, "staging");
    let is_meant = options.job.is_some() || is_staging_named;
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
        JobCommand::List => Ok(Box::new(JobList { jobs: job::list(options, desk)? })),
        JobCommand::Status { watch: true, every, .. } => {
            let target = target()?;
            let service = target.service(desk)?;
            Ok(Box::new(job::watch(&*service, &target, *every, desk)?))
        }
        JobCommand::Status { watch: false, .. } if call.is_typed("every") => {
            Err(IdleWord { word: "--every" }.into())
        }
        JobCommand::Status { ics: Some(file), .. } => {
            let job = found(&target()?, desk)?;
            job::write_calendar(&job, file)?;
            said(vec![(job, Written::Unchanged)])
        }
        JobCommand::Status { blobs: own, .. } => {
            let target = target()?;
            let standing = standing(&target, &options.azure, &blobs(own, call)?, desk)?;
            let logged = job::note_arrival(&target, &standing.job, desk);
            Ok(Box::new((standing, logged)))
        }
        JobCommand::Show => said(vec![(found(&target()?, desk)?, Written::Unchanged)]),
        JobCommand::Ship { all_jobs: Some(file), carrier, dry_run: true, .. } => {
            Ok(Box::new(job::foresee_all(&exact()?, file, carrier.as_deref(), desk)?))
        }
        JobCommand::Ship { all_jobs: Some(file), carrier, .. } => {
            Ok(Box::new(job::ship_all(&exact()?, file, carrier.as_deref(), desk)?))
        }
        JobCommand::Ship {
            carrier,
            tracking_number,
            ship_date,
            drive_count,
            from,
            dry_run,
            ..
        } => {
            let told = from.as_deref().map(job::read_parcel).transpose()?.unwrap_or_default();
            // What the file says goes before what a variable says.
            let carrier = carrier
                .clone()
                .filter(|_| told.carrier.is_none() || is_named(call.matches, "carrier"));
            let parcel = ShipOptions {
                carrier: carrier.or(told.carrier),
                tracking_number: tracking_number.clone().or(told.tracking_number),
                ship_date: ship_date.map(moment).transpose()?.or(told.ship_date),
                drive_count: drive_count.or(told.drive_count),
            };
            if *dry_run {
                return Ok(Box::new(job::foresee_ship(&exact()?, &parcel, desk)?));
            }
            let (job, logged) = job::ship(&exact()?, &parcel, desk)?;
            Ok(Box::new((Said { jobs: vec![job] }, logged)))
        }
        JobCommand::ReturnAddress(args) => {
            said(vec![job::set_return(&exact()?, &address(args, call), desk)?])
        }
        JobCommand::ReturnShipping { carrier, account, contact } => {
            let (carrier, account) = (carrier.clone(), account.clone());
            let options = CarrierOptions { carrier, account, contact: contact.clone() };
            said(vec![job::set_return_carrier(&exact()?, &options, desk)?])
        }
        JobCommand::Export { file: Some(file), .. } => {
            Ok(Box::new(job::export(&found(&target()?, desk)?, file)?))
        }
        JobCommand::Export { file: None, tool_journals, folder, keys: files, .. } => {
            let form = match tool_journals.ok_or(MissingFlags::one("--file"))? {
                JournalForm::V1 => Form::First,
                JournalForm::V2 => Form::Second,
            };
            let (folder, files) = (folder.as_deref(), &keys(files));
            Ok(Box::new(job::export_journals(options, is_meant, form, folder, files, desk)?))
        }
        JobCommand::Cancel => said(vec![job::cancel(&exact()?, desk)?]),
        JobCommand::Delete => {
            let (job, written) = job::delete(&exact()?, desk)?;
            Ok(Box::new(Deleted { job, written }))
        }
        JobCommand::Keys { command: Some(KeysCommand::Prove { drives, keys: files }), .. } => {
            Ok(Box::new(job::prove_keys(options, is_meant, drives, &keys(files), desk)?))
        }
        JobCommand::Keys { command: None, reveal, keys: files } => {
            Ok(Box::new(job::keys(options, is_meant, *reveal, &keys(files), desk)?))
        }
        JobCommand::Locations { location } => {
            Ok(Box::new(Locations(job::locations(&target()?, location.clone(), desk)?)))
        }
    }
}

fn address(args: &ReturnAddressArgs, call: &Call<'_>) -> AddressOptions {
    let own = args.clone();
    let fields = [
        own.recipient,
        own.street,
        own.second_line,
        own.city,
        own.state_or_province,
        own.postal_code,
        own.country,
        own.phone,
        own.email,
    ];
    // A contact of a variable is not meant where single lines are said.
    let is_said = fields.iter().any(Option::is_some) && !is_named(call.matches, "contact");
    AddressOptions { contact: own.contact.filter(|_| !is_said), fields }
}

fn found(target: &MeantJob<'_>, desk: &Desk<'_>) -> Result<Job, Failure> {
    let service = target.service(desk)?;
    let (_, mut job) = job::meant(target, &*service, desk)?;
    job::seen(&mut job, desk);
    Ok(job)
}

fn said(jobs: Vec<(Job, Written)>) -> Ended {
    Ok(Box::new(Said { jobs }))
}
