//! Whether two contents are the same bytes, block by block. Which pages are written is a hint only:
//! pages that were written with zeros and pages that were cleared read the same.

use std::sync::Mutex;

use disk_prep::noun::ReadShare;
use disk_prep::sys::hold::hold;
use uuid::Uuid;

use super::error::Error;
use super::listing::Spans;
use super::pages::{AT_ONCE, Side, read};
use super::ranges::{Span, joined, unlike};
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

/// So many blocks are looked ahead: what of two lists of pages is kept.
const BLOCKS_AHEAD: usize = 64;

/// The length of a content.
pub(super) fn length((blob, id): Side<'_>) -> Result<u64, Error> {
    let facts = blob.facts(id).map_err(|source| Error::of(blob, source))?;
    let snapshot = id.unwrap_or_default().to_owned();
    let gone = || Error::PointGone { blob: blob.address(), snapshot };
    Ok(facts.ok_or_else(gone)?.bytes)
}

/// What a block holds; nothing is read where nothing is written.
pub(super) fn block(
    (blob, snapshot): Side<'_>,
    block: Span,
    written: Option<Span>,
) -> Result<Vec<u8>, Error> {
    let count = |span: Span| usize::try_from(span.1 - span.0).unwrap_or(usize::MAX);
    let mut content = vec![0; count(block)];
    if let Some(whole) = written {
        let at = count((block.0, whole.0));
        let bytes = read(blob, snapshot, whole)?;
        if let Some(own) = content.get_mut(at..at + bytes.len()) {
            own.copy_from_slice(&bytes);
        }
    }
    Ok(content)
}

/// The block of a number, of a content of this length.
pub(super) fn block_of(number: usize, bytes: u64) -> Span {
    let start = number as u64 * BLOCK_BYTES;
    (start, (start + BLOCK_BYTES).min(bytes))
}

/// Looks at the blocks of a content of this length, in order, several at once: at all of those of
/// which there is something, or at a share that is drawn anew each time. `look` makes what tells of
/// block after block what there is of it. How many bytes were looked at, and whether that is all.
pub(super) fn sweep<T: Sync, L>(
    bytes: u64,
    share: Option<ReadShare>,
    look: impl Fn() -> Result<L, Error>,
    work: impl Fn(usize, Span, &T) -> Result<(), Error> + Sync,
) -> Result<(u64, bool), Error>
where
    L: FnMut(usize, Span) -> Result<Option<T>, Error>,
{
    let count = block_count(bytes);
    let mut drawn = Drawn::all();
    if let Some(share) = share {
        let mut own = look()?;
        let mut all = 0;
        for number in 0..count {
            all += usize::from(own(number, block_of(number, bytes))?.is_some());
        }
        drawn = Drawn::of(all, share);
    }
    let mut own = look()?;
    let mut ahead = Vec::with_capacity(BLOCKS_AHEAD);
    let mut looked_bytes = 0;
    for number in 0..count {
        let block = block_of(number, bytes);
        if let Some(there) = own(number, block)?
            && drawn.takes()
        {
            looked_bytes += block.1 - block.0;
            ahead.push((number, block, there));
        }
        if ahead.len() == BLOCKS_AHEAD || number + 1 == count {
            each(&ahead, AT_ONCE, |(number, block, there)| work(*number, *block, there))?;
            ahead.clear();
        }
    }
    Ok((looked_bytes, drawn.is_all()))
}

/// Compares a content with another: all of it, or a share that is drawn anew each time.
pub fn compare(
    one: Side<'_>,
    other: Side<'_>,
    share: Option<ReadShare>,
    watch: &dyn Watch,
) -> Result<Difference, Error> {
    let (own_bytes, their_bytes) = (length(one)?, length(other)?);
    let end = own_bytes.min(their_bytes);
    let share = share.filter(|share| share.of(end).is_some());
    let found = Mutex::new((Vec::new(), share.is_none().then(|| Table::empty(their_bytes))));
    let look = || {
        let (mut one, mut other) =
            (Spans::written(one, own_bytes)?, Spans::written(other, their_bytes)?);
        Ok(move |_: usize, block: Span| {
            let both = (one.extent(block.1)?, other.extent(block.1)?);
            Ok((both != (None, None)).then_some(both))
        })
    };
    let (compared_bytes, is_all) = sweep(end, share, look, |number, span, written| {
        let own = block(one, span, written.0)?;
        let theirs = block(other, span, written.1)?;
        let (differing, digest) = (unlike(span.0, &own, &theirs), sum(&theirs));
        let mut found = hold(&found);
        found.0.extend(differing);
        if let Some(table) = &mut found.1 {
            table.set(number, digest);
        }
        drop(found);
        watch.looked(span.1 - span.0)
    })?;
    let (spans, table) = std::mem::take(&mut *hold(&found));
    let lengths = (own_bytes != their_bytes).then_some((own_bytes, their_bytes));
    let is_equal = spans.is_empty() && lengths.is_none();
    let table = table.filter(|_| is_equal && is_all);
    Ok(Difference { spans: joined(&spans, &[]), lengths, compared_bytes, table })
}

/// Compares a content with its digest table: all of it, or a share that is drawn anew each time.
pub fn compare_table(
    table: &Table,
    point: Side<'_>,
    share: Option<ReadShare>,
    watch: &dyn Watch,
) -> Result<Difference, Error> {
    let bytes = length(point)?;
    let end = bytes.min(table.bytes());
    let digest = |number: usize| table.blocks().get(number).copied().unwrap_or(NOTHING);
    let look = || {
        let mut spans = Spans::written(point, bytes)?;
        Ok(move |number: usize, block: Span| {
            let written = spans.extent(block.1)?;
            Ok((digest(number) != NOTHING || written.is_some()).then_some(written))
        })
    };
    let found: Mutex<Vec<Span>> = Mutex::default();
    let (compared_bytes, _) = sweep(end, share, look, |number, span, written| {
        if sum(&block(point, span, *written)?) != digest(number) {
            hold(&found).push(span);
        }
        watch.looked(span.1 - span.0)
    })?;
    let spans = joined(&std::mem::take(&mut *hold(&found)), &[]);
    let lengths = (table.bytes() != bytes).then_some((table.bytes(), bytes));
    Ok(Difference { spans, lengths, compared_bytes, table: None })
}

/// Which of so many things are taken: all, or one of each even stretch of them.
#[derive(Debug)]
struct Drawn {
    /// How many there are, and how many are taken; `None` for all.
    some: Option<(usize, usize)>,
    seen: usize,
    stretch: usize,
    next: Option<usize>,
}

impl Drawn {
    fn all() -> Self {
        Drawn { some: None, seen: 0, stretch: 0, next: None }
    }

    /// So many blocks as a share asks for.
    fn of(all: usize, share: ReadShare) -> Self {
        let wanted = share.of(all as u64 * BLOCK_BYTES);
        let wanted = wanted.map(|bytes| block_count(bytes).max(1)).filter(|own| *own < all);
        Drawn { some: wanted.map(|wanted| (all, wanted)), ..Drawn::all() }
    }

    fn is_all(&self) -> bool {
        self.some.is_none()
    }

    /// Whether the next one is taken.
    fn takes(&mut self) -> bool {
        let Some((all, wanted)) = self.some else { return true };
        let number = self.seen;
        self.seen += 1;
        let border = |stretch: usize| stretch * all / wanted;
        if number >= border(self.stretch + 1) {
            self.stretch += 1;
            self.next = None;
        }
        let (from, to) = (border(self.stretch), border(self.stretch + 1));
        let chance = || usize::try_from(Uuid::new_v4().as_u128() >> 96).unwrap_or_default();
        *self.next.get_or_insert_with(|| from + chance() % (to - from)) == number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(all: usize, share: Option<&str>) -> (Vec<usize>, bool) {
        let share = share.map(|own| own.parse::<ReadShare>().unwrap());
        let mut drawn = share.map_or_else(Drawn::all, |share| Drawn::of(all, share));
        let taken = (0..all).filter(|_| drawn.takes()).collect();
        (taken, drawn.is_all())
    }

    #[test]
    fn a_share_is_drawn_from_all_over_and_anew_each_time() {
        let (one, is_all) = drawn(1000, Some("5%"));
        assert!(!is_all && one.len() == 50, "{}", one.len());
        for (number, block) in one.iter().enumerate() {
            assert!((number * 20..number * 20 + 20).contains(block), "{number} {block}");
        }
        assert_ne!(one, drawn(1000, Some("5%")).0);
        let all: Vec<usize> = (0..1000).collect();
        assert_eq!(drawn(1000, None), (all.clone(), true));
        assert_eq!(drawn(1000, Some("100%")), (all, true));
        assert_eq!(drawn(1, Some("5%")), (vec![0], true));
        for (wanted, all) in [("37%", 11), ("99%", 1003), ("1%", 101)] {
            let share: ReadShare = wanted.parse().unwrap();
            let bytes = share.of(all as u64 * BLOCK_BYTES).unwrap();
            assert_eq!(drawn(all, Some(wanted)).0.len(), block_count(bytes), "{wanted} of {all}");
        }
    }
}
