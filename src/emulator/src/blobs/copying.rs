//! Copies that do not come off at once: kept with the blob that they make, looked at again whenever
//! somebody looks at that blob, ended by a failure, a word, or after two weeks ("Copy Blob",
//! "Abort Copy Blob").

use jiff::{SignedDuration, Timestamp};

use super::call::Context;
use super::conditions::check_lease;
use super::content::move_pages;
use super::copy_state::{CopySource, CopyState, CopyStatus};
use super::fault::Fault;
use super::headers::dated;
use super::pages::{PageState, Stretch};
use super::record::{BlobKind, Properties, Record};
use super::store::{ContainerKey, Draft, LockedStore};
use crate::http::Answer;
use crate::mischief::COPIES;

/// As long as a copy may be pending.
const LONGEST: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Refuses to change what a copy is being put into, or what only incremental copies may change.
pub(super) fn check_free(record: &Record) -> Result<(), Fault> {
    if is_pending(record) {
        let message = "A copy into this blob is pending.";
        return Err(Fault::new(409, "PendingCopyOperation", message));
    }
    check_not_bound(record)
}

/// Refuses to read or change what came by incremental copies.
pub(super) fn check_not_bound(record: &Record) -> Result<(), Fault> {
    if record.properties.incremental.is_some() {
        let message = "The blob is kept by incremental copies; its snapshots can be read.";
        return Err(Fault::new(409, "OperationNotAllowedOnIncrementalCopyBlob", message));
    }
    Ok(())
}

/// Whether a copy into a blob is on its way.
pub(super) fn is_pending(record: &Record) -> bool {
    let state = record.properties.copy_state.as_ref();
    state.is_some_and(|state| state.status == CopyStatus::Pending)
}

/// A copy that begins: how it stands.
pub(super) fn begun(context: Context<'_>, from: CopySource, bytes: u64) -> CopyState {
    CopyState {
        status: CopyStatus::Pending,
        done_bytes: 0,
        total_bytes: bytes,
        description: None,
        begun: context.now,
        ended: None,
        from,
        is_doomed: context.call.header(COPIES) == Some("failed"),
    }
}

/// Goes on with the copy into a blob, if there is one.
pub(super) fn settle(context: Context<'_>, container: &str, name: &str) -> Result<(), Fault> {
    let key = (context.own.name.as_str(), container);
    let held = context.store.hold();
    let Some(blob) = held.blob(key, name)? else { return Ok(()) };
    let mut record = blob.record;
    if !is_pending(&record) {
        return Ok(());
    }
    let is_bound = record.properties.incremental.is_some();
    let Some(state) = record.properties.copy_state.as_mut() else { return Ok(()) };
    if context.now.duration_since(state.begun) > LONGEST {
        return end(&held, key, record, "500 OperationCancelled", context.now);
    }
    if context.call.header(COPIES) == Some("pending") {
        let left = state.total_bytes - state.done_bytes;
        state.done_bytes += left / 2;
        return Ok(held.save(key, &record)?);
    }
    if state.is_doomed {
        state.done_bytes = state.total_bytes / 10 * 9;
        let why = "500 InternalServerError \"Copy failed.\"";
        return end(&held, key, record, why, context.now);
    }
    if is_bound {
        succeed(&mut record, context.now);
        return Ok(held.save(key, &record)?);
    }
    let from = state.from.clone();
    let place = (from.account.as_str(), from.container.as_str());
    match held.version(place, &from.name, from.snapshot.as_deref())? {
        Some(source) if source.record.etag == from.etag => {
            let (draft, pages) = content(
                &held,
                (place, &from.name, from.snapshot.as_deref()),
                &source.file,
                &source.record,
            )?;
            let sequence = record.versions.sequence;
            succeed(&mut record, context.now);
            let properties = Properties { pages, sequence, ..record.properties };
            held.put(key, name, draft, properties, context.now)?;
            Ok(())
        }
        Some(_) => {
            end(&held, key, record, "412 PreconditionFailed \"The source changed.\"", context.now)
        }
        None => end(&held, key, record, "404 BlobNotFound \"The source is gone.\"", context.now),
    }
}

fn succeed(record: &mut Record, now: Timestamp) {
    if let Some(state) = record.properties.copy_state.as_mut() {
        state.status = CopyStatus::Success;
        state.done_bytes = state.total_bytes;
        state.ended = Some(now);
    }
}

/// Ends a copy that came to nothing; what is left is an empty blob.
fn end(
    held: &LockedStore<'_>,
    key: ContainerKey<'_>,
    mut record: Record,
    why: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    let name = record.name.clone();
    if let Some(state) = record.properties.copy_state.as_mut() {
        state.status = CopyStatus::Failed;
        state.description = Some(why.to_owned());
        state.ended = Some(now);
    }
    held.put(key, &name, held.draft()?, record.properties, now)?;
    Ok(())
}

/// A source's content as a draft, and the pages of it that are written.
pub(super) fn content(
    held: &LockedStore<'_>,
    (key, name, snapshot): (ContainerKey<'_>, &str, Option<&str>),
    file: &std::fs::File,
    record: &Record,
) -> Result<(Draft, Vec<(u64, u64)>), Fault> {
    let draft = held.draft()?;
    draft.file().set_len(record.bytes)?;
    if record.properties.kind == BlobKind::BlockBlob {
        let whole = Stretch { start: 0, end: record.bytes, state: PageState::Written };
        move_pages(file, draft.file(), std::iter::once(whole))?;
        return Ok((draft, Vec::new()));
    }
    let written: Vec<Stretch> =
        held.with_map(key, name, snapshot, file, |map| map.written(0, record.bytes).collect())?;
    let pages = written.iter().map(|own| (own.start, own.end)).collect();
    move_pages(file, draft.file(), written.into_iter())?;
    Ok((draft, pages))
}

/// Ends a pending copy at its owner's word.
pub(super) fn abort(context: Context<'_>, container: &str, name: &str) -> Result<Answer, Fault> {
    let call = context.call;
    if call.header("x-ms-copy-action") != Some("abort") {
        return Err(Fault::header("x-ms-copy-action"));
    }
    let key = (context.own.name.as_str(), container);
    let held = context.store.hold();
    let mut record = held.blob(key, name)?.ok_or_else(Fault::no_blob)?.record;
    check_lease(context, Some(&record))?;
    let id = record.properties.copy.as_ref().map(|(id, _)| id.clone());
    if !is_pending(&record) || id.as_deref() != call.parameter("copyid") {
        let message = "No such copy is pending.";
        return Err(Fault::new(409, "NoPendingCopyOperation", message));
    }
    if let Some(state) = record.properties.copy_state.as_mut() {
        state.status = CopyStatus::Aborted;
        state.ended = Some(context.now);
    }
    let record = held.put(key, name, held.draft()?, record.properties, context.now)?;
    Ok(dated(Answer::empty(204), &record))
}
