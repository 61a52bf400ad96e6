//! Brings a copy to a snapshot of its source: what changed is read from the snapshot and written at
//! the same place, what was cleared is cleared. All bytes are absolute bytes of a snapshot that
//! never changes, so doing it twice makes the same copy.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use disk_prep::limits::PAGE_WRITE_BYTES;
use disk_prep::noun::Md5Digest;
use md5::{Digest, Md5};

use super::chain::Mode;
use super::error::Error;
use super::keeper::Keeper;
use super::ranges::{Checked, Span, Work, joined, part, shared, unlike, without, works, written};
use super::record::Verify;
use super::watch::Watch;
use crate::azure::{self, PageBlob, PageRange, PageState, PagesAsked, each};

/// Calls under way at once; a page blob takes no more than that at full size.
pub(super) const AT_ONCE: usize = 8;
/// So much of the end of what a killed run has written is written once more: its last calls may be
/// done in part.
const AGAIN_BYTES: u64 = 2 * AT_ONCE as u64 * PAGE_WRITE_BYTES;

/// A blob as it is, or a snapshot of it.
pub type Side<'a> = (&'a dyn PageBlob, Option<&'a str>);

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Bytes that were written.
    pub written_bytes: u64,
    /// Bytes that were cleared.
    pub cleared_bytes: u64,
    /// Bytes that were read from the source.
    pub read_bytes: u64,
    /// Calls that wrote or cleared.
    pub requests: u64,
}

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

#[derive(Default)]
struct Tally {
    written: AtomicU64,
    cleared: AtomicU64,
    read: AtomicU64,
    requests: AtomicU64,
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
fn refused(blob: &dyn PageBlob, since: Option<&str>, source: azure::Error) -> Error {
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
        let own = allocated(self.source, Some(self.to), self.bytes)?;
        let theirs = allocated(self.target, None, self.bytes)?;
        let sure = theirs.last().map_or(0, |span| span.1.saturating_sub(AGAIN_BYTES));
        let rest = without(&own, &shared(&theirs, &[(0, sure)]));
        self.work(&works(&ranges(&rest, PageState::Written)), None, &tally)?;
        Ok(tally.counts())
    }

    /// Makes the target the snapshot by writing what differs from what it holds now. Nobody else
    /// writes to it meanwhile.
    pub fn level(&self) -> Result<Counts, Error> {
        let tally = Tally::default();
        self.differing((self.target, None), &tally)?;
        Ok(tally.counts())
    }

    /// All that the snapshot has, and all else cleared.
    fn whole(&self, tally: &Tally) -> Result<(), Error> {
        let own = allocated(self.source, Some(self.to), self.bytes)?;
        let theirs = allocated(self.target, None, self.bytes)?;
        let rest = ranges(&without(&theirs, &own), PageState::Cleared);
        self.work(&works(&rest), None, tally)?;
        self.work(&works(&ranges(&own, PageState::Written)), None, tally)
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
        let new = allocated(self.source, Some(self.to), self.bytes)?;
        let gone = ranges(&without(&old, &new), PageState::Cleared);
        self.work(&works(&gone), None, tally)?;
        let all = works(&ranges(&new, PageState::Written));
        self.work(&all, Some(Old { blob, snapshot, spans: &old }), tally)
    }

    fn of_target(&self, source: azure::Error) -> Error {
        Error::of(self.target, source)
    }

    fn work(&self, works: &[Work], old: Option<Old<'_>>, tally: &Tally) -> Result<(), Error> {
        each(works, AT_ONCE, |work| match work {
            Work::Clear((start, end)) => {
                self.keeper.check()?;
                let cleared = self.target.clear(*start, *end, self.keeper.id);
                cleared.map_err(|source| self.of_target(source))?;
                tally.cleared.fetch_add(end - start, Ordering::Relaxed);
                tally.requests.fetch_add(1, Ordering::Relaxed);
                self.watch.sent(end - start)
            }
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
        let content = tally.read(self.content.0, self.content.1, whole)?;
        let pages = match old {
            None => pages.to_vec(),
            Some(old) => changed(whole, pages, &content, old, tally)?,
        };
        for span in written(whole.0, &content, &pages) {
            self.keeper.check()?;
            let own = Bytes::copy_from_slice(part(whole.0, &content, span));
            let (md5, sent) = (md5_of(&own), own.clone());
            let put = self.target.write(span.0, sent, md5, self.keeper.id);
            put.map_err(|source| self.of_target(source))?;
            tally.written.fetch_add(own.len() as u64, Ordering::Relaxed);
            tally.requests.fetch_add(1, Ordering::Relaxed);
            if self.verify != Verify::None {
                let back = self.target.read(None, span.0, own.len() as u64);
                if back.map_err(|source| self.of_target(source))?.0 != own {
                    return Err(Error::ReadBack { blob: self.target.address(), offset: span.0 });
                }
            }
            self.watch.sent(own.len() as u64)?;
        }
        Ok(())
    }
}

impl Counts {
    /// What was done by one and by the other.
    pub fn plus(self, other: Counts) -> Counts {
        Counts {
            written_bytes: self.written_bytes + other.written_bytes,
            cleared_bytes: self.cleared_bytes + other.cleared_bytes,
            read_bytes: self.read_bytes + other.read_bytes,
            requests: self.requests + other.requests,
        }
    }
}

impl Tally {
    fn counts(&self) -> Counts {
        let told = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            written_bytes: told(&self.written),
            cleared_bytes: told(&self.cleared),
            read_bytes: told(&self.read),
            requests: told(&self.requests),
        }
    }

    fn read(
        &self,
        blob: &dyn PageBlob,
        snapshot: Option<&str>,
        span: Span,
    ) -> Result<Bytes, Error> {
        let content = read(blob, snapshot, span)?;
        self.read.fetch_add(span.1 - span.0, Ordering::Relaxed);
        Ok(content)
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

/// A stretch of a blob or snapshot, if it is what the service says that it sends.
pub(super) fn read(
    blob: &dyn PageBlob,
    snapshot: Option<&str>,
    (start, end): Span,
) -> Result<Bytes, Error> {
    let read = blob.read(snapshot, start, end - start);
    let (content, told) = read.map_err(|source| Error::of(blob, source))?;
    match told {
        Some(told) if told != md5_of(&content) => {
            Err(Error::Transport { blob: blob.address(), offset: start })
        }
        _ => Ok(content),
    }
}

pub(super) fn md5_of(content: &[u8]) -> Md5Digest {
    Md5Digest::new(Md5::digest(content).into())
}
