//! Copies inside the service: Copy Blob and Put Blob From URL. The source is one of our own
//! blobs, named by its full address, and must be opened by a SAS or token of its own.

use std::fs::File;
use std::io::{self, Read, Write};

use md5::{Digest, Md5};
use url::Url;

use super::access::{Proof, md5_text};
use super::call::{Context, Path3};
use super::conditions::{check, check_lease, check_source};
use super::fault::Fault;
use super::headers::{dated, metadata, properties};
use super::need::{Place, READ};
use super::store::{Draft, Properties, Record};
use super::{sas, tier};
use crate::http::Answer;
use crate::keys::StorageAccount;

/// Answers a call with `x-ms-copy-source`.
pub(super) fn answer(
    context: Context<'_>,
    proof: Proof,
    container: &str,
    name: &str,
) -> Result<Answer, Fault> {
    let call = context.call;
    tier::asked(context)?;
    let is_put = match call.header("x-ms-blob-type") {
        None => false,
        Some("BlockBlob") => true,
        Some(_) => return Err(Fault::header("x-ms-blob-type")),
    };
    let address = call.header("x-ms-copy-source").unwrap_or_default();
    // Who signs a copy inside the account with its key may read its source too; not so where the
    // content is put ("Copy Blob", "Put Blob From URL").
    let (file, source) = open(context, (!is_put && proof == Proof::Key).then_some(context.own))?;
    let (draft, md5) = transfer(context, file)?;
    for given in ["x-ms-source-content-md5", "x-ms-blob-content-md5"] {
        if call.header(given).is_some_and(|given| given != md5) {
            return Err(Fault::md5());
        }
    }
    let own = is_put && call.header("x-ms-copy-source-blob-properties") == Some("false");
    let mut properties = if own { properties(call) } else { taken_over(context, &source) };
    if let Some(md5) = call.header("x-ms-blob-content-md5") {
        properties.content_md5 = Some(md5.to_owned());
    }
    let id = uuid::Uuid::new_v4().to_string();
    let plain = address.split('?').next().unwrap_or_default().to_owned();
    properties.copy = Some((id.clone(), plain));
    let key = (context.own.name.as_str(), container);
    let held = context.store.hold();
    let before = held.blob(key, name)?.map(|blob| blob.record);
    check(context, before.as_ref())?;
    check_lease(context, before.as_ref())?;
    let record = held.put(key, name, draft, properties, context.now)?;
    Ok(if is_put {
        let answer = dated(Answer::empty(201), &record).with("content-md5", md5);
        answer.with("x-ms-request-server-encrypted", "true")
    } else {
        let answer = dated(Answer::empty(202), &record).with("x-ms-copy-id", id);
        answer.with("x-ms-copy-status", "success")
    })
}

/// The source's properties, with metadata of the call if it has any.
fn taken_over(context: Context<'_>, source: &Record) -> Properties {
    let own = metadata(context.call);
    let metadata = if own.is_empty() { source.properties.metadata.clone() } else { own };
    // The copy is where it is put, not where its source is.
    let tier = context.call.header("x-ms-access-tier").map(str::to_owned);
    let old = source.properties.clone();
    Properties { metadata, blocks: Vec::new(), tier, rehydration: None, ..old }
}

/// Opens the source as the call may see it: by what it brings for it, or as one who has the key
/// of its account.
pub(super) fn open(
    context: Context<'_>,
    keyed: Option<&StorageAccount>,
) -> Result<(File, Record), Fault> {
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
    let own = account.storage(&path.account).ok_or_else(nowhere)?;
    let token = call.header("x-ms-copy-source-authorization");
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
    let blob = context.store.hold().blob((&path.account, &container), &name)?;
    let blob = blob.ok_or_else(nowhere)?;
    check_source(context, &blob.record)?;
    tier::check(&blob.record, context.now)?;
    Ok((blob.file, blob.record))
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
