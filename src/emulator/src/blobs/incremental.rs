//! Incremental Copy Blob: what changed of a page blob between two of its snapshots goes into
//! another one, which is bound to it for ever and gets a snapshot each time.

use std::collections::BTreeMap;

use super::access::Proof;
use super::call::Context;
use super::conditions::check;
use super::content::move_pages;
use super::copy;
use super::copy_state::{CopyState, CopyStatus, Incremental};
use super::copying::{begun, check_free, content, is_pending};
use super::fault::Fault;
use super::headers::dated;
use super::page_calls::check_kind;
use super::pages::Stretch;
use super::record::{Properties, Record};
use super::store::{ContainerKey, LockedStore};
use crate::http::Answer;

/// Answers the call.
pub(super) fn answer(
    context: Context<'_>,
    proof: Proof,
    container: &str,
    name: &str,
) -> Result<Answer, Fault> {
    let found = copy::open(context, (proof == Proof::Key).then_some(context.own))?;
    check_kind(&found.record)?;
    let from = found.from;
    let Some(last) = from.snapshot.clone() else {
        let message = "The source of an incremental copy is a snapshot.";
        return Err(Fault::new(409, "IncrementalCopySourceMustBeSnapshot", message));
    };
    let source = (from.account.clone(), from.container.clone(), from.name.clone());
    let key = (context.own.name.as_str(), container);
    let held = context.store.hold();
    let before = held.blob(key, name)?.map(|blob| blob.record);
    check(context, before.as_ref())?;
    let bound = before.as_ref().and_then(|own| own.properties.incremental.as_ref());
    match (&before, bound) {
        (Some(own), _) if is_pending(own) => check_free(own)?,
        (Some(_), None) => return Err(mismatch()),
        (Some(_), Some(bound)) if bound.source != source => return Err(mismatch()),
        (Some(_), Some(bound)) if bound.last >= last => {
            let message = "This snapshot is not later than the one that was copied last.";
            return Err(Fault::new(409, "IncrementalCopyOfEarlierSnapshotNotAllowed", message));
        }
        _ => {}
    }
    let epoch = bound.map(|bound| bound.last_epoch);
    if epoch.is_some_and(|epoch| found.record.versions.born > epoch) {
        let message = "The source was written as a whole since the last copy.";
        return Err(Fault::new(409, "BlobOverwritten", message));
    }
    let place = (from.account.as_str(), from.container.as_str());
    let read = (place, from.name.as_str(), from.snapshot.as_deref());
    let mut record = match (before, epoch) {
        (Some(mut own), Some(epoch)) => {
            go_on(&held, key, &mut own, read, &found.file, &found.record, epoch)?;
            own
        }
        _ => {
            let (draft, pages) = content(&held, read, &found.file, &found.record)?;
            let properties = Properties { pages, ..found.record.properties.clone() };
            held.put(key, name, draft, properties, context.now)?
        }
    };
    let id = uuid::Uuid::new_v4().to_string();
    let plain = copy::plain_address(context.call);
    let bytes = found.record.bytes;
    let last_epoch = found.record.versions.epoch;
    record.touch(context.now);
    record.properties.copy = Some((id.clone(), plain));
    let state = begun(context, from, bytes);
    let (status, done_bytes, ended) = (CopyStatus::Success, bytes, Some(context.now));
    let ended = CopyState { status, done_bytes, ended, ..state.clone() };
    record.properties.copy_state = Some(ended);
    let (own, _) = held.snapshot(key, &mut record, BTreeMap::new(), context.now)?;
    // What it made is whole; the blob itself is told as pending until it is looked at again.
    record.properties.copy_state = Some(state);
    record.properties.incremental = Some(Incremental { source, last, last_epoch, own });
    held.save(key, &record)?;
    let answer = dated(Answer::empty(202), &record).with("x-ms-copy-id", id);
    Ok(answer.with("x-ms-copy-status", "pending"))
}

fn mismatch() -> Fault {
    let message = "The blob was not made by incremental copies of this source.";
    Fault::new(409, "IncrementalCopyBlobMismatch", message)
}

/// Takes over what changed.
fn go_on(
    held: &LockedStore<'_>,
    key: ContainerKey<'_>,
    own: &mut Record,
    (place, name, snapshot): (ContainerKey<'_>, &str, Option<&str>),
    file: &std::fs::File,
    source: &Record,
    epoch: u64,
) -> Result<(), Fault> {
    if own.bytes != source.bytes {
        held.resize(key, own, source.bytes)?;
    }
    let changed: Vec<Stretch> = held.with_map(place, name, snapshot, file, |map| {
        map.changed(epoch, 0, source.bytes).collect()
    })?;
    let to = held.open(key, &own.name)?.ok_or_else(Fault::no_blob)?;
    let path = held.map_path(key, &own.name, None);
    for stretch in &changed {
        held.maps().set(&path, &to, *stretch, own.versions.epoch)?;
    }
    Ok(move_pages(file, &to, changed.into_iter())?)
}
