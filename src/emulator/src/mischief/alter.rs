//! Mischief with an answer that was given: the call is done, what is told of it is odd.

use hyper::Method;
use hyper::body::Bytes;
use hyper::header::HeaderValue;
use jiff::SignedDuration;
use serde_json::Value;

use super::kind::{COPIES, Door, Mischief};
use crate::http::{Answer, Body, Call, Manner};

/// Marks that the empty first page was given; never a real blob's name.
const SECOND: &str = "emulator-second-page";
/// Where the second page of a list of blobs begins: before any name that is not odd. It stays in the
/// call, which may be signed with it.
const FIRST_NAME: &str = "!";
/// How an address with doubled parts begins.
const DOUBLED: &str = "/subscriptions//subscriptions/";
const SINGLE: &str = "/subscriptions/";

/// Takes what we have put into an address out of a call; whether our mark was in it.
pub(super) fn call(call: &mut Call) -> bool {
    if let Some(rest) = call.path.strip_prefix(DOUBLED) {
        call.path = format!("{SINGLE}{rest}");
    }
    let before = call.query.len();
    call.query.retain(|(_, value)| value != SECOND);
    call.query.len() < before
}

/// Tells the blob service how a copy is to go; what the caller said of it does not count.
pub(super) fn copies(call: &mut Call, meant: &[Mischief]) {
    call.headers.remove(COPIES);
    let word = if meant.contains(&Mischief::FailedCopies) {
        "failed"
    } else if meant.contains(&Mischief::PendingCopies) {
        "pending"
    } else {
        return;
    };
    call.headers.insert(COPIES, HeaderValue::from_static(word));
}

/// Alters an answer; whether there was anything to alter.
pub(super) fn answer(mischief: Mischief, door: Door, call: &Call, answer: &mut Answer) -> bool {
    match mischief {
        Mischief::ResetAfter => manner(answer, Manner::Reset),
        Mischief::Slow => has_body(answer) && manner(answer, Manner::Slow),
        Mischief::Half => has_body(answer) && manner(answer, Manner::Half),
        Mischief::PendingCopies | Mischief::FailedCopies => is_copying(answer),
        Mischief::RelativeStatus => relative(answer),
        Mischief::DoubledStatus => doubled(answer),
        Mischief::OddIds => change(answer, |value| each(value, "", &mut odd)),
        Mischief::UnknownState => change(answer, |value| each(value, "", &mut unknown)),
        Mischief::OldForms => change(answer, old),
        Mischief::EmptyPages if answer.status == 200 => match door {
            Door::Arm => empty(call, answer),
            Door::Blobs => empty_blobs(call, answer),
        },
        _ => false,
    }
}

/// Whether an answer tells of a copy that is on its way.
fn is_copying(answer: &Answer) -> bool {
    answer.headers.iter().any(|(name, value)| name == "x-ms-copy-status" && value == "pending")
}

fn manner(answer: &mut Answer, manner: Manner) -> bool {
    answer.manner = manner;
    true
}

fn has_body(answer: &Answer) -> bool {
    match &answer.body {
        Body::Whole(bytes) => bytes.len() > 1,
        Body::Stretch { bytes, .. } => *bytes > 1,
        Body::Head(_) => false,
    }
}

fn is_status(name: &str) -> bool {
    name == "location" || name == "azure-asyncoperation"
}

fn relative(answer: &mut Answer) -> bool {
    let mut is_done = false;
    for (name, value) in &mut answer.headers {
        let path =
            value.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
        if let Some(path) = path.filter(|_| is_status(name)) {
            *value = path.to_owned();
            is_done = true;
        }
    }
    is_done
}

/// The header twice, and parts of the address in it, too.
fn doubled(answer: &mut Answer) -> bool {
    for (_, value) in answer.headers.iter_mut().filter(|(name, _)| is_status(name)) {
        *value = value.replacen(SINGLE, DOUBLED, 1);
    }
    let again: Vec<(String, String)> =
        answer.headers.iter().filter(|(name, _)| is_status(name)).cloned().collect();
    let is_done = !again.is_empty();
    answer.headers.extend(again);
    is_done
}

/// Changes a JSON body; whether it differs then.
fn change(answer: &mut Answer, change: impl FnOnce(&mut Value)) -> bool {
    let Body::Whole(bytes) = &answer.body else { return false };
    let Ok(mut value) = serde_json::from_slice::<Value>(bytes) else { return false };
    let before = value.clone();
    change(&mut value);
    let is_done = value != before;
    if is_done {
        answer.body = Body::Whole(value.to_string().into());
    }
    is_done
}

/// Goes over all texts with the names that they have.
fn each(value: &mut Value, name: &str, change: &mut impl FnMut(&str, &mut String)) {
    match value {
        Value::String(text) => change(name, text),
        Value::Array(all) => all.iter_mut().for_each(|own| each(own, name, change)),
        Value::Object(all) => all.iter_mut().for_each(|(name, own)| each(own, name, change)),
        _ => {}
    }
}

/// Fixed words and names in capitals: resource ids are compared without regard to case.
fn odd(_: &str, text: &mut String) {
    if text.to_lowercase().starts_with("/subscriptions/") {
        *text = text.to_uppercase();
    }
}

fn unknown(name: &str, text: &mut String) {
    if ["state", "status", "copyStatus", "stageStatus", "stageName"].contains(&name) {
        *text = "Pondering".to_owned();
    }
}

/// The forms of older answers: a clock in place of a length of time, numbers in place of words.
fn old(value: &mut Value) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(old),
        Value::Object(all) => {
            for (name, own) in all.iter_mut() {
                match name.as_str() {
                    "duration" => older_duration(own),
                    "actionsInfo" => numbers(own, &["Invalid", "Cancellable", "Retriable"]),
                    "recoveryPointTierDetails" => tiers(own),
                    _ => old(own),
                }
            }
        }
        _ => {}
    }
}

fn older_duration(own: &mut Value) {
    let span = own.as_str().and_then(|text| text.parse::<SignedDuration>().ok());
    if let Some(secs) = span.map(|span| span.as_secs()) {
        let (hours, minutes) = (secs / 3600, secs / 60 % 60);
        *own = format!("{hours:02}:{minutes:02}:{:02}.0896697", secs % 60).into();
    }
}

fn tiers(own: &mut Value) {
    for tier in own.as_array_mut().into_iter().flatten() {
        for (name, known) in
            [("type", ["Invalid", "InstantRP", "HardenedRP"]), ("status", ["Invalid", "Valid", ""])]
        {
            let place = known.iter().position(|word| tier[name] == *word);
            if let Some(place) = place {
                tier[name] = place.into();
            }
        }
    }
}

fn numbers(own: &mut Value, known: &[&str]) {
    for word in own.as_array_mut().into_iter().flatten() {
        if let Some(place) = known.iter().position(|own| *word == **own) {
            *word = place.into();
        }
    }
}

/// A first page of a list with nothing on it, which leads to the real one.
fn empty(call: &Call, answer: &mut Answer) -> bool {
    let is_list = |value: &Value| value["value"].is_array();
    let is_first = call.method == Method::GET && call.parameter("$skiptoken").is_none();
    let host = call.host().to_owned();
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&call.query)
        .append_pair("$skiptoken", SECOND)
        .finish();
    is_first
        && change(answer, |value| {
            if is_list(value) {
                value["value"] = Value::Array(Vec::new());
                value["nextLink"] = format!("https://{host}{}?{query}", call.path).into();
            }
        })
}

fn empty_blobs(call: &Call, answer: &mut Answer) -> bool {
    let is_first = call.parameter("comp") == Some("list") && call.parameter("marker").is_none();
    let Body::Whole(bytes) = &answer.body else { return false };
    let text = String::from_utf8_lossy(bytes);
    let Some((head, _)) = text.split_once("<Blobs>").filter(|_| is_first) else { return false };
    let text =
        format!("{head}<Blobs></Blobs><NextMarker>{FIRST_NAME}</NextMarker></EnumerationResults>");
    answer.body = Body::Whole(Bytes::from(text));
    true
}
