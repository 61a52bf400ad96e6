//! Conditional headers and leases: what must hold before a call may go on ("Specifying
//! conditional headers", "Lease Blob").

use hyper::Method;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;

use super::Context;
use super::fault::Fault;
use super::store::Record;

/// Checks the call's conditions against what is there.
pub(super) fn check(context: Context<'_>, record: Option<&Record>) -> Result<(), Fault> {
    let call = context.call;
    let is_read = matches!(call.method, Method::GET | Method::HEAD);
    let is_etag = |list: &str| {
        list == "*" || record.is_some_and(|own| list.split(',').any(|etag| etag.trim() == own.etag))
    };
    if let Some(list) = call.header("if-match")
        && (record.is_none() || !is_etag(list))
    {
        return Err(Fault::condition());
    }
    if let Some(list) = call.header("if-none-match")
        && record.is_some()
        && is_etag(list)
    {
        return Err(match (is_read, list) {
            (true, _) => Fault::new(304, "ConditionNotMet", ""),
            (false, "*") => Fault::new(409, "BlobAlreadyExists", "The blob exists already."),
            _ => Fault::condition(),
        });
    }
    let moment = |name: &'static str| -> Result<Option<Timestamp>, Fault> {
        let Some(text) = call.header(name) else { return Ok(None) };
        DateTimeParser::new().parse_timestamp(text).map(Some).map_err(|_| Fault::header(name))
    };
    // Headers carry whole seconds.
    let modified = record.map(|own| own.modified.as_second());
    if let (Some(since), Some(modified)) = (moment("if-modified-since")?, modified)
        && modified <= since.as_second()
    {
        return Err(if is_read {
            Fault::new(304, "ConditionNotMet", "")
        } else {
            Fault::condition()
        });
    }
    match (moment("if-unmodified-since")?, modified) {
        (Some(since), Some(modified)) if modified > since.as_second() => Err(Fault::condition()),
        _ => Ok(()),
    }
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
