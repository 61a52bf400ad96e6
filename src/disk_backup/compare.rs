//! Whether two snapshots hold the same bytes. Which pages are written is a hint only: pages that were
//! written with zeros and pages that were cleared read the same.

use std::sync::Mutex;

use disk_prep::limits::PAGE_WRITE_BYTES;
use disk_prep::sys::hold::hold;

use super::apply::allocated;
use super::error::Error;
use super::ranges::{Span, joined, unlike};
use super::watch::Watch;
use crate::azure::{PageBlob, each};

/// Reads under way at once.
const AT_ONCE: usize = 8;

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Difference {
    /// The stretches that differ, in order.
    pub spans: Vec<Span>,
    /// Lengths of both, if they differ.
    pub lengths: Option<(u64, u64)>,
    /// Bytes that were compared.
    pub compared_bytes: u64,
}

impl Difference {
    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        self.spans.is_empty() && self.lengths.is_none()
    }
}

/// Compares a snapshot with another.
pub fn compare(
    (one, own): (&dyn PageBlob, &str),
    (other, theirs): (&dyn PageBlob, &str),
    watch: &dyn Watch,
) -> Result<Difference, Error> {
    let bytes = |blob: &dyn PageBlob, id: &str| {
        let failed = |source| Error::Blob { blob: blob.address(), source };
        let gone = || Error::BaselineLost { blob: blob.address(), snapshot: id.to_owned() };
        Ok::<u64, Error>(blob.facts(Some(id)).map_err(failed)?.ok_or_else(gone)?.bytes)
    };
    let (first, second) = (bytes(one, own)?, bytes(other, theirs)?);
    let end = first.min(second);
    let within = |spans: Vec<Span>| -> Vec<Span> {
        spans.into_iter().filter(|span| span.0 < end).map(|(a, b)| (a, b.min(end))).collect()
    };
    let spans = joined(
        &within(allocated(one, Some(own), first)?),
        &within(allocated(other, Some(theirs), second)?),
    );
    let mut pieces: Vec<Span> = Vec::new();
    for (mut start, end) in spans {
        while start < end {
            let bound = (start / PAGE_WRITE_BYTES + 1) * PAGE_WRITE_BYTES;
            pieces.push((start, end.min(bound)));
            start = end.min(bound);
        }
    }
    let found: Mutex<Vec<Span>> = Mutex::default();
    each(&pieces, AT_ONCE, |&(start, end)| {
        let read = |blob: &dyn PageBlob, id: &str| {
            let failed = |source| Error::Blob { blob: blob.address(), source };
            Ok::<_, Error>(blob.read(Some(id), start, end - start).map_err(failed)?.0)
        };
        let differing = unlike(start, &read(one, own)?, &read(other, theirs)?);
        hold(&found).extend(differing);
        watch.sent(0)
    })?;
    let spans = joined(&std::mem::take(&mut *hold(&found)), &[]);
    let lengths = (first != second).then_some((first, second));
    let compared_bytes = pieces.iter().map(|(start, end)| end - start).sum();
    Ok(Difference { spans, lengths, compared_bytes })
}
