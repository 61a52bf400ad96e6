//! Blocks of a block blob: put, committed, listed.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use quick_xml::Reader;
use quick_xml::events::Event;

use super::call::{Context, check_md5};
use super::conditions::{check, check_lease};
use super::fault::Fault;
use super::headers::{dated, properties};
use super::store::Blob;
use crate::http::Answer;

fn block_id(text: &str) -> Result<&str, Fault> {
    let is_id = BASE64_STANDARD.decode(text).is_ok_and(|id| (1..=64).contains(&id.len()));
    if is_id { Ok(text) } else { Err(Fault::input("A block's id is base64 of 1 to 64 bytes.")) }
}

/// Keeps a block.
pub(super) fn put(context: Context<'_>, container: &str, name: &str) -> Result<Answer, Fault> {
    let call = context.call;
    let id = block_id(call.parameter("blockid").unwrap_or_default())?;
    check_md5(call, "content-md5", &call.body)?;
    let key = (context.account.name.as_str(), container);
    let held = context.store.hold();
    let before = held.blob(key, name)?.map(|blob| blob.record);
    check_lease(context, before.as_ref())?;
    let blocks = held.blocks(key, name)?;
    if blocks.iter().any(|(other, _)| other.len() != id.len()) {
        let message = "All ids of a blob's blocks have one length.";
        return Err(Fault::new(400, "InvalidBlobOrBlock", message));
    }
    held.put_block(key, name, id, &call.body)?;
    Ok(Answer::empty(201).with("x-ms-request-server-encrypted", "true"))
}

/// Where a block of a list is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Committed,
    Uncommitted,
    Latest,
}

fn parse(body: &[u8]) -> Result<Vec<(From, String)>, Fault> {
    let invalid = || Fault::new(400, "InvalidXmlDocument", "The block list cannot be read.");
    let mut reader = Reader::from_reader(body);
    reader.config_mut().trim_text(true);
    let (mut list, mut from) = (Vec::new(), None);
    let (mut depth, mut is_list) = (0u32, false);
    loop {
        match reader.read_event().map_err(|_| invalid())? {
            Event::Start(tag) => {
                from = match tag.name().as_ref() {
                    b"Committed" => Some(From::Committed),
                    b"Uncommitted" => Some(From::Uncommitted),
                    b"Latest" => Some(From::Latest),
                    b"BlockList" if depth == 0 => {
                        is_list = true;
                        None
                    }
                    _ => return Err(invalid()),
                };
                depth = depth.saturating_add(1);
            }
            Event::Empty(tag) => is_list |= depth == 0 && tag.name().as_ref() == b"BlockList",
            Event::Text(text) => {
                let text = text.decode().map_err(|_| invalid())?;
                let from = from.ok_or_else(invalid)?;
                list.push((from, block_id(&text)?.to_owned()));
            }
            Event::End(_) => {
                from = None;
                depth = depth.saturating_sub(1);
            }
            // What was cut off on its way is no shorter list.
            Event::Eof => return if is_list && depth == 0 { Ok(list) } else { Err(invalid()) },
            _ => {}
        }
    }
}

/// Puts a blob together from blocks.
pub(super) fn commit(context: Context<'_>, container: &str, name: &str) -> Result<Answer, Fault> {
    let call = context.call;
    check_md5(call, "content-md5", &call.body)?;
    let list = parse(&call.body)?;
    if list.len() as u64 > disk_prep::limits::BLOCKS_PER_BLOB {
        return Err(Fault::new(400, "BlockListTooLong", "A blob has at most 50000 blocks."));
    }
    let key = (context.account.name.as_str(), container);
    let mut draft = context.store.draft()?;
    let held = context.store.hold();
    let mut before = held.blob(key, name)?;
    check(context, before.as_ref().map(|blob| &blob.record))?;
    check_lease(context, before.as_ref().map(|blob| &blob.record))?;
    let mut properties = properties(call);
    // The transport's headers are about the list, not about the blob.
    properties.content_md5 = call.header("x-ms-blob-content-md5").map(str::to_owned);
    properties.content_type = call.header("x-ms-blob-content-type").map(str::to_owned);
    for (from, id) in list {
        let unknown = || {
            let message = format!("There is no block {id}.");
            Fault::new(400, "InvalidBlockList", message)
        };
        let kept = match from {
            From::Committed => None,
            From::Uncommitted | From::Latest => held.block(key, name, &id)?,
        };
        let mut source = match kept {
            Some(file) => {
                let bytes = file.metadata()?.len();
                file.take(bytes)
            }
            None if from == From::Uncommitted => return Err(unknown()),
            None => committed(before.as_mut(), &id)?.ok_or_else(unknown)?,
        };
        let bytes = io::copy(&mut source, &mut draft)?;
        properties.blocks.push((id, bytes));
    }
    let record = held.put(key, name, draft, properties, context.now)?;
    Ok(dated(Answer::empty(201), &record).with("x-ms-request-server-encrypted", "true"))
}

fn committed(blob: Option<&mut Blob>, id: &str) -> io::Result<Option<io::Take<File>>> {
    let Some(blob) = blob else { return Ok(None) };
    let mut start = 0u64;
    for (own, bytes) in &blob.record.properties.blocks {
        if own == id {
            let mut file = blob.file.try_clone()?;
            file.seek(SeekFrom::Start(start))?;
            return Ok(Some(file.take(*bytes)));
        }
        start = start.saturating_add(*bytes);
    }
    Ok(None)
}

/// Lists committed and kept blocks.
pub(super) fn list(context: Context<'_>, container: &str, name: &str) -> Result<Answer, Fault> {
    let key = (context.account.name.as_str(), container);
    let held = context.store.hold();
    let blob = held.blob(key, name)?;
    let kept = held.blocks(key, name)?;
    if blob.is_none() && kept.is_empty() {
        return Err(Fault::no_blob());
    }
    let wanted: BTreeSet<&str> = match context.call.parameter("blocklisttype") {
        Some("all") => ["CommittedBlocks", "UncommittedBlocks"].into(),
        Some("uncommitted") => ["UncommittedBlocks"].into(),
        _ => ["CommittedBlocks"].into(),
    };
    let none = Vec::new();
    let committed = blob.as_ref().map_or(&none, |blob| &blob.record.properties.blocks);
    let mut text = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>".to_owned();
    for (title, blocks) in [("CommittedBlocks", committed), ("UncommittedBlocks", &kept)] {
        if !wanted.contains(title) {
            continue;
        }
        text.push_str(&format!("<{title}>"));
        for (id, bytes) in blocks {
            text.push_str(&format!("<Block><Name>{id}</Name><Size>{bytes}</Size></Block>"));
        }
        text.push_str(&format!("</{title}>"));
    }
    text.push_str("</BlockList>");
    let answer = Answer::xml(200, text);
    Ok(match &blob {
        Some(blob) => dated(answer, &blob.record)
            .with("x-ms-blob-content-length", blob.record.bytes.to_string()),
        None => answer,
    })
}
