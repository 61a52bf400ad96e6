//! Ranges of pages, pure: what a list may be, what is written of it in which calls, and what one
//! set of ranges has that another has not.

use disk_prep::limits::{JOINED_GAP_BYTES, PAGE_BYTES, PAGE_WRITE_BYTES};

use crate::azure::{PageRange, PageState};

/// First byte and end.
pub type Span = (u64, u64);

/// A list that is read part by part: in order, in whole pages, within the blob.
#[derive(Debug, Clone, Copy)]
pub struct Checked {
    bytes: u64,
    at: u64,
}

/// Why a list cannot be, and where.
pub type Fault = (&'static str, u64);

impl Checked {
    /// The list of a blob of this length.
    pub fn new(bytes: u64) -> Self {
        Checked { bytes, at: 0 }
    }

    /// Takes the next part.
    pub fn take(&mut self, part: &[PageRange]) -> Result<(), Fault> {
        for range in part {
            let PageRange { start, end, .. } = *range;
            let rule = if start >= end {
                "a range is empty or runs backwards"
            } else if !start.is_multiple_of(PAGE_BYTES) || !end.is_multiple_of(PAGE_BYTES) {
                "a range is not of whole pages"
            } else if start < self.at {
                "ranges overlap or are out of order"
            } else if end > self.bytes {
                "a range ends beyond the blob"
            } else {
                self.at = end;
                continue;
            };
            return Err((rule, start));
        }
        Ok(())
    }
}

/// What one call or a few do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// Pages are cleared.
    Clear(Span),
    /// A stretch is read as a whole, and of it these pages are written.
    Write {
        /// What is read.
        whole: Span,
        /// What changed of it, in order.
        pages: Vec<Span>,
    },
}

/// The works of a part of a list. Neighbours are read together, across gaps that are small, never
/// across what is cleared, and never across a multiple of what one call writes.
pub fn works(part: &[PageRange]) -> Vec<Work> {
    let mut works: Vec<Work> = Vec::new();
    for range in part {
        if range.state == PageState::Cleared {
            match works.last_mut() {
                Some(Work::Clear(last)) if last.1 == range.start => last.1 = range.end,
                _ => works.push(Work::Clear((range.start, range.end))),
            }
            continue;
        }
        let mut start = range.start;
        while start < range.end {
            let bound = (start / PAGE_WRITE_BYTES + 1) * PAGE_WRITE_BYTES;
            let end = range.end.min(bound);
            match works.last_mut() {
                Some(Work::Write { whole, pages })
                    if start - whole.1 <= JOINED_GAP_BYTES
                        && whole.0 / PAGE_WRITE_BYTES == start / PAGE_WRITE_BYTES =>
                {
                    whole.1 = end;
                    match pages.last_mut() {
                        Some(last) if last.1 == start => last.1 = end,
                        _ => pages.push((start, end)),
                    }
                }
                _ => works.push(Work::Write { whole: (start, end), pages: vec![(start, end)] }),
            }
            start = end;
        }
    }
    works
}

/// What is written of a stretch, given what it holds: its pages, and gaps between them of which every
/// page holds something. A page of zeros may be one that was never written; writing it would cost.
pub fn written(start: u64, content: &[u8], pages: &[Span]) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for &(from, to) in pages {
        match spans.last_mut() {
            Some(last) if is_full(part(start, content, (last.1, from))) => last.1 = to,
            _ => spans.push((from, to)),
        }
    }
    spans
}

/// A span of a content that begins at an offset.
pub fn part(start: u64, content: &[u8], (from, to): Span) -> &[u8] {
    let at = |offset: u64| usize::try_from(offset - start).unwrap_or(usize::MAX);
    content.get(at(from)..at(to)).unwrap_or_default()
}

/// Whether every page holds something.
fn is_full(content: &[u8]) -> bool {
    let page = usize::try_from(PAGE_BYTES).unwrap_or(512);
    content.chunks(page).all(|page| page.iter().any(|byte| *byte != 0))
}

/// What `all` has that `less` has not; both in order.
pub fn without(all: &[Span], less: &[Span]) -> Vec<Span> {
    let mut found = Vec::new();
    let mut rest = less.iter().copied().peekable();
    for &(mut start, end) in all {
        while let Some(&(from, to)) = rest.peek() {
            if to <= start {
                rest.next();
                continue;
            }
            if from >= end {
                break;
            }
            if from > start {
                found.push((start, from));
            }
            start = to.min(end);
            if to > end {
                break;
            }
            rest.next();
        }
        if start < end {
            found.push((start, end));
        }
    }
    found
}

/// What two sets share; both in order.
pub fn shared(one: &[Span], other: &[Span]) -> Vec<Span> {
    without(one, &without(one, other))
}

/// What either of two sets has; both in order.
pub fn joined(one: &[Span], other: &[Span]) -> Vec<Span> {
    let mut all: Vec<Span> = one.iter().chain(other).copied().collect();
    all.sort_unstable();
    let mut found: Vec<Span> = Vec::new();
    for (start, end) in all {
        match found.last_mut() {
            Some(last) if last.1 >= start => last.1 = last.1.max(end),
            _ => found.push((start, end)),
        }
    }
    found
}

/// The pages of one content that differ from those of another of the same length.
pub fn unlike(start: u64, one: &[u8], other: &[u8]) -> Vec<Span> {
    let page = usize::try_from(PAGE_BYTES).unwrap_or(512);
    let mut found: Vec<Span> = Vec::new();
    let mut at = start;
    for (own, theirs) in one.chunks(page).zip(other.chunks(page)) {
        let end = at + own.len() as u64;
        if own != theirs {
            match found.last_mut() {
                Some(last) if last.1 == at => last.1 = end,
                _ => found.push((at, end)),
            }
        }
        at = end;
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAGES: usize = 40;

    /// A set of pages, and its spans.
    fn set() -> impl Strategy<Value = (Vec<bool>, Vec<Span>)> {
        proptest::collection::vec(any::<bool>(), PAGES).prop_map(|set| {
            let spans = spans(&set);
            (set, spans)
        })
    }

    fn spans(set: &[bool]) -> Vec<Span> {
        let one = |at: usize| (at as u64 * PAGE_BYTES, (at as u64 + 1) * PAGE_BYTES);
        let all: Vec<Span> = (0..set.len()).filter(|at| set[*at]).map(one).collect();
        joined(&all, &[])
    }

    fn combined(one: &[bool], other: &[bool], keep: fn(bool, bool) -> bool) -> Vec<Span> {
        let set: Vec<bool> = one.iter().zip(other).map(|(one, other)| keep(*one, *other)).collect();
        spans(&set)
    }

    proptest! {
        #[test]
        fn sets_of_ranges_are_sets_of_pages((one, ones) in set(), (other, others) in set()) {
            let without = joined(&without(&ones, &others), &[]);
            prop_assert_eq!(without, combined(&one, &other, |one, other| one && !other));
            let shared = joined(&shared(&ones, &others), &[]);
            prop_assert_eq!(shared, combined(&one, &other, |one, other| one && other));
            let all = joined(&ones, &others);
            prop_assert_eq!(all, combined(&one, &other, |one, other| one || other));
        }

        /// Whatever a disk was and became, in whatever parts the list of changes comes: what the
        /// works write and clear makes the one of the other, and allocates no page that has none.
        #[test]
        fn the_works_of_a_list_make_the_new_disk_of_the_old(
            old in proptest::collection::vec(0_u8..3, PAGES),
            new in proptest::collection::vec(0_u8..3, PAGES),
            also in proptest::collection::vec(any::<bool>(), PAGES),
            cut in 1_usize..20,
        ) {
            let page = PAGE_BYTES as usize;
            let mut list: Vec<PageRange> = Vec::new();
            for at in 0..PAGES {
                // A list of writes has pages too that hold what they held.
                if old[at] == new[at] && !also[at] { continue }
                let state = if new[at] == 0 { PageState::Cleared } else { PageState::Written };
                let (start, end) = (at as u64 * PAGE_BYTES, (at as u64 + 1) * PAGE_BYTES);
                list.push(PageRange { start, end, state });
            }
            let disk = |pages: &[u8]| -> Vec<u8> {
                pages.iter().flat_map(|own| vec![*own; page]).collect()
            };
            let (mut copy, source) = (disk(&old), disk(&new));
            let mut touched = [false; PAGES];
            let mut checked = Checked::new(source.len() as u64);
            for part in list.chunks(cut) {
                checked.take(part).unwrap();
                for work in works(part) {
                    match work {
                        Work::Clear((start, end)) => copy[start as usize..end as usize].fill(0),
                        Work::Write { whole: (start, end), pages } => {
                            let content = &source[start as usize..end as usize];
                            for (from, to) in written(start, content, &pages) {
                                let own = super::part(start, content, (from, to));
                                copy[from as usize..to as usize].copy_from_slice(own);
                                touched[from as usize / page..to as usize / page].fill(true);
                            }
                        }
                    }
                }
            }
            prop_assert_eq!(&copy, &source);
            for at in 0..PAGES {
                prop_assert!(!touched[at] || new[at] != 0, "page {} was written with nothing", at);
            }
        }
    }

    #[test]
    fn no_call_writes_more_than_the_service_takes_or_reads_across_a_bound() {
        let mib = 1 << 20;
        let all = PageRange { start: 3 * mib, end: 13 * mib, state: PageState::Written };
        let found: Vec<Span> = works(&[all])
            .into_iter()
            .map(|work| match work {
                Work::Write { whole, .. } => whole,
                Work::Clear(span) => panic!("{span:?}"),
            })
            .collect();
        let bounds =
            [(3, 4), (4, 8), (8, 12), (12, 13)].map(|(one, other)| (one * mib, other * mib));
        assert_eq!(found, bounds);
    }

    #[test]
    fn a_list_that_cannot_be_is_refused_where_it_is_wrong() {
        let range = |start, end| PageRange { start, end, state: PageState::Written };
        let refused = |ranges: &[PageRange]| Checked::new(4096).take(ranges).unwrap_err();
        for (ranges, rule, offset) in [
            (vec![range(512, 512)], "empty", 512),
            (vec![range(1024, 512)], "backwards", 1024),
            (vec![range(1, 512)], "whole pages", 1),
            (vec![range(0, 1024), range(512, 2048)], "overlap", 512),
            (vec![range(1024, 2048), range(0, 512)], "out of order", 0),
            (vec![range(3584, 4608)], "beyond", 3584),
        ] {
            let fault = refused(&ranges);
            assert!(fault.0.contains(rule) && fault.1 == offset, "{fault:?}");
        }
        let mut parts = Checked::new(4096);
        parts.take(&[range(0, 1024)]).unwrap();
        assert!(parts.take(&[range(0, 512)]).is_err(), "a later part begins anew");
    }
}
