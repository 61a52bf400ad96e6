//! Blocks of a block blob: put, committed, listed.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use quick_xml::Reader;
use quick_xml::events::Event;

use super::call::Context;
use super::conditions::{check, check_lease};
use super::fault::Fault;
use super::headers::{dated, properties, stretch};
use super::store::Blob;
use super::sums::{Sum, check_md5, check_sums};
use super::{copy, tier};
use crate::http::{Answer, LARGEST_BODY};

fn block_id(text: &str) -> Result<&str, Fault> {
    let is_id = BASE64_STANDARD.decode(text).is_ok_and(|id| (1..=64).contains(&id.len()));
    if is_id { Ok(text) } else { Err(Fault::input("A block's id is base64 of 1 to 64 bytes.")) }
}

/// Keeps a block.
pub(super) fn put(context: Context<'_>, container: &str, name: &str) -> Result<Answer, Fault> {
    let call = context.call;
    let sum = check_sums(call, &call.body)?;
    keep(context, container, name, &call.body)?;
    let answer = Answer::empty(201).with(sum.header(), sum.of(&call.body));
    Ok(answer.with("x-ms-request-server-encrypted", "true"))
}

/// Keeps a stretch of another blob as a block ("Put Block From URL").
pub(super) fn put_from(context: Context<'_>, container: &str, name: &str) -> Result<Answer, Fault> {
    let call = context.call;
    if !call.body.is_empty() {
        return Err(Fault::header("content-length"));
    }
    let copy::Found { mut file, record: source, .. } = copy::open(context, None)?;
    let range = call.header("x-ms-source-range").map(|range| stretch(range, source.bytes));
    let (start, end) = range.transpose()?.unwrap_or((0, source.bytes));
    if end - start > LARGEST_BODY as u64 {
        return Err(Fault::new(413, "RequestBodyTooLarge", "A block is that long at most."));
    }
    let mut content = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    file.by_ref().take(end - start).read_to_end(&mut content)?;
    check_md5(call, "x-ms-source-content-md5", &content)?;
    if call.header("x-ms-source-content-crc64").is_some_and(|own| own != Sum::Crc64.of(&content)) {
        return Err(Fault::crc64());
    }
    keep(context, container, name, &content)?;
    let answer = Answer::empty(201).with(Sum::Md5.header(), Sum::Md5.of(&content));
    Ok(answer.with("x-ms-request-server-encrypted", "true"))
}

fn keep(context: Context<'_>, container: &str, name: &str, content: &[u8]) -> Result<(), Fault> {
    let id = block_id(context.call.parameter("blockid").unwrap_or_default())?;
    let key = (context.own.name.as_str(), container);
    let held = context.store.hold();
    let before = held.blob(key, name)?.map(|blob| blob.record);
    check_lease(context, before.as_ref())?;
    let blocks = held.blocks(key, name)?;
    if blocks.iter().any(|(other, _)| other.len() != id.len()) {
        let message = "All ids of a blob's blocks have one length.";
        return Err(Fault::new(400, "InvalidBlobOrBlock", message));
    }
    held.put_block(key, name, id, content)?;
    Ok(())
}

/// Where a block of a list is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum From {
    Committed,
    Uncommitted,
    Latest,
}

fn parse(body: &[u8]) -> Result<Vec<(From, String)>, Fault> {
    let mut reader = Reader::from_reader(body);
    reader.config_mut().trim_text(true);
    let (mut list, mut from) = (Vec::new(), None);
    let (mut depth, mut is_list) = (0u32, false);
    let mut id = String::new();
    loop {
        match reader.read_event().map_err(|_| Fault::xml())? {
            Event::Start(tag) => {
                from = match tag.name().as_ref() {
                    b"Committed" => Some(From::Committed),
                    b"Uncommitted" => Some(From::Uncommitted),
                    b"Latest" => Some(From::Latest),
                    b"BlockList" if depth == 0 => {
                        is_list = true;
                        None
                    }
                    _ => return Err(Fault::xml()),
                };
                id.clear();
                depth = depth.saturating_add(1);
            }
            Event::Empty(tag) => is_list |= depth == 0 && tag.name().as_ref() == b"BlockList",
            Event::Text(text) if from.is_some() => {
                id.push_str(&text.decode().map_err(|_| Fault::xml())?);
            }
            // What the document does not declare stands for nothing, and it declares nothing.
            Event::GeneralRef(name) if from.is_some() => {
                let sign = name.resolve_char_ref().map_err(|_| Fault::xml())?;
                let named = quick_xml::escape::resolve_xml_entity(
                    std::str::from_utf8(&name).map_err(|_| Fault::xml())?,
                );
                match (sign, named) {
                    (Some(sign), _) => id.push(sign),
                    (None, Some(text)) => id.push_str(text),
                    (None, None) => return Err(Fault::xml()),
                }
            }
            Event::Text(_) | Event::GeneralRef(_) | Event::CData(_) | Event::DocType(_) => {
                return Err(Fault::xml());
            }
            Event::End(_) => {
                if let Some(from) = from.take() {
                    list.push((from, block_id(&id)?.to_owned()));
                }
                depth = depth.saturating_sub(1);
            }
            // What was cut off on its way is no shorter list.
            Event::Eof => return if is_list && depth == 0 { Ok(list) } else { Err(Fault::xml()) },
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) => {}
        }
    }
}

/// Puts a blob together from blocks.
pub(super) fn commit(context: Context<'_>, container: &str, name: &str) -> Result<Answer, Fault> {
    let call = context.call;
    check_sums(call, &call.body)?;
    let list = parse(&call.body)?;
    if list.len() as u64 > disk_prep::limits::BLOCKS_PER_BLOB {
        return Err(Fault::new(400, "BlockListTooLong", "A blob has at most 50000 blocks."));
    }
    let key = (context.own.name.as_str(), container);
    let mut draft = context.store.draft()?;
    let held = context.store.hold();
    let mut before = held.blob(key, name)?;
    check(context, before.as_ref().map(|blob| &blob.record))?;
    check_lease(context, before.as_ref().map(|blob| &blob.record))?;
    let mut properties = properties(call);
    tier::asked(context)?;
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
    let key = (context.own.name.as_str(), container);
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
