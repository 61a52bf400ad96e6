//! Metadata and properties files of blobs (`azure-import-export` 4.4): which the manifest names,
//! and the dock's own reader of them.

use quick_xml::Reader;
use quick_xml::events::Event;
use serde::{Deserialize, Serialize};

use super::xml::{is_well_formed, text_of};
use crate::blobs::record::Properties;

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SideKind {
    Metadata,
    Properties,
}

impl SideKind {
    /// Root of the file, and the log's word.
    pub fn element(self) -> &'static str {
        match self {
            SideKind::Metadata => "Metadata",
            SideKind::Properties => "Properties",
        }
    }
}

/// A file that a blob, or the list that it stands in, names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Side {
    pub kind: SideKind,
    pub path: String,
    pub hash: String,
    /// Whether the list names it, for all blobs without one of their own.
    pub is_global: bool,
}

/// Names and values of a file; `None` if it has another form.
pub(super) fn parse(kind: SideKind, bytes: &[u8]) -> Option<Vec<(String, String)>> {
    if !is_well_formed(bytes) {
        return None;
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = Reader::from_reader(bytes);
    let mut values: Vec<(String, String)> = Vec::new();
    let (mut depth, mut roots) = (0u8, 0);
    let mut begin = |name: &[u8], depth: u8, values: &mut Vec<(String, String)>| {
        let name = std::str::from_utf8(name).ok()?;
        match depth {
            0 if name == kind.element() => roots += 1,
            1 => values.push((name.to_owned(), String::new())),
            _ => return None,
        }
        Some(())
    };
    loop {
        match reader.read_event().ok()? {
            Event::Start(tag) => {
                begin(tag.name().as_ref(), depth, &mut values)?;
                depth += 1;
            }
            Event::Empty(tag) => begin(tag.name().as_ref(), depth, &mut values)?,
            Event::End(_) => depth = depth.checked_sub(1)?,
            Event::Eof => break,
            event => {
                let text = text_of(&event).ok()?.unwrap_or_default();
                match values.last_mut() {
                    Some((_, value)) if depth == 2 => value.push_str(&text),
                    _ if text.trim().is_empty() => {}
                    _ => return None,
                }
            }
        }
    }
    for (_, value) in &mut values {
        *value = value.trim().to_owned();
    }
    (depth == 0 && roots == 1).then_some(values)
}

/// Gives a blob what a file says of it; false if the service would not take it.
pub(super) fn apply(to: &mut Properties, kind: SideKind, values: Vec<(String, String)>) -> bool {
    for (name, value) in values {
        if !value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
            return false;
        }
        if kind == SideKind::Metadata {
            if !is_identifier(&name) || to.metadata.insert(name, value).is_some() {
                return false;
            }
            continue;
        }
        let place = match name.as_str() {
            "Content-Type" => &mut to.content_type,
            "Content-Encoding" => &mut to.content_encoding,
            "Content-Language" => &mut to.content_language,
            "Cache-Control" => &mut to.cache_control,
            "Content-MD5" => &mut to.content_md5,
            _ => return false,
        };
        *place = Some(value);
    }
    true
}

fn is_identifier(name: &str) -> bool {
    let is_word = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric();
    !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_forms_say_what_a_blob_gets() {
        let metadata = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Metadata><UploadMethod>A &amp; B</UploadMethod><Empty/></Metadata>";
        let properties = b"\xef\xbb\xbf<Properties>\n <Content-Type>image/jpeg</Content-Type><Content-MD5>Q2hlY2sgSW50ZWdyaXR5IQ==</Content-MD5></Properties>\n";
        let mut blob = Properties::default();
        let metadata = parse(SideKind::Metadata, metadata).unwrap();
        assert!(apply(&mut blob, SideKind::Metadata, metadata));
        let properties = parse(SideKind::Properties, properties).unwrap();
        assert!(apply(&mut blob, SideKind::Properties, properties));
        assert_eq!(blob.metadata["UploadMethod"], "A & B");
        assert_eq!(blob.metadata["Empty"], "");
        assert_eq!(blob.content_type.as_deref(), Some("image/jpeg"));
        assert_eq!(blob.content_md5.as_deref(), Some("Q2hlY2sgSW50ZWdyaXR5IQ=="));
    }

    #[test]
    fn other_forms_are_none_and_what_the_service_refuses_is_not_applied() {
        for text in ["", "<Metadata>", "<Properties/>", "<Metadata><a><b/></a></Metadata>"] {
            assert_eq!(parse(SideKind::Metadata, text.as_bytes()), None, "{text}");
        }
        for text in ["<Metadata/><Metadata/>", "x<Metadata/>", "<Metadata>x</Metadata>"] {
            assert_eq!(parse(SideKind::Metadata, text.as_bytes()), None, "{text}");
        }
        let pair = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        for (kind, values) in [
            (SideKind::Metadata, pair("a-b", "x")),
            (SideKind::Metadata, pair("1a", "x")),
            (SideKind::Metadata, pair("a", "x\r\ny: z")),
            (SideKind::Properties, pair("Etag", "x")),
        ] {
            assert!(!apply(&mut Properties::default(), kind, values));
        }
    }
}
