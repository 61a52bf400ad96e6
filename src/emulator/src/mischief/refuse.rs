//! Mischief in place of an answer: nothing of the call is done.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::kind::{Door, Mischief};
use crate::http::{Answer, Body, Call};

/// The answer in place of the right one; `None` if the mischief is of another kind.
pub(super) fn answer(mischief: Mischief, door: Door, call: &Call) -> Option<Answer> {
    let said = |status, code, message: &str| Some(fault(door, status, code, message));
    match mischief {
        Mischief::RetryAfterSeconds => Some(throttled(door).with("retry-after", "1")),
        Mischief::RetryAfterDate => {
            let then = Timestamp::now().saturating_add(SignedDuration::from_secs(2));
            let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
            let date = then.and_then(|then| printer.timestamp_to_rfc9110_string(&then));
            Some(throttled(door).with("retry-after", date.unwrap_or_default()))
        }
        Mischief::Burst500 => said(500, "InternalServerError", "Something went wrong."),
        Mischief::Burst502 => {
            let page = "<html><body><h1>502 Bad Gateway</h1></body></html>".to_owned();
            let body = Body::Whole(page.into());
            Some(Answer::of(502, body).with("content-type", "text/html"))
        }
        Mischief::Burst503 => said(503, "ServerBusy", "The service is busy."),
        Mischief::ExpiredToken => Some(expired(door)),
        Mischief::WrongRegion if call.path.to_lowercase().contains("/jobs/") => said(
            400,
            "LocationNotAvailableForResourceType",
            "The location is not one where a job of this kind can be made.",
        ),
        Mischief::ClosedAccount => said(403, "AccountIsDisabled", "The account is disabled."),
        Mischief::RefusedDiff => said(
            409,
            "BlobOverwritten",
            "The blob was written as a whole since the earlier snapshot.",
        ),
        Mischief::UnreadSnapshots => {
            said(400, "InvalidOperation", "A snapshot of a blob of this account cannot be read.")
        }
        Mischief::SnapshotRate => said(
            409,
            "SnapshotOperationRateExceeded",
            "The blob had a snapshot in the last ten minutes.",
        ),
        Mischief::SnapshotCount => {
            said(409, "SnapshotCountExceeded", "The blob has as many snapshots as it may have.")
        }
        Mischief::OperationFails => {
            let name = call.path.rsplit('/').next().unwrap_or_default();
            let error = json!({"code": "InternalError", "message": "The operation went wrong."});
            let body = json!({"id": call.path, "name": name, "status": "Failed", "error": error});
            Some(Answer::json(200, &body))
        }
        _ => None,
    }
}

/// A token that was one.
pub(super) fn expired(door: Door) -> Answer {
    match door {
        Door::Arm => {
            let message = "The access token is over.";
            fault(door, 401, "ExpiredAuthenticationToken", message)
        }
        Door::Blobs => fault(door, 401, "InvalidAuthenticationInfo", "Lifetime validation failed."),
    }
}

fn throttled(door: Door) -> Answer {
    fault(door, 429, "TooManyRequests", "Too many requests; come back later.")
}

/// In the form of the door.
fn fault(door: Door, status: u16, code: &str, message: &str) -> Answer {
    match door {
        Door::Arm => {
            let error = json!({"code": code, "message": message, "details": []});
            Answer::json(status, &json!({ "error": error }))
        }
        Door::Blobs => {
            let text = format!(
                "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code>\
                 <Message>{message}</Message></Error>"
            );
            Answer::xml(status, text).with("x-ms-error-code", code)
        }
    }
}
