//! Calls about one blob.

use std::io::Write;
use std::os::unix::fs::FileExt;

use disk_prep::limits::{PREMIUM_SNAPSHOTS, SHORTEST_ROUND_SECS, SUMMED_BYTES};
use hyper::Method;
use jiff::Timestamp;

use super::access::Proof;
use super::call::Context;
use super::conditions::{check, check_lease};
use super::fault::Fault;
use super::headers::{dated, described, metadata, numbered, properties, stretch};
use super::sums::{Sum, check_md5, check_sums};
use super::{blocks, copy, copying, incremental, lease, page_calls, tier};
use crate::http::{Answer, Body, Call};

/// Answers a call about a blob of a container that exists.
pub(super) fn answer(
    context: Context<'_>,
    proof: Proof,
    container: &str,
    name: &str,
) -> Result<Answer, Fault> {
    let call = context.call;
    // Taken for a call about the blob itself, it would read or delete the wrong thing.
    if call.parameter("versionid").is_some() {
        return Err(Fault::not_there());
    }
    if call.parameter("snapshot").is_some() && call.method == Method::PUT {
        let message = "A snapshot is never changed.";
        return Err(Fault::new(400, "InvalidQueryParameterValue", message));
    }
    copying::settle(context, container, name)?;
    let is_copy = call.headers.contains_key("x-ms-copy-source");
    match (&call.method, call.parameter("comp")) {
        (&Method::GET | &Method::HEAD, None) => get(context, container, name),
        (&Method::GET, Some("blocklist")) => blocks::list(context, container, name),
        (&Method::DELETE, None) => delete(context, container, name),
        (&Method::GET, Some("pagelist")) => page_calls::list(context, container, name),
        (&Method::PUT, Some("snapshot")) => snapshot(context, container, name),
        (&Method::PUT, Some("page")) if is_copy => page_calls::put_from(context, container, name),
        (&Method::PUT, Some("page")) => page_calls::put(context, container, name),
        (&Method::PUT, Some("copy")) => copying::abort(context, container, name),
        (&Method::PUT, Some("incrementalcopy")) => {
            incremental::answer(context, proof, container, name)
        }
        (&Method::PUT, None) if is_copy => copy::answer(context, proof, container, name),
        (&Method::PUT, None) => put(context, container, name),
        (&Method::PUT, Some("block")) if is_copy => blocks::put_from(context, container, name),
        (&Method::PUT, Some("block")) => blocks::put(context, container, name),
        (&Method::PUT, Some("blocklist")) => blocks::commit(context, container, name),
        (&Method::PUT, Some("properties" | "metadata")) => set(context, container, name),
        (&Method::PUT, Some("tier")) => tier::set(context, container, name),
        (&Method::PUT, Some("lease")) => lease::of_blob(context, container, name),
        _ => Err(Fault::not_there()),
    }
}

fn get(context: Context<'_>, container: &str, name: &str) -> Result<Answer, Fault> {
    let call = context.call;
    let key = (context.own.name.as_str(), container);
    let snapshot = call.parameter("snapshot");
    let blob = context.store.hold().version(key, name, snapshot)?.ok_or_else(Fault::no_blob)?;
    let record = blob.record;
    check(context, Some(&record))?;
    if call.method == Method::HEAD {
        let answer = described(Answer::empty(200), &record, context.now, false);
        return Ok(Answer { body: Body::Head(record.bytes), ..answer });
    }
    tier::check(&record, context.now)?;
    if snapshot.is_none() {
        copying::check_not_bound(&record)?;
    }
    let range = call.header("x-ms-range").or_else(|| call.header("range"));
    let Some((start, end)) = range.map(|range| stretch(range, record.bytes)).transpose()? else {
        if Sum::asked(call).is_some() {
            return Err(Fault::header("x-ms-range"));
        }
        let answer = described(Answer::empty(200), &record, context.now, false);
        let body = Body::Stretch { file: blob.file, start: 0, bytes: record.bytes };
        return Ok(Answer { body, ..answer });
    };
    let mut answer = described(Answer::empty(206), &record, context.now, true)
        .with("content-range", format!("bytes {start}-{}/{}", end - 1, record.bytes));
    if let Some(sum) = Sum::asked(call) {
        if end - start > SUMMED_BYTES {
            return Err(Fault::header(sum.asked_by()));
        }
        let mut content = vec![0; usize::try_from(end - start).unwrap_or(0)];
        blob.file.read_exact_at(&mut content, start)?;
        answer = answer.with(sum.header(), sum.of(&content));
    }
    Ok(Answer { body: Body::Stretch { file: blob.file, start, bytes: end - start }, ..answer })
}

fn put(context: Context<'_>, container: &str, name: &str) -> Result<Answer, Fault> {
    let call = context.call;
    match call.header("x-ms-blob-type") {
        Some("BlockBlob") => {}
        Some("PageBlob") => return page_calls::create(context, container, name),
        Some("AppendBlob") => {
            let message = "The emulator takes block blobs and page blobs.";
            return Err(Fault::new(501, "NotImplemented", message));
        }
        Some(_) => return Err(Fault::header("x-ms-blob-type")),
        None => return Err(Fault::missing_header("x-ms-blob-type")),
    }
    let sum = check_sums(call, &call.body)?;
    tier::asked(context)?;
    check_md5(call, "x-ms-blob-content-md5", &call.body)?;
    let mut draft = context.store.draft()?;
    draft.write_all(&call.body)?;
    let key = (context.own.name.as_str(), container);
    let held = context.store.hold();
    let before = held.blob(key, name)?.map(|blob| blob.record);
    check(context, before.as_ref())?;
    check_lease(context, before.as_ref())?;
    before.as_ref().map_or(Ok(()), copying::check_free)?;
    let record = held.put(key, name, draft, properties(call), context.now)?;
    // Told although nobody asked: some clients look at it.
    let md5 = Sum::Md5.of(&call.body);
    let mut answer = dated(Answer::empty(201), &record).with("content-md5", md5);
    if sum == Sum::Crc64 {
        answer = answer.with(sum.header(), sum.of(&call.body));
    }
    Ok(answer.with("x-ms-request-server-encrypted", "true"))
}

fn delete(context: Context<'_>, container: &str, name: &str) -> Result<Answer, Fault> {
    let call = context.call;
    let key = (context.own.name.as_str(), container);
    let held = context.store.hold();
    let snapshot = call.parameter("snapshot");
    let record = held.version(key, name, snapshot)?.map(|found| found.record);
    // A condition about what is gone is not met; without one there is nothing.
    check(context, record.as_ref())?;
    let record = record.ok_or_else(Fault::no_blob)?;
    let given = call.header("x-ms-delete-snapshots");
    match (snapshot, given) {
        (Some(id), None) => held.remove_snapshot(key, name, id)?,
        (Some(_), Some(_)) => return Err(Fault::header("x-ms-delete-snapshots")),
        (None, Some("only")) => held.drop_snapshots(key, name)?,
        (None, None | Some("include")) => {
            check_lease(context, Some(&record))?;
            if copying::is_pending(&record) {
                copying::check_free(&record)?;
            }
            if given.is_none() && !held.snapshots(key, name)?.is_empty() {
                let message = "The blob has snapshots, and the call does not say what of them.";
                return Err(Fault::new(409, "SnapshotsPresent", message));
            }
            held.remove(key, name)?;
        }
        (None, Some(_)) => return Err(Fault::header("x-ms-delete-snapshots")),
    }
    Ok(Answer::empty(202).with("x-ms-delete-type-permanent", "true"))
}

/// Takes a snapshot ("Snapshot Blob").
fn snapshot(context: Context<'_>, container: &str, name: &str) -> Result<Answer, Fault> {
    let key = (context.own.name.as_str(), container);
    let held = context.store.hold();
    let mut record = held.blob(key, name)?.ok_or_else(Fault::no_blob)?.record;
    copying::check_free(&record)?;
    check(context, Some(&record))?;
    // A lease does not keep others from taking snapshots; a wrong one named is wrong all the same.
    if context.call.header("x-ms-lease-id").is_some() {
        check_lease(context, Some(&record))?;
    }
    if context.nature.is_premium {
        check_premium(context, &held.snapshots(key, name)?)?;
    }
    let own = metadata(context.call);
    let (id, record) = held.snapshot(key, &mut record, own, context.now)?;
    let answer = dated(Answer::empty(201), &record).with("x-ms-snapshot", id);
    Ok(answer.with("x-ms-request-server-encrypted", "true"))
}

/// A premium page blob has so many snapshots, one in a while ("Snapshot Blob").
fn check_premium(context: Context<'_>, snapshots: &[String]) -> Result<(), Fault> {
    let last = snapshots.last().and_then(|id| id.parse::<Timestamp>().ok());
    let while_ago = last.map(|last| context.now.duration_since(last).as_secs().unsigned_abs());
    if while_ago.is_some_and(|secs| secs < SHORTEST_ROUND_SECS) {
        let message = "A premium page blob has one snapshot in ten minutes.";
        return Err(Fault::new(409, "SnapshotOperationRateExceeded", message));
    }
    if snapshots.len() >= PREMIUM_SNAPSHOTS {
        let message = "A premium page blob has a hundred snapshots at most.";
        return Err(Fault::new(409, "SnapshotCountExceeded", message));
    }
    Ok(())
}

/// Sets properties or metadata.
fn set(context: Context<'_>, container: &str, name: &str) -> Result<Answer, Fault> {
    let call = context.call;
    let key = (context.own.name.as_str(), container);
    let held = context.store.hold();
    let mut record = held.blob(key, name)?.ok_or_else(Fault::no_blob)?.record;
    check(context, Some(&record))?;
    check_lease(context, Some(&record))?;
    copying::check_free(&record)?;
    match call.parameter("comp") {
        Some("metadata") => record.properties.metadata = metadata(call),
        // Length and number of a page blob are set by themselves.
        _ if page_calls::set(context, &held, key, &mut record)? && !names_content(call) => {}
        _ => {
            let new = properties(call);
            let old = &mut record.properties;
            old.content_type = call.header("x-ms-blob-content-type").map(str::to_owned);
            old.content_encoding = call.header("x-ms-blob-content-encoding").map(str::to_owned);
            old.content_language = call.header("x-ms-blob-content-language").map(str::to_owned);
            old.content_disposition = new.content_disposition;
            old.cache_control = call.header("x-ms-blob-cache-control").map(str::to_owned);
            old.content_md5 = call.header("x-ms-blob-content-md5").map(str::to_owned);
        }
    }
    record.touch(context.now);
    held.save(key, &record)?;
    Ok(numbered(dated(Answer::empty(200), &record), &record))
}

/// Whether a call sets what a content is.
fn names_content(call: &Call) -> bool {
    let is_one = |name: &str| {
        name == "x-ms-blob-cache-control"
            || (name.starts_with("x-ms-blob-content-") && name != "x-ms-blob-content-length")
    };
    call.headers.keys().any(|name| is_one(name.as_str()))
}
