//! Whether a text is XML at all, before anything in it is believed: the reader of the manifest's
//! elements forgives characters that XML does not have, this one does not.

use std::io::{BufRead, Read};

use xml::common::{Position, TextPosition};
use xml::reader::{EventReader, ParserConfig, XmlEvent};

/// What is wrong with a manifest, and at which byte.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("The manifest breaks its format at byte {position}: {fault}")]
pub struct ManifestError {
    /// Byte offset in the file.
    pub position: u64,
    /// The rule that is broken.
    pub fault: String,
}

/// Whether it is XML to the letter, by a reader that forgives nothing. It is read once, and `again` up to a fault, to say where.
pub fn check_form<R: BufRead>(
    text: impl Read,
    again: impl FnOnce() -> R,
) -> Result<(), ManifestError> {
    let mut config = ParserConfig::new();
    config.allow_multiple_root_elements = false;
    let mut reader = EventReader::new_with_config(text, config);
    let fault = loop {
        match reader.next() {
            Err(error) => break error.to_string(),
            Ok(XmlEvent::Doctype { .. }) => break "a document type is not allowed".to_owned(),
            Ok(XmlEvent::StartDocument { encoding, .. })
                if !encoding.eq_ignore_ascii_case("UTF-8") =>
            {
                break format!("it is said to be {encoding}, not UTF-8");
            }
            Ok(XmlEvent::EndDocument) => return Ok(()),
            Ok(_) => {}
        }
    };
    Err(ManifestError { position: byte_at(again(), reader.position()), fault })
}

/// The byte of a place by line and column; behind other characters than ASCII a little early.
fn byte_at(mut text: impl BufRead, place: TextPosition) -> u64 {
    let (mut before, mut line) = (0, Vec::new());
    for _ in 0..place.row() {
        line.clear();
        // Only to say where; what cannot be read again is where it ends.
        before += text.read_until(b'\n', &mut line).unwrap_or(0) as u64;
    }
    line.clear();
    let rest = text.take(place.column()).read_to_end(&mut line).unwrap_or(0);
    before + rest as u64
}
