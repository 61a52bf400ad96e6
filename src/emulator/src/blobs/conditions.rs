//! Conditional headers and leases: what must hold before a call may go on ("Specifying
//! conditional headers", "Lease Blob").

use hyper::Method;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

use super::call::Context;
use super::fault::Fault;
use super::record::Record;
use crate::http::Call;

/// Why a condition is not met.
enum Unmet {
    /// It is not the one that the caller saw.
    Changed,
    /// It is the one that the caller has.
    Same,
    /// The caller wants none to be there.
    Exists,
}

/// Checks the call's conditions against what is there.
pub(super) fn check(context: Context<'_>, record: Option<&Record>) -> Result<(), Fault> {
    let is_read = matches!(context.call.method, Method::GET | Method::HEAD);
    Err(match unmet(context.call, "", record)? {
        None => return Ok(()),
        Some(Unmet::Same | Unmet::Exists) if is_read => Fault::new(304, "ConditionNotMet", ""),
        Some(Unmet::Exists) => Fault::new(409, "BlobAlreadyExists", "The blob exists already."),
        Some(Unmet::Same | Unmet::Changed) => Fault::condition(),
    })
}

/// Checks the call's conditions about the source of a copy.
pub(super) fn check_source(context: Context<'_>, record: &Record) -> Result<(), Fault> {
    match unmet(context.call, "x-ms-source-", Some(record))? {
        None => Ok(()),
        Some(_) => {
            let message = "A condition about the source is not met.";
            Err(Fault::new(412, "SourceConditionNotMet", message))
        }
    }
}

fn unmet(call: &Call, prefix: &str, record: Option<&Record>) -> Result<Option<Unmet>, Fault> {
    let header = |name: &str| call.header(&format!("{prefix}{name}"));
    let is_etag = |list: &str| {
        record.is_some_and(|own| list == "*" || list.split(',').any(|etag| etag.trim() == own.etag))
    };
    if header("if-match").is_some_and(|list| !is_etag(list)) {
        return Ok(Some(Unmet::Changed));
    }
    if let Some(list) = header("if-none-match").filter(|list| is_etag(list)) {
        return Ok(Some(if list == "*" { Unmet::Exists } else { Unmet::Same }));
    }
    let moment = |name: &str| -> Result<Option<Timestamp>, Fault> {
        let Some(text) = header(name) else { return Ok(None) };
        DateTimeParser::new().parse_timestamp(text).map(Some).map_err(|_| Fault::header(name))
    };
    // Headers carry whole seconds.
    let modified = record.map(|own| own.modified.as_second());
    let is_after = |time: Option<Timestamp>| Some(modified? > time?.as_second());
    if is_after(moment("if-modified-since")?) == Some(false) {
        return Ok(Some(Unmet::Same));
    }
    if is_after(moment("if-unmodified-since")?) == Some(true) {
        return Ok(Some(Unmet::Changed));
    }
    Ok(None)
}

/// Checks that the caller of a change holds the lease, if there is one.
pub(super) fn check_lease(context: Context<'_>, record: Option<&Record>) -> Result<(), Fault> {
    let given = context.call.header("x-ms-lease-id");
    let lease = record.and_then(|own| own.lease.as_ref()).filter(|own| own.is_held(context.now));
    match (lease, given) {
        (None, None) => Ok(()),
        (Some(lease), Some(id)) if lease.id.eq_ignore_ascii_case(id) => Ok(()),
        (Some(_), None) => {
            let message = "There is a lease, and the call names none.";
            Err(Fault::new(412, "LeaseIdMissing", message))
        }
        (Some(_), Some(_)) => {
            let message = "The lease is another one.";
            Err(Fault::new(412, "LeaseIdMismatchWithBlobOperation", message))
        }
        (None, Some(_)) => {
            let message = "There is no lease.";
            Err(Fault::new(412, "LeaseNotPresentWithBlobOperation", message))
        }
    }
}
