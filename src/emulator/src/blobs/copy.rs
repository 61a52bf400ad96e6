//! Copies inside the service: Copy Blob and Put Blob From URL. The source is one of our own
//! blobs, named by its full address, and must be opened by a SAS or token of its own.

use std::fs::File;
use std::io::{self, Read, Write};

use md5::{Digest, Md5};
use url::Url;

use super::access::{Proof, md5_text};
use super::call::{Context, Path3};
use super::conditions::{check, check_lease, check_source};
use super::copy_state::CopySource;
use super::fault::Fault;
use super::grants::{ACCOUNT, BLOB, Grant, is_meant};
use super::headers::{dated, metadata, properties};
use super::need::{Place, READ};
use super::record::{BlobKind, Properties, Record};
use super::store::{Blob, Draft};
use super::{copying, sas, tier};
use crate::http::{Answer, Call};
use crate::keys::StorageAccount;
use crate::mischief::COPIES;

/// A source that the call may read.
pub(super) struct Found {
    pub file: File,
    pub record: Record,
    pub from: CopySource,
}

/// Answers a call with `x-ms-copy-source`.
pub(super) fn answer(
    context: Context<'_>,
    proof: Proof,
    container: &str,
    name: &str,
) -> Result<Answer, Fault> {
    let call = context.call;
    tier::asked(context)?;
    match call.header("x-ms-blob-type") {
        None => start(context, proof, container, name),
        Some("BlockBlob") => put(context, container, name),
        Some(_) => Err(Fault::header("x-ms-blob-type")),
    }
}

/// Begins a copy; it is over at once unless it is to be slow or to fail ("Copy Blob").
fn start(context: Context<'_>, proof: Proof, container: &str, name: &str) -> Result<Answer, Fault> {
    let call = context.call;
    // Who signs a copy inside the account with its key may read its source too.
    let found = open(context, (proof == Proof::Key).then_some(context.own))?;
    // Of what is kept by incremental copies the snapshots are copied, never the blob itself.
    if found.from.snapshot.is_none() {
        copying::check_not_bound(&found.record)?;
    }
    let kind = found.record.properties.kind;
    let key = (context.own.name.as_str(), container);
    let held = context.store.hold();
    let before = held.blob(key, name)?.map(|blob| blob.record);
    check(context, before.as_ref())?;
    check_lease(context, before.as_ref())?;
    if let Some(before) = &before {
        copying::check_free(before)?;
        if context.nature.is_premium && !held.snapshots(key, name)?.is_empty() {
            let message = "A premium page blob that has snapshots is not copied over.";
            return Err(Fault::new(409, "SnapshotsPresent", message));
        }
        if before.properties.kind != kind {
            let message = "The blob that is there is of another kind.";
            return Err(Fault::new(409, "InvalidBlobType", message));
        }
        // An end in mid-copy would open the blob to others.
        if before.lease.as_ref().is_some_and(|own| own.is_held(context.now) && own.secs.is_some()) {
            let message = "A copy goes onto a blob under a lease without end only.";
            return Err(Fault::new(412, "InfiniteLeaseDurationRequired", message));
        }
    }
    let id = uuid::Uuid::new_v4().to_string();
    let mut properties = taken_over(context, &found.record);
    properties.copy = Some((id.clone(), plain_address(call)));
    properties.sequence = found.record.versions.sequence;
    let bytes = found.record.bytes;
    let is_pending = call.header(COPIES).is_some();
    let draft = if is_pending {
        properties.copy_state = Some(copying::begun(context, found.from, bytes));
        let draft = held.draft()?;
        draft.file().set_len(bytes)?;
        draft
    } else {
        let from = &found.from;
        let place = (from.account.as_str(), from.container.as_str());
        let read = (place, from.name.as_str(), from.snapshot.as_deref());
        let (draft, pages) = copying::content(&held, read, &found.file, &found.record)?;
        properties.pages = pages;
        draft
    };
    let record = held.put(key, name, draft, properties, context.now)?;
    let answer = dated(Answer::empty(202), &record).with("x-ms-copy-id", id);
    Ok(answer.with("x-ms-copy-status", if is_pending { "pending" } else { "success" }))
}

/// Puts what the service reads from another blob ("Put Blob From URL").
fn put(context: Context<'_>, container: &str, name: &str) -> Result<Answer, Fault> {
    let call = context.call;
    let Found { file, record: source, .. } = open(context, None)?;
    let (draft, md5) = transfer(context, file)?;
    for given in ["x-ms-source-content-md5", "x-ms-blob-content-md5"] {
        if call.header(given).is_some_and(|given| given != md5) {
            return Err(Fault::md5());
        }
    }
    let own = call.header("x-ms-copy-source-blob-properties") == Some("false");
    let properties = if own { properties(call) } else { taken_over(context, &source) };
    let mut properties = Properties { kind: BlobKind::BlockBlob, ..properties };
    if let Some(md5) = call.header("x-ms-blob-content-md5") {
        properties.content_md5 = Some(md5.to_owned());
    }
    properties.copy = Some((uuid::Uuid::new_v4().to_string(), plain_address(call)));
    let key = (context.own.name.as_str(), container);
    let held = context.store.hold();
    let before = held.blob(key, name)?.map(|blob| blob.record);
    check(context, before.as_ref())?;
    check_lease(context, before.as_ref())?;
    before.as_ref().map_or(Ok(()), copying::check_free)?;
    let record = held.put(key, name, draft, properties, context.now)?;
    let answer = dated(Answer::empty(201), &record).with("content-md5", md5);
    Ok(answer.with("x-ms-request-server-encrypted", "true"))
}

/// The source's address without what opens it; of a snapshot, with which it is.
pub(super) fn plain_address(call: &Call) -> String {
    let address = call.header("x-ms-copy-source").unwrap_or_default();
    let (plain, query) = address.split_once('?').unwrap_or((address, ""));
    match query.split('&').find(|pair| pair.starts_with("snapshot=")) {
        Some(snapshot) => format!("{plain}?{snapshot}"),
        None => plain.to_owned(),
    }
}

/// The source's properties, with metadata of the call if it has any.
fn taken_over(context: Context<'_>, source: &Record) -> Properties {
    let own = metadata(context.call);
    let metadata = if own.is_empty() { source.properties.metadata.clone() } else { own };
    // The copy is where it is put, not where its source is.
    let tier = context.call.header("x-ms-access-tier").map(str::to_owned);
    let old = source.properties.clone();
    let (blocks, copy_state, incremental) = (Vec::new(), None, None);
    Properties { metadata, blocks, tier, rehydration: None, copy_state, incremental, ..old }
}

/// Opens the source as the call may see it: by what it brings for it, or as one who has the key
/// of its account.
pub(super) fn open(context: Context<'_>, keyed: Option<&StorageAccount>) -> Result<Found, Fault> {
    let Context { account, call, .. } = context;
    let address = call.header("x-ms-copy-source").unwrap_or_default();
    let url = Url::parse(address).map_err(|_| Fault::header("x-ms-copy-source"))?;
    let Some(named) = context.addresses.leads_here(&url) else {
        let message = "The emulator reads from its own host only.";
        return Err(Fault::source(403, message));
    };
    let nowhere = || Fault::source(404, "There is no such source.");
    let path = Path3::parse(named, url.path()).ok_or_else(nowhere)?;
    let (Some(container), Some(name)) = (path.container, path.blob) else { return Err(nowhere()) };
    let own = match account.storage(&path.account) {
        Some(own) => own,
        None if is_meant(&path.account, Some(&container), Some(&name)) => {
            return granted(context, &url, &container);
        }
        None => return Err(nowhere()),
    };
    let token = call.header("x-ms-copy-source-authorization");
    let snapshot = url.query_pairs().find(|(name, _)| name == "snapshot");
    let snapshot = snapshot.map(|(_, id)| id.into_owned());
    let is_allowed = match token.and_then(|header| header.strip_prefix("Bearer ")) {
        Some(token) => account.takes(token),
        None => {
            let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
            let place = Place { container: &container, blob: Some(&name) };
            keyed.is_some_and(|keyed| keyed.name == own.name)
                || sas::check((account, own), &query, READ, place).is_ok()
        }
    };
    if !is_allowed {
        return Err(Fault::source(403, "The source is private and the call does not open it."));
    }
    let held = context.store.hold();
    let blob = held.version((&path.account, &container), &name, snapshot.as_deref())?;
    let Blob { file, record } = blob.ok_or_else(nowhere)?;
    check_source(context, &record)?;
    tier::check(&record, context.now)?;
    let (account, etag) = (path.account, record.etag.clone());
    Ok(Found { file, record, from: CopySource { account, container, name, snapshot, etag } })
}

/// A managed disk or a snapshot of one, by an address that opens it.
fn granted(context: Context<'_>, url: &Url, id: &str) -> Result<Found, Fault> {
    let signature = url.query_pairs().find(|(name, _)| name == "sig").map(|(_, own)| own);
    let grant = context.grants.find(id, context.now);
    let grant = grant.filter(|own| signature.is_some_and(|given| given == own.signature.as_str()));
    let closed = || Fault::source(403, "The address is wrong, ended or over.");
    let Grant { disk, snapshot, .. } = grant.ok_or_else(closed)?;
    let held = context.store.hold();
    let blob = held.version((ACCOUNT, &disk), BLOB, snapshot.as_deref())?;
    let Blob { file, record } =
        blob.ok_or_else(|| Fault::source(404, "There is no such source."))?;
    let (account, name, etag) = (ACCOUNT.to_owned(), BLOB.to_owned(), record.etag.clone());
    Ok(Found { file, record, from: CopySource { account, container: disk, name, snapshot, etag } })
}

fn transfer(context: Context<'_>, mut file: File) -> io::Result<(Draft, String)> {
    let mut draft = context.store.draft()?;
    let mut md5 = Md5::new();
    let mut piece = vec![0; 1 << 20];
    loop {
        let count = file.read(&mut piece)?;
        if count == 0 {
            return Ok((draft, md5_text(&md5.finalize())));
        }
        md5.update(&piece[..count]);
        draft.write_all(&piece[..count])?;
    }
}
