//! What the dock's readers of XML share: what is XML at all, and the text that stands between tags.

use quick_xml::events::Event;

/// The bytes are no XML.
#[derive(Debug)]
pub(super) struct NotXml;

/// Whether it is XML 1.0 in UTF-8 to the letter and has no document type, as the service's reader
/// wants it; the one below forgives much.
pub(super) fn is_well_formed(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let head = text.trim_start_matches('\u{feff}');
    let declaration = head.strip_prefix("<?xml").and_then(|rest| rest.split_once("?>"));
    let encoding = declaration.and_then(|(inside, _)| inside.split_once("encoding"));
    let is_utf8 = encoding.is_none_or(|(_, rest)| {
        let name = rest.trim_start_matches(['=', ' ', '"', '\'']);
        name.get(..5).is_some_and(|name| name.eq_ignore_ascii_case("utf-8"))
    });
    is_utf8 && roxmltree::Document::parse(text).is_ok()
}

/// The text that an event stands for, if it is one.
pub(super) fn text_of(event: &Event<'_>) -> Result<Option<String>, NotXml> {
    match event {
        Event::Text(piece) => {
            let piece = piece.decode().map_err(|_| NotXml)?;
            Ok(Some(piece.into_owned()))
        }
        Event::GeneralRef(name) => {
            let name = name.decode().map_err(|_| NotXml)?;
            let whole = format!("&{name};");
            let value = quick_xml::escape::unescape(&whole).map_err(|_| NotXml)?;
            Ok(Some(value.into_owned()))
        }
        _ => Ok(None),
    }
}
