//! A point that is compared with its digest table while it becomes a disk: each block is compared as it
//! is read, before anything of it is written.

use bytes::Bytes;

use super::apply::{AGAIN_BYTES, Application};
use super::compare::{block, block_of};
use super::error::Error;
use super::listing::{Spans, allocated};
use super::pages::{AT_ONCE, Counts, Tally};
use super::ranges::{Span, part, shared, without, written};
use super::table::{NOTHING, Table, block_count, sum};
use crate::azure::each;

/// So many blocks are looked ahead.
const BLOCKS_AHEAD: usize = 64;

/// What a point is compared with.
#[derive(Debug, Clone, Copy)]
pub struct Check<'a> {
    /// Its digest table.
    pub table: &'a Table,
    /// Its time.
    pub point: &'a str,
}

/// A block of which something is to be written.
struct Missing {
    number: usize,
    block: Span,
    /// From the first to the last byte of what is written of the point.
    whole: Span,
    pages: Vec<Span>,
}

impl Application<'_> {
    /// Into a target that was made for it, with each block compared; whether all of them were. What a run
    /// that was killed has written was compared by that run, and is left.
    pub fn fill_checked(&self, check: &Check<'_>) -> Result<(Counts, bool), Error> {
        let tally = Tally::default();
        let theirs = allocated(self.target, None, self.bytes)?;
        let sure = theirs.last().map_or(0, |span| span.1.saturating_sub(AGAIN_BYTES));
        let mut theirs = Spans::held(shared(&theirs, &[(0, sure)]));
        let mut own = Spans::written((self.source, Some(self.to)), self.bytes)?;
        let (mut ahead, mut is_whole) = (Vec::with_capacity(BLOCKS_AHEAD), true);
        let count = block_count(self.bytes);
        for number in 0..count {
            let block = block_of(number, self.bytes);
            let (written, there) = (own.before(block.1)?, theirs.before(block.1)?);
            let pages = without(&written, &there);
            match (written.first(), written.last()) {
                (Some(first), Some(last)) if !pages.is_empty() => {
                    ahead.push(Missing { number, block, whole: (first.0, last.1), pages });
                }
                (None, _) => self.compared(check, number, NOTHING)?,
                _ => is_whole = false,
            }
            if ahead.len() == BLOCKS_AHEAD || number + 1 == count {
                each(&ahead, AT_ONCE, |own| self.bring(check, own, &tally))?;
                ahead.clear();
            }
        }
        Ok((tally.counts(), is_whole))
    }

    fn bring(&self, check: &Check<'_>, own: &Missing, tally: &Tally) -> Result<(), Error> {
        let content = block((self.source, Some(self.to)), own.block, Some(own.whole))?;
        tally.was_read(own.whole.1 - own.whole.0);
        self.compared(check, own.number, sum(&content))?;
        for span in written(own.block.0, &content, &own.pages) {
            let pages = Bytes::copy_from_slice(part(own.block.0, &content, span));
            self.pen(tally).write(span.0, pages)?;
        }
        Ok(())
    }

    fn compared(&self, check: &Check<'_>, number: usize, digest: [u8; 32]) -> Result<(), Error> {
        if check.table.blocks().get(number).copied().unwrap_or(NOTHING) == digest {
            return Ok(());
        }
        Err(Error::PointHalf {
            snapshot: check.point.to_owned(),
            blob: self.source.address(),
            offset: block_of(number, self.bytes).0,
            made: self.target.address(),
            backup: None,
        })
    }
}
