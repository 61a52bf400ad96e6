//! Calls about the pages of a page blob: made empty, written, cleared, listed, resized ("Put Page",
//! "Put Page From URL", "Get Page Ranges", "Set Blob Properties").

use std::os::unix::fs::FileExt;

use disk_prep::limits::{PAGE_BLOB_BYTES, PAGE_BYTES, PAGE_WRITE_BYTES, PAGES_LISTED};
use url::Url;

use super::call::Context;
use super::conditions::{check, check_lease};
use super::copying::check_free;
use super::fault::Fault;
use super::headers::{dated, properties};
use super::pages::{PageState, Stretch};
use super::record::{BlobKind, Properties, Record};
use super::store::{Blob, LockedStore};
use super::sums::{Sum, check_md5, check_sums};
use super::{copy, tier};
use crate::http::{Answer, Call};

const SEQUENCE: &str = "x-ms-blob-sequence-number";

/// Makes a page blob of which no page is written ("Put Blob").
pub(super) fn create(context: Context<'_>, container: &str, name: &str) -> Result<Answer, Fault> {
    let call = context.call;
    if !call.body.is_empty() {
        return Err(Fault::header("content-length"));
    }
    tier::asked(context)?;
    let bytes = number(call, "x-ms-blob-content-length")?
        .ok_or_else(|| Fault::missing_header("x-ms-blob-content-length"))?;
    let bytes = length(bytes)?;
    let sequence = sequence(call)?.unwrap_or(0);
    let draft = context.store.draft()?;
    draft.file().set_len(bytes)?;
    let key = (context.own.name.as_str(), container);
    let held = context.store.hold();
    let before = held.blob(key, name)?.map(|blob| blob.record);
    check(context, before.as_ref())?;
    check_lease(context, before.as_ref())?;
    before.as_ref().map_or(Ok(()), check_free)?;
    let properties = Properties { kind: BlobKind::PageBlob, sequence, ..properties(call) };
    let record = held.put(key, name, draft, properties, context.now)?;
    Ok(dated(Answer::empty(201), &record).with("x-ms-request-server-encrypted", "true"))
}

/// Writes or clears pages.
pub(super) fn put(context: Context<'_>, container: &str, name: &str) -> Result<Answer, Fault> {
    let call = context.call;
    match call.header("x-ms-page-write") {
        Some("update") => {
            let sum = check_sums(call, &call.body)?;
            let given = call.body.len() as u64;
            let write = |held: &LockedStore<'_>, key: Key<'_>, record: &Record, start, end| {
                check_length(end - start, given)?;
                Ok(held.write_pages(key, record, start, &call.body)?)
            };
            let answer = change(context, (container, name), write)?;
            let answer = answer.with(sum.header(), sum.of(&call.body));
            Ok(answer.with("x-ms-request-server-encrypted", "true"))
        }
        Some("clear") => {
            if !call.body.is_empty() {
                return Err(Fault::header("content-length"));
            }
            for sum in [Sum::Md5, Sum::Crc64] {
                if call.header(sum.header()).is_some() {
                    return Err(Fault::header(sum.header()));
                }
            }
            let clear = |held: &LockedStore<'_>, key: Key<'_>, record: &Record, start, end| {
                Ok(held.clear_pages(key, record, start, end)?)
            };
            change(context, (container, name), clear)
        }
        Some(_) => Err(Fault::header("x-ms-page-write")),
        None => Err(Fault::missing_header("x-ms-page-write")),
    }
}

/// Writes pages with what the service reads from another blob.
pub(super) fn put_from(context: Context<'_>, container: &str, name: &str) -> Result<Answer, Fault> {
    let call = context.call;
    if !call.body.is_empty() {
        return Err(Fault::header("content-length"));
    }
    if call.header("x-ms-page-write") != Some("update") {
        return Err(Fault::header("x-ms-page-write"));
    }
    let found = copy::open(context, None)?;
    let range = call.header("x-ms-source-range");
    let range = range.ok_or_else(|| Fault::missing_header("x-ms-source-range"))?;
    let (from, to) = page_range(range, found.record.bytes)?;
    check_length(to - from, to - from)?;
    let mut content = vec![0; usize::try_from(to - from).unwrap_or(0)];
    found.file.read_exact_at(&mut content, from)?;
    check_md5(call, "x-ms-source-content-md5", &content)?;
    if call.header("x-ms-source-content-crc64").is_some_and(|own| own != Sum::Crc64.of(&content)) {
        return Err(Fault::crc64());
    }
    let write = |held: &LockedStore<'_>, key: Key<'_>, record: &Record, start, end| {
        check_length(end - start, to - from)?;
        Ok(held.write_pages(key, record, start, &content)?)
    };
    let answer = change(context, (container, name), write)?;
    let answer = answer.with(Sum::Md5.header(), Sum::Md5.of(&content));
    Ok(answer.with("x-ms-request-server-encrypted", "true"))
}

type Key<'a> = (&'a str, &'a str);

/// Changes the pages that the call names, once all that must hold does.
fn change(
    context: Context<'_>,
    (container, name): (&str, &str),
    act: impl FnOnce(&LockedStore<'_>, Key<'_>, &Record, u64, u64) -> Result<(), Fault>,
) -> Result<Answer, Fault> {
    let call = context.call;
    let key = (context.own.name.as_str(), container);
    let held = context.store.hold();
    let mut record = held.blob(key, name)?.ok_or_else(Fault::no_blob)?.record;
    check_kind(&record)?;
    check_free(&record)?;
    check(context, Some(&record))?;
    check_lease(context, Some(&record))?;
    check_sequence(call, &record)?;
    let range = call.header("x-ms-range").or_else(|| call.header("range"));
    let (start, end) =
        page_range(range.ok_or_else(|| Fault::missing_header("x-ms-range"))?, record.bytes)?;
    act(&held, key, &record, start, end)?;
    record.touch(context.now);
    held.save(key, &record)?;
    Ok(dated(Answer::empty(201), &record).with(SEQUENCE, record.versions.sequence.to_string()))
}

/// Refuses what has no pages.
pub(super) fn check_kind(record: &Record) -> Result<(), Fault> {
    if record.properties.kind == BlobKind::PageBlob {
        return Ok(());
    }
    Err(Fault::new(409, "InvalidBlobType", "The blob is no page blob."))
}

fn check_length(named: u64, given: u64) -> Result<(), Fault> {
    if named > PAGE_WRITE_BYTES || given > PAGE_WRITE_BYTES {
        let message = "One call writes 4 MiB of pages at most.";
        return Err(Fault::new(413, "RequestBodyTooLarge", message));
    }
    if named == given { Ok(()) } else { Err(Fault::header("content-length")) }
}

fn check_sequence(call: &Call, record: &Record) -> Result<(), Fault> {
    let own = record.versions.sequence;
    let least = number(call, "x-ms-if-sequence-number-le")?.is_none_or(|given| own <= given);
    let less = number(call, "x-ms-if-sequence-number-lt")?.is_none_or(|given| own < given);
    let same = number(call, "x-ms-if-sequence-number-eq")?.is_none_or(|given| own == given);
    if least && less && same {
        return Ok(());
    }
    let message = "The sequence number is not what the call asks for.";
    Err(Fault::new(412, "SequenceNumberConditionNotMet", message))
}

fn number(call: &Call, name: &str) -> Result<Option<u64>, Fault> {
    call.header(name).map(|text| text.parse().map_err(|_| Fault::header(name))).transpose()
}

fn sequence(call: &Call) -> Result<Option<u64>, Fault> {
    let given = number(call, SEQUENCE)?;
    match given.filter(|given| i64::try_from(*given).is_err()) {
        Some(_) => Err(Fault::header(SEQUENCE)),
        None => Ok(given),
    }
}

/// A length that a page blob may have.
fn length(bytes: u64) -> Result<u64, Fault> {
    let is_one = bytes.is_multiple_of(PAGE_BYTES) && bytes <= PAGE_BLOB_BYTES;
    if is_one { Ok(bytes) } else { Err(Fault::header("x-ms-blob-content-length")) }
}

/// First byte and end of whole pages of a blob.
fn page_range(range: &str, bytes: u64) -> Result<(u64, u64), Fault> {
    let parsed = || {
        let (start, last) = range.strip_prefix("bytes=")?.split_once('-')?;
        let (start, end) = (start.parse::<u64>().ok()?, last.parse::<u64>().ok()?.checked_add(1)?);
        let is_whole = start.is_multiple_of(PAGE_BYTES) && end.is_multiple_of(PAGE_BYTES);
        (is_whole && start < end && end <= bytes).then_some((start, end))
    };
    parsed().ok_or_else(|| {
        let message = "The range is not one of whole pages of the blob.";
        Fault::new(416, "InvalidPageRange", message)
    })
}

/// Lists written pages, or what changed since a snapshot.
pub(super) fn list(context: Context<'_>, container: &str, name: &str) -> Result<Answer, Fault> {
    let call = context.call;
    let key = (context.own.name.as_str(), container);
    let held = context.store.hold();
    let snapshot = call.parameter("snapshot");
    let blob = held.version(key, name, snapshot)?.ok_or_else(Fault::no_blob)?;
    let Blob { file, record } = blob;
    check_kind(&record)?;
    check(context, Some(&record))?;
    let (mut from, to) = match call.header("x-ms-range").or_else(|| call.header("range")) {
        Some(range) => window(range, record.bytes)?,
        None => (0, record.bytes),
    };
    let most = match call.parameter("maxresults") {
        None | Some("") => usize::MAX,
        Some(text) => match text.parse::<usize>() {
            Ok(most) if most > 0 => most.min(PAGES_LISTED),
            _ => {
                let message = "maxresults is a number above zero.";
                return Err(Fault::new(400, "OutOfRangeQueryParameterValue", message));
            }
        },
    };
    if let Some(marker) = call.parameter("marker").filter(|marker| !marker.is_empty()) {
        let message = "The marker is none that was given.";
        let at = marker.parse::<u64>().ok().filter(|at| *at <= record.bytes);
        from = from.max(at.ok_or_else(|| Fault::new(400, "InvalidQueryParameterValue", message))?);
    }
    let since = earlier(context, &held, (container, name), &record)?;
    let take = |stretches: &mut dyn Iterator<Item = Stretch>| -> Vec<Stretch> {
        stretches.take(most.saturating_add(1)).collect()
    };
    let mut found = held.with_map(key, name, snapshot, &file, |map| match since {
        None => take(&mut map.written(from, to)),
        Some(epoch) => take(&mut map.changed(epoch, from, to)),
    })?;
    let next = (found.len() > most).then(|| found.pop()).flatten();
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?><PageList>");
    for Stretch { start, end, state } in found {
        let tag = match state {
            PageState::Written => "PageRange",
            PageState::Cleared => "ClearRange",
        };
        let last = end - 1;
        text.push_str(&format!("<{tag}><Start>{start}</Start><End>{last}</End></{tag}>"));
    }
    if let Some(next) = next {
        text.push_str(&format!("<NextMarker>{}</NextMarker>", next.start));
    }
    text.push_str("</PageList>");
    let answer = dated(Answer::xml(200, text), &record);
    Ok(answer.with("x-ms-blob-content-length", record.bytes.to_string()))
}

/// A stretch to look at; what lies beyond the end is not there, and a start beyond it is wrong.
fn window(range: &str, bytes: u64) -> Result<(u64, u64), Fault> {
    let (start, end) = super::headers::stretch(range, bytes).map_err(|_| {
        let message = "The range is not one of the blob.";
        Fault::new(416, "InvalidPageRange", message)
    })?;
    Ok((start - start % PAGE_BYTES, end.next_multiple_of(PAGE_BYTES).min(bytes)))
}

/// How many snapshots there had been at the snapshot that a difference is asked against.
fn earlier(
    context: Context<'_>,
    held: &LockedStore<'_>,
    (container, name): (&str, &str),
    record: &Record,
) -> Result<Option<u64>, Fault> {
    let call = context.call;
    let key = (context.own.name.as_str(), container);
    let address = call.header("x-ms-previous-snapshot-url");
    let by_url = address.map(|address| {
        let url = Url::parse(address).map_err(|_| Fault::header("x-ms-previous-snapshot-url"))?;
        let named = url.query_pairs().find(|(name, _)| name == "snapshot");
        named.map(|(_, id)| id.into_owned()).ok_or_else(|| {
            let message = "The earlier snapshot is named by a snapshot's address.";
            Fault::new(400, "InvalidQueryParameterValue", message)
        })
    });
    let by_query = call.parameter("prevsnapshot").map(str::to_owned);
    let Some(id) = by_url.transpose()?.or(by_query) else { return Ok(None) };
    let Some(Blob { record: earlier, .. }) = held.version(key, name, Some(&id))? else {
        let message = "The earlier snapshot does not exist.";
        return Err(Fault::new(409, "PreviousSnapshotNotFound", message));
    };
    if call.parameter("snapshot").is_some_and(|own| *own < *id) {
        let message = "The earlier snapshot is the later one.";
        return Err(Fault::new(400, "PreviousSnapshotCannotBeNewer", message));
    }
    if record.versions.born > earlier.versions.epoch {
        let message = "The blob was written as a whole since the earlier snapshot.";
        return Err(Fault::new(409, "BlobOverwritten", message));
    }
    Ok(Some(earlier.versions.epoch))
}

/// Sets length and sequence number; whether the call asks for one of them.
pub(super) fn set(
    context: Context<'_>,
    held: &LockedStore<'_>,
    key: Key<'_>,
    record: &mut Record,
) -> Result<bool, Fault> {
    let call = context.call;
    let bytes = number(call, "x-ms-blob-content-length")?;
    let action = call.header("x-ms-sequence-number-action");
    if bytes.is_none() && action.is_none() {
        return Ok(false);
    }
    check_kind(record)?;
    let given = sequence(call)?;
    let own = record.versions.sequence;
    record.versions.sequence = match (action, given) {
        (None, _) => own,
        (Some("increment"), None) => own + 1,
        (Some("max"), Some(given)) => own.max(given),
        (Some("update"), Some(given)) => given,
        _ => return Err(Fault::header("x-ms-sequence-number-action")),
    };
    if let Some(bytes) = bytes {
        held.resize(key, record, length(bytes)?)?;
    }
    Ok(true)
}
