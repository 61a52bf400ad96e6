//! The list of page ranges that the service gives: written and cleared ranges mixed in order of
//! address ("Get Page Ranges"). Pure. It is read here and not by the SDK's model, which fails where
//! the two kinds are mixed; an answer is never part of an error, since it may hold addresses.

use quick_xml::Reader;
use quick_xml::events::Event;

/// What is said of pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PageState {
    /// They were written.
    Written,
    /// They were cleared.
    Cleared,
}

/// Pages next to each other, in bytes; `end` is not part of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PageRange {
    /// First byte.
    pub start: u64,
    /// The byte behind the last one.
    pub end: u64,
    /// What is said of them.
    pub state: PageState,
}

/// One part of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PageList {
    /// The ranges, as they came.
    pub ranges: Vec<PageRange>,
    /// Where the list goes on.
    pub next: Option<String>,
}

/// Why a list is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PageListFault {
    /// It is no XML, or not all of it is there.
    #[error("the list of pages is no XML")]
    Xml,
    /// It has an entity, which no number needs.
    #[error("the list of pages has an entity")]
    Entity,
    /// A range without start or end, or with one that is no number.
    #[error("a range of the list of pages has no start or no end")]
    Number,
    /// It is no list of pages.
    #[error("the answer is no list of pages")]
    Other,
}

impl PageList {
    /// Reads one part.
    pub fn parse(body: &[u8]) -> Result<Self, PageListFault> {
        let text = std::str::from_utf8(body).map_err(|_| PageListFault::Xml)?;
        // Some services begin with a mark of their encoding.
        let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
        let mut list = PageList::default();
        let mut path: Vec<Vec<u8>> = Vec::new();
        let (mut start, mut end) = (None, None);
        let mut is_list = false;
        loop {
            match reader.read_event().map_err(|_| PageListFault::Xml)? {
                Event::Start(tag) => {
                    path.push(tag.name().as_ref().to_vec());
                    is_list |= path.len() == 1 && path[0] == b"PageList";
                    (start, end) = if path.len() == 2 { (None, None) } else { (start, end) };
                }
                Event::Text(text) => {
                    let text = text.decode().map_err(|_| PageListFault::Xml)?;
                    match path.iter().map(Vec::as_slice).collect::<Vec<_>>()[..] {
                        [_, b"PageRange" | b"ClearRange", b"Start"] => number(&text, &mut start)?,
                        [_, b"PageRange" | b"ClearRange", b"End"] => number(&text, &mut end)?,
                        [_, b"NextMarker"] => marker(&text, &mut list.next)?,
                        _ => {}
                    }
                }
                Event::End(_) => {
                    let state = match path.iter().map(Vec::as_slice).collect::<Vec<_>>()[..] {
                        [b"PageList", b"PageRange"] => Some(PageState::Written),
                        [b"PageList", b"ClearRange"] => Some(PageState::Cleared),
                        _ => None,
                    };
                    if let Some(state) = state {
                        let (Some(start), Some(last)) = (start, end) else {
                            return Err(PageListFault::Number);
                        };
                        // The service names the last byte.
                        let end = u64::checked_add(last, 1).ok_or(PageListFault::Number)?;
                        list.ranges.push(PageRange { start, end, state });
                    }
                    path.pop();
                }
                Event::GeneralRef(_) | Event::DocType(_) => return Err(PageListFault::Entity),
                Event::Eof if !path.is_empty() => return Err(PageListFault::Xml),
                Event::Eof if !is_list => return Err(PageListFault::Other),
                Event::Eof => return Ok(list),
                Event::Empty(tag) => {
                    is_list |= path.is_empty() && tag.name().as_ref() == b"PageList"
                }
                _ => {}
            }
        }
    }
}

/// Takes a number where there is none yet: half of one is another.
fn number(text: &str, own: &mut Option<u64>) -> Result<(), PageListFault> {
    let number = text.trim().parse().map_err(|_| PageListFault::Number)?;
    if own.replace(number).is_some() { Err(PageListFault::Number) } else { Ok(()) }
}

/// Takes where the list goes on, which comes in one piece.
fn marker(text: &str, own: &mut Option<String>) -> Result<(), PageListFault> {
    let text = text.trim();
    let is_second = !text.is_empty() && own.replace(text.to_owned()).is_some();
    if is_second { Err(PageListFault::Other) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::PageState::{Cleared, Written};
    use super::*;

    fn read(inner: &str) -> Result<PageList, PageListFault> {
        let text = format!("\u{feff}<?xml version=\"1.0\"?>\n<PageList>{inner}</PageList>");
        PageList::parse(text.as_bytes())
    }

    fn range(kind: &str, start: u64, last: u64) -> String {
        format!("<{kind}><Start>{start}</Start><End>{last}</End></{kind}>\n")
    }

    #[test]
    fn written_and_cleared_ranges_come_mixed_and_stay_in_their_order() {
        let text = [range("PageRange", 0, 511), range("ClearRange", 512, 1023)].concat()
            + &range("PageRange", 2048, 4095)
            + "<NextMarker>4096</NextMarker>";
        let list = read(&text).unwrap();
        let found: Vec<_> = list.ranges.iter().map(|own| (own.start, own.end, own.state)).collect();
        assert_eq!(found, [(0, 512, Written), (512, 1024, Cleared), (2048, 4096, Written)]);
        assert_eq!(list.next.as_deref(), Some("4096"));
        assert_eq!(read("<NextMarker />").unwrap(), PageList::default());
        assert_eq!(PageList::parse(b"<PageList/>").unwrap(), PageList::default());
    }

    #[test]
    fn what_is_no_list_is_refused_whatever_it_is() {
        let wrong = [
            ("<PageRange><Start>0</Start></PageRange>", PageListFault::Number),
            ("<PageRange><Start>-1</Start><End>1</End></PageRange>", PageListFault::Number),
            ("<PageRange><Start>x</Start><End>1</End></PageRange>", PageListFault::Number),
            (
                "<PageRange><Start>1<!-- -->2</Start><End>99</End></PageRange>",
                PageListFault::Number,
            ),
            (
                "<PageRange><Start>0</Start><End>1</End><End>99</End></PageRange>",
                PageListFault::Number,
            ),
            ("<NextMarker>a<!-- -->b</NextMarker>", PageListFault::Other),
            ("<PageRange><Start>&one;</Start><End>1</End></PageRange>", PageListFault::Entity),
            ("<PageRange>", PageListFault::Xml),
        ];
        for (text, fault) in wrong {
            assert_eq!(read(text), Err(fault), "{text}");
        }
        let large = range("PageRange", 0, u64::MAX);
        assert_eq!(read(&large), Err(PageListFault::Number));
        for text in ["", "<Blobs></Blobs>", "not XML"] {
            assert_eq!(PageList::parse(text.as_bytes()), Err(PageListFault::Other), "{text}");
        }
        let bomb = "<!DOCTYPE a [<!ENTITY b \"c\">]><PageList></PageList>";
        assert_eq!(PageList::parse(bomb.as_bytes()), Err(PageListFault::Entity));
        assert_eq!(PageList::parse(b"<PageList>"), Err(PageListFault::Xml));
    }
}
