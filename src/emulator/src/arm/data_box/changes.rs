//! What becomes of a job that is there: changed, shipped, cancelled, deleted
//! (`azure-import-export` 1C, 2.3). Each refusal has a code of its own, so that a caller need not
//! read sentences.

use std::collections::BTreeMap;

use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};

use super::super::call::Context;
use super::super::fault::Fault;
use super::fields::{
    AddressBody, CarrierBody, ContactBody, address, carrier, contact, key_encryption_key, object,
    preferences,
};
use super::findings::{Findings, parse};
use super::operations::{self, Kind};
use super::wire;
use crate::http::Answer;
use crate::jobs::job::{DeliveryPackage, Job, holder_of};
use crate::jobs::key::JobKey;
use crate::jobs::stages;
use crate::jobs::states::JobState;

#[derive(Deserialize)]
struct Patch {
    tags: Option<BTreeMap<String, String>>,
    identity: Option<Value>,
    properties: Option<PatchProperties>,
}

#[derive(Deserialize)]
struct PatchProperties {
    details: Option<Details>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Details {
    contact_details: Option<ContactBody>,
    shipping_address: Option<AddressBody>,
    return_to_customer_package_details: Option<CarrierBody>,
    key_encryption_key: Option<Value>,
    preferences: Option<Value>,
    reverse_shipping_details: Option<Value>,
    import_disk_details_collection: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shipped {
    deliver_to_dc_package_details: Option<Parcel>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Parcel {
    carrier_name: Option<String>,
    tracking_id: Option<String>,
}

#[derive(Deserialize)]
struct Cancel {
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mitigate {
    customer_resolution_code: Option<String>,
    #[serde(default)]
    serial_number_customer_resolution_map: BTreeMap<String, String>,
}

/// Changes a job; a change that changes nothing is answered at once.
pub(super) fn patch(context: Context<'_>, key: &JobKey) -> Result<Answer, Fault> {
    let patch: Patch = parse(&context.call.body)?;
    let wanted = context.call.header("if-match").map(str::to_owned);
    let changed = context.book.change(key, |job| {
        let etag = wire::etag(job);
        if wanted.as_ref().is_some_and(|wanted| wanted != "*" && *wanted != etag) {
            let message = format!("The job {} was changed in the meantime.", key.name);
            return Err(Fault::new(412, "PreconditionFailed", message));
        }
        let is_changed = apply(job, patch)?;
        if is_changed {
            touch(context, job);
        }
        Ok((job.clone(), is_changed))
    })?;
    let (job, is_changed) = changed.ok_or_else(|| Fault::no_job(key))?;
    Ok(if is_changed {
        operations::begin(context, &job, Kind::Update)
    } else {
        wire::answer(&job, wire::Depth::Whole)
    })
}

/// Counts a change; before the parcel is sent it begins the two weeks anew.
fn touch(context: Context<'_>, job: &mut Job) {
    if let Some(order) = &mut job.order {
        order.revision = order.revision.saturating_add(1);
    }
    if job.state == JobState::Creating {
        job.since = context.now;
    }
}

/// Whether anything is another now.
fn apply(job: &mut Job, patch: Patch) -> Result<bool, Fault> {
    let details = patch.properties.and_then(|own| own.details).unwrap_or_default();
    check_times(job, &details)?;
    let before = fingerprint(job);
    let mut findings = Findings::default();
    let Some(order) = &mut job.order else { return Ok(false) };
    if let Some(body) = details.contact_details {
        order.contact = contact(Some(body), &mut findings);
    }
    if let Some(body) = details.shipping_address {
        order.address = address(Some(body), &mut findings);
    }
    if let Some(body) = details.return_to_customer_package_details {
        order.return_carrier = carrier(Some(body), &mut findings);
    }
    if let Some(body) = details.key_encryption_key {
        order.key_encryption_key = key_encryption_key(Some(body), &mut findings);
    }
    if let Some(body) = details.preferences {
        order.preferences = preferences(Some(body), &mut findings);
    }
    if let Some(body) = details.reverse_shipping_details {
        order.reverse_shipping =
            object("details.reverseShippingDetails", Some(body), &mut findings);
    }
    if let Some(identity) = patch.identity {
        order.identity = object("identity", Some(identity), &mut findings);
    }
    if let Some(tags) = patch.tags {
        job.tags = tags;
    }
    findings.end()?;
    Ok(fingerprint(job) != before)
}

/// What can no longer be changed, or never could.
fn check_times(job: &Job, details: &Details) -> Result<(), Fault> {
    if details.import_disk_details_collection.is_some() {
        let message = "The drives of a job cannot be changed; cancel it and make another.";
        return Err(Fault::input(message).at("details.importDiskDetailsCollection"));
    }
    let touches_way_back =
        details.shipping_address.is_some() || details.return_to_customer_package_details.is_some();
    let is_late = touches_way_back && !wire::is_address_editable(job);
    let is_any = touches_way_back
        || details.contact_details.is_some()
        || details.key_encryption_key.is_some()
        || details.preferences.is_some()
        || details.reverse_shipping_details.is_some();
    if is_late || is_any && job.state.is_final() {
        let message = format!("The job is {} and takes no such change.", stages::word(job));
        return Err(Fault::new(409, "JobNotEditable", message));
    }
    Ok(())
}

/// All that a change may touch.
fn fingerprint(job: &Job) -> Value {
    let Some(order) = &job.order else { return Value::Null };
    json!([
        job.tags,
        order.contact,
        order.address,
        order.return_carrier.name,
        order.return_carrier.account.expose_secret(),
        order.identity,
        order.key_encryption_key,
        order.preferences,
        order.reverse_shipping,
    ])
}

/// The parcel is on its way. This can be said once.
pub(super) fn ship(context: Context<'_>, key: &JobKey) -> Result<Answer, Fault> {
    let body: Shipped = parse(&context.call.body)?;
    let mut findings = Findings::default();
    let parcel = body.deliver_to_dc_package_details.unwrap_or_default();
    let at = |name: &str| format!("deliverToDcPackageDetails.{name}");
    let carrier_name = findings.text(&at("carrierName"), parcel.carrier_name);
    let tracking_number = findings.text(&at("trackingId"), parcel.tracking_id);
    findings.end()?;
    context.book.record(|jobs| {
        let known = jobs.iter().find(|job| job.key.is(key));
        let mut job = known.ok_or_else(|| Fault::no_job(key))?.clone();
        if job.delivery.is_some() {
            let message = format!("The parcel of the job {} was reported before.", key.name);
            return Err(Fault::new(409, "ShipmentAlreadyReported", message));
        }
        if let Some(other) = holder_of(jobs, key, &tracking_number) {
            let message =
                format!("Tracking id {tracking_number} is that of the job {}.", other.key.name);
            return Err(Fault::new(409, "TrackingIdInUse", message).at(at("trackingId")));
        }
        job.step(JobState::Shipping, context.now).map_err(|_| {
            let message = format!("The job is {} and cannot be shipped.", stages::word(&job));
            Fault::new(409, "JobNotShippable", message)
        })?;
        job.delivery = Some(DeliveryPackage {
            carrier_name,
            tracking_number,
            drive_count: None,
            ship_date: None,
        });
        touch(context, &mut job);
        Ok((job, ()))
    })?;
    Ok(Answer::empty(204))
}

/// The customer gives the job up; this is possible until it is shipped.
pub(super) fn cancel(context: Context<'_>, key: &JobKey) -> Result<Answer, Fault> {
    let body: Cancel = parse(&context.call.body)?;
    let mut findings = Findings::default();
    let reason = findings.text("reason", body.reason);
    findings.end()?;
    let cancelled = context.book.change(key, |job| {
        let word = stages::word(job);
        job.step(JobState::Cancelled, context.now).map_err(|_| {
            let message = format!("The job is {word} and cannot be cancelled.");
            Fault::new(409, "JobNotCancellable", message)
        })?;
        touch(context, job);
        if let Some(order) = &mut job.order {
            order.cancel_reason = Some(reason);
        }
        Ok::<_, Fault>(())
    })?;
    cancelled.map(|()| Answer::empty(204)).ok_or_else(|| Fault::no_job(key))
}

/// Deletes a job that is over. The record is gone before the caller hears of the operation.
pub(super) fn delete(context: Context<'_>, key: &JobKey) -> Result<Answer, Fault> {
    let Some(job) = context.book.find(key) else { return Ok(Answer::empty(204)) };
    let removed = context.book.remove(key, |job| {
        if job.state.is_final() {
            return Ok(());
        }
        let message = format!("The job is {} and cannot be deleted.", stages::word(job));
        Err(Fault::new(409, "JobNotDeletable", message))
    })?;
    Ok(match removed {
        Some(()) => operations::begin(context, &job, Kind::Delete),
        None => Answer::empty(204),
    })
}

/// The customer says how a stage that waits for him goes on. No stage of the emulator waits.
pub(super) fn mitigate(context: Context<'_>, key: &JobKey) -> Result<Answer, Fault> {
    const CODES: [&str; 5] =
        ["None", "MoveToCleanUpDevice", "Resume", "Restart", "ReachOutToOperation"];
    let body: Mitigate = parse(&context.call.body)?;
    let job = context.book.find(key).ok_or_else(|| Fault::no_job(key))?;
    let mut findings = Findings::default();
    if body.customer_resolution_code.is_none()
        && body.serial_number_customer_resolution_map.is_empty()
    {
        findings.text("customerResolutionCode", None);
    }
    findings.word("customerResolutionCode", body.customer_resolution_code.as_deref(), &CODES);
    for (serial, code) in &body.serial_number_customer_resolution_map {
        let target = format!("serialNumberCustomerResolutionMap.{serial}");
        findings.word(&target, Some(code), &CODES);
        if !job.drives.iter().any(|drive| drive.serial.as_str() == serial) {
            findings.add(&target, format!("The job has no drive {serial}."));
        }
    }
    findings.end()?;
    let message = format!("The job is {} and waits for nothing.", stages::word(&job));
    Err(Fault::new(409, "MitigationNotAwaited", message))
}
