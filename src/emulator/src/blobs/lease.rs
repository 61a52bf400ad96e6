//! Leases of blobs and containers ("Lease Blob", "Lease Container").

use super::call::Context;
use super::conditions::check;
use super::copying::check_free;
use super::fault::Fault;
use super::headers::dated;
use super::record::{Lease, Record};
use crate::http::Answer;

const PERIOD: &str = "x-ms-lease-break-period";

/// A call about the lease of a blob.
pub(super) fn of_blob(context: Context<'_>, container: &str, name: &str) -> Result<Answer, Fault> {
    let key = (context.own.name.as_str(), container);
    let held = context.store.hold();
    let mut record = held.blob(key, name)?.ok_or_else(Fault::no_blob)?.record;
    check(context, Some(&record))?;
    check_free(&record)?;
    let answer = act(context, &mut record)?;
    held.save(key, &record)?;
    Ok(answer)
}

/// A call about the lease of a container.
pub(super) fn of_container(context: Context<'_>, container: &str) -> Result<Answer, Fault> {
    let key = (context.own.name.as_str(), container);
    let held = context.store.hold();
    let mut record = held.container(key, context.now)?.ok_or_else(Fault::no_container)?;
    let answer = act(context, &mut record)?;
    held.save_container(key, &record)?;
    Ok(answer)
}

fn act(context: Context<'_>, record: &mut Record) -> Result<Answer, Fault> {
    let Context { call, now, .. } = context;
    let given = call.header("x-ms-lease-id");
    let mismatch = || {
        let message = "The lease is another one.";
        Fault::new(409, "LeaseIdMismatchWithLeaseOperation", message)
    };
    let own = |lease: &Lease| given.is_some_and(|id| lease.id.eq_ignore_ascii_case(id));
    let answer = |status, record: &Record| dated(Answer::empty(status), record);
    match call.header("x-ms-lease-action") {
        Some("acquire") => {
            let proposed = call.header("x-ms-proposed-lease-id").map(str::to_owned);
            let id = proposed.unwrap_or_else(|| uuid::Uuid::new_v4().to_string());
            let secs = match call.header("x-ms-lease-duration").and_then(|own| own.parse().ok()) {
                Some(-1) => None,
                Some(secs @ 15..=60) => Some(secs),
                _ => return Err(Fault::header("x-ms-lease-duration")),
            };
            let taken = record.lease.as_ref().filter(|lease| lease.is_held(now));
            if taken.is_some_and(|lease| lease.is_broken || !lease.id.eq_ignore_ascii_case(&id)) {
                let message = "There is a lease already.";
                return Err(Fault::new(409, "LeaseAlreadyPresent", message));
            }
            record.lease = Some(Lease::new(id.clone(), secs, now));
            Ok(answer(201, record).with("x-ms-lease-id", id))
        }
        Some("renew") => {
            let lease = record.lease.as_ref().filter(|lease| own(lease) && !lease.is_broken);
            let lease = lease.ok_or_else(mismatch)?;
            let (id, secs) = (lease.id.clone(), lease.secs);
            record.lease = Some(Lease::new(id.clone(), secs, now));
            Ok(answer(200, record).with("x-ms-lease-id", id))
        }
        Some("change") => {
            let new = call.header("x-ms-proposed-lease-id");
            let new = new.ok_or_else(|| Fault::missing_header("x-ms-proposed-lease-id"))?;
            let lease = record.lease.as_mut().filter(|lease| own(lease) && lease.is_held(now));
            lease.ok_or_else(mismatch)?.id = new.to_owned();
            Ok(answer(200, record).with("x-ms-lease-id", new))
        }
        Some("release") => {
            record.lease.as_ref().filter(|lease| own(lease)).ok_or_else(mismatch)?;
            record.lease = None;
            Ok(answer(200, record))
        }
        Some("break") => {
            let Some(lease) = record.lease.as_mut() else {
                return Err(Fault::new(409, "LeaseNotPresentWithLeaseOperation", "No lease."));
            };
            let left = lease.until.map(|until| until.duration_since(now).as_secs().max(0));
            let asked = match call.header(PERIOD).map(str::parse::<i64>) {
                None => None,
                Some(Ok(secs @ 0..=60)) => Some(secs),
                Some(_) => return Err(Fault::header(PERIOD)),
            };
            // A period can only make a lease shorter.
            let secs = asked.into_iter().chain(left).min().unwrap_or(0);
            *lease = Lease { is_broken: true, ..Lease::new(lease.id.clone(), Some(secs), now) };
            Ok(answer(202, record).with("x-ms-lease-time", secs.to_string()))
        }
        _ => Err(Fault::header("x-ms-lease-action")),
    }
}
