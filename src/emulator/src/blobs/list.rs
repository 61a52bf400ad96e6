//! Lists of containers and blobs, in pages, as XML ("List Blobs", "List Containers").

use disk_prep::limits::BLOBS_PER_PAGE;
use std::collections::BTreeSet;

use quick_xml::escape::escape;

use super::call::Context;
use super::fault::Fault;
use super::headers::{kind_name, lease_state};
use super::record::{BlobKind, Record};
use super::tier;
use crate::http::{Answer, http_date};

/// What the query asks for.
struct Wanted<'a> {
    prefix: &'a str,
    marker: &'a str,
    most: usize,
}

impl<'a> Wanted<'a> {
    fn of(context: Context<'a>) -> Result<Self, Fault> {
        let text = |name| context.call.parameter(name).unwrap_or_default();
        let most = match text("maxresults") {
            "" => BLOBS_PER_PAGE,
            most => most.parse().ok().filter(|most| *most > 0).ok_or_else(|| {
                let message = "maxresults is a number above zero.";
                Fault::new(400, "OutOfRangeQueryParameterValue", message)
            })?,
        };
        let most = most.min(BLOBS_PER_PAGE);
        Ok(Wanted { prefix: text("prefix"), marker: text("marker"), most })
    }
}

fn head(context: Context<'_>, container: Option<&str>) -> String {
    let endpoint = context.addresses.of(context.own.name.as_str());
    let container = container.map(|name| format!(" ContainerName=\"{name}\"")).unwrap_or_default();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><EnumerationResults \
         ServiceEndpoint=\"{endpoint}/\"{container}>"
    );
    for (name, tag) in [
        ("prefix", "Prefix"),
        ("marker", "Marker"),
        ("maxresults", "MaxResults"),
        ("delimiter", "Delimiter"),
    ] {
        if let Some(value) = context.call.parameter(name).filter(|value| !value.is_empty()) {
            text.push_str(&format!("<{tag}>{}</{tag}>", escape(value)));
        }
    }
    text
}

fn properties(record: &Record, context: Context<'_>) -> String {
    let own = &record.properties;
    let (state, status) = lease_state(record, context.now);
    let mut text = format!(
        "<Creation-Time>{}</Creation-Time><Last-Modified>{}</Last-Modified><Etag>{}</Etag>\
         <Content-Length>{}</Content-Length><Content-Type>{}</Content-Type>",
        http_date(record.created),
        http_date(record.modified),
        escape(record.etag.trim_matches('"')),
        record.bytes,
        escape(own.content_type.as_deref().unwrap_or("application/octet-stream")),
    );
    let optional = [
        ("Content-Encoding", &own.content_encoding),
        ("Content-Language", &own.content_language),
        ("Content-MD5", &own.content_md5),
        ("Cache-Control", &own.cache_control),
        ("Content-Disposition", &own.content_disposition),
    ];
    for (tag, value) in optional {
        let value = value.as_deref().unwrap_or_default();
        text.push_str(&format!("<{tag}>{}</{tag}>", escape(value)));
    }
    let (tier, pending) = tier::of(record, context.now);
    if let Some(tier) = tier {
        text.push_str(&format!("<AccessTier>{}</AccessTier>", escape(tier)));
    }
    if let Some(pending) = pending {
        text.push_str(&format!("<ArchiveStatus>{}</ArchiveStatus>", escape(&pending)));
    }
    text.push_str(&format!(
        "<BlobType>{}</BlobType><LeaseStatus>{status}</LeaseStatus><LeaseState>{state}</LeaseState>\
         <ServerEncrypted>true</ServerEncrypted>",
        kind_name(own.kind)
    ));
    if own.kind == BlobKind::PageBlob {
        let number = record.versions.sequence;
        text.push_str(&format!("<x-ms-blob-sequence-number>{number}</x-ms-blob-sequence-number>"));
    }
    text
}

fn metadata(record: &Record) -> String {
    let pair = |(name, value): (&String, &String)| format!("<{name}>{}</{name}>", escape(value));
    record.properties.metadata.iter().map(pair).collect()
}

/// A name; one that XML cannot hold is encoded and marked so.
fn name_tag(name: &str) -> String {
    if name.chars().any(|c| c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}')) {
        let encoded =
            percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
        return format!("<Name Encoded=\"true\">{encoded}</Name>");
    }
    format!("<Name>{}</Name>", escape(name))
}

/// Parts a name from a snapshot in a marker.
const MARK: char = '\t';
/// Later than all snapshots.
const BASE: &str = "~";

/// One blob or snapshot.
fn entry(
    name: &str,
    snapshot: Option<&str>,
    record: &Record,
    context: Context<'_>,
    (with_metadata, with_copies): (bool, bool),
) -> String {
    let mut text = format!("<Blob>{}", name_tag(name));
    if let Some(id) = snapshot {
        text.push_str(&format!("<Snapshot>{id}</Snapshot>"));
    }
    let copy = if with_copies { copied(record) } else { String::new() };
    let about = properties(record, context);
    text.push_str(&format!("<Properties>{about}{copy}</Properties>"));
    if with_metadata {
        text.push_str(&format!("<Metadata>{}</Metadata>", metadata(record)));
    }
    text.push_str("</Blob>");
    text
}

/// The copy that a blob came from.
fn copied(record: &Record) -> String {
    let own = &record.properties;
    let Some((id, source)) = &own.copy else { return String::new() };
    let state = own.copy_state.as_ref();
    let status = state.map_or("success", |state| state.status.name());
    let mut text = format!(
        "<CopyId>{id}</CopyId><CopyStatus>{status}</CopyStatus><CopySource>{}</CopySource>",
        escape(source)
    );
    if let Some(state) = state {
        let (done, total) = (state.done_bytes, state.total_bytes);
        text.push_str(&format!("<CopyProgress>{done}/{total}</CopyProgress>"));
        if let Some(why) = &state.description {
            let why = escape(why);
            text.push_str(&format!("<CopyStatusDescription>{why}</CopyStatusDescription>"));
        }
        if let Some(ended) = state.ended {
            let ended = http_date(ended);
            text.push_str(&format!("<CopyCompletionTime>{ended}</CopyCompletionTime>"));
        }
    }
    if let Some(bound) = &own.incremental {
        let own = escape(&bound.own);
        text.push_str(&format!(
            "<IncrementalCopy>true</IncrementalCopy>\
             <CopyDestinationSnapshot>{own}</CopyDestinationSnapshot>"
        ));
    }
    text
}

/// Blobs of a container.
pub(super) fn blobs(context: Context<'_>, container: &str) -> Result<Answer, Fault> {
    let call = context.call;
    let wanted = Wanted::of(context)?;
    let key = (context.own.name.as_str(), container);
    let held = context.store.hold();
    held.container(key, context.now)?.ok_or_else(Fault::no_container)?;
    let delimiter = call.parameter("delimiter").filter(|own| !own.is_empty());
    let includes = |wanted: &str| {
        call.parameter("include").is_some_and(|own| own.split(',').any(|own| own == wanted))
    };
    let (with_metadata, with_copies) = (includes("metadata"), includes("copy"));
    let with_snapshots = includes("snapshots");
    // A marker may stand between the snapshots of one blob; no name has the sign that parts them.
    let (first_name, first_snapshot) = match wanted.marker.split_once(MARK) {
        Some((name, snapshot)) => (name, Some(snapshot)),
        None => (wanted.marker, None),
    };
    let mut text = head(context, Some(container));
    text.push_str("<Blobs>");
    let (mut count, mut next) = (0, None);
    let mut prefixes = BTreeSet::new();
    'names: for name in held.list(key)? {
        let Some(rest) = name.strip_prefix(wanted.prefix) else { continue };
        if name.as_str() < first_name {
            continue;
        }
        let folder = delimiter.and_then(|own| {
            let end = rest.find(own)? + own.len();
            Some(format!("{}{}", wanted.prefix, &rest[..end]))
        });
        if folder.as_ref().is_some_and(|folder| prefixes.contains(folder)) {
            continue;
        }
        if count == wanted.most {
            next = Some(name);
            break;
        }
        match folder {
            Some(folder) => {
                text.push_str(&format!("<BlobPrefix>{}</BlobPrefix>", name_tag(&folder)));
                prefixes.insert(folder);
            }
            None => {
                let after = first_snapshot.filter(|_| name == first_name);
                if with_snapshots {
                    for id in held.snapshots(key, &name)? {
                        if after.is_some_and(|after| id.as_str() < after) {
                            continue;
                        }
                        if count == wanted.most {
                            next = Some(format!("{name}{MARK}{id}"));
                            break 'names;
                        }
                        let Some(blob) = held.version(key, &name, Some(&id))? else { continue };
                        let shown = (with_metadata, with_copies);
                        text.push_str(&entry(&name, Some(&id), &blob.record, context, shown));
                        count += 1;
                    }
                    if count == wanted.most {
                        next = Some(format!("{name}{MARK}{BASE}"));
                        break;
                    }
                }
                let Some(blob) = held.blob(key, &name)? else { continue };
                let shown = (with_metadata, with_copies);
                text.push_str(&entry(&name, None, &blob.record, context, shown));
            }
        }
        count += 1;
    }
    let next = next.unwrap_or_default();
    text.push_str(&format!(
        "</Blobs><NextMarker>{}</NextMarker></EnumerationResults>",
        escape(&next)
    ));
    Ok(Answer::xml(200, text))
}

/// Containers of the account.
pub(super) fn containers(context: Context<'_>) -> Result<Answer, Fault> {
    let wanted = Wanted::of(context)?;
    let account = context.own.name.as_str();
    let held = context.store.hold();
    let mut text = head(context, None);
    text.push_str("<Containers>");
    let (mut count, mut next) = (0, None);
    for name in held.containers(account)? {
        if !name.starts_with(wanted.prefix) || name.as_str() < wanted.marker {
            continue;
        }
        if count == wanted.most {
            next = Some(name);
            break;
        }
        let Some(record) = held.container((account, &name), context.now)? else { continue };
        let (state, status) = lease_state(&record, context.now);
        text.push_str(&format!(
            "<Container><Name>{}</Name><Properties><Last-Modified>{}</Last-Modified><Etag>{}</Etag>\
             <LeaseStatus>{status}</LeaseStatus><LeaseState>{state}</LeaseState></Properties>\
             <Metadata>{}</Metadata></Container>",
            escape(&name),
            http_date(record.modified),
            escape(record.etag.trim_matches('"')),
            metadata(&record)
        ));
        count += 1;
    }
    let next = next.unwrap_or_default();
    text.push_str(&format!(
        "</Containers><NextMarker>{}</NextMarker></EnumerationResults>",
        escape(&next)
    ));
    Ok(Answer::xml(200, text))
}
