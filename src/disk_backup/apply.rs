//! Brings a copy to a snapshot of its source: what changed is read from the snapshot and written at
//! the same place, what was cleared is cleared. All bytes are absolute bytes of a snapshot that
//! never changes, so doing it twice makes the same copy.

use bytes::Bytes;
use disk_prep::limits::PAGE_WRITE_BYTES;

use super::chain::Mode;
use super::engine::Via;
use super::error::Error;
use super::keeper::Keeper;
use super::listing::{Spans, allocated, in_step, listed};
use super::pages::{AT_ONCE, Counts, Known, Origin, Pen, Side, Tally};
use super::ranges::{Span, Work, joined, part, shared, unlike, without, works, written};
use super::record::Verify;
use super::watch::Watch;
use crate::azure::{PageBlob, PageRange, PageState, each};

/// So much of the end of what a killed run has written is written once more: its last calls may be
/// done in part.
pub(super) const AGAIN_BYTES: u64 = 2 * AT_ONCE as u64 * PAGE_WRITE_BYTES;

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

fn ranges(spans: &[Span], state: PageState) -> Vec<PageRange> {
    spans.iter().map(|&(start, end)| PageRange { start, end, state }).collect()
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
        let mut theirs = Spans::held(shared(&theirs, &[(0, sure)]));
        self.beside(&mut theirs, |own, theirs| {
            self.work(&works(&ranges(&without(own, theirs), PageState::Written)), None, &tally)
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

    /// What is written of the snapshot beside what is written elsewhere, stretch by stretch.
    fn beside(
        &self,
        theirs: &mut Spans<'_>,
        take: impl FnMut(&[Span], &[Span]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut own = Spans::written((self.source, Some(self.to)), self.bytes)?;
        in_step(&mut own, theirs, self.bytes, take)
    }

    /// Clears what there is and the snapshot has not.
    fn clear_beside(&self, theirs: &[Span], own: &[Span], tally: &Tally) -> Result<(), Error> {
        let rest = without(theirs, own);
        self.work(&works(&ranges(&rest, PageState::Cleared)), None, tally)
    }

    /// All that the snapshot has, and all else cleared.
    fn whole(&self, tally: &Tally) -> Result<(), Error> {
        let mut theirs = Spans::written((self.target, None), self.bytes)?;
        self.beside(&mut theirs, |own, theirs| {
            self.clear_beside(theirs, own, tally)?;
            self.work(&works(&ranges(own, PageState::Written)), None, tally)
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
        let mut old = Spans::written((blob, snapshot), before)?;
        self.beside(&mut old, |own, spans| {
            self.clear_beside(spans, own, tally)?;
            let works = works(&ranges(own, PageState::Written));
            self.work(&works, Some(Old { blob, snapshot, spans }), tally)
        })
    }

    pub(super) fn pen<'r>(&'r self, tally: &'r Tally) -> Pen<'r> {
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
