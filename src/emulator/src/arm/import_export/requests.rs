//! What callers want of a job: made, changed, deleted. The service's own checks
//! (`azure-import-export` 1A.4, 2.1, 10), each a refusal that names what is wrong.

use std::collections::{BTreeMap, BTreeSet};

use disk_prep::limits::DRIVES_PER_JOB;
use disk_prep::noun::{ContainerName, Serial};
use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::super::fault::Fault;
use super::super::locations;
use super::wire;
use crate::http::Answer;
use crate::jobs::book::JobBook;
use crate::jobs::job::{
    DeliveryPackage, Drive, Job, LogLevel, ReturnAddress, ReturnShipping, holder_of,
};
use crate::jobs::key::JobKey;
use crate::jobs::states::JobState;

#[derive(Deserialize)]
struct Put {
    location: Option<String>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
    properties: Option<Details>,
}

#[derive(Deserialize)]
struct Patch {
    tags: Option<BTreeMap<String, String>>,
    properties: Option<Details>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Details {
    storage_account_id: Option<String>,
    job_type: Option<String>,
    diagnostics_path: Option<String>,
    log_level: Option<String>,
    backup_drive_manifest: Option<bool>,
    state: Option<String>,
    cancel_requested: Option<bool>,
    return_address: Option<ReturnAddress>,
    return_shipping: Option<ReturnShipping>,
    delivery_package: Option<DeliveryPackage>,
    drive_list: Option<Vec<NewDrive>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewDrive {
    drive_id: String,
    #[serde(with = "disk_prep::noun::secret")]
    bit_locker_key: SecretString,
    manifest_file: String,
    manifest_hash: String,
    #[serde(default)]
    drive_header_hash: Option<String>,
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(body)
        .map_err(|error| Fault::new(400, "InvalidRequestContent", error.to_string()))
}

fn drives(list: Vec<NewDrive>) -> Result<Vec<Drive>, Fault> {
    if list.is_empty() {
        return Err(Fault::input("An import job has at least one drive."));
    }
    if list.len() > DRIVES_PER_JOB {
        let message = format!("A job takes {DRIVES_PER_JOB} drives, not {}.", list.len());
        return Err(Fault::input(message));
    }
    let mut seen = BTreeSet::new();
    list.into_iter()
        .map(|own| {
            let serial =
                Serial::new(&own.drive_id).map_err(|error| Fault::input(error.to_string()))?;
            if !seen.insert(serial.clone()) {
                return Err(Fault::input(format!("Drive {serial} is listed twice.")));
            }
            let manifest = (own.manifest_file, own.manifest_hash);
            Ok(Drive {
                header_hash: own.drive_header_hash,
                ..Drive::specified(serial, own.bit_locker_key, manifest)
            })
        })
        .collect()
}

/// Makes a job, or changes one that is not on its way.
pub(super) fn put(
    book: &JobBook,
    now: Timestamp,
    key: &JobKey,
    body: &[u8],
) -> Result<Answer, Fault> {
    let put: Put = parse(body)?;
    let sent = put.location.ok_or_else(|| Fault::input("The location is missing."))?;
    let location = locations::find(&sent).ok_or_else(|| {
        let message = format!("There is no location {sent}.");
        Fault::new(400, "LocationNotAvailableForResourceType", message)
    })?;
    let details = put.properties.ok_or_else(|| Fault::input("The properties are missing."))?;
    match details.job_type.as_deref() {
        Some("Import") => {}
        Some("Export") => return Err(Fault::input("The emulator has import jobs only.")),
        _ => return Err(Fault::input("The jobType is Import or Export.")),
    }
    let storage_account = details
        .storage_account_id
        .filter(|id| id.to_lowercase().contains("/providers/microsoft.storage/storageaccounts/"));
    let storage_account =
        storage_account.ok_or_else(|| Fault::input("The storageAccountId is no resource id."))?;
    let diagnostics = details.diagnostics_path.unwrap_or_else(|| "waimportexport".to_owned());
    let container = diagnostics.split('/').next().unwrap_or_default();
    ContainerName::new(container).map_err(|error| Fault::input(error.to_string()))?;
    let drives = drives(details.drive_list.unwrap_or_default())?;
    let log_level = log_level(details.log_level.as_deref())?;
    let (job, is_new) = book.record(|jobs| {
        check_number(jobs, key, details.delivery_package.as_ref())?;
        let known = jobs.iter().find(|job| job.key.is(key));
        if let Some(known) = known
            && known.state != JobState::Creating
        {
            let message = format!("The job is {} and cannot be changed.", known.state);
            return Err(Fault::conflict(message));
        }
        let job = Job {
            version: 1,
            key: key.clone(),
            location: location.id.to_owned(),
            tags: put.tags,
            storage_account,
            diagnostics,
            log_level,
            backup_manifest: details.backup_drive_manifest.unwrap_or(false),
            state: JobState::Creating,
            created: known.map_or(now, |known| known.created),
            since: now,
            cancel_requested: false,
            return_address: details.return_address,
            return_shipping: details.return_shipping,
            delivery: details.delivery_package,
            return_package: None,
            drives,
            order: None,
        };
        Ok((job.clone(), (job, known.is_none())))
    })?;
    let mut body = wire::body(&job);
    // Seen in traffic: the answer to PUT has the location as it was sent, later ones its name.
    body["location"] = sent.into();
    Ok(Answer::json(if is_new { 201 } else { 200 }, &body))
}

fn log_level(text: Option<&str>) -> Result<LogLevel, Fault> {
    match text {
        None | Some("Error") => Ok(LogLevel::Error),
        Some("Verbose") => Ok(LogLevel::Verbose),
        Some(other) => Err(Fault::input(format!("The logLevel {other} is not known."))),
    }
}

/// Changes a job.
pub(super) fn patch(
    book: &JobBook,
    now: Timestamp,
    key: &JobKey,
    body: &[u8],
) -> Result<Job, Fault> {
    let patch: Patch = parse(body)?;
    let details = patch.properties.unwrap_or_default();
    if details.cancel_requested == Some(false) {
        return Err(Fault::input("cancelRequested can only be true."));
    }
    book.record(|jobs| {
        let known = jobs.iter().find(|job| job.key.is(key));
        let mut job = known.ok_or_else(|| Fault::no_job(key))?.clone();
        check_number(jobs, key, details.delivery_package.as_ref())?;
        apply(&mut job, now, patch.tags, details)?;
        Ok((job.clone(), job))
    })
}

/// A tracking number is that of one job only.
fn check_number(jobs: &[Job], key: &JobKey, parcel: Option<&DeliveryPackage>) -> Result<(), Fault> {
    let Some(DeliveryPackage { tracking_number: number, .. }) = parcel else { return Ok(()) };
    holder_of(jobs, key, number).map_or(Ok(()), |other| {
        let message = format!("Tracking number {number} is that of the job {}.", other.key.name);
        Err(Fault::conflict(message))
    })
}

fn apply(
    job: &mut Job,
    now: Timestamp,
    tags: Option<BTreeMap<String, String>>,
    details: Details,
) -> Result<(), Fault> {
    let is_early = matches!(job.state, JobState::Creating | JobState::Shipping);
    let cancel = details.cancel_requested == Some(true);
    let touches_parcel = details.drive_list.is_some() || details.delivery_package.is_some();
    if !is_early && (cancel || touches_parcel) {
        let message = format!("The job is {} and takes no such change.", job.state);
        return Err(Fault::conflict(message));
    }
    if let Some(list) = details.drive_list {
        job.drives = drives(list)?;
    }
    if let Some(tags) = tags {
        job.tags = tags;
    }
    if let Some(level) = details.log_level.as_deref() {
        job.log_level = log_level(Some(level))?;
    }
    job.backup_manifest = details.backup_drive_manifest.unwrap_or(job.backup_manifest);
    job.return_address = details.return_address.or(job.return_address.take());
    job.return_shipping = details.return_shipping.or(job.return_shipping.take());
    job.delivery = details.delivery_package.or(job.delivery.take());
    job.cancel_requested |= cancel;
    if job.state == JobState::Creating {
        // Any update starts the two weeks anew.
        job.since = now;
    }
    match details.state.as_deref() {
        None | Some("") => Ok(()),
        Some("Shipping") if job.state == JobState::Shipping => Ok(()),
        Some("Shipping") => {
            if job.return_address.is_none() || job.delivery.is_none() {
                let message = "Before Shipping, returnAddress and deliveryPackage must be set.";
                return Err(Fault::input(message));
            }
            job.step(JobState::Shipping, now).map_err(|error| Fault::conflict(error.to_string()))
        }
        Some(other) => Err(Fault::input(format!("The state cannot be set to {other}."))),
    }
}

/// Deletes a job; `None` if there is none of that name.
pub(super) fn delete(book: &JobBook, key: &JobKey) -> Result<Option<()>, Fault> {
    book.remove(key, |job| match job.state {
        JobState::Creating | JobState::Completed | JobState::Closed => Ok(()),
        state => Err(Fault::conflict(format!("The job is {state} and cannot be deleted."))),
    })
}
