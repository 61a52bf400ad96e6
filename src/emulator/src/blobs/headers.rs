//! Properties of blobs as headers, both ways.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::fault::Fault;
use super::record::{BlobKind, Properties, Record};
use super::tier;
use crate::http::{Answer, Call, http_date};

/// The kind's name on the wire.
pub(super) fn kind_name(kind: BlobKind) -> &'static str {
    match kind {
        BlobKind::BlockBlob => "BlockBlob",
        BlobKind::PageBlob => "PageBlob",
    }
}

/// Metadata of a call.
pub(super) fn metadata(call: &Call) -> BTreeMap<String, String> {
    let own = |name: &str, value: &str| {
        name.strip_prefix("x-ms-meta-").map(|key| (key.to_owned(), value.to_owned()))
    };
    call.headers
        .iter()
        .filter_map(|(name, value)| own(name.as_str(), value.to_str().ok()?))
        .collect()
}

/// A value of metadata is of the visible signs of ASCII and of blanks ("Setting and retrieving properties
/// and metadata"); with others the service takes none ("Common REST API error codes").
pub(super) fn check_metadata(call: &Call) -> Result<(), Fault> {
    let is_plain = |value: &[u8]| value.iter().all(|byte| (b' '..=b'~').contains(byte));
    let wrong = call.headers.iter().find(|(name, value)| {
        name.as_str().starts_with("x-ms-meta-") && !is_plain(value.as_bytes())
    });
    let message = "The metadata specified is invalid. It has characters that are not permitted.";
    wrong.map_or(Ok(()), |_| Err(Fault::new(400, "InvalidMetadata", message)))
}

/// What a call that writes a whole blob says of it. `content-*` headers of their own go before
/// those of the transport.
pub(super) fn properties(call: &Call) -> Properties {
    let either = |own: &str, transport: &str| {
        let text = call.header(own).or_else(|| call.header(transport));
        text.filter(|text| !text.is_empty()).map(str::to_owned)
    };
    Properties {
        kind: BlobKind::BlockBlob,
        content_type: either("x-ms-blob-content-type", "content-type"),
        content_encoding: either("x-ms-blob-content-encoding", "content-encoding"),
        content_language: either("x-ms-blob-content-language", "content-language"),
        content_disposition: either("x-ms-blob-content-disposition", ""),
        cache_control: either("x-ms-blob-cache-control", "cache-control"),
        content_md5: either("x-ms-blob-content-md5", "content-md5"),
        metadata: metadata(call),
        tier: either("x-ms-access-tier", ""),
        ..Properties::default()
    }
}

/// ETag and time of the last change.
pub(super) fn dated(answer: Answer, record: &Record) -> Answer {
    answer.with("etag", record.etag.as_str()).with("last-modified", http_date(record.modified))
}

/// With the number that writers of a page blob may ask for.
pub(super) fn numbered(answer: Answer, record: &Record) -> Answer {
    match record.properties.kind {
        BlobKind::BlockBlob => answer,
        BlobKind::PageBlob => {
            answer.with("x-ms-blob-sequence-number", record.versions.sequence.to_string())
        }
    }
}

/// State of the lease.
pub(super) fn lease(answer: Answer, record: &Record, now: Timestamp) -> Answer {
    let (state, status) = lease_state(record, now);
    answer.with("x-ms-lease-state", state).with("x-ms-lease-status", status)
}

/// State and status of the lease.
pub(super) fn lease_state(record: &Record, now: Timestamp) -> (&'static str, &'static str) {
    match &record.lease {
        None => ("available", "unlocked"),
        Some(lease) => match (lease.is_held(now), lease.is_broken) {
            (true, true) => ("breaking", "locked"),
            (true, false) => ("leased", "locked"),
            (false, true) => ("broken", "unlocked"),
            (false, false) => ("expired", "unlocked"),
        },
    }
}

/// Everything that is known of a blob. `is_part`: the body is a stretch of it, so the MD5 of the
/// whole has a header of its own.
pub(super) fn described(answer: Answer, record: &Record, now: Timestamp, is_part: bool) -> Answer {
    let own = &record.properties;
    let kind = own.content_type.as_deref().unwrap_or("application/octet-stream");
    let mut answer = lease(dated(answer, record), record, now)
        .with("content-type", kind)
        .with("accept-ranges", "bytes")
        .with("x-ms-blob-type", kind_name(own.kind))
        .with("x-ms-creation-time", http_date(record.created))
        .with("x-ms-server-encrypted", "true");
    let md5 = if is_part { "x-ms-blob-content-md5" } else { "content-md5" };
    let optional = [
        ("content-encoding", &own.content_encoding),
        ("content-language", &own.content_language),
        ("content-disposition", &own.content_disposition),
        ("cache-control", &own.cache_control),
        (md5, &own.content_md5),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            answer = answer.with(name, value.as_str());
        }
    }
    let (tier, pending) = tier::of(record, now);
    if let Some(tier) = tier {
        answer = answer.with("x-ms-access-tier", tier);
    }
    if let Some(pending) = pending {
        answer = answer.with("x-ms-archive-status", pending);
    }
    if let Some((id, source)) = &own.copy {
        let state = own.copy_state.as_ref();
        answer = answer
            .with("x-ms-copy-id", id.as_str())
            .with("x-ms-copy-source", source.as_str())
            .with("x-ms-copy-status", state.map_or("success", |own| own.status.name()));
    }
    if let Some(state) = &own.copy_state {
        answer = answer
            .with("x-ms-copy-progress", format!("{}/{}", state.done_bytes, state.total_bytes));
        if let Some(why) = &state.description {
            answer = answer.with("x-ms-copy-status-description", why.as_str());
        }
        if let Some(ended) = state.ended {
            answer = answer.with("x-ms-copy-completion-time", http_date(ended));
        }
    }
    if let Some(bound) = &own.incremental {
        answer = answer
            .with("x-ms-incremental-copy", "true")
            .with("x-ms-copy-destination-snapshot", bound.own.as_str());
    }
    answer = numbered(answer, record);
    for (key, value) in &own.metadata {
        answer = answer.with(&format!("x-ms-meta-{key}"), value.as_str());
    }
    answer
}

/// First byte and end of a `bytes=` range.
pub(super) fn stretch(range: &str, bytes: u64) -> Result<(u64, u64), Fault> {
    let invalid = || {
        let message = "The range is not one of the blob.";
        Fault::new(416, "InvalidRange", message)
    };
    let (start, end) =
        range.strip_prefix("bytes=").and_then(|own| own.split_once('-')).ok_or_else(invalid)?;
    let start: u64 = start.parse().map_err(|_| invalid())?;
    let end = match end {
        "" => bytes,
        end => end.parse::<u64>().map_err(|_| invalid())?.saturating_add(1).min(bytes),
    };
    if start < end { Ok((start, end)) } else { Err(invalid()) }
}
