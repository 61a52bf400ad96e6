//! Lists of page ranges, part by part as the service gives them: each part is checked before anything
//! is made of it, and of a list that may be longer than memory should hold one part is kept.

use std::collections::VecDeque;

use super::error::Error;
use super::pages::Side;
use super::ranges::{Checked, Span, joined};
use crate::azure::{self, PageBlob, PageRange, PageState, PagesAsked};

/// A list that is read part by part.
struct Listing<'a> {
    side: Side<'a>,
    /// The snapshot to which it is the difference.
    since: Option<&'a str>,
    checked: Checked,
    marker: Option<String>,
    is_over: bool,
}

impl<'a> Listing<'a> {
    fn of(side: Side<'a>, since: Option<&'a str>, bytes: u64) -> Self {
        Listing { side, since, checked: Checked::new(bytes), marker: None, is_over: false }
    }

    /// The next part; `None` at the end.
    fn next(&mut self) -> Result<Option<Vec<PageRange>>, Error> {
        if self.is_over {
            return Ok(None);
        }
        let (blob, snapshot) = self.side;
        let asked = PagesAsked { snapshot, since: self.since, marker: self.marker.as_deref() };
        let list = blob.pages(asked).map_err(|source| refused(blob, self.since, source))?;
        let wrong = |(rule, offset)| Error::List { blob: blob.address(), rule, offset };
        self.checked.take(&list.ranges).map_err(wrong)?;
        match list.next {
            None => self.is_over = true,
            Some(_) if list.ranges.is_empty() => return Err(wrong(("a part is empty", 0))),
            next if next == self.marker => return Err(wrong(("it goes on where it was", 0))),
            next => self.marker = next,
        }
        Ok(Some(list.ranges))
    }
}

/// The ranges of a list, all its parts.
pub(super) fn listed(
    blob: &dyn PageBlob,
    snapshot: Option<&str>,
    since: Option<&str>,
    bytes: u64,
    mut take: impl FnMut(&[PageRange]) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut listing = Listing::of((blob, snapshot), since, bytes);
    while let Some(part) = listing.next()? {
        take(&part)?;
    }
    Ok(())
}

/// What the service says when it cannot tell a difference ("Get Page Ranges").
pub(super) fn refused(blob: &dyn PageBlob, since: Option<&str>, source: azure::Error) -> Error {
    const NO_DIFFERENCE: [&str; 4] = [
        "BlobOverwritten",
        "PreviousSnapshotNotFound",
        "PreviousSnapshotOperationNotSupported",
        "BlobGenerationMismatch",
    ];
    match (&source, since) {
        (azure::Error::Refused { code, .. }, Some(since))
            if NO_DIFFERENCE.contains(&code.as_str()) =>
        {
            let (code, snapshot) = (code.clone(), since.to_owned());
            Error::NoDifference { blob: blob.address(), snapshot, code }
        }
        _ => Error::of(blob, source),
    }
}

/// The written ranges of a snapshot or blob.
pub(super) fn allocated(
    blob: &dyn PageBlob,
    snapshot: Option<&str>,
    bytes: u64,
) -> Result<Vec<Span>, Error> {
    let mut spans = Vec::new();
    listed(blob, snapshot, None, bytes, |part| {
        let written = part.iter().filter(|range| range.state == PageState::Written);
        spans.extend(written.map(|range| (range.start, range.end)));
        Ok(())
    })?;
    Ok(joined(&spans, &[]))
}

/// Which ranges of a list count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    Written,
    All,
}

/// The spans of a list, taken in order; it is read on as they are taken.
pub(super) struct Spans<'a> {
    listing: Option<Listing<'a>>,
    counted: Counted,
    ahead: VecDeque<Span>,
    /// What lies before this is known.
    reach: u64,
    /// What lies before this was taken.
    at: u64,
}

impl<'a> Spans<'a> {
    /// What is written of a content. A blob as it is now may be changed by whoever takes its spans, and
    /// nobody knows what a list does then that is not at its end: that one is read before.
    pub fn written((blob, snapshot): Side<'a>, bytes: u64) -> Result<Self, Error> {
        match snapshot {
            Some(_) => Ok(Spans::read((blob, snapshot), None, bytes, Counted::Written)),
            None => Ok(Spans::held(allocated(blob, None, bytes)?)),
        }
    }

    /// What was written or changed since a snapshot, or ever.
    pub fn read(side: Side<'a>, since: Option<&'a str>, bytes: u64, counted: Counted) -> Self {
        let listing = Some(Listing::of(side, since, bytes));
        Spans { listing, counted, ahead: VecDeque::new(), reach: 0, at: 0 }
    }

    /// Those that are known already; in order.
    pub fn held(spans: Vec<Span>) -> Self {
        let (counted, reach) = (Counted::All, u64::MAX);
        Spans { listing: None, counted, ahead: spans.into(), reach, at: 0 }
    }

    /// Up to where spans can be taken; the next part is read when all before it are.
    fn reach(&mut self) -> Result<u64, Error> {
        while self.reach <= self.at {
            let part = match &mut self.listing {
                Some(listing) => listing.next()?,
                None => None,
            };
            let Some(part) = part else {
                self.reach = u64::MAX;
                break;
            };
            let is_counted = |range: &&PageRange| {
                self.counted == Counted::All || range.state == PageState::Written
            };
            self.reach = part.last().map_or(self.reach, |range| range.end);
            self.ahead.extend(part.iter().filter(is_counted).map(|own| (own.start, own.end)));
        }
        Ok(self.reach)
    }

    /// Those from where the last ones ended to here, which is no farther than they reach.
    fn upto(&mut self, end: u64) -> Vec<Span> {
        let mut taken: Vec<Span> = Vec::new();
        while let Some(own) = self.ahead.front_mut().filter(|own| own.0 < end) {
            let span = (own.0, own.1.min(end));
            match taken.last_mut() {
                Some(last) if last.1 == span.0 => last.1 = span.1,
                _ => taken.push(span),
            }
            own.0 = span.1;
            if own.0 == own.1 {
                self.ahead.pop_front();
            }
        }
        self.at = end;
        taken
    }

    /// From the first to the last byte of those between where the last ones ended and here.
    pub fn extent(&mut self, end: u64) -> Result<Option<Span>, Error> {
        let mut found: Option<Span> = None;
        while self.at < end {
            let next = self.reach()?.min(end);
            let taken = self.upto(next);
            if let (Some(first), Some(last)) = (taken.first(), taken.last()) {
                found = Some((found.map_or(first.0, |own| own.0), last.1));
            }
        }
        Ok(found)
    }

    /// Those between where the last ones ended and here.
    pub fn before(&mut self, end: u64) -> Result<Vec<Span>, Error> {
        let mut found = Vec::new();
        while self.at < end {
            let next = self.reach()?.min(end);
            found.extend(self.upto(next));
        }
        Ok(found)
    }
}

/// Takes the spans of two lists side by side, stretch by stretch, up to an end.
pub(super) fn in_step(
    one: &mut Spans<'_>,
    other: &mut Spans<'_>,
    end: u64,
    mut take: impl FnMut(&[Span], &[Span]) -> Result<(), Error>,
) -> Result<(), Error> {
    while one.at < end {
        let next = one.reach()?.min(other.reach()?).min(end);
        take(&one.upto(next), &other.upto(next))?;
    }
    Ok(())
}

/// How many bytes spans have.
pub(super) fn bytes_of(spans: &[Span]) -> u64 {
    spans.iter().map(|span| span.1 - span.0).sum()
}
