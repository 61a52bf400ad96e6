//! Brings a copy to a snapshot of its source: what changed is read from the snapshot and written at
//! the same place, what was cleared is cleared. All bytes are absolute bytes of a snapshot that
//! never changes, so doing it twice makes the same copy.

use bytes::Bytes;
use disk_prep::limits::PAGE_WRITE_BYTES;

use super::chain::Mode;
use super::engine::Via;
use super::error::Error;
use super::keeper::Keeper;
use super::pages::{AT_ONCE, Counts, Known, Origin, Pen, Side, Tally};
use super::ranges::{
    Checked, Span, Work, joined, part, shared, unlike, within, without, works, written,
};
use super::record::Verify;
use super::watch::Watch;
use crate::azure::{self, PageBlob, PageRange, PageState, PagesAsked, each};

/// So much of the end of what a killed run has written is written once more: its last calls may be
/// done in part.
const AGAIN_BYTES: u64 = 2 * AT_ONCE as u64 * PAGE_WRITE_BYTES;

/// From where to where.
pub(super) struct Application<'a> {
    pub source: &'a dyn PageBlob,
    pub target: &'a dyn PageBlob,
    /// Where the bytes of the snapshot are read.
    pub content: Side<'a>,
    /// The source's snapshot that the copy holds; none if it holds nothing.
    pub from: Option<&'a str>,
    /// The one that it is to hold.
    pub to: &'a str,
    /// Its length.
    pub bytes: u64,
    /// Who carries what is written.
    pub via: Via,
    pub keeper: &'a Keeper,
    pub verify: Verify,
    pub watch: &'a dyn Watch,
}

/// What there was before, of which equal pages are not written again.
#[derive(Clone, Copy)]
struct Old<'a> {
    blob: &'a dyn PageBlob,
    /// A snapshot of it, or as it is now.
    snapshot: Option<&'a str>,
    /// What of it is written.
    spans: &'a [Span],
}

/// The ranges of a list, all its parts, each checked before anything is made of it.
pub(super) fn listed(
    blob: &dyn PageBlob,
    snapshot: Option<&str>,
    since: Option<&str>,
    bytes: u64,
    mut take: impl FnMut(&[PageRange]) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut checked = Checked::new(bytes);
    let mut marker: Option<String> = None;
    loop {
        let asked = PagesAsked { snapshot, since, marker: marker.as_deref() };
        let list = blob.pages(asked).map_err(|source| refused(blob, since, source))?;
        let wrong = |(rule, offset)| Error::List { blob: blob.address(), rule, offset };
        checked.take(&list.ranges).map_err(wrong)?;
        let is_empty = list.ranges.is_empty();
        take(&list.ranges)?;
        match list.next {
            None => return Ok(()),
            Some(next) if is_empty || marker.as_ref() == Some(&next) => {
                let rule = if is_empty { "a part is empty" } else { "it goes on where it was" };
                return Err(wrong((rule, 0)));
            }
            next => marker = next,
        }
    }
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

fn ranges(spans: &[Span], state: PageState) -> Vec<PageRange> {
    spans.iter().map(|&(start, end)| PageRange { start, end, state }).collect()
}

fn spans(ranges: &[PageRange]) -> Vec<Span> {
    ranges.iter().map(|range| (range.start, range.end)).collect()
}

impl Application<'_> {
    /// Does it.
    pub fn run(&self, mode: Mode) -> Result<Counts, Error> {
        let tally = Tally::default();
        match (mode, self.from) {
            (Mode::Service, Some(from)) => {
                listed(self.source, Some(self.to), Some(from), self.bytes, |part| {
                    self.work(&works(part), None, &tally)
                })?;
            }
            (Mode::Client, Some(from)) => self.differing((self.source, Some(from)), &tally)?,
            // A difference to nothing is all.
            (Mode::All | Mode::Service | Mode::Client, _) => self.whole(&tally)?,
        }
        Ok(tally.counts())
    }

    /// Into a target that was made for it: what a run that was killed has written is left.
    pub fn fill(&self) -> Result<Counts, Error> {
        let tally = Tally::default();
        let theirs = allocated(self.target, None, self.bytes)?;
        let sure = theirs.last().map_or(0, |span| span.1.saturating_sub(AGAIN_BYTES));
        let theirs = shared(&theirs, &[(0, sure)]);
        self.stretches(|stretch, own| {
            let rest = without(&spans(own), &within(&theirs, stretch));
            self.work(&works(&ranges(&rest, PageState::Written)), None, &tally)
        })?;
        Ok(tally.counts())
    }

    /// Makes the target the snapshot by writing what differs from what it holds now. Nobody else
    /// writes to it meanwhile.
    pub fn level(&self) -> Result<Counts, Error> {
        let tally = Tally::default();
        self.differing((self.target, None), &tally)?;
        Ok(tally.counts())
    }

    /// What is written of the snapshot, part by part of its list, which may be longer than memory
    /// should hold: each with the stretch from the end of the part before to its own.
    fn stretches(
        &self,
        mut take: impl FnMut(Span, &[PageRange]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut at = 0;
        listed(self.source, Some(self.to), None, self.bytes, |part| {
            let end = part.last().map_or(at, |range| range.end);
            let own: Vec<PageRange> =
                part.iter().filter(|range| range.state == PageState::Written).copied().collect();
            take((std::mem::replace(&mut at, end), end), &own)
        })?;
        take((at, self.bytes), &[])
    }

    /// Clears what there is in a stretch and the snapshot has not.
    fn clear_beside(
        &self,
        theirs: &[Span],
        stretch: Span,
        own: &[PageRange],
        tally: &Tally,
    ) -> Result<(), Error> {
        let rest = without(&within(theirs, stretch), &spans(own));
        self.work(&works(&ranges(&rest, PageState::Cleared)), None, tally)
    }

    /// All that the snapshot has, and all else cleared.
    fn whole(&self, tally: &Tally) -> Result<(), Error> {
        let theirs = allocated(self.target, None, self.bytes)?;
        self.stretches(|stretch, own| {
            self.clear_beside(&theirs, stretch, own, tally)?;
            self.work(&works(own), None, tally)
        })
    }

    /// What the snapshot has that another content has not, as both are read.
    fn differing(
        &self,
        (blob, snapshot): (&dyn PageBlob, Option<&str>),
        tally: &Tally,
    ) -> Result<(), Error> {
        let facts = blob.facts(snapshot).map_err(|source| Error::of(blob, source))?;
        let gone = || Error::BaselineLost {
            blob: blob.address(),
            snapshot: snapshot.unwrap_or_default().to_owned(),
        };
        let before = facts.ok_or_else(gone)?.bytes;
        let old = allocated(blob, snapshot, before)?;
        let old = shared(&old, &[(0, self.bytes)]);
        self.stretches(|stretch, own| {
            self.clear_beside(&old, stretch, own, tally)?;
            let spans = &within(&old, stretch);
            self.work(&works(own), Some(Old { blob, snapshot, spans }), tally)
        })
    }

    fn pen<'r>(&'r self, tally: &'r Tally) -> Pen<'r> {
        let Application { target, keeper, verify, watch, .. } = *self;
        Pen { target, keeper, verify, watch, tally }
    }

    fn work(&self, works: &[Work], old: Option<Old<'_>>, tally: &Tally) -> Result<(), Error> {
        each(works, AT_ONCE, |work| match work {
            Work::Clear(span) => self.pen(tally).clear(*span),
            Work::Write { whole, pages } => self.write(*whole, pages, old, tally),
        })
    }

    fn write(
        &self,
        whole: Span,
        pages: &[Span],
        old: Option<Old<'_>>,
        tally: &Tally,
    ) -> Result<(), Error> {
        let pen = self.pen(tally);
        let from = |known| Origin { blob: self.source, snapshot: self.to, known };
        if old.is_none() && self.via == Via::Server {
            // Nobody looks at the gaps between them, so they are left.
            let unread = Known::At(self.content);
            return pages.iter().try_for_each(|span| pen.write_from(&from(unread), *span));
        }
        let content = tally.read(self.content.0, self.content.1, whole)?;
        let pages = match old {
            None => pages.to_vec(),
            Some(old) => changed(whole, pages, &content, old, tally)?,
        };
        if self.via == Via::Server {
            return pages.iter().try_for_each(|span| {
                let known = Known::Here(part(whole.0, &content, *span));
                pen.write_from(&from(known), *span)
            });
        }
        for span in written(whole.0, &content, &pages) {
            let own = Bytes::copy_from_slice(part(whole.0, &content, span));
            pen.write(span.0, own)?;
        }
        Ok(())
    }
}

/// Of pages those that hold something else than before, or that were not there.
fn changed(
    whole: Span,
    pages: &[Span],
    content: &[u8],
    old: Old<'_>,
    tally: &Tally,
) -> Result<Vec<Span>, Error> {
    let mut changed = without(pages, old.spans);
    for span in shared(pages, &shared(old.spans, &[whole])) {
        let before = tally.read(old.blob, old.snapshot, span)?;
        changed.extend(unlike(span.0, part(whole.0, content, span), &before));
    }
    Ok(joined(&changed, &[]))
}
