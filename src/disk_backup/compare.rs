//! Whether two contents are the same bytes, block by block. Which pages are written is a hint only:
//! pages that were written with zeros and pages that were cleared read the same.

use std::sync::Mutex;

use disk_prep::noun::ReadShare;
use disk_prep::sys::hold::hold;
use uuid::Uuid;

use super::apply::allocated;
use super::error::Error;
use super::pages::{AT_ONCE, Side, read};
use super::ranges::{Span, joined, part, unlike, within};
use super::table::{BLOCK_BYTES, NOTHING, Table, block_count, sum};
use super::watch::Watch;
use crate::azure::each;

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// The stretches that differ, in order.
    pub spans: Vec<Span>,
    /// Lengths of both, if they differ.
    pub lengths: Option<(u64, u64)>,
    /// Bytes that were compared.
    pub compared_bytes: u64,
    /// The digests of the second content, if all of it was compared and found equal.
    pub table: Option<Table>,
}

impl Difference {
    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        self.spans.is_empty() && self.lengths.is_none()
    }

    /// Where the first is.
    pub fn first(&self) -> Option<u64> {
        let of_lengths = self.lengths.map(|(one, other)| one.min(other));
        self.spans.first().map(|span| span.0).or(of_lengths)
    }
}

/// A content whose blocks are read.
pub(super) struct Content<'a> {
    side: Side<'a>,
    pub bytes: u64,
    spans: Vec<Span>,
}

impl<'a> Content<'a> {
    pub fn open(side: Side<'a>) -> Result<Self, Error> {
        let (blob, id) = side;
        let facts = blob.facts(id).map_err(|source| Error::of(blob, source))?;
        let snapshot = id.unwrap_or_default().to_owned();
        let gone = || Error::PointGone { blob: blob.address(), snapshot };
        let bytes = facts.ok_or_else(gone)?.bytes;
        Ok(Content { side, bytes, spans: allocated(blob, id, bytes)? })
    }

    /// What is written of a block.
    fn written(&self, block: Span) -> Vec<Span> {
        within(&self.spans, block)
    }

    /// The block of a number.
    pub fn span(&self, number: usize) -> Span {
        block_of(number, self.bytes)
    }

    /// What a block holds; nothing is read where nothing is written.
    pub fn block(&self, block: Span) -> Result<Vec<u8>, Error> {
        let length = |span: Span| usize::try_from(span.1 - span.0).unwrap_or(usize::MAX);
        let mut content = vec![0; length(block)];
        let written = self.written(block);
        let (Some(first), Some(last)) = (written.first(), written.last()) else {
            return Ok(content);
        };
        let whole = (first.0, last.1);
        let bytes = read(self.side.0, self.side.1, whole)?;
        for span in written {
            let at = length((block.0, span.0));
            if let Some(own) = content.get_mut(at..at + length(span)) {
                own.copy_from_slice(part(whole.0, &bytes, span));
            }
        }
        Ok(content)
    }
}

/// The block of a number, of a content of this length.
pub(super) fn block_of(number: usize, bytes: u64) -> Span {
    let start = number as u64 * BLOCK_BYTES;
    (start, (start + BLOCK_BYTES).min(bytes))
}

/// Compares a content with another: all of it, or a share that is drawn anew each time.
pub fn compare(
    one: Side<'_>,
    other: Side<'_>,
    share: Option<ReadShare>,
    watch: &dyn Watch,
) -> Result<Difference, Error> {
    let (one, other) = (Content::open(one)?, Content::open(other)?);
    let end = one.bytes.min(other.bytes);
    let is_written = |number: &usize| {
        let block = block_of(*number, end);
        !one.written(block).is_empty() || !other.written(block).is_empty()
    };
    let all: Vec<usize> = (0..block_count(end)).filter(is_written).collect();
    let (blocks, is_all) = drawn(all, share);
    let found = Mutex::new((Vec::new(), Table::empty(other.bytes)));
    each(&blocks, AT_ONCE, |number| {
        let block = block_of(*number, end);
        let (own, theirs) = (one.block(block)?, other.block(block)?);
        let (differing, digest) = (unlike(block.0, &own, &theirs), sum(&theirs));
        let mut found = hold(&found);
        found.0.extend(differing);
        found.1.set(*number, digest);
        drop(found);
        watch.looked(block.1 - block.0)
    })?;
    let (spans, table) = std::mem::replace(&mut *hold(&found), (Vec::new(), Table::empty(0)));
    let lengths = (one.bytes != other.bytes).then_some((one.bytes, other.bytes));
    let is_equal = spans.is_empty() && lengths.is_none();
    Ok(Difference {
        spans: joined(&spans, &[]),
        lengths,
        compared_bytes: bytes_of(&blocks, end),
        table: (is_equal && is_all).then_some(table),
    })
}

/// Compares a content with its digest table: all of it, or a share that is drawn anew each time.
pub fn compare_table(
    table: &Table,
    point: Side<'_>,
    share: Option<ReadShare>,
    watch: &dyn Watch,
) -> Result<Difference, Error> {
    let point = Content::open(point)?;
    let end = point.bytes.min(table.bytes());
    let digest = |number: usize| table.blocks().get(number).copied().unwrap_or(NOTHING);
    let is_something = |number: &usize| {
        digest(*number) != NOTHING || !point.written(block_of(*number, end)).is_empty()
    };
    let all: Vec<usize> = (0..block_count(end)).filter(is_something).collect();
    let (blocks, _) = drawn(all, share);
    let found: Mutex<Vec<Span>> = Mutex::default();
    each(&blocks, AT_ONCE, |number| {
        let block = block_of(*number, end);
        if sum(&point.block(block)?) != digest(*number) {
            hold(&found).push(block);
        }
        watch.looked(block.1 - block.0)
    })?;
    let spans = joined(&std::mem::take(&mut *hold(&found)), &[]);
    let lengths = (table.bytes() != point.bytes).then_some((table.bytes(), point.bytes));
    Ok(Difference { spans, lengths, compared_bytes: bytes_of(&blocks, end), table: None })
}

fn bytes_of(blocks: &[usize], end: u64) -> u64 {
    let length = |number: &usize| {
        let block = block_of(*number, end);
        block.1 - block.0
    };
    blocks.iter().map(length).sum()
}

/// So many of the blocks as a share asks for, one from each even stretch of them; and whether those
/// are all.
fn drawn(all: Vec<usize>, share: Option<ReadShare>) -> (Vec<usize>, bool) {
    let bytes = all.len() as u64 * BLOCK_BYTES;
    let Some(wanted) = share.and_then(|share| share.of(bytes)) else { return (all, true) };
    let wanted = block_count(wanted).max(1);
    if wanted >= all.len() {
        return (all, true);
    }
    let chance = || usize::try_from(Uuid::new_v4().as_u128() >> 96).unwrap_or_default();
    let one = |number: usize| {
        let (from, to) = (number * all.len() / wanted, (number + 1) * all.len() / wanted);
        from + chance() % (to - from)
    };
    ((0..wanted).filter_map(|number| all.get(one(number)).copied()).collect(), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_drawn_from_all_over_and_anew_each_time() {
        let all: Vec<usize> = (100..1100).collect();
        let share: ReadShare = "5%".parse().unwrap();
        let (one, is_all) = drawn(all.clone(), Some(share));
        assert!(!is_all && one.len() == 50, "{}", one.len());
        for (number, block) in one.iter().enumerate() {
            assert!((number * 20 + 100..number * 20 + 120).contains(block), "{number} {block}");
        }
        assert_ne!(one, drawn(all.clone(), Some(share)).0);
        assert_eq!(drawn(all.clone(), None), (all.clone(), true));
        assert_eq!(drawn(all.clone(), Some(ReadShare::ALL)), (all, true));
        assert_eq!(drawn(vec![7], Some(share)), (vec![7], true));
    }
}
