//! What a reference in XML stands for: the sign with a number, or one of the five that XML names
//! itself. Entities of a document's own are no part of anything that we read.

use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::BytesRef;

/// The sign that a reference stands for; nothing for one that the document would have to define.
pub fn referred(reference: &BytesRef<'_>) -> Option<char> {
    match reference.resolve_char_ref() {
        Ok(Some(sign)) => Some(sign),
        _ => resolve_xml_entity(str::from_utf8(reference).ok()?)?.chars().next(),
    }
}

#[cfg(test)]
mod tests {
    use quick_xml::events::Event;
    use quick_xml::reader::Reader;

    use super::*;

    fn of(reference: &str) -> Option<char> {
        let text = format!("<a>{reference}</a>");
        let mut reader = Reader::from_str(&text);
        loop {
            if let Event::GeneralRef(own) = reader.read_event().unwrap() {
                return referred(&own);
            }
        }
    }

    #[test]
    fn numbers_and_the_five_names_stand_for_a_sign_and_no_other_does() {
        let signs = ["&amp;", "&lt;", "&gt;", "&quot;", "&apos;", "&#228;", "&#xE4;"].map(of);
        assert_eq!(signs, ['&', '<', '>', '"', '\'', 'ä', 'ä'].map(Some));
        assert_eq!(["&own;", "&AMP;", "&#xD800;", "&#0;"].map(of), [None; 4]);
    }
}
