//! A point compared with what it is a point of.

use super::compare::compare;
use super::error::Error;
use super::scratch::Readable;
use super::table::Table;
use super::watch::Watch;
use crate::azure::PageBlob;

/// A point that was compared with the source's snapshot, all of both, and is equal to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// Bytes that were compared.
    pub bytes: u64,
    /// The point's digests.
    pub table: Option<Table>,
}

/// Compares all of a point with the source's snapshot.
pub(super) fn prove(
    own: &Readable<'_>,
    copy: &dyn PageBlob,
    point: &str,
    watch: &dyn Watch,
) -> Result<Proven, Error> {
    let found = compare(own.side(), (copy, Some(point)), None, watch)?;
    match found.first() {
        Some(offset) => Err(Error::ReadBack { blob: copy.address(), offset }),
        None => Ok(Proven { bytes: found.compared_bytes, table: found.table }),
    }
}
