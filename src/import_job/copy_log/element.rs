//! The elements of a log one after the other, with bounds on all that is kept of them.

use disk_prep::noun::referred;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::model::{CopyLog, Cut};

/// Elements inside one another, at most; no log has more than six.
const DEPTH: usize = 16;
/// Bytes of a text or a value that are kept; a sentence may have two names of blobs.
const TEXT_BYTES: usize = 16 << 10;
/// Attributes of an element that are looked at.
const ATTRIBUTES: usize = 16;

/// What makes a log of elements.
pub(super) trait Form: Default {
    /// An element begins, inside these; the last is its own name.
    fn open(&mut self, path: &[String], element: &Element<'_>) -> Result<(), Cut>;
    /// It ends, with this text.
    fn close(&mut self, path: &[String], text: &str) -> Result<(), Cut>;
    /// All was read, or what could be.
    fn finish(self, cut: Option<Cut>) -> CopyLog;
}

/// The beginning of an element.
pub(super) struct Element<'a>(&'a BytesStart<'a>);

impl Element<'_> {
    /// The value of an attribute, if it has one that can be read.
    pub fn value(&self, name: &str) -> Option<String> {
        // Comparing each with each would take for ever where there are millions.
        let mut all = self.0.attributes();
        let mut all = all.with_checks(false).take(ATTRIBUTES).flatten();
        let own = all.find(|own| own.key.as_ref() == name.as_bytes())?;
        let value = own.normalized_value(XmlVersion::Explicit1_0).ok()?;
        Some(kept(&value).to_owned())
    }

    /// The same as a number.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.value(name)?.trim().parse().ok()
    }
}

/// As much of a text as is kept.
fn kept(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_BYTES)]
}

/// Goes through the elements; an error says why it did not come to the end.
pub(super) fn walk(bytes: &[u8], form: &mut impl Form) -> Result<(), Cut> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = Reader::from_reader(bytes);
    let mut path: Vec<String> = Vec::new();
    let mut text = String::new();
    loop {
        let event = reader.read_event().map_err(|error| match error {
            // The last element has no end.
            quick_xml::Error::Syntax(_) if reader.buffer_position() >= bytes.len() as u64 => {
                Cut::EndsEarly
            }
            _ => Cut::NotXml,
        })?;
        match event {
            Event::Start(ref own) | Event::Empty(ref own) => {
                if path.len() >= DEPTH {
                    return Err(Cut::TooDeep);
                }
                let name = own.name();
                let name = str::from_utf8(name.as_ref()).map_err(|_| Cut::NotXml)?;
                path.push(kept(name).to_owned());
                text.clear();
                form.open(&path, &Element(own))?;
                if matches!(event, Event::Empty(_)) {
                    form.close(&path, "")?;
                    path.pop();
                }
            }
            Event::End(_) => {
                form.close(&path, text.trim())?;
                path.pop();
                text.clear();
            }
            Event::Text(own) => {
                let own = own.xml_content(XmlVersion::Explicit1_0).map_err(|_| Cut::NotXml)?;
                push(&mut text, &own);
            }
            Event::CData(own) => push(&mut text, str::from_utf8(&own).map_err(|_| Cut::NotXml)?),
            Event::GeneralRef(own) => {
                let sign = referred(&own).ok_or(Cut::NotXml)?;
                push(&mut text, sign.encode_utf8(&mut [0; 4]));
            }
            Event::Eof if path.is_empty() => return Ok(()),
            Event::Eof => return Err(Cut::EndsEarly),
            Event::DocType(_) => return Err(Cut::NotXml),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
        }
    }
}

fn push(text: &mut String, more: &str) {
    let room = TEXT_BYTES.saturating_sub(text.len());
    text.push_str(&more[..more.floor_char_boundary(room)]);
}
